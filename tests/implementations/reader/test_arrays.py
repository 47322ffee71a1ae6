"""Code over NumPy arrays is read as code over tensors is, and ends in the same bits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sympy import Abs, Gt, Lt, Max, Min, Piecewise, Rational, Symbol, sign

from stepcheck_implementations.driver.target import load
from stepcheck_implementations.reader.arrays import numpy_operations, read_array
from stepcheck_implementations.reader.carried_numbers import bare, carried
from stepcheck_implementations.reader.expression_graph import ExpressionGraph
from stepcheck_implementations.reader.read_target import read
from stepcheck_implementations.reader.tensor_entries import TensorEntries
from stepcheck_reference.alphabet import g, lr, theta
from stepcheck_reference.identify import identify_reading
from stepcheck_reference.reading.from_run import reading_of
from stepcheck_reference.reading.merging import same

SUBJECTS = Path(__file__).parents[1] / "subjects" / "arrays.py"


def data_of(name: str) -> dict[str, Any]:
    return read(load(f"{SUBJECTS}:{name}"), f"{SUBJECTS}:{name}")


def test_functions_masks_and_written_arrays_are_read() -> None:
    data = data_of("Everything")
    assert data["changed"] == []
    found = reading_of(data)
    old, cap = Symbol("old", real=True), Symbol("cap", nonnegative=True)
    size = Piecewise((Rational(1, 4), Lt(g, 0)), (Max(old, Abs(g)), True))
    clipped = Min(cap, Max(-cap, Piecewise((Max(old, Abs(g)), Gt(g, 0)), (-size, True))))
    assert found.step[old] == Abs(g)
    assert same(found.step[theta], theta - lr * sign(clipped) * clipped**2, {})
    assert found.complete


def test_a_number_of_the_whole_array_is_named() -> None:
    (called,) = reading_of(data_of("TakesNorm")).opaque
    assert re.fullmatch(r"a norm over the whole tensor: line \d+, `np\.linalg\.norm\(dw\)`", called)


def test_a_function_that_is_misread_gives_another_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = reading_of(data_of("AdaptiveList")).step[theta]
    table: Mapping[str, Any] = {**numpy_operations.UFUNCS, "sqrt": numpy_operations.UFUNCS["square"]}
    monkeypatch.setattr(numpy_operations, "UFUNCS", table)
    assert not same(reading_of(data_of("AdaptiveList")).step[theta], honest, {})


def test_a_bit_that_reading_changes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = read_array._call_ufunc

    def changing(ufunc: Any, method: str, inputs: Any, kwargs: Any) -> Any:
        value = honest(ufunc, method, inputs, kwargs)
        return value * np.float32(1 + 2**-23) if ufunc is np.sqrt else value

    monkeypatch.setattr(read_array, "_call_ufunc", changing)
    assert "theta" in data_of("AdaptiveList")["changed"]


@pytest.mark.parametrize("value", [np.float32(0.1), np.float64(0.1), np.int64(3), 0.1, 3])
def test_a_scalar_keeps_its_type_and_its_promotion(value: Any) -> None:
    known = TensorEntries(ExpressionGraph())
    number = carried(value, known.graph, known.graph.symbol("hyper", "x"))
    array = np.arange(3, dtype=np.float16)
    with read_array.arrays_read(known):
        pairs = [
            (number * array, value * array),
            (array - number, array - value),
            (np.sqrt(number), np.sqrt(value)),
            (2.5 / number, 2.5 / value),
            (np.float64(3) ** number, np.float64(3) ** value),
        ]
    for read_value, plain in pairs:
        expected, found = np.asarray(plain), np.asarray(bare(read_value))
        assert (found.dtype, found.tobytes()) == (expected.dtype, expected.tobytes())


@pytest.mark.parametrize(
    ("name", "rule", "states"),
    [
        ("Heavy", "momentum", {"b": "speed"}),
        ("AdaptiveList", "adagrad", {"h": "sums"}),
        ("Moments", "adam", {"m": "m", "v": "v"}),
        ("MomentsEpsInside", "adam_eps_inside", {"m": "m", "v": "v"}),
        ("MomentsUncorrected", "adam+no_bias_correction", {"m": "m", "v": "v"}),
        ("MomentsEarly", None, {}),
        ("MomentsCountTensors", None, {}),
        ("nesterov_by_config", "nesterov+lr_inside", {"velocity": "−velocity"}),
        ("adam_by_config", "adam", {"m": "m", "v": "v"}),
    ],
)
def test_what_courses_write_is_named_for_what_it_computes(
    name: str, rule: str | None, states: Mapping[str, str]
) -> None:
    answer = identify_reading(reading_of(data_of(name)))
    assert (answer.name, dict(answer.states)) == (rule, states)


def test_a_python_number_is_rounded_to_the_format_of_a_narrow_array() -> None:
    known = TensorEntries(ExpressionGraph())
    beta = known.graph.symbol("hyper", "beta")
    number = carried(0.9, known.graph, beta)
    rounded = {}
    with read_array.arrays_read(known):
        for dtype in (np.float16, np.float64):
            array = read_array.read_array(np.arange(3, dtype=dtype))
            known.put(array, known.graph.symbol("g", "g"))
            rounded[dtype] = known.graph.entries[known.of(number * array)][1]
    assert rounded == {np.float16: known.graph.rounded(beta, "float16"), np.float64: beta}
