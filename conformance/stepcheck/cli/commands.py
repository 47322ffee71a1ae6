"""The command line: its verbs, and the exit code of each outcome. Heavy imports stay inside the verbs."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Sequence

import click

from stepcheck import __version__
from stepcheck.cli.exit_codes import EXIT_CODES
from stepcheck.cli.guard import guard
from stepcheck.cli.reading_verbs import identify, read
from stepcheck.cli.reference_verbs import explain, laws, prove, rules, schema
from stepcheck.cli.target_verbs import certify, replay, scaffold
from stepcheck.cli.termination import Terminated, termination
from stepcheck.cli.usage_errors import is_refusal, sentence
from stepcheck.cli.verb_group import VerbGroup
from stepcheck_reference.verdict import CONTRADICTION, INTERRUPTED, WRONG_REQUEST


@click.group(
    cls=VerbGroup, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="stepcheck")
def stepcheck() -> None:
    """Check that an optimizer's steps follow its published update rule, and show where they do not."""


for _verb in (certify, explain, guard, identify, laws, prove, read, replay, rules, scaffold, schema):
    stepcheck.add_command(_verb)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line on ``arguments`` (default: the process') and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    with termination():
        code = _code(arguments)
    sys.exit(code)


_OUTPUT = (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG, errno.EDQUOT)
"""Errors of a disk or device that takes no more output."""

_NAMES = (errno.ENAMETOOLONG, errno.ELOOP)
"""Errors of a path that no file can have."""


def _code(arguments: Sequence[str] | None) -> int:
    try:
        code = stepcheck.main(args=arguments, prog_name="stepcheck", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
        return int(code or 0)
    except click.ClickException as error:
        with contextlib.suppress(OSError):
            error.show()
        return WRONG_REQUEST
    except (KeyboardInterrupt, click.Abort) as stop:
        _say(f"interrupted{f' by {stop}' if isinstance(stop, Terminated) else ''}")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OUTPUT and error.filename is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            _say(f"stdout should be something that can be written ({error.strerror})")
            return WRONG_REQUEST
        if isinstance(error, OSError) and error.errno in _NAMES:
            _say(sentence(f"path={error.filename}: {error.strerror}"))
            return WRONG_REQUEST
        if is_refusal(error):
            _say(sentence(str(error)))
            return WRONG_REQUEST
        if type(error).__name__ in ("WorkerError", "ForkServerGone", "ProcessLost"):
            _say(sentence(str(error)))
            return CONTRADICTION
        if isinstance(error, FileNotFoundError) and not _has_working_directory():
            _say("the working directory should be one that still exists")
            return WRONG_REQUEST
        traceback.print_exc()
        _say("contradicts itself; the traceback above says where")
        return CONTRADICTION


def _say(text: str) -> None:
    """Print ``text`` to stderr, where that can be written."""
    with contextlib.suppress(OSError):
        click.echo(f"stepcheck: {text}", err=True)


def _has_working_directory() -> bool:
    try:
        return bool(os.getcwd())
    except OSError:
        return False
