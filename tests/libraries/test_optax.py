"""optax' transformations, through JAX in worker processes."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from conformance.command import environment, python, stepcheck
from libraries.certified import certified, judged_verdicts, run_script
from stepcheck.certification.certificate import from_json
from stepcheck_implementations.adapters import optax
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

pytestmark = [
    pytest.mark.optax,
    pytest.mark.skipif(find_spec("optax") is None, reason="optax is not installed: the extra optax brings it"),
]

HYPER = {"lr": 0.5, "beta1": 0.5, "beta2": 0.75, "eps": 0.25}


def script(*steps: Step, dtypes: tuple[str, ...] = ("float32", "float32")) -> Script:
    """Return a script on one tensor a dtype, in one group of Adam."""
    tensors = tuple(Tensor((3,), dtype, Literal((1.0, -2.0, 0.5))) for dtype in dtypes)
    return Script(tensors, (Group(tuple(range(len(tensors))), HYPER),), steps)


ONE, TWO = Literal((1.0, 0.5, -0.25)), Literal((-0.125, 2.0, 1.0))


@pytest.mark.parametrize("target", [adapter.target for adapter in optax.ALL])
def test_every_transformation_keeps_its_rules_under_jit(target: str) -> None:
    verdicts = judged_verdicts(certified(target, "--mode", "compiled", "--dtype", "float32", "--jobs", "1"))
    assert verdicts == ["holds"] * len(verdicts)
    assert verdicts


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_adam_keeps_its_rules_in_every_dtype_operation_by_operation(dtype: str) -> None:
    verdicts = judged_verdicts(certified("optax.adam", "--mode", "single", "--dtype", dtype, "--jobs", "1"))
    assert verdicts == ["holds"] * len(verdicts)


def test_rprop_is_not_torch_s() -> None:
    certificate = certified("optax.rprop", "--as", "rprop", "--mode", "compiled", "--dtype", "float32", code=1)
    assert {failure.code for failure in certificate.failures} & {"SC101", "SC102"}


def test_a_false_claim_is_refused_by_a_program_that_needs_jax_alone(tmp_path: Path) -> None:
    done = stepcheck(
        "certify",
        "optax.sign_sgd",
        "--as",
        "sgd",
        "--dtype",
        "bfloat16",
        "--mode",
        "single,compiled",
        "--out",
        str(tmp_path),
        timeout=600.0,
    )
    assert done.returncode == 1, done.stderr
    programs = sorted((tmp_path / "failures").glob("*-SC101-*.py"))
    assert len(programs) == 2
    for program in programs:
        assert "stepcheck" not in program.read_text()
        failed = python(str(program))
        assert (failed.returncode, failed.stderr) == (1, "")
    assert from_json((tmp_path / "certificate.json").read_text()).failures


def test_a_tensor_without_a_gradient_is_not_counted(fork_server: str) -> None:
    trajectory = run_script(fork_server, "optax.adam", script(Step((ONE, None)), Step((ONE, TWO)), Step((None, None))))
    assert trajectory.fault is None
    assert [list(trace.count) for trace in trajectory.traces] == [[0, 1, 2, 2], [0, 0, 1, 1]]
    alone = run_script(fork_server, "optax.adam", script(Step((TWO,)), dtypes=("float32",)))
    assert np.array_equal(trajectory.traces[1].theta[1], alone.traces[0].theta[0])


def test_a_changed_rate_and_a_reload_keep_the_state(fork_server: str) -> None:
    rate = ((0, "lr", 0.125),)
    plain = run_script(
        fork_server, "optax.adam", script(Step((ONE, ONE)), Step((TWO, TWO), hyper=rate), Step((ONE, ONE)))
    )
    again = run_script(
        fork_server,
        "optax.adam",
        script(Step((ONE, ONE), reload=True), Step((TWO, TWO), hyper=rate), Step((ONE, ONE), reload=True)),
    )
    assert plain.fault is None
    for one, other in zip(plain.traces, again.traces, strict=True):
        assert np.array_equal(one.theta, other.theta)
        assert np.array_equal(one.states["m"], other.states["m"])
    assert not np.array_equal(plain.traces[0].theta[2], plain.traces[0].theta[1])


def test_a_float64_tensor_next_to_another_changes_nothing_in_it(fork_server: str) -> None:
    mixed = run_script(
        fork_server, "optax.adam", script(Step((ONE, ONE)), Step((TWO, TWO)), dtypes=("float32", "float64"))
    )
    alone = run_script(fork_server, "optax.adam", script(Step((ONE,)), Step((TWO,)), dtypes=("float32",)))
    assert np.array_equal(mixed.traces[0].theta, alone.traces[0].theta)
    assert mixed.traces[1].theta.dtype == np.float64
    assert not np.array_equal(mixed.traces[1].theta, alone.traces[0].theta)


def test_numbers_cross_exactly_and_jax_flushes_subnormals(fork_server: str) -> None:
    tiny = 2.0**-140
    tensor = Tensor((2,), "float32", Literal((tiny, 1.0)))
    one = Script((tensor,), (Group((0,), {"lr": 0.0}),), (Step((Literal((tiny, 0.0)),)),))
    trajectory = run_script(fork_server, "optax.sgd", one)
    assert list(trajectory.traces[0].before[0]) == [tiny, 1.0]
    assert list(trajectory.traces[0].theta[0]) == [0.0, 1.0]


def test_complex_tensors_are_left_out_where_the_rule_has_two_parts() -> None:
    certificate = certified("optax.lion", "--dtype", "complex64", "--mode", "single", code=5)
    assert all("absolute value" in cell.reason for cell in certificate.cells)


def test_a_transformation_may_be_handed_over_in_python() -> None:
    program = (
        "import optax, stepcheck\n"
        "for one in (optax.sign_sgd, optax.nadam):\n"
        "    certificate = stepcheck.certify(one, dtypes=['float32'], modes=['compiled'])\n"
        "    print(found.findings.target, found.verdict.value)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, env=environment(), check=False
    )
    assert done.stdout.split() == ["optax.sign_sgd", "holds", "optax.nadam", "holds"], done.stderr


def test_jax_is_never_imported_here() -> None:
    assert "jax" not in sys.modules
