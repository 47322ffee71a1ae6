"""Answers: the verdict in two lines, one on the rule that is claimed and one on the contracts of every optimizer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from stepcheck.certification.certificate import Answer, CellResult, Failure, LawResult
from stepcheck.certification.failures.circumstances import circumstances
from stepcheck.certification.ratio_text import format_ratio
from stepcheck_reference.verdict import NO_CLAIM, Verdict, overall

RULE, CONTRACTS = "rule", "contracts"

_CONTRACTS = "SC2"
"""The prefix of laws that hold whatever the rule is; the others are about the rule's numbers and its mathematics."""
_NAMED = 3
"""How many broken laws are named in a line."""
_RULES = 3
"""How many rules are named in a line."""
ENVELOPE = "SC101"
"""The law whose largest error is that of all scripts, before any is made smaller."""
COMPLETES = "SC201"
"""The law whose failures say little by its title: any exception breaks it."""


def about(code: str) -> str:
    """Return which of the two answers the law ``code`` belongs to."""
    return CONTRACTS if code.startswith(_CONTRACTS) else RULE


def answers(cells: Sequence[CellResult], rule: str, *, of_library: bool = False) -> tuple[Answer, ...]:
    """Return the two answers that ``cells`` give; ``rule`` names what they claim, several rules joined by " and "."""
    return (_on_rule(cells, rule, of_library=of_library), _on_contracts(cells))


def _on_rule(cells: Sequence[CellResult], rule: str, *, of_library: bool) -> Answer:
    verdicts = _verdicts(cells, RULE)
    judged = [cell for cell in cells if any(entry.verdict not in NO_CLAIM for entry in cell.laws)]
    causes, followers = _causes(cells, RULE)
    if causes:
        broken = [cell for cell in cells if any(code in causes for code in _broken(cell))]
        claimed = _rules(dict.fromkeys(cell.rule for cell in broken))
        where = f" in {len(broken)} of {len(judged)} cells" if len(judged) > 1 else ""
        text = f"breaks {claimed}{where} ({_listed(_error(code, found, broken) for code, found in causes.items())})"
    elif not followers and Verdict.HOLDS not in verdicts.values() and Verdict.EXPECTED_BROKEN not in verdicts.values():
        text = "not compared"
    else:
        claimed = "the rules of its classes" if of_library else _rules(rule.split(" and "))
        known = [code for code, verdict in verdicts.items() if verdict is Verdict.EXPECTED_BROKEN]
        except_for = f", known issues in {_listed(known)} apart" if known else ""
        text = f"keeps {claimed}{except_for}{'' if followers else _worst(judged)}{_following(followers, 'contract')}"
    return _answer(RULE, text, verdicts, causes)


def _on_contracts(cells: Sequence[CellResult]) -> Answer:
    verdicts = _verdicts(cells, CONTRACTS)
    causes, followers = _causes(cells, CONTRACTS)
    kept = [code for code, verdict in verdicts.items() if verdict is Verdict.HOLDS]
    known = [code for code, verdict in verdicts.items() if verdict is Verdict.EXPECTED_BROKEN]
    if causes:
        text = f"breaks {_listed(_reason(code, found) for code, found in causes.items())}"
    elif not kept and not known and not followers:
        text = "not checked"
    elif not known and not followers:
        text = f"keeps all {len(kept)}"
    else:
        text = f"keeps {len(kept)} of {len(kept) + len(known) + len(followers)}"
        text += f", known issues in {_listed(known)}" if known else ""
        text += _following(followers, "rule")
    return _answer(CONTRACTS, text, verdicts, causes)


def _answer(name: str, text: str, verdicts: dict[str, Verdict], causes: dict[str, list[Failure]]) -> Answer:
    return Answer(
        about=name,
        verdict=overall(verdicts.values()),
        text=text,
        laws=sum(verdict is not Verdict.VACUOUS for verdict in verdicts.values()),
        broken=tuple(causes),
    )


def _verdicts(cells: Sequence[CellResult], name: str) -> dict[str, Verdict]:
    """Return the verdict on each law that applies somewhere, over all cells."""
    every: dict[str, set[Verdict]] = {}
    for law in _laws(cells, name):
        if law.verdict not in NO_CLAIM:
            every.setdefault(law.code, set()).add(law.verdict)
    return {code: overall(found) for code, found in sorted(every.items())}


def _causes(cells: Sequence[CellResult], name: str) -> tuple[dict[str, list[Failure]], list[str]]:
    """Return the failures of each broken law that follow from no other, and the laws that have none such."""
    causes: dict[str, list[Failure]] = {}
    followers: list[str] = []
    for law in _laws(cells, name):
        if law.verdict is not Verdict.BROKEN:
            continue
        own = [failure for failure in law.failures if not failure.known_issue and not failure.follows_from]
        if own or not law.failures:
            causes.setdefault(law.code, []).extend(own)
        else:
            followers.append(law.code)
    return causes, [code for code in dict.fromkeys(followers) if code not in causes]


def _laws(cells: Sequence[CellResult], name: str) -> Iterator[LawResult]:
    return (law for cell in cells for law in cell.laws if about(law.code) == name)


def _broken(cell: CellResult) -> list[str]:
    return [law.code for law in cell.laws if law.verdict is Verdict.BROKEN]


def _following(codes: Sequence[str], broken: str) -> str:
    """Return what breaks only because a "rule" or "contract" is ``broken``."""
    return f"; {_listed(codes)} {'follows' if len(codes) == 1 else 'follow'} from the broken {broken}" if codes else ""


def _rules(names: Sequence[str] | dict[str, None]) -> str:
    named = list(names)
    if len(named) <= _RULES:
        return ", ".join(named) or "its rule"
    return f"{named[0]} and {len(named) - 1} other rules"


def _worst(cells: Sequence[CellResult]) -> str:
    ratios = [cell.ratio for cell in cells if not math.isnan(cell.ratio)]
    return f" (worst {format_ratio(max(ratios))} radii)" if ratios else ""


def _error(code: str, failures: Sequence[Failure], cells: Sequence[CellResult]) -> str:
    """Return a law of the rule and its largest error in ``cells``, as in "SC101 at 5.1e5 radii"."""
    worst = [failure.worst for failure in failures if failure.worst is not None]
    if code == ENVELOPE:
        worst += [cell.worst["theta"] for cell in cells if "theta" in cell.worst]
    special = circumstances(failures[0].script) if failures else ()
    where = f" with {special[0]}" if special else ""
    if any(str(entry.observed) == "nan" for entry in worst):
        return f"{code}: nan{where}"
    ratios = [float(entry.ratio) for entry in worst if math.isfinite(float(entry.ratio))]
    if ratios:
        return f"{code} at {format_ratio(max(ratios))} radii{where}"
    return f"{code}: {failures[0].title}" if failures else code


def _reason(code: str, failures: Sequence[Failure]) -> str:
    """Return a contract and what breaks it, as in "SC201 (None gradients)"."""
    if not failures:
        return code
    special = circumstances(failures[0].script) if code == COMPLETES else ()
    said = special[0] if special else failures[0].fault if code == COMPLETES else failures[0].title
    return f"{code} ({said or failures[0].title})"


def _listed(entries: Iterator[str] | Sequence[str]) -> str:
    every = list(entries)
    shown = ", ".join(every[:_NAMED])
    return shown if len(every) <= _NAMED else f"{shown} and {len(every) - _NAMED} more"
