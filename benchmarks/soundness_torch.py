"""The soundness run on torch.optim itself: its own code, at random hyper-parameters, against what its modes declare.

    python benchmarks/soundness_torch.py [--element-steps 2e7] [--seed 0] [--target torch.optim.NAdam]

Prints, for each class, mode and dtype, the element-steps compared and the worst ratio of error to radius of parameters,
of updates from 0 and of states, over all configurations; none may be beyond 1. Known issues are avoided, as they
are in ``certify``. Exits 1 where a ratio is beyond 1.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass, field

import numpy as np
import torch

from stepcheck.certification.request import claimed_rule
from stepcheck.known_issues import ALL
from stepcheck.known_issues.known_issue import avoid_triggers, matching, with_allowances
from stepcheck_implementations.adapters import torch_optim
from stepcheck_implementations.adapters.adapter import Adapter, Cell, Configuration
from stepcheck_implementations.adapters.torch_arithmetic import arithmetic_of
from stepcheck_implementations.driver.execution import run
from stepcheck_properties.strategies.hyper_parameters import averages, contains, domains_of, ordered, typical_values
from stepcheck_reference.formats import FORMATS, is_complex
from stepcheck_reference.oracle.judge import judge
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import find
from stepcheck_reference.scripts.script import Drawn, Group, Literal, Script, Step, Tensor

MODES = ("single", "foreach", "fused", "differentiable")
REGIMES = ("normal", "uniform", "wide", "tiny", "sparse", "signs")
SIZE, STEPS = 2000, 12
SHARE = {"float64": 0.3, "complex128": 0.3}
"""Wide dtypes cost several times as much an element-step, so they get a smaller share."""


@dataclass
class Tally:
    """What one class, mode and dtype came to."""

    compared: int = 0
    skipped: int = 0
    worst: dict[str, float] = field(default_factory=dict)

    def add(self, output: str, ratio: float) -> None:
        """Keep ``ratio`` if it is the largest of ``output``."""
        self.worst[output] = max(self.worst.get(output, 0.0), ratio)


def random_hyper(rule: Rule, fixed_hyper: dict[str, float], generator: np.random.Generator) -> dict[str, float]:
    """Return hyper-parameters anywhere in the rule's domains, half of them usual ones."""
    values = dict(fixed_hyper)
    for name, domain in domains_of(rule).items():
        if name in fixed_hyper:
            continue
        usual = typical_values(name, domain)
        if averages(domain):
            drawn = float(1.0 - 2.0 ** -generator.uniform(0, 14)) if generator.random() < 0.5 else generator.random()
        else:
            low, high = {"lr": (-6, 1), "eps": (-16, 0)}.get(name, (-4, 1))
            drawn = 10.0 ** generator.uniform(low, high)
        values[name] = float(drawn if generator.random() < 0.5 and contains(domain, drawn) else generator.choice(usual))
    names = domains_of(rule)
    return ordered({name: value for name, value in values.items() if name in names}, fixed_hyper)


def random_script(rule: Rule, fixed_hyper: dict[str, float], dtype: str, generator: np.random.Generator) -> Script:
    """Return a script of two groups, one of whose tensors starts at 0 and is put back there."""
    seeds = iter(generator.integers(2**31, size=4 * STEPS).tolist())
    tensors = (
        Tensor((SIZE,), dtype, Drawn("normal", next(seeds), 2.0 ** int(generator.integers(-8, 4)))),
        Tensor((SIZE,), dtype, Literal((0.0,))),
    )
    groups = tuple(Group((index,), random_hyper(rule, fixed_hyper, generator)) for index in range(2))
    regimes = [REGIMES[int(generator.integers(len(REGIMES)))] for _ in tensors]
    scales = [2.0 ** int(generator.integers(-12, 6)) if regime != "wide" else 1.0 for regime in regimes]
    steps = tuple(
        Step(
            tuple(Drawn(regime, next(seeds), scale) for regime, scale in zip(regimes, scales, strict=True)),
            overwrite=((1, Literal((0.0,))),) if number else (),
        )
        for number in range(STEPS)
    )
    return Script(tensors, groups, steps)


def examine(adapter: Adapter, configuration: Configuration, mode: str, dtype: str, scripts: int, seed: int) -> Tally:
    """Return what ``scripts`` random scripts came to in one cell."""
    tally = Tally()
    name, _ = claimed_rule(adapter, configuration, None)
    assert name is not None
    rule, fixed_hyper = find(name), dict(configuration.fixed_hyper)
    cell = Cell(adapter.target, configuration.name, mode, dtype, "cpu")
    issues = matching(ALL, cell, torch.__version__)
    arithmetic = with_allowances(issues, arithmetic_of(mode, dtype, "cpu", adapter.target))
    generator = np.random.default_rng([seed, *cell.id.encode()])
    for _ in range(scripts):
        script = avoid_triggers(issues, random_script(rule, fixed_hyper, dtype, generator))
        trajectory = run(adapter, cell, script)
        if trajectory.fault is not None:
            raise SystemExit(f"{cell.id}: {trajectory.fault}")
        judgement = judge(rule, script, trajectory, {dtype: arithmetic})
        tally.compared += judgement.compared
        tally.skipped += sum(judgement.not_compared.values())
        for output, deviation in judgement.worst.items():
            tally.add(output, deviation.ratio)
        if judgement.worst_from_zero is not None:
            tally.add("from 0", judgement.worst_from_zero.ratio)
        for deviation in judgement.initials:
            tally.add(deviation.output, math.inf)
    return tally


def main() -> None:
    """Print the figures; exit 1 where one is beyond 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--element-steps", type=float, default=2e7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", default="")
    options = parser.parse_args()
    rows = [
        (adapter, mode, dtype)
        for adapter in torch_optim.ALL
        for mode in MODES
        for dtype in FORMATS
        if mode in adapter.modes and not (mode == "fused" and is_complex(dtype))
        if options.target in ("", adapter.target)
    ]
    shares = sum(SHARE.get(dtype, 1.0) for _, _, dtype in rows)
    start, compared, largest = time.perf_counter(), 0, 0.0
    print(f"{'class':10s}{'mode':16s}{'dtype':12s}{'compared':>12s}{'skipped':>11s}   worst ratio")
    for adapter, mode, dtype in rows:
        wanted = options.element_steps * SHARE.get(dtype, 1.0) / shares
        scripts = max(1, round(wanted / (2 * SIZE * STEPS) / len(adapter.configurations)))
        total = Tally()
        for configuration in adapter.configurations:
            tally = examine(adapter, configuration, mode, dtype, scripts, options.seed)
            total.compared, total.skipped = total.compared + tally.compared, total.skipped + tally.skipped
            for output, ratio in tally.worst.items():
                total.add(output, ratio)
        compared, largest = compared + total.compared, max(largest, *total.worst.values())
        figures = "  ".join(f"{output} {ratio:.4f}" for output, ratio in sorted(total.worst.items()))
        name = adapter.target.rpartition(".")[2]
        print(f"{name:10s}{mode:16s}{dtype:12s}{total.compared:12d}{total.skipped:11d}   {figures}", flush=True)
    print(f"{compared:,} element-steps compared in {time.perf_counter() - start:.0f} s, worst ratio {largest:.4f}")
    raise SystemExit(int(largest > 1.0))


if __name__ == "__main__":
    main()
