"""The page docs/conventions.md, of what benchmarks/conventions.py has found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Results = Mapping[str, Mapping[str, Any]]
Answer = Mapping[str, Any]

HEAD = """\
# Who computes what under which name

`python benchmarks/conventions.py` has read the code of {count} optimizer classes of {packages} packages, identified
what each computes, and compared each with its own runs; the names of classes play no part in that. {named} are a rule
that stepcheck knows, or a named variant of one, in at least one configuration. This page is written by that script.

*How* says how a name is known: `proved` for every input by algebra, or equal to 200 bits in random steps. *Runs* says
whether the code stays in the envelope of what was read of it: each answer is in
`benchmarks/results/conventions.json`. A configuration is what was switched on; without one, optional numbers are 0 and
every option is as it is by default.
"""

NAMES = """\
## One name, several rules

These classes are called like a rule, and by default compute another one, or a variant of it. Neither is wrong for
that: papers, notes and libraries differ, and a checkpoint or a learning rate that is moved from one to the other meets
the difference.
"""

RULES = "## By rule\n"
NONE = """\
## No rule here

For what these compute no rule was found, which is no proof that there is none. The nearest one is only where a
comparison begins; the last column is the first part in which the two are not the same.
"""
MORE = """\
## Not borne out by runs

The code of these leaves the envelope of what was read of it, as it has a branch that no step took while it was read, or
could not be compared with it. The name is that of the path that was read, of vectors, and not of the class.
"""
UNREAD = """\
## Not read

