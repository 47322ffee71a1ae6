"""``stepcheck scaffold``: a pytest file for one target, ready to run."""

from __future__ import annotations

import json
import re
from pathlib import Path

from stepcheck import files
from stepcheck.certification.request import Request, WrongRequest
from stepcheck.pytest_plugin.session import PytestSession
from stepcheck_implementations.adapters import libraries

_TEMPLATE = '''\
"""{title}: a test for each law and cell.

python -m pytest {file}
    -k single-float32             run only some of them
    -n auto                       use every core, with pytest-xdist
    --stepcheck-profile standard  try more scripts{note}
"""

import stepcheck


@stepcheck.cases(
    {arguments}
    expected_failures={{
        # Laws that are known to be broken, and why; their tests fail once they hold.
        # "SC101": "issue 12",
        # Only in some cells, by their names in the test ids:
        # ("SC101", "*-bfloat16-*"): "issue 12",
    }},
)
def {function}(case):
    case.check()
'''


def pytest_file(request: Request) -> str:
    """Return the text of a pytest file for ``request``'s target, rule or reference, fixed values and mapped names.

    A worker describes the target first, so what cannot be certified raises as ``certify`` does: WrongRequest,
    UnknownRule, OutOfDomain, TargetError. Where no rule is named, it is the one that the target's code computes.
    """
    pytest_session = PytestSession()
    try:
        rule = pytest_session.evaluation_session(request.target, request).request.rule
    finally:
        pytest_session.close()
    name = request.target if libraries.members(request.target) else _class(request.target)
    function = f"test_{_snake(name)}"
    given = {"rule": rule} if request.like is None else {"like": request.like}
    keywords = {**given, "fixed": dict(request.fixed), "map": dict(request.maps)}
    arguments = [_python(request.target), *(f"{key}={_python(value)}" for key, value in keywords.items() if value)]
    return _TEMPLATE.format(
        title=f"{name} keeps {rule or _own_rule(request.target)}",
        file=f"{function}.py",
        note="\n\nThe path of the target is relative to where pytest runs." if ".py:" in request.target else "",
        arguments="\n    ".join(f"{argument}," for argument in arguments),
        function=function,
    )


def check_free(path: Path, *, force: bool = False) -> None:
    """Raise WrongRequest where ``path`` cannot be written, or exists and is not to be overwritten."""
    if path.exists() and not force:
        raise WrongRequest(f"out={path}, but it exists already; --force overwrites it")
    try:
        files.check(path)
    except OSError as error:
        raise WrongRequest(f"out={path}, but should be writable ({error.strerror or error})") from error


def _own_rule(target: str) -> str:
    return "the rules of its classes" if libraries.members(target) else "its rule"


def _class(target: str) -> str:
    return target.rpartition(":")[2].rpartition(".")[2]


def _snake(name: str) -> str:
    """Return ``name`` as functions are named: "my_adam" of "MyAdam", "nadam" of "NAdam"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"\W+", "_", words).lower()


def _python(value: object) -> str:
    """Return ``value``, of text, numbers and booleans, as Python with double quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_python(key)}: {_python(entry)}" for key, entry in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
