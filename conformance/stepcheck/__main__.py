"""``python -m stepcheck``."""

from stepcheck.cli.commands import main

if __name__ == "__main__":
    main()