A function that is no formula of one element (sums, norms, matrix products, sorting), kernels in another language, and
classes that want something else than parameters and numbers.
"""

OTHER_NAMES = {
    "adamwlegacy": "adamw",
    "nadamlegacy": "nadam",
    "radamlegacy": "radam",
    "adamwschedulefree": "schedulefree_adamw",
    "sgdschedulefree": "schedulefree_sgd",
    "scheduledfreesgd": "schedulefree_sgd",
    "schedulefreesgd": "schedulefree_sgd",
    "amsgrad": "amsgrad_paper",
    "sgdw": "sgd",
}
"""Class names, in small letters, and the rule that they stand for, where that has another name."""


def page(results: Results) -> str:
    """Return the page, in Markdown."""
    named = {target for target, entry in results.items() if _named(entry)}
    packages = {entry["package"]: entry["release"] for entry in results.values()}
    dates = sorted({entry["date"] for entry in results.values()})
    parts = [HEAD.format(count=len(results), packages=len(packages), named=len(named))]
    rows = list(_one_name(results))
    parts += [NAMES, _table(("class", "computes", "in words", "how"), rows)]
    parts += [RULES, *_by_rule(results)]
    parts += _section(MORE, ("class", "configuration", "what was read", "why"), _unverified(results))
    parts += _section(NONE, ("class", "configuration", "nearest", "in", "there", "here"), _none(results))
    parts += _section(UNREAD, ("class", "why"), _unread(results))
    parts += ["## Releases\n", _table(("package", "release"), sorted(packages.items()))]
    parts.append(f"Read on {' and '.join(dict.fromkeys((dates[0], dates[-1])))}, on a CPU.\n" if dates else "")
    return "\n".join(parts).rstrip() + "\n"


def _named(entry: Mapping[str, Any]) -> list[Answer]:
    """Return the answers that are names: none where runs of the class do not bear out what was read of it."""
    answers = entry["answers"]
    if any(answer["unverified"] for answer in answers):
        return []
    return [answer for answer in answers if answer["name"] is not None]


def claimed(target: str) -> str:
    """Return the rule that a class is called like, as "adam" in "torch.optim.Adam", in small letters."""
    short = target.rpartition(".")[2].lower().replace("_", "")
    return OTHER_NAMES.get(short, short)


def _one_name(results: Results) -> Iterator[tuple[str, ...]]:
    """Yield classes that are called like a rule and compute another one by default."""
    rules = {str(answer["base"]).replace("_", ""): answer["base"] for _, answer in _answers(results) if answer["base"]}
    for target, entry in sorted(results.items(), key=lambda item: (claimed(item[0]), item[0])):
        wanted = rules.get(claimed(target).replace("_", ""))
        answer = next(iter(_named(entry)), None)
        if wanted is None or answer is None or answer is not entry["answers"][0] or answer["name"] == wanted:
            continue
        yield (_code(target), _code(answer["name"]), _words(answer), _how(answer))


def _answers(results: Results) -> Iterator[tuple[str, Answer]]:
    for target, entry in results.items():
        yield from ((target, answer) for answer in entry["answers"])


def _by_rule(results: Results) -> Iterator[str]:
    """Yield a heading and a table for each rule that a class computes by default, or in its first named way."""
    groups: dict[str, list[tuple[str, ...]]] = {}
    for target, entry in sorted(results.items()):
        answers = _named(entry)
        if not answers:
            continue
        rows = groups.setdefault(str(answers[0]["base"] or answers[0]["name"]).partition("+")[0], [])
        names: dict[str, list[Answer]] = {}
        for answer in answers:
            names.setdefault(answer["name"], []).append(answer)
        for name, alike in names.items():
            configurations = [_configuration(answer) for answer in alike]
            shown = "" if "" in configurations else "; ".join(configurations)
            rows.append((_code(target), shown, _code(name), _words(alike[0]), _how(alike[0]), _runs(alike)))
    for rule, rows in sorted(groups.items()):
        yield f"### {rule}\n"
        yield _table(("class", "configuration", "computes", "in words", "how", "runs"), rows)


def _configuration(answer: Answer) -> str:
    return "" if answer["configuration"] == "by default" else str(answer["configuration"])


def _words(answer: Answer) -> str:
    said = [part["sentence"] for part in answer["differences"]] if answer["rule"] is None else [answer["title"]]
    fixed = ((name, value) for name, value in answer["hyper"].items() if value.startswith("fixed at"))
    numbers = [f"{name} is {value}" for name, value in fixed if float(value.removeprefix("fixed at ")) != 0]
    return "; ".join([*(text.rstrip(".") for text in said), *answer["remarks"], *numbers])


def _how(answer: Answer) -> str:
    return {"equal at 200 bits, not proved": "200 bits"}.get(answer["verdict"], answer["verdict"])


def _runs(answers: Iterable[Answer]) -> str:
    ran = [answer for answer in answers if answer["ran"]]
    if not ran:
        return ""
    return "not compared" if any(answer["unverified"] for answer in ran) else "hold"


def _unverified(results: Results) -> Iterator[tuple[str, ...]]:
    for target, answer in sorted(_answers(results), key=lambda pair: pair[0]):
        if answer["name"] is not None and answer["unverified"]:
            yield (_code(target), _configuration(answer), _code(answer["name"]), answer["unverified"])


def _none(results: Results) -> Iterator[tuple[str, ...]]:
    for target, entry in sorted(results.items()):
        seen: set[tuple[str, ...]] = set()
        for answer in entry["answers"]:
            if answer["verdict"] not in ("none", "undecided"):
                continue
            near = answer["nearest"] or {"rule": "", "equation": "", "of_rule": "", "of_code": ""}
            row = tuple(near[key] for key in ("rule", "equation", "of_rule", "of_code"))
            if row not in seen:
                seen.add(row)
                yield (_code(target), _configuration(answer), _code(row[0]), *row[1:])


def _unread(results: Results) -> Iterator[tuple[str, ...]]:
    for target, entry in sorted(results.items()):
        unread = [answer for answer in entry["answers"] if answer["verdict"] == "not read"]
        functions = dict.fromkeys(name for answer in unread for name in answer["opaque"])
        read = len(entry["answers"]) - len(unread)
        if functions:
            where = "" if not read else f"{'; '.join(_configuration(answer) or 'by default' for answer in unread)}: "
            yield (_code(target), where + ", ".join(map(_code, functions)))
        elif not entry["answers"]:
            yield (_code(target), entry["ended"])


def _section(head: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    listed = list(rows)
    return [head, _table(columns, listed)] if listed else []


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""
