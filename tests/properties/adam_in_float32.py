"""Adam in float32 NumPy, one rounding an operation: a subject that needs neither torch nor a worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stepcheck_reference import rules
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Entry, Fault, Trace, Trajectory

ADAM = rules.find("adam")
ARITHMETICS: Mapping[str, Arithmetic] = {"float32": plain("float32")}


@dataclass(frozen=True)
class AdamInFloat32:
    """Follows ``adam`` unless a field turns on an error; all are off by default.

    ``counts_to`` freezes the step count there; ``wrong_from`` scales the first moment's new part by 3 for
    tensors of at least that many elements, as a vectorised loop with a wrong constant would.
    """

    eps_inside: bool = False
    forgets_on_reload: bool = False
    counts_to: int | None = None
    wrong_from: int | None = None
    moves_without_gradient: bool = False
    raises_on_empty: bool = False
    crashes_at: int | None = None
    second_moment_starts_at: float = 0.0

    def __call__(self, script: Script, reference: object = None) -> Trajectory:
        """Return the trajectory; float32 scripts only; a reference run is no different."""
        count = len(script.tensors)
        theta = [expand(t.initial, t.size, t.dtype).astype(np.float32) for t in script.tensors]
        start = np.float32(self.second_moment_starts_at)
        m = [np.zeros_like(values) for values in theta]
        v = [np.full_like(values, start) for values in theta]
        steps = [0] * count
        rows: list[list[tuple[np.ndarray, ...]]] = [[] for _ in range(count)]
        befores: list[list[np.ndarray]] = [[] for _ in range(count)]
        counters: list[list[int]] = [[0] for _ in range(count)]
        for index in range(count):
            rows[index].append((theta[index].copy(), m[index].copy(), v[index].copy()))
        group_of = {index: number for number, group in enumerate(script.groups) for index in group.tensors}
        fault = None
        done = 0
        for number, step in enumerate(script.steps, 1):
            if self.crashes_at is not None and number >= self.crashes_at:
                fault = Fault("crashed", "exit code 3", number)
                break
            if self.raises_on_empty and any(t.size == 0 for t in script.tensors):
                fault = Fault("raised", "IndexError: empty", number)
                break
            hyper = script.hyper_at(number)
            if step.reload and self.forgets_on_reload:
                m = [np.zeros_like(values) for values in m]
            for index, data in step.overwrite:
                theta[index] = expand(data, script.tensors[index].size, "float32").astype(np.float32)
            for index, data in enumerate(step.applied):
                befores[index].append(theta[index].copy())
                here = hyper[group_of[index]]
                if data is None:
                    if self.moves_without_gradient:
                        theta[index] = theta[index] - np.float32(here["lr"]) * m[index]
                else:
                    if self.counts_to is None or steps[index] < self.counts_to:
                        steps[index] += 1
                    g = expand(data, script.tensors[index].size, "float32").astype(np.float32)
                    factor = 3.0 if self.wrong_from is not None and g.size >= self.wrong_from else 1.0
                    theta[index], m[index], v[index] = self._step(
                        theta[index], g, m[index], v[index], steps[index], here, np.float32(factor)
                    )
                rows[index].append((theta[index].copy(), m[index].copy(), v[index].copy()))
                counters[index].append(steps[index])
            done = number
        traces = tuple(
            Trace(
                before=np.array(befores[index][:done], np.float32).reshape(done, theta[index].size),
                theta=np.array([row[0] for row in rows[index][1 : done + 1]], np.float32).reshape(
                    done, theta[index].size
                ),
                states={
                    name: np.array([row[position] for row in rows[index][: done + 1]], np.float32)
                    for position, name in ((1, "m"), (2, "v"))
                },
                present={name: np.ones(done + 1, np.bool_) for name in ("m", "v")},
                count=np.array(counters[index][: done + 1], np.float64),
            )
            for index in range(count)
        )
        entries = tuple(tuple(Entry(name, "float32", "cpu", len(values)) for name in ("m", "v")) for values in theta)
        return Trajectory(traces, done, fault, ("m", "v"), entries=entries)

    def _step(
        self,
        theta: np.ndarray,
        g: np.ndarray,
        m: np.ndarray,
        v: np.ndarray,
        t: int,
        hyper: Mapping[str, float],
        factor: np.float32,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        f = np.float32
        beta1, beta2 = hyper["beta1"], hyper["beta2"]
        with np.errstate(all="ignore"):
            m = f(beta1) * m + f(1.0 - beta1) * g * factor
            v = f(beta2) * v + f(1.0 - beta2) * g * g
            m_hat = m / f(1.0 - beta1**t)
            v_hat = v / f(1.0 - beta2**t)
            divisor = np.sqrt(v_hat + f(hyper["eps"])) if self.eps_inside else np.sqrt(v_hat) + f(hyper["eps"])
            return theta - f(hyper["lr"]) * m_hat / divisor, m, v
