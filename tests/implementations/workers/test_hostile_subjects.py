"""Whatever a subject leaves behind is its own fault, in one sentence: never an error of the worker, never a hang."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from implementations.short_scripts import ADAM, MISBEHAVING, cell, misbehaving, script_of
from stepcheck_implementations.adapters import torch_optim
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.scripts.trajectory import Fault, Trajectory

MEMORY = 3 << 30


@pytest.fixture(scope="module")
def workers(fork_server: str) -> Iterator[Workers]:
    with Workers(address=fork_server, memory=MEMORY, deadline=20.0) as opened:
        yield opened


def hostile(name: str) -> Adapter:
    """Return the adapter of a class in ``subjects/hostile.py``."""
    return replace(misbehaving(name), target=f"{MISBEHAVING.with_name('hostile.py')}:{name}")


def done(workers: Workers, name: str) -> Trajectory:
    """Return what comes of a subject over three steps, the state dict read before the last."""
    script = script_of({"lr": 0.1}, shapes=((3,),), steps=3)
    steps = (*script.steps[:2], replace(script.steps[2], reload="loaded"))
    adapter = hostile(name)
    return workers.run(adapter, cell(adapter), replace(script, steps=steps))


def fault_of(workers: Workers, name: str) -> Fault:
    fault = done(workers, name).fault
    assert fault is not None
    assert fault.message.isprintable()
    assert len(fault.message) < 3000
    return fault


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("StateIsDeleted", "raised", "has no attribute 'state'"),
        ("StateCannotBeRead", "malformed", "SystemExit: no get"),
        ("EntryCannotBeRead", "malformed", "KeyboardInterrupt: no lookup"),
        ("GroupsCannotBeRead", "malformed", "RuntimeError: no entry"),
        ("StateHoldsALock", "malformed", "cannot pickle '_thread.lock' object"),
        ("StateIsNested", "malformed", "what it left cannot be worked with: RuntimeError"),
        ("StateIsMeta", "malformed", "on meta, and cannot be read"),
        ("StateIsDeaf", "malformed", "RuntimeError: not a tensor any more"),
        ("CountsWithoutEnd", "malformed", "is a int, which is no number (OverflowError"),
        ("ParameterChangesItsClass", "malformed", "tensor 0 is a DeafParameter, but should be the Parameter it was"),
        ("ParameterStopsTraining", "malformed", "tensor 0 has requires_grad=False, but should have True"),
        ("AttributesRaise", "malformed", "GeneratorExit: no state"),
        ("MessageIsNoText", "raised", "Odd: (its message cannot be printed)"),
        ("MessageIsEndless", "raised", "ValueError: [2J many [2J many"),
        ("BuiltinsAreReplaced", "malformed", "'NoneType' object is not callable"),
        ("FunctionsAreIntercepted", "malformed", "RuntimeError: intercepted"),
        ("TakesAllMemory", "raised", "(the limit is 3 GiB of memory for a worker; --memory changes it)"),
        (
            "TakesMemoryInPython",
            "raised",
            "MemoryError (the limit is 3 GiB of memory for a worker; --memory changes it)",
        ),
        ("ReadsNowhere", "crashed", "SIGSEGV in after, hostile.py line"),
        ("FreesItsGradient", "crashed", "SIGSEGV"),
        ("SendsGarbage", "crashed", "its process sent what is no answer: a frame of"),
        ("SendsALength", "crashed", "its process sent what is no answer: a frame of 1024 and 8589934592 bytes"),
        ("SendsDeepJson", "crashed", "its process sent what is no answer: RecursionError"),
        ("SendsAnUnknownKey", "crashed", "ValueError: unknown=1, but Trajectory has"),
        ("SendsAnEmptyTrajectory", "crashed", "its process sent what is no answer: ValueError: steps=4 of 3"),
        ("SendsObjects", "crashed", "its process sent what is no answer: ValueError: array='|O'"),
        ("SendsAnError", "malformed", "its process cannot go on: [31mstepcheck did it"),
        ("SendsAnOddError", "crashed", "its process sent what is no answer: error={'odd': 1}"),
    ],
)
def test_what_a_subject_leaves_is_its_own_fault(workers: Workers, name: str, kind: str, says: str) -> None:
    fault = fault_of(workers, name)
    assert says in fault.message
    assert fault.kind == kind
    assert workers.run(torch_optim.ADAM, cell(torch_optim.ADAM), script_of(ADAM)).fault is None


@pytest.mark.parametrize(
    "name", ["OutputIsClosed", "ModulesAreGone", "RecursionIsLimited", "TorchIsReplaced", "NumpyIsReplaced"]
)
def test_what_this_process_is_made_of_may_go(workers: Workers, name: str) -> None:
    fault = done(workers, name).fault
    assert fault is None or fault.kind in ("raised", "malformed")


@pytest.mark.parametrize("name", ["EqualIsReplaced", "TensorIsReplaced"])
def test_functions_that_a_subject_replaces_are_not_those_that_it_is_observed_with(workers: Workers, name: str) -> None:
    script = script_of({"lr": 0.1}, shapes=((3,),), steps=2)
    adapter = hostile(name)
    trajectory = workers.run(adapter, cell(adapter), script)
    assert trajectory.fault is None
    assert trajectory.modified_gradients == ((0,) if name == "EqualIsReplaced" else ())


def test_a_text_of_megabytes_is_cut_before_it_is_walked(workers: Workers) -> None:
    began = time.monotonic()
    fault_of(workers, "MessageIsEndless")
    assert time.monotonic() - began < 10


def test_a_fork_server_that_a_subject_kills_or_stops_is_replaced() -> None:
    adam = torch_optim.ADAM
    with Workers(deadline=20.0) as own:
        fault = fault_of(own, "KillsTheForkServer")
        assert fault.kind == "crashed"
        assert "ended with the one that had started it, as after os.kill(os.getppid(), signal.SIGKILL)" in fault.message
        assert own.run(adam, cell(adam), script_of(ADAM)).fault is None
        with Workers(address=own.address) as borrower:
            assert fault_of(borrower, "KillsTheForkServer").kind == "crashed"
            assert borrower.run(adam, cell(adam), script_of(ADAM)).fault is None
