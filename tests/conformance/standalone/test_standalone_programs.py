"""Standalone programs do exactly what the worker does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stepcheck.certification.failures.replay_token import Replayable, decode, encode
from stepcheck.certification.request import WrongRequest
from stepcheck.standalone.torch_program import GRADIENT, Element, expression_program, pair_program, standalone_program
from stepcheck_implementations.adapters.adapter import Cell
from stepcheck_implementations.adapters.torch_optim import ADAMW, SGD
from stepcheck_implementations.driver.execution import run
from stepcheck_reference.scripts.script import (
    ASIDE,
    INVOCATIONS,
    RELOADS,
    ZERO_GRADS,
    Drawn,
    Group,
    Literal,
    Script,
    Step,
    Tensor,
)
from torch_python import TorchPython

HYPER = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.01}
EVENTFUL = Script(
    (
        Tensor((2, 3), "bfloat16", Drawn("normal", 3), "transposed"),
        Tensor((), "float64", Literal((1.0,)), "sliced"),
        Tensor((1, 2, 2, 2), "float32", Drawn("wide", 1), "channels_last"),
    ),
    (Group((0, 2), HYPER), Group((1,), {**HYPER, "lr": 0.2})),
    (
        Step((Drawn("normal", 1), None, Drawn("tiny", 5))),
        Step(
            (Drawn("normal", 2), Literal((float("inf"),)), Drawn("signs", 5)),
            hyper=((0, "beta1", 0.5), (1, "lr", 0.0)),
            overwrite=((1, Literal((-0.0,))),),
            reload=True,
        ),
    ),
)
COMPLEX = Script(
    (Tensor((2,), "complex64", Literal((1.0, 2.0, float("inf"), 4.0))),),
    (Group((0,), {"lr": 0.1, "momentum": 0.9, "dampening": 0.0}),),
    (Step((Drawn("normal", 4),)),) * 6,
)


@pytest.mark.parametrize(
    ("cell", "script", "output", "tensor", "index"),
    [
        (Cell("torch.optim.AdamW", "amsgrad", "foreach", "bfloat16", "cpu"), EVENTFUL, "theta", 0, 5),
        (Cell("torch.optim.AdamW", "amsgrad", "single", "bfloat16", "cpu"), EVENTFUL, "v_max", 2, 3),
        (Cell("torch.optim.AdamW", "default", "differentiable", "bfloat16", "cpu"), EVENTFUL, "count", 1, 0),
        (Cell("torch.optim.SGD", "momentum", "single", "complex64", "cpu"), COMPLEX, "b", 0, 1),
        (Cell("torch.optim.SGD", "momentum", "foreach", "complex64", "cpu"), COMPLEX, "theta", 0, 2),
    ],
)
def test_a_program_observes_what_the_worker_observes(
    torch_python: TorchPython, tmp_path: Path, cell: Cell, script: Script, output: str, tensor: int, index: int
) -> None:
    adapter = ADAMW if "AdamW" in cell.target else SGD
    trajectory = run(adapter, cell, script)
    assert trajectory.fault is None
    trace, last = trajectory.traces[tensor], len(script.steps)
    if output == "theta":
        observed = float(trace.theta[-1][index])
    else:
        observed = float(trace.count[-1]) if output == "count" else float(trace.states[output][-1][index])
    path = tmp_path / "witness.py"
    for expected, code in (
        (observed, 0),
        (observed + 1.0 if observed == observed and abs(observed) < 1e300 else 0.0, 1),
    ):
        text = standalone_program(
            adapter, cell, script, title="t", output=output, tensor=tensor, index=index, step=last, expected=expected
        )
        path.write_text(text)
        done = torch_python.run(path, cwd=tmp_path)
        assert done.stderr == ""
        if observed == observed and abs(observed) != float("inf"):
            assert done.returncode == code, text + done.stdout


def test_a_token_has_a_cell_its_rule_and_a_script() -> None:
    cell = Cell("path/file.py:Name", "amsgrad", "foreach", "bfloat16", "cpu", (("lr", 0.1),))
    item = Replayable(cell, "amsgrad+maximize", EVENTFUL, "lerp")
    token = encode(item)
    assert decode(token) == item
    assert token.replace("-", "").replace("_", "").isalnum()
    with pytest.raises(WrongRequest, match="not whole"):
        decode(token[:-9])


def ordinary(**changes: object) -> Script:
    """Return three steps of two AdamW tensors, the middle one with ``changes``."""
    gradients = (Drawn("normal", 5), Drawn("normal", 6))
    tensors = (Tensor((3,), "float32", Drawn("normal", 1)), Tensor((2, 2), "float32", Drawn("normal", 2)))
    middle = Step(gradients, hyper=((0, "lr", 0.25),), **changes)  # type: ignore[arg-type]
    return Script(tensors, (Group((0,), HYPER), Group((1,), HYPER)), (Step(gradients), middle, Step(gradients)))


def later_group(reload: str) -> Script:
    """Return a script whose second group is added before step 2, and which is interrupted before step 3."""
    first, middle, last = ordinary().steps
    steps = replace(first, gradients=(first.gradients[0], None)), replace(middle, adds_groups=(1,))
    groups = Group((0,), HYPER), Group((1,), {**HYPER, "lr": 0.125})
    return replace(ordinary(), groups=groups, steps=(*steps, replace(last, reload=reload)))


UNUSUAL = {
    **{variant: replace(ordinary(), invocation=(variant,)) for variant in INVOCATIONS if variant != "sparse"},
    **{f"reload {how}": ordinary(reload=how) for how in RELOADS},
    "skip": ordinary(skip=True),
    **{f"zero_grad {how}": ordinary(zero_grad=how) for how in ZERO_GRADS if how},
    "grad_scale": ordinary(grad_scale=8.0),
    "grad_scale in a thread": replace(ordinary(grad_scale=8.0), invocation=("other_thread",)),
    "one closure": ordinary(closure=True),
    **{f"closures and {how}": replace(ordinary(reload=how), invocation=("closure",)) for how in ASIDE},
    "default_dtype": ordinary(default_dtype="float64"),
    **{f"added and {how}": later_group(how) for how in RELOADS},
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_a_program_ends_where_the_worker_does_however_steps_are_invoked(
    name: str, torch_python: TorchPython, tmp_path: Path
) -> None:
    for mode in ("single", "fused"):
        cell = Cell("torch.optim.AdamW", "default", mode, "float32", "cpu")
        trajectory = run(ADAMW, cell, UNUSUAL[name])
        assert trajectory.fault is None
        result = float(trajectory.traces[1].theta[2, 3])
        for expected, code in ((result, 0), (result + 1.0, 1)):
            path = tmp_path / f"{mode}{code}.py"
            text = standalone_program(ADAMW, cell, UNUSUAL[name], title=name, output="theta", tensor=1, index=3, step=3,
                           expected=expected, radius=0.0)  # fmt: skip
            path.write_text(text)
            done = torch_python.run(path, cwd=tmp_path)
            assert (done.returncode, done.stderr) == (code, ""), text


def test_a_program_of_two_runs_fails_only_where_they_diverge(torch_python: TorchPython, tmp_path: Path) -> None:
    cell = Cell("torch.optim.AdamW", "default", "single", "float32", "cpu")
    changed = replace(ordinary(), invocation=("closure",))
    for changed_script, code in ((changed, 0), (ordinary(skip=True), 1)):
        runs = tuple((cell, script, Element("theta", 0, 3, 1)) for script in (ordinary(), changed_script))
        path = tmp_path / f"pair{code}.py"
        path.write_text(pair_program(ADAMW, runs, title="two runs"))  # type: ignore[arg-type]
        done = torch_python.run(path, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (code, ""), path.read_text()


def test_a_program_compares_expressions(torch_python: TorchPython, tmp_path: Path) -> None:
    cell = Cell("torch.optim.AdamW", "default", "single", "float32", "cpu")
    script = replace(ordinary(), invocation=("closure",))
    for reading, wanted, code in (
        ("len(calls)", "1", 0),
        ("float(returned)", "0.625 * 2", 0),
        ("sorted(optimizer.state[p0])", "['exp_avg', 'exp_avg_sq']", 1),
    ):
        path = tmp_path / f"expression{code}.py"
        path.write_text(
            expression_program(ADAMW, cell, script, title="expression", step=2, reading=reading, wanted=wanted)
        )
        done = torch_python.run(path, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (code, ""), path.read_text()


def test_a_program_detects_a_gradient_that_is_written_into(torch_python: TorchPython, tmp_path: Path) -> None:
    writes = tmp_path / "writes.py"
    writes.write_text(
        "import torch\n\n\nclass Writes(torch.optim.SGD):\n    def step(self, closure=None):\n"
        "        super().step()\n        for group in self.param_groups:\n            for p in group['params']:\n"
        "                p.grad.add_(1.0)\n"
    )
    script = Script(
        (Tensor((2,), "float32", Literal((1.0,))),), (Group((0,), {"lr": 0.5}),), (Step((Literal((1.0,)),)),)
    )
    for target, code in ((f"{writes}:Writes", 1), ("torch.optim.SGD", 0)):
        path = tmp_path / f"gradient{code}.py"
        cell = Cell(target, "plain", "single", "float32", "cpu")
        path.write_text(standalone_program(SGD, cell, script, title="written", output=GRADIENT, tensor=0))
        done = torch_python.run(path, cwd=tmp_path)
        assert done.returncode == code, path.read_text()
        assert "Traceback" not in done.stderr
