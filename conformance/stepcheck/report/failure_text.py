"""Failures as text: one in full, with its program, and causes in a few lines each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stepcheck.certification.certificate import Failure
from stepcheck.certification.failures.circumstances import circumstances
from stepcheck.report.view.failure_groups import Cause, FailureGroup
from stepcheck.report.wording import format_ratio, plural, wrap

_PROGRAM = 60
"""Lines of a program beyond which a short report leaves it out."""
_TOKEN = 600
"""Characters of a token beyond which a short report leaves it out."""
_SHOWN = 6
"""Causes that a short report describes; of the others it has the codes."""
_FOLLOWING = 4
"""Laws that follow from a cause and are named with their titles."""
REST = "every failure with its smallest script, replay token and program: --verbose, --json or --out DIR"

DEPENDS = "this program passes by itself: the failure depends on what ran before in this process"


def render_causes(causes: Sequence[Cause]) -> Iterator[str]:
    """Yield a part of a report for each cause: the first with its numbers and program, the others in short."""
    left = ", ".join(cause.first.failure.code for cause in causes[_SHOWN:])
    notes = wrap(f"{plural(len(causes) - _SHOWN, 'more cause')}: {left}") if left else []
    if len(causes) > 1 or any(cause.laws or cause.group.others for cause in causes):
        notes += wrap(REST)
    shown = [_first(cause) if number == 0 else _brief(cause) for number, cause in enumerate(causes[:_SHOWN])]
    for number, lines in enumerate(shown, 1):
        yield "\n".join([*lines, *(notes if number == len(shown) else [])])


def _first(cause: Cause) -> list[str]:
    failure = cause.first.failure
    inputs = _inputs(failure)
    lines = [*_head(cause), *inputs, *_following(cause)]
    if len(failure.token) <= _TOKEN:
        lines.append(f"  replay    {_replay(failure)}")
    program = failure.standalone.rstrip().splitlines()
    if len(program) > _PROGRAM:
        return [*lines, f"  program   {len(program)} lines; --verbose prints it, and --out DIR writes it to a file"]
    return [*lines, *_program(failure, titled=False)]


def _brief(cause: Cause) -> list[str]:
    return [*_head(cause), *_following(cause)]


def _head(cause: Cause) -> list[str]:
    failure = cause.first.failure
    cell = cause.first.cell.id
    where = cause.group.where
    message = failure.message.removeprefix(f"{cell}, ").removeprefix(f"{cell}: ") if where == cell else failure.message
    return [
        *wrap(f"✗ {failure.code} {failure.title}, in {where}", hang=4),
        *wrap(message, "  "),
        *_special(failure),
        *_note(failure),
    ]


def _note(failure: Failure) -> list[str]:
    return wrap(f"note      {DEPENDS}", "  ", hang=10) if failure.standalone_run == "passes" else []


def _special(failure: Failure) -> list[str]:
    """Return what the smallest script needs that an ordinary one has not."""
    special = circumstances(failure.script)
    return wrap(f"needs     {', '.join(special)}", "  ", hang=10) if special else []


def _following(cause: Cause) -> list[str]:
    """Return the laws that break with the cause and show nothing more."""
    if not cause.laws:
        return []
    if len(cause.laws) <= _FOLLOWING:
        text = "; ".join(f"{code} {title}" for code, title in cause.laws)
    else:
        text = ", ".join(code for code, _ in cause.laws)
    follow = "it follows" if len(cause.laws) == 1 else "they follow"
    return wrap(f"also breaks {text}: {follow} from it", "  ", hang=4)


def failure_group(group: FailureGroup) -> str:
    """Return one failure in full, the others as a message and a replay token each."""
    text = render_failure(group.first.failure, group.first.cell.id)
    if group.others:
        text += f"\n  same failure in {plural(len(group.others), 'more place')}:"
        for entry in group.others:
            text += "\n" + "\n".join(wrap(entry.failure.message, "    "))
            text += f"\n      {entry.replay_command}"
    return text


def render_failure(failure: Failure, cell: str, *, short: bool = False) -> str:
    """Return one failure in full; ``short``, without its numbers, size and program."""
    lines = [*wrap(f"✗ {failure.code} {failure.title}, in {cell}", hang=4), *wrap(failure.message, "  ")]
    if failure.follows_from:
        lines.append(f"  follows   from {failure.follows_from}, which its script breaks, too")
    if short:
        return "\n".join([*lines, f"  replay    {_replay(failure)}"])
    lines += [*_special(failure), *_numbers(failure), f"  rule      {failure.rule}"]
    if failure.known_issue:
        lines += [f"  issue     {failure.known_issue}", *wrap(failure.explanation, "            ")]
    lines += [f"  script    {_size(failure.script)}", f"  replay    {_replay(failure)}"]
    return "\n".join([*lines, *_note(failure), *_program(failure)])


def _numbers(failure: Failure) -> list[str]:
    worst = failure.worst
    if worst is None:
        return []
    return [
        *_inputs(failure),
        f"  observed  {worst.observed!r}",
        f"  expected  {worst.expected!r} ± {worst.radius!r}",
        f"  ratio     {format_ratio(worst.ratio)} radii",
    ]


def _inputs(failure: Failure) -> list[str]:
    inputs = " ".join(f"{name}={value!r}" for name, value in failure.worst.inputs.items()) if failure.worst else ""
    return wrap(f"inputs    {inputs}", "  ", hang=10) if inputs else []


def _program(failure: Failure, *, titled: bool = True) -> list[str]:
    """Return the program, without its docstring where the lines above say the same."""
    program = failure.standalone.rstrip().splitlines()
    if not titled and program[0].startswith('"""') and program[1:2] == [""]:
        program = program[2:]
    ran = failure.standalone_run
    said = f"run by itself, it {ran}" if ran else "not run by itself"
    return [
        *wrap(f"standalone program (needs neither stepcheck nor Hypothesis; {said}):", "  "),
        *(f"    | {line}".rstrip() for line in program),
    ]


def _replay(failure: Failure) -> str:
    return f"python -m stepcheck replay {failure.token}"


def _size(script: dict[str, object]) -> str:
    """Return a script's size in words, as in "1 tensor (2, 3), 1 group, 2 steps"."""
    tensors, groups, steps = script["tensors"], script["groups"], script["steps"]
    assert isinstance(tensors, list)
    assert isinstance(groups, list)
    assert isinstance(steps, list)
    shapes = ", ".join(str(tuple(tensor["shape"])) for tensor in tensors[:4]) + (", …" if len(tensors) > 4 else "")
    return f"{plural(len(tensors), 'tensor')} {shapes}, {plural(len(groups), 'group')}, {plural(len(steps), 'step')}"
