"""What a guard's check found, as text: a table of classes, and what differs, the gravest first."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stepcheck.guard.baselines.baseline import Baseline
from stepcheck.guard.comparison.check_result import Checked, fails
from stepcheck.guard.comparison.difference import CHANGES, Change, Difference
from stepcheck.guard.comparison.grouped import Alike, alike
from stepcheck.guard.corpus.spec import CHECKPOINT, KINDS, OTHER_WAYS, SCHEDULE, STEPS, SURFACE
from stepcheck.report.wording import WIDTH, format_ratio, plural, thousands, wrap

ACCEPTED = "accepted"
SEVERAL = "several classes"
MARKS = {
    Change.IDENTICAL: "✓",
    Change.ROUNDING: "≈",
    Change.CHANGED: "✗",
    Change.NEW: "+",
    Change.GONE: "−",
}
_SHOWN = 8
"""Ways in which one target differs that are told without --verbose."""


def report(checked: Checked, policies: Sequence[str], *, verbose: bool = False) -> str:
    """Return the whole report."""
    parts = [
        origins(checked.old, checked.new),
        machines(checked),
        table(checked.differences),
        meanings(checked.differences),
    ]
    parts += details(alike(checked.differences), verbose=verbose)
    told = accepted(checked.differences)
    if told:
        parts.append(told)
    parts.append(verdict(checked, policies))
    return "\n\n".join(part for part in parts if part)


def origins(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return what was recorded and what it was checked under."""
    return f"recorded under  {environment(old)}\nchecked under   {environment(new)}"


def machines(checked: Checked) -> str:
    """Return a warning where numbers moved and the machine is another one; "" otherwise."""
    other = [told for name, told in _MACHINE.items() if _own(checked.old[name]) != _own(checked.new[name])]
    if not other or not any(entry.moved for entry in checked.differences):
        return ""
    return "\n".join(
        wrap(
            f"the machines differ in {' and '.join(other)}: what moved within rounding may come from that and not from "
            "torch"
        )
    )


_MACHINE = {"platform": "their system", "capability": "their vector instructions", "device_names": "their devices"}
"""What of an environment is the machine's, in words."""


def _own(told: Any) -> Any:
    """Return what of an entry counts: of a platform its system and libc, and not the release of its kernel."""
    if not isinstance(told, str) or "-" not in told:
        return told
    return told.partition("-")[0], told.partition("-with-")[2]


def environment(told: Mapping[str, Any]) -> str:
    """Return an environment in a line."""
    names = ", ".join(f"{device} {name}" for device, name in told["device_names"].items())
    return f"torch {told['torch']}, python {told['python']}, numpy {told['numpy']}, {names} {told['capability']}"


def kinds(baseline: Baseline) -> str:
    """Return how many cells of each kind a baseline has, without those that were refused."""
    refused = {name for name in baseline.cells if "absent" in baseline.recording(name).facts}
    counts = Counter(kept.kind for name, kept in baseline.cells.items() if name not in refused)
    told = ", ".join(f"{counts[kind]} {NOUNS[kind]}" for kind in KINDS if counts[kind])
    return f"{told}; {len(refused)} are refused by this torch" if refused else told


NOUNS = {STEPS: "of steps", CHECKPOINT: "of checkpoints", SCHEDULE: "of schedules", SURFACE: "of what classes offer"}


def table(differences: Sequence[Difference]) -> str:
    """Return how many cells of each class there are, a row a target and a column a class."""
    columns = [change for change in Change if any(column(entry) == change for entry in differences)]
    heads: list[str] = [*columns, *([ACCEPTED] if any(entry.accepted for entry in differences) else [])]
    rows: dict[str, Counter[str]] = {}
    for entry in differences:
        rows.setdefault(row_of(entry), Counter())[column(entry)] += 1
    total: Counter[str] = Counter()
    for row in rows.values():
        total += row
    first = max(len("everything"), *(len(name) for name in rows)) if rows else 10
    widths = [max(len(head), len(str(total[head]))) for head in heads]

    def line(name: str, entries: Iterable[str]) -> str:
        return "  ".join((f"{name:<{first}}", *(f"{e:>{w}}" for e, w in zip(entries, widths, strict=True)))).rstrip()

    lines = [line("cells", heads), "─" * (first + sum(width + 2 for width in widths))]
    lines += [line(name, (str(row[head] or "·") for head in heads)) for name, row in rows.items()]
    return "\n".join([*lines, line("everything", (str(total[head] or "·") for head in heads))])


def column(entry: Difference) -> str:
    """Return the class that a cell is counted in."""
    return ACCEPTED if entry.accepted else entry.change.value


