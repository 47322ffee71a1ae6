"""Standalone programs say exactly what the worker does."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepcheck.replay_token import Replayable, decode, encode
from stepcheck.request import WrongRequest
from stepcheck.standalone import program
from stepcheck_implementations.subject import Cell
from stepcheck_implementations.torch_optim import ADAMW, SGD
from stepcheck_implementations.worker import run
from stepcheck_reference.script import Drawn, Group, Literal, Script, Step, Tensor
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
def test_a_program_sees_what_the_worker_sees(
    torch_python: TorchPython, tmp_path: Path, cell: Cell, script: Script, output: str, tensor: int, index: int
) -> None:
    adapter = ADAMW if "AdamW" in cell.target else SGD
    trajectory = run(adapter, cell, script)
    assert trajectory.fault is None
    trace, last = trajectory.traces[tensor], len(script.steps)
    if output == "theta":
        seen = float(trace.theta[-1][index])
    else:
        seen = float(trace.count[-1]) if output == "count" else float(trace.states[output][-1][index])
    path = tmp_path / "witness.py"
    for expected, code in ((seen, 0), (seen + 1.0 if seen == seen and abs(seen) < 1e300 else 0.0, 1)):
        text = program(
            adapter, cell, script, title="t", output=output, tensor=tensor, index=index, step=last, expected=expected
        )
        path.write_text(text)
        done = torch_python.run(path, cwd=tmp_path)
        assert done.stderr == ""
        if seen == seen and abs(seen) != float("inf"):
            assert done.returncode == code, text + done.stdout


def test_a_token_holds_a_cell_its_rule_and_a_script() -> None:
    cell = Cell("path/file.py:Name", "amsgrad", "foreach", "bfloat16", "cpu", (("lr", 0.1),))
    item = Replayable(cell, "amsgrad+maximize", EVENTFUL, "lerp")
    token = encode(item)
    assert decode(token) == item
    assert token.replace("-", "").replace("_", "").isalnum()
    with pytest.raises(WrongRequest, match="not whole"):
        decode(token[:-9])
