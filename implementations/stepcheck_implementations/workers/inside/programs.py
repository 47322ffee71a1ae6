"""A Python program run as ``python FILE`` runs it, in a process that has imported torch and nothing of a subject."""

from __future__ import annotations

import sys
import types

from stepcheck_implementations.driver.error_text import one_line

PASSES, FAILS = "passes", "fails"
"""What a program may have done, unless it raises."""


def run(text: str) -> str:
    """Return "passes", "fails" (it exits with another status than 0), or "raises " and the exception in one line."""
    main = types.ModuleType("__main__")
    previous = sys.modules.get("__main__")
    sys.modules["__main__"] = main
    try:
        exec(compile(text, "program.py", "exec"), main.__dict__)
    except SystemExit as stop:
        return PASSES if stop.code in (None, 0) else FAILS
    except BaseException as error:
        return f"raises {one_line(error)}"
    finally:
        if previous is not None:
            sys.modules["__main__"] = previous
    return PASSES
