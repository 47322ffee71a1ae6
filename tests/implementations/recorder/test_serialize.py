"""State dicts without pickle: every bit comes back, and an opaque value is written as its type."""

from __future__ import annotations

import json
import struct
from collections import Counter, OrderedDict
from typing import Any

import pytest
import torch

from stepcheck_implementations.recorder.serialize import deserialize, serialize
from stepcheck_implementations.workers import wire

FLOATS = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
WHOLE = ("bool", "uint8", "int8", "int16", "int32", "int64")


def through_json(value: Any) -> Any:
    """Return ``value`` after it crossed to another process as a frame does."""
    tree, arrays = serialize(value)
    frame = wire.pack({"tree": tree}, arrays)
    sent = memoryview(frame)
    position = 0

    def read(count: int) -> bytes:
        nonlocal position
        position += count
        return bytes(sent[position - count : position])

    header, received = wire.unpack(read)
    json.dumps(header, allow_nan=False)
    return deserialize(header["tree"], received)


def bits(tensor: torch.Tensor) -> bytes:
    return bytes(tensor.detach().contiguous().reshape(-1).view(torch.uint8).tolist()) if tensor.numel() else b""


def tensor(dtype: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Return a tensor with every byte pattern that a seed gives, nans with odd bits among them."""
    kind = getattr(torch, dtype)
    count = torch.Size(shape).numel()
    if dtype == "bool":
        return (torch.arange(count) % 2 == 0).reshape(shape)
    raw = torch.randint(0, 256, (count * kind.itemsize,), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return raw.view(kind).reshape(shape)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (0, 4)])
@pytest.mark.parametrize("dtype", [*FLOATS, *WHOLE])
def test_a_tensor_comes_back_with_every_bit(dtype: str, shape: tuple[int, ...]) -> None:
    original = tensor(dtype, shape)
    restored = through_json({"state": original})["state"]
    assert (restored.dtype, restored.shape, restored.device) == (original.dtype, original.shape, original.device)
    assert bits(restored) == bits(original)


@pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
def test_a_transposed_and_a_sliced_tensor_come_back_with_their_values(dtype: str) -> None:
    original = torch.arange(12, dtype=getattr(torch, dtype)).reshape(3, 4)
    assert torch.equal(through_json(original.t()), original.t())
    assert torch.equal(through_json(original[:, ::2]), original[:, ::2])
    assert torch.equal(through_json(torch.tensor([1 + 2j]).conj()), torch.tensor([1 - 2j]))


def test_a_tensor_at_two_paths_is_one_tensor_again() -> None:
    original = torch.ones(3)
    restored = through_json([original, {"again": original}])
    assert restored[0] is restored[1]["again"]


def test_whether_a_gradient_is_required_is_serialized_and_the_array_is_a_copy() -> None:
    original = torch.nn.Parameter(torch.ones(2))
    tree, arrays = serialize(original)
    with torch.no_grad():
        original.zero_()
    restored = deserialize(tree, arrays)
    assert restored.requires_grad
    assert restored.tolist() == [1.0, 1.0]
    restored.detach()[0] = 5.0
    assert arrays[0].tolist() == [1.0, 1.0]


def test_plain_values_keep_type_and_order() -> None:
    original = {
        "step": 3,
        "big": 2**70,
        "flag": True,
        "lr": 0.1,
        "one": 1.0,
        "minus": -0.0,
        "none": None,
        "betas": (0.9, 0.999),
        "list": [(), [], {}],
        "complex": 1 - 2j,
        9: {2: "b", 1: "a"},
        False: 0,
        (0, "x"): "a tuple for a key",
        "ordered": OrderedDict(b=1, a=2),
        "milestones": Counter({4: 2, 9: 1}),
    }
    restored = through_json(original)
    assert repr(restored) == repr(original)
    assert list(restored) == list(original)
    assert type(restored["milestones"]) is Counter
    assert type(restored["ordered"]) is OrderedDict


@pytest.mark.parametrize("pattern", [0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000000, 0xFFF8000000000001])
def test_a_number_that_is_not_finite_keeps_its_bits(pattern: int) -> None:
    (value,) = struct.unpack(">d", pattern.to_bytes(8, "big"))
    assert struct.pack(">d", through_json(value)) == pattern.to_bytes(8, "big")


def test_what_cannot_be_serialized_is_named_and_comes_back_as_none() -> None:
    class Anything:
        pass

    tree, arrays = serialize({"lr_lambdas": [lambda epoch: epoch, Anything()], "sparse": torch.eye(2).to_sparse()})
    assert arrays == []
    text = str(tree)
    assert "{'opaque': 'function'}" in text
    assert "Anything'}" in text
    assert "{'opaque': 'torch.Tensor'}" in text
    assert deserialize(tree, arrays) == {"lr_lambdas": [None, None], "sparse": None}


def test_a_tree_that_freeze_did_not_make_is_refused() -> None:
    with pytest.raises(ValueError, match="should have a key that serialize writes"):
        deserialize({"lr": 0.1}, [])
    with pytest.raises(ValueError, match="has none of that name"):
        deserialize({"tensor": 0, "dtype": "float1", "device": "cpu", "requires_grad": False}, [torch.zeros(1).numpy()])


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.SGD, torch.optim.Rprop, torch.optim.LBFGS])
def test_an_optimizer_goes_on_from_a_deserialized_state_as_from_its_own(kind: type[torch.optim.Optimizer]) -> None:
    def built() -> tuple[torch.optim.Optimizer, torch.nn.Parameter]:
        parameter = torch.nn.Parameter(torch.tensor([0.5, -1.25]))
        return kind([parameter], lr=0.1), parameter

    def step(made: tuple[torch.optim.Optimizer, torch.nn.Parameter], gradient: float) -> None:
        optimizer, parameter = made

        def closure() -> float:
            parameter.grad = torch.full((2,), gradient)
            return gradient

        optimizer.step(closure)

    one, other = built(), built()
    step(one, 0.5)
    other[0].load_state_dict(through_json(one[0].state_dict()))
    with torch.no_grad():
        other[1].copy_(one[1])
    step(one, -0.25)
    step(other, -0.25)
    assert torch.equal(one[1], other[1])
    assert bool(one[1].isfinite().all())
