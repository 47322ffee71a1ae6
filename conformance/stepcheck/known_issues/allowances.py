"""Allowances: the arithmetic that a known issue amounts to, so that whatever else is wrong in its cells still shows."""

from __future__ import annotations

from stepcheck_reference.formats import BINARY32
from stepcheck_reference.oracle.arithmetic import Arithmetic


def in_float32(arithmetic: Arithmetic) -> Arithmetic:
    """Return ``arithmetic`` with everything read, computed and stored in float32."""
    return arithmetic.with_(
        read=BINARY32, storage=BINARY32, operations=BINARY32, entry=BINARY32, addend=BINARY32, states=BINARY32
    )


def in_own_format(arithmetic: Arithmetic) -> Arithmetic:
    """Return ``arithmetic`` with every operation and scalar rounded to the tensor's own format."""
    return arithmetic.with_(operations=arithmetic.storage, entry=arithmetic.storage)


def rounded_scalars(arithmetic: Arithmetic) -> Arithmetic:
    """Return ``arithmetic`` with scalars rounded to the tensor's own format where they meet it."""
    return arithmetic.with_(entry=arithmetic.storage)


def float32_scalars(arithmetic: Arithmetic) -> Arithmetic:
    """Return ``arithmetic`` with every scalar rounded to float32 and computed in it."""
    return arithmetic.with_(scalars=BINARY32, counted=BINARY32)


def float32_scalar_states(arithmetic: Arithmetic) -> Arithmetic:
    """Return ``arithmetic`` with scalar states stored in float32."""
    return arithmetic.with_(scalar_states=BINARY32)


def computed_float32_scalar_states(arithmetic: Arithmetic) -> Arithmetic:
    """Return ``arithmetic`` with scalar states stored and computed in float32."""
    return arithmetic.with_(scalar_states=BINARY32, counted=BINARY32)
