"""The corpus of guard reaches the edge cases, and every class of the installed torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import pytest
import torch
from torch.optim import lr_scheduler

from stepcheck.guard.corpus.cell_spec import API, CHECKPOINT, SAVED_AT, SCHEDULE, STEPS, VARIANTS, CellSpec
from stepcheck.guard.corpus.corpus import corpus
from stepcheck.guard.corpus.selection import EVERYTHING, Selection
from stepcheck.guard.corpus.unruled_scripts import BUILDERS as UNRULED
from stepcheck.guard.corpus.variant_scripts import CALLS
from stepcheck.guard.record_baseline import batches
from stepcheck_implementations.adapters import torch_optim, torch_optim_record_only
from stepcheck_implementations.workers.pool import Workers
from stepcheck_properties.scripts.edge_cases import ALL as EDGE_CASES
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.script_json import from_json

CLASSES = {
    name
    for name, kind in vars(torch.optim).items()
    if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer
}


LARGE = {"large_tensor", "long_run"}
"""Edge cases whose values would make a baseline large, and which no cell of guard has."""
OF_ONE_DTYPE = {"gradient_layouts", "many_tensors", "only_empty", "hyper_changed", "ends_of_domains"}
"""Edge cases that are not about formats, and which cells of float32 alone have."""


@pytest.fixture(scope="module")
def spec(fork_server: str) -> Iterator[list[CellSpec]]:
    with Workers(address=fork_server) as workers:
        yield corpus(EVERYTHING, workers)


read = lru_cache(maxsize=None)(from_json)


def scripts(entry: CellSpec) -> list[Script]:
    return [read(text) for text in entry.request["scripts"]]


def of(spec: list[CellSpec], name: str, kind: str) -> list[CellSpec]:
    return [entry for entry in spec if entry.target == f"torch.optim.{name}" and entry.kind == kind]


def test_every_class_of_the_installed_torch_has_cells_of_every_kind(spec: list[CellSpec]) -> None:
    assert {"Adam", "LBFGS", "SparseAdam"} <= CLASSES
    for name in CLASSES:
        for kind in (STEPS, CHECKPOINT, API):
            assert of(spec, name, kind), (name, kind)


def test_every_scheduler_of_the_installed_torch_has_schedules(spec: list[CellSpec]) -> None:
    expected = {
        name
        for name, kind in vars(lr_scheduler).items()
        if isinstance(kind, type)
        and issubclass(kind, lr_scheduler.LRScheduler)
        and kind is not lr_scheduler.LRScheduler
    }
    recorded = {entry.target.rpartition(".")[2] for entry in spec if entry.kind == SCHEDULE}
    assert {name for name in expected if name[0] != "_"} <= recorded


def test_every_configuration_mode_and_dtype_has_a_cell_with_a_name_of_its_own(spec: list[CellSpec]) -> None:
    names = [entry.id for entry in spec]
    assert len(names) == len(set(names))
    for adapter in torch_optim.ALL:
        name = adapter.target.rpartition(".")[2]
        for configuration in adapter.configurations:
            for mode in adapter.modes:
                for dtype in FORMATS:
                    expected = f"{name}[{configuration.name}] {mode} {dtype} cpu" in names
                    assert expected == (mode != "compiled"), (name, configuration.name, mode, dtype)


def test_every_edge_case_is_covered_by_some_class_with_a_rule_in_every_real_dtype(spec: list[CellSpec]) -> None:
    reached: dict[str, set[str]] = {}
    for entry in spec:
        if entry.kind == STEPS and entry.rule and not entry.id.endswith(VARIANTS):
            reached.setdefault(entry.cell["dtype"], set()).update(script.label for script in scripts(entry))
    assert set(reached) == set(FORMATS)
    everything = {entry.name for entry in EDGE_CASES} - LARGE
    for dtype, labels in reached.items():
        assert labels <= everything
        missing = everything - labels - (set() if dtype == "float32" else OF_ONE_DTYPE)
        assert not missing if not dtype.startswith("complex") else len(missing) <= 6, dtype


def test_every_class_with_a_rule_has_the_edge_cases_that_need_no_name(spec: list[CellSpec]) -> None:
    always = {"two_groups", "missing_gradients", "shrinking_gradients", "zeros_and_subnormals", "many_steps", "layouts"}
    always |= {"mixed_dtypes", "overwritten", "reloaded", "bulk"}
    for adapter in torch_optim.ALL:
        cells = of(spec, adapter.target.rpartition(".")[2], STEPS)
        for entry in [entry for entry in cells if not entry.id.endswith(VARIANTS)]:
            labels = {script.label for script in scripts(entry)}
            assert always - labels <= ({"many_steps", "shrinking_gradients"} if "complex" in entry.id else set())


def test_every_class_without_a_rule_has_its_scripts(spec: list[CellSpec]) -> None:
    for one in torch_optim_record_only.ALL:
        for entry in of(spec, one.adapter.target.rpartition(".")[2], STEPS):
            assert {script.label for script in scripts(entry)} == {label for label, _ in UNRULED}


def test_every_invocation_variant_is_covered_for_every_mode_of_a_class_with_a_rule(spec: list[CellSpec]) -> None:
    ruled = {entry.id for entry in spec if entry.kind == STEPS and entry.rule}
    plain = {name for name in ruled if name.endswith(" float32 cpu")}
    cells = {entry.id: entry for entry in spec if entry.id.endswith(f" {VARIANTS}")}
    assert set(cells) == {f"{name} {VARIANTS}" for name in plain}
    selection = {"plain", *CALLS, "saved", "copied", "pickled", "skipped"}
    for entry in cells.values():
        variants = scripts(entry)
        assert {script.label for script in variants} == selection
        assert {script.label for script in variants if script.label in script.invocation} == {*CALLS}
        assert any(step.skip for script in variants for step in script.steps)


def test_a_counter_passes_256_in_bfloat16_for_every_class(spec: list[CellSpec]) -> None:
    for adapter in torch_optim.ALL:
        name = adapter.target.rpartition(".")[2]
        first = [e for e in of(spec, name, STEPS) if f"[{adapter.configurations[0].name}]" in e.id]
        assert any(len(s.steps) >= 300 for e in first if " bfloat16 " in e.id for s in scripts(e)), name


def test_a_checkpoint_is_taken_while_some_parameters_have_had_a_gradient_and_some_not_yet(spec: list[CellSpec]) -> None:
    for entry in spec:
        if entry.kind == CHECKPOINT:
            script = read(entry.request["script"])
            assert entry.request["at"] == SAVED_AT < len(script.steps)
            assert not any(step.reload for step in script.steps)


def test_labels_of_a_cell_are_different(spec: list[CellSpec]) -> None:
    for entry in spec:
        if entry.kind == STEPS:
            labels = [script.label for script in scripts(entry)]
            assert len(labels) == len(set(labels))


def test_every_cell_is_in_one_batch_whose_scripts_are_shared(spec: list[CellSpec]) -> None:
    batched = batches(spec)
    assert [entry.id for batch in batched for entry in batch] == [entry.id for entry in spec]
    for batch in batched:
        assert len({entry.kind for entry in batch}) == 1
        if batch[0].kind == STEPS:
            assert len({tuple(entry.request["scripts"]) for entry in batch}) == 1


def test_cells_can_be_chosen_by_mode_and_dtype(fork_server: str) -> None:
    with Workers(address=fork_server) as workers:
        selected = corpus(Selection(modes=("foreach",), dtypes=("bfloat16", "complex64")), workers)
    steps = [entry for entry in selected if entry.kind == STEPS]
    assert {(entry.cell["mode"], entry.cell["dtype"]) for entry in steps} == {
        ("foreach", "bfloat16"),
        ("foreach", "complex64"),
    }
    assert not [entry for entry in selected if entry.kind == CHECKPOINT]


def test_compiled_cells_exist_only_where_they_are_named(spec: list[CellSpec], fork_server: str) -> None:
    assert not [entry for entry in spec if " compiled " in entry.id]
    with Workers(address=fork_server) as workers:
        selected = corpus(Selection((("torch.optim.SGD", None),), ("compiled",), ("float32",)), workers)
    assert len([entry for entry in selected if entry.kind == STEPS]) == 2 * len(torch_optim.SGD.configurations)


def test_a_spec_holds_no_path_of_this_machine(spec: list[CellSpec]) -> None:
    for entry in spec:
        assert not re.search(r"/(home|root|work|tmp)/", f"{entry.id}{entry.request}{entry.adapter}{entry.cell}")