def row_of(entry: Difference) -> str:
    """Return the row of the table that a cell is counted in."""
    return name_of(entry.target)


def name_of(target: str) -> str:
    """Return what a target is called: its class, or "schedules" for every scheduler."""
    name = target.removeprefix("torch.optim.")
    return "schedules" if name.startswith(("lr_scheduler", "swa_utils.")) else name


def meanings(differences: Iterable[Difference]) -> str:
    """Return what the classes that there are claim."""
    seen = {entry.change for entry in differences if not entry.accepted}
    lines: list[str] = []
    for change in Change:
        if change in seen:
            lines += textwrap.wrap(
                f"{MARKS[change]} {change}: {CHANGES[change]}", WIDTH, subsequent_indent="  ", break_long_words=False
            )
    return "\n".join(lines)


def details(groups: Sequence[Alike], *, verbose: bool = False) -> list[str]:
    """Return what differs, one part a target."""
    targets: dict[str, list[Alike]] = {}
    for group in groups:
        targets.setdefault(row_of(group.worst) if group.target else SEVERAL, []).append(group)
    parts = []
    for name, inside in targets.items():
        numbers = [group for group in inside if not group.point.api]
        rest = [group for group in inside if group.point.api]
        few = [*numbers[:_SHOWN], *rest[:_SHOWN]]
        shown = inside if verbose else [group for group in inside if any(group is one for one in few)]
        lines = [name]
        for group in shown:
            lines += entry_of(group)
        if len(shown) < len(inside):
            lines.append(
                f"  and {plural(len(inside) - len(shown), 'more way')} in which it differs; --verbose tells them"
            )
        parts.append("\n".join(lines))
    return parts


def entry_of(group: Alike) -> list[str]:
    """Return one way in which cells differ."""
    point = group.point
    head = f"{MARKS[point.change]} {group.where}: {f'{point.law} ' if point.law else ''}{point.common}"
    lines = textwrap.wrap(head, WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False)
    if point.way and point.way != point.what:
        lines += textwrap.wrap(
            f"{_at(group)}{point.what.removesuffix(f': {point.way}')}{distance(group)}",
            WIDTH,
            initial_indent="    ",
            subsequent_indent="      ",
            break_long_words=False,
        )
    return lines


def _at(group: Alike) -> str:
    return "" if len(group.cells) == 1 else f"worst in {group.worst.cell}: "


def distance(group: Alike) -> str:
    """Return how far the worst number of a group moved where two runs part."""
    point = group.point
    parts = [f"{format_ratio(point.ulps)} ulp"] if point.ulps else []
    if point.radii == point.radii and point.radii:
        parts.append(f"{format_ratio(point.radii)} radii")
    return f" ({', '.join(parts)})" if parts else ""


def accepted(differences: Iterable[Difference]) -> str:
    """Return what was accepted, a line a reason."""
    reasons: dict[str, list[str]] = {}
    for entry in differences:
        if entry.accepted:
            reasons.setdefault(entry.accepted, []).append(entry.cell)
    lines = []
    for reason, cells in reasons.items():
        more = f" and {plural(len(cells) - 1, 'more cell')}" if len(cells) > 1 else ""
        lines += textwrap.wrap(f"accepted: {cells[0]}{more}: {reason}", WIDTH, subsequent_indent="  ")
    return "\n".join(lines)


def _device_of(cell: str) -> str:
    """Return the device in a cell's name."""
    return cell.removesuffix(" checkpoint").removesuffix(f" {OTHER_WAYS}").rpartition(" ")[2]


def verdict(checked: Checked, policies: Sequence[str]) -> str:
    """Return the last line: how many numbers were compared, what fails, and the exit code."""
    reals = sum(entry.reals for entry in checked.differences)
    moved = sum(entry.moved for entry in checked.differences)
    failing = [entry for entry in checked.differences if any(fails(entry, policy) for policy in policies)]
    lines = [f"compared   {thousands(reals)} numbers, of which {thousands(moved)} moved"]
    why = f"{plural(len(failing), 'cell')} fail" + ("s" if len(failing) == 1 else "")
    if checked.unchecked:
        devices = ", ".join(dict.fromkeys(_device_of(name) for name in checked.unchecked))
        lines.append(
            f"unchecked  {plural(len(checked.unchecked), 'cell')} on {devices}, which this machine does not have"
        )
    lines.append(f"fails on   {', '.join(policies)}: {why if failing else 'nothing fails'}")
    lines.append(f"exit code  {checked.exit_code(policies)}")
    return "\n".join(lines)
