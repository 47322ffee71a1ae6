"""torchao's optimizers with and without their compiler."""

from __future__ import annotations

from typing import Any

import torch

from stepcheck_implementations.adapters.adapter import Adapter


def by_mode(kind: type[Any], adapter: Adapter) -> Any:
    """Return what builds ``kind``; its step is compiled, as torchao does by default, only with ``compiled=True``."""

    class Eager(kind):  # type: ignore[misc]
        def step(self, closure: Any = None) -> Any:
            with torch.compiler.set_stance("force_eager"):
                return super().step(closure)

    def build(params: Any, *, compiled: bool = False, **arguments: Any) -> Any:
        return (kind if compiled else Eager)(params, **arguments)

    return build
