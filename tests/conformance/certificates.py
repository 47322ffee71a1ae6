"""Certificates made by hand: one of each kind that a report shows."""

from __future__ import annotations

from stepcheck.certification.certificate import (
    CellResult,
    Certificate,
    Failure,
    Findings,
    LawResult,
    Number,
    Point,
    Run,
    Worst,
)
from stepcheck_reference.verdict import Verdict, overall

SCRIPT = {
    "label": "",
    "tensors": [{"shape": [2], "dtype": "float32", "initial": [0.0], "layout": "contiguous"}],
    "groups": [{"tensors": [0], "hyper": {"lr": 1.0, "beta1": 0.5}}],
    "steps": [
        {"gradients": [[1.0]]},
        {"gradients": [[1.0]]},
        {"gradients": [[1.0, "nan"]], "hyper": [[0, "lr", 0.5]], "reload": True},
    ],
}
HOSTILE = (
    "</script></style><script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\"> "
    "`|*_ ]]> \x00\x1b[31m\u202e &amp; 'quoted'"
)
"""A subject's message that tries to get out of whatever it is written into."""


def point(step: int, observed: Number, expected: Number, radius: Number = 0.01) -> Point:
    return Point(step=step, observed=observed, expected=expected, radius=radius)


def broken(output: str = "theta", dtype: str = "float32", **more: object) -> Failure:
    """Return a failure in the third step of a small script, with its trace."""
    worst = Worst(
        output=output,
        tensor=0,
        step=3,
        index=1,
        observed=-0.5,
        expected=-0.25,
        radius=0.01,
        ratio=25.0,
        inputs={"theta": -0.2, "g": "nan", "lr": 0.5},
    )
    path = (point(0, 0.0, 0.0, 0.0), point(1, -0.1, -0.1), point(2, -0.2, -0.205), point(3, -0.5, -0.25))
    facts = {
        "code": "SC101" if output == "theta" else "SC102",
        "title": "parameters lie inside the envelope" if output == "theta" else "states lie inside the envelope",
        "message": f"Adam[default] single {dtype} cpu, step 3, p0[1]: {output}=-0.5, but should be -0.25 ± 0.01",
        "rule": "adam",
        "script": SCRIPT,
        "token": f"sc1-{output}-{dtype}",
        "standalone": f"import torch\nprint({output!r}, {dtype!r})\n",
        "worst": worst,
        "trace": path,
    }
    return Failure(**{**facts, **more})  # type: ignore[arg-type]


def fault(kind: str = "crashed", **more: object) -> Failure:
    """Return a failure of a subject that did not finish."""
    facts = {"worst": None, "trace": (), "fault": kind, "code": "SC201", "title": "the script runs to its end"}
    return broken(**{**facts, "message": f"Adam[default]: step 1={kind}, but should be finished", **more})  # type: ignore[arg-type]


def cell(verdict: Verdict = Verdict.HOLDS, dtype: str = "float32", *failures: Failure, **more: object) -> CellResult:
    """Return a cell of torch.optim.Adam; one that was judged has ratios, a worst element and laws."""
    facts: dict[str, object] = {"configuration": "default", "mode": "single", "device": "cpu"}
    facts |= {"target": "torch.optim.Adam", **more}
    name = str(facts["target"]).rpartition(".")[2]
    identity = f"{name}[{facts['configuration']}] {facts['mode']} {dtype} {facts['device']}"
    if verdict not in (Verdict.NOT_APPLICABLE, Verdict.NOT_RUN):
        codes = dict.fromkeys(["SC101", "SC102", *(failure.code for failure in failures)])
        laws = tuple(
            LawResult(
                code=code,
                verdict=verdict if any(failure.code == code for failure in failures) else Verdict.HOLDS,
                compared=100,
                failures=tuple(failure for failure in failures if failure.code == code),
            )
            for code in codes
        )
        worst = Worst(output="theta", tensor=0, step=1, index=0, observed=1.0, expected=1.0, radius=0.1, ratio=0.75)
        judged = {"laws": laws, "worst": {"theta": worst}, "scripts": 3, "element_steps": 110, "compared": 100}
        judged["ratios"] = {"theta": (50, 20, 10), "v": (60,) + (0,) * 14 + (1,)}
        facts = {**judged, **facts}
    return CellResult(id=identity, dtype=dtype, rule="adam", verdict=verdict, **facts)  # type: ignore[arg-type]


def certificate(*cells: CellResult, **more: object) -> Certificate:
    """Return a certificate of ``cells``; ``more`` are further fields of ``Findings``."""
    facts: dict[str, object] = {"target": "torch.optim.Adam", "rule": "adam", "profile": "quick", "seed": 7}
    findings = Findings(verdict=overall(entry.verdict for entry in cells), cells=cells, **{**facts, **more})  # type: ignore[arg-type]
    versions = {"stepcheck": "0.1.0", "torch": "2.13.0"}
    return Certificate(
        findings=findings,
        run=Run(seconds=1.5, jobs=2, versions=versions, host="Linux", started="2025-01-31T12:00:00"),
    )


HOLDS = certificate(cell(), cell(dtype="bfloat16"))
BROKEN = certificate(
    cell(Verdict.BROKEN, "float32", broken(), broken("v")),
    cell(Verdict.BROKEN, "bfloat16", broken(dtype="bfloat16"), ratios={"theta": (5,) * 16 + (0, 3, 0, 2)}),
    cell(Verdict.BROKEN, "float64", fault()),
    cell(dtype="float16"),
)
EXPECTED = certificate(
    cell(
        Verdict.EXPECTED_BROKEN,
        "float32",
        broken(known_issue="known-gap", explanation="It is known, see https://example.org/1"),
    ),
    cell(Verdict.VACUOUS, "float16", reason="too little was compared"),
    cell(Verdict.NOT_APPLICABLE, "complex64", reason="no complex tensors"),
    cell(Verdict.NOT_RUN, "float64", mode="compiled", reason="ask for it with --mode compiled"),
    cell(dtype="bfloat16", fixed_upstream=("old-gap",)),
)
LIBRARY = certificate(
    cell(Verdict.BROKEN, "float32", broken(), target="torch.optim.SGD"),
    cell(target="torch.optim.Adam"),
    cell(dtype="bfloat16", target="torch.optim.Adam", device="cuda:0"),
    target="torch.optim",
)
INTERRUPTED = certificate(cell(), unfinished=3)
EMPTY = certificate()
ATTACKED = certificate(
    cell(
        Verdict.BROKEN,
        "float32",
        broken(message=HOSTILE, standalone=f'"""{HOSTILE}"""\n```\n', token=HOSTILE, known_issue=""),
        fault("raised", message=HOSTILE, title=HOSTILE),
        reason=HOSTILE,
    ),
    cell(Verdict.EXPECTED_BROKEN, "float64", broken(known_issue=HOSTILE, explanation=HOSTILE)),
    cell(Verdict.NOT_APPLICABLE, "float16", reason=HOSTILE),
    target=HOSTILE,
    rule=HOSTILE,
)
ALL = {
    "holds": HOLDS,
    "broken": BROKEN,
    "expected": EXPECTED,
    "library": LIBRARY,
    "interrupted": INTERRUPTED,
    "empty": EMPTY,
    "attacked": ATTACKED,
}
