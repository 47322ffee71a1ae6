"""The corpus of guard reaches the corners, and every class of the installed torch."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import torch
from torch.optim import lr_scheduler

from stepcheck.guard.corpus.corpus import EVERYTHING, SAVED_AT, Wanted, corpus
from stepcheck.guard.corpus.spec import CHECKPOINT, OTHER_WAYS, SCHEDULE, STEPS, SURFACE, Asked
from stepcheck.guard.corpus.unruled_scripts import BUILDERS as UNRULED
from stepcheck.guard.record_baseline import lots
from stepcheck_implementations.adapters import torch_optim, torch_optim_record_only
from stepcheck_implementations.workers.pool import Workers
from stepcheck_properties.scripts.edge_cases import ALL as EDGE_CASES
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.script import INVOCATIONS, Script
from stepcheck_reference.scripts.script_json import from_json

CLASSES = {
    name
    for name, kind in vars(torch.optim).items()
    if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer
}


@pytest.fixture(scope="module")
def asked(fork_server: str) -> Iterator[list[Asked]]:
    with Workers(address=fork_server) as workers:
        yield corpus(EVERYTHING, workers)


def scripts(entry: Asked) -> list[Script]:
    return [from_json(text) for text in entry.request["scripts"]]


def of(asked: list[Asked], name: str, kind: str) -> list[Asked]:
    return [entry for entry in asked if entry.target == f"torch.optim.{name}" and entry.kind == kind]


def test_every_class_of_the_installed_torch_has_cells_of_every_kind(asked: list[Asked]) -> None:
    assert {"Adam", "LBFGS", "SparseAdam"} <= CLASSES
    for name in CLASSES:
        for kind in (STEPS, CHECKPOINT, SURFACE):
            assert of(asked, name, kind), (name, kind)


def test_every_scheduler_of_the_installed_torch_has_schedules(asked: list[Asked]) -> None:
    there = {
        name
        for name, kind in vars(lr_scheduler).items()
        if isinstance(kind, type)
        and issubclass(kind, lr_scheduler.LRScheduler)
        and kind is not lr_scheduler.LRScheduler
    }
    recorded = {entry.target.rpartition(".")[2] for entry in asked if entry.kind == SCHEDULE}
    assert {name for name in there if name[0] != "_"} <= recorded


def test_every_configuration_mode_and_dtype_has_a_cell_with_a_name_of_its_own(asked: list[Asked]) -> None:
    names = [entry.id for entry in asked]
    assert len(names) == len(set(names))
    for adapter in torch_optim.ALL:
        name = adapter.target.rpartition(".")[2]
        for configuration in adapter.configurations:
            for mode in adapter.modes:
                for dtype in FORMATS:
                    there = f"{name}[{configuration.name}] {mode} {dtype} cpu" in names
                    assert there == (mode != "compiled"), (name, configuration.name, mode, dtype)


def test_every_corner_is_there_for_some_class_with_a_rule_in_every_real_dtype(asked: list[Asked]) -> None:
    reached: dict[str, set[str]] = {}
    for entry in asked:
        if entry.kind == STEPS and entry.rule and not entry.id.endswith(OTHER_WAYS):
            reached.setdefault(entry.cell["dtype"], set()).update(script.label for script in scripts(entry))
    for dtype, labels in reached.items():
        spared = set() if not dtype.startswith("complex") else {entry.name for entry in EDGE_CASES} - labels
        assert labels | spared == {entry.name for entry in EDGE_CASES}, dtype
        assert len(spared) <= 6
    assert set(reached) == set(FORMATS)


def test_every_class_with_a_rule_has_the_corners_that_need_no_name(asked: list[Asked]) -> None:
    always = {"two_groups", "missing_gradients", "shrinking_gradients", "zeros_and_subnormals", "many_steps", "layouts"}
    always |= {"mixed_dtypes", "overwritten", "reloaded", "bulk"}
    for adapter in torch_optim.ALL:
        cells = of(asked, adapter.target.rpartition(".")[2], STEPS)
        for entry in [entry for entry in cells if not entry.id.endswith(OTHER_WAYS)]:
            labels = {script.label for script in scripts(entry)}
            assert always - labels <= ({"many_steps", "shrinking_gradients"} if "complex" in entry.id else set())


def test_every_class_without_a_rule_has_its_scripts(asked: list[Asked]) -> None:
    for one in torch_optim_record_only.ALL:
        for entry in of(asked, one.adapter.target.rpartition(".")[2], STEPS):
            assert {script.label for script in scripts(entry)} == {label for label, _ in UNRULED}


def test_every_way_to_drive_an_optimizer_is_there_for_every_path_of_a_class_with_a_rule(asked: list[Asked]) -> None:
    ruled = {entry.id for entry in asked if entry.kind == STEPS and entry.rule}
    plain = {name for name in ruled if name.endswith(" float32 cpu")}
    ways = {entry.id: entry for entry in asked if entry.id.endswith(f" {OTHER_WAYS}")}
    assert set(ways) == {f"{name} {OTHER_WAYS}" for name in plain}
    wanted = {"plain", *INVOCATIONS, "saved", "copied", "pickled", "skipped"}
    for entry in ways.values():
        scripts = [from_json(text) for text in entry.request["scripts"]]
        assert {script.label for script in scripts} == wanted
        assert {script.label for script in scripts if script.label in script.invocation} == {*INVOCATIONS}
        assert any(step.skip for script in scripts for step in script.steps)


def test_a_counter_passes_256_in_bfloat16_for_every_class(asked: list[Asked]) -> None:
    for adapter in torch_optim.ALL:
        name = adapter.target.rpartition(".")[2]
        first = [e for e in of(asked, name, STEPS) if f"[{adapter.configurations[0].name}]" in e.id]
        assert any(len(s.steps) >= 300 for e in first if " bfloat16 " in e.id for s in scripts(e)), name


def test_a_checkpoint_is_taken_while_some_parameters_have_had_a_gradient_and_some_not_yet(asked: list[Asked]) -> None:
    for entry in asked:
        if entry.kind == CHECKPOINT:
            script = from_json(entry.request["script"])
            assert entry.request["at"] == SAVED_AT < len(script.steps)
            assert not any(step.reload for step in script.steps)


def test_labels_of_a_cell_are_different(asked: list[Asked]) -> None:
    for entry in asked:
        if entry.kind == STEPS:
            labels = [script.label for script in scripts(entry)]
            assert len(labels) == len(set(labels))


def test_every_cell_is_in_one_lot_and_scripts_are_shared_in_it(asked: list[Asked]) -> None:
    made = lots(asked)
    assert [entry.id for lot in made for entry in lot] == [entry.id for entry in asked]
    for lot in made:
        assert len({entry.kind for entry in lot}) == 1
        if lot[0].kind == STEPS:
            assert len({tuple(entry.request["scripts"]) for entry in lot}) == 1


def test_cells_can_be_chosen_by_mode_and_dtype(fork_server: str) -> None:
    with Workers(address=fork_server) as workers:
        found = corpus(Wanted(modes=("foreach",), dtypes=("bfloat16", "complex64")), workers)
    steps = [entry for entry in found if entry.kind == STEPS]
    assert {(entry.cell["mode"], entry.cell["dtype"]) for entry in steps} == {
        ("foreach", "bfloat16"),
        ("foreach", "complex64"),
    }
    assert not [entry for entry in found if entry.kind == CHECKPOINT]


def test_compiled_cells_are_there_only_where_they_are_named(asked: list[Asked], fork_server: str) -> None:
    assert not [entry for entry in asked if " compiled " in entry.id]
    with Workers(address=fork_server) as workers:
        found = corpus(Wanted((("torch.optim.SGD", None),), ("compiled",), ("float32",)), workers)
    assert len([entry for entry in found if entry.kind == STEPS]) == 2 * len(torch_optim.SGD.configurations)


def test_a_cell_asks_nothing_of_this_machine(asked: list[Asked]) -> None:
    for entry in asked:
        assert not re.search(r"/(home|root|work|tmp)/", f"{entry.id}{entry.request}{entry.adapter}{entry.cell}")
