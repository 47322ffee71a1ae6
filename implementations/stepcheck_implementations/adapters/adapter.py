"""Adapters: what a subject must offer, as data without torch; above all its names, mapped to the alphabet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stepcheck_reference.dataclass_codec import json_field
from stepcheck_reference.domain import Domain

MODES = ("single", "foreach", "fused", "differentiable", "capturable", "compiled")
"""Execution paths, in the order reports list them."""


COMPENSATION, MASTER = "compensation", "master"
"""States of a subject that no rule has: the rounding error of its parameter, and a wider copy of it."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """One choice of a subject's discrete options, and the rule it claims to follow then.

    ``options`` are constructor arguments; ``rule`` is a base rule's name (``None``: the adapter's, and without one
    there the configuration is recorded and not checked), and ``rewrites`` are names of rewrites applied to it in order,
    so the claim reads "amsgrad+maximize". ``fixed_hyper`` are alphabet names fixed by this configuration ("momentum":
    0.0 for plain SGD) and so not varied; one that the adapter does not map is a value that the subject has built in.
    """

    name: str
    options: Mapping[str, object] = field(default_factory=dict)
    rule: str | None = None
    rewrites: tuple[str, ...] = ()
    fixed_hyper: Mapping[str, float] = json_field("holds", default_factory=dict)


@dataclass(frozen=True, slots=True)
class Adapter:
    """How to drive one optimizer class and how to read it.

    ``hyper`` maps an alphabet name to a constructor argument, "betas[0]" meaning an entry of a tuple.
    ``states`` maps an alphabet name to the key in ``optimizer.state[p]``; ``count`` is the key of the
    step counter. ``modes`` maps each mode it has to the constructor arguments that select it.
    ``declared`` says whether the arithmetic of each mode is known (see ``arithmetic_of``). ``takes`` is what
    its constructor takes: "groups" (parameter groups, as ``torch.optim.Optimizer``), "list" (the tensors
    of one group, so one object a group) or "tensor" (one object a tensor); objects of the latter two have
    their state in attributes. ``wrapper`` names a function ("package.module:name") for a target that is no such class:
    it is called with the imported target and the adapter, and returns what the worker builds subjects from; ``source``
    is the text of the class that it returns, where that is written for this target (``update_function``).
    ``compiler`` says what mode "compiled" is: "torch" (``torch.compile`` around ``step()``), "own" (inside it) or "jax"
    (``jax.jit``, milliseconds where torch takes seconds). ``not_complex`` says why complex tensors are not checked,
    where their real and imaginary parts are not updated independently.
    ``settings`` maps a hyper-parameter to the path where it can be changed after construction, and lacks those that
    cannot; ``None`` where all can, under their arguments' names. States and counts are read at paths, too
    (``state_path``). ``domains`` maps a hyper-parameter to the values that the class accepts, where they are fewer than
    the rule's (``{"lr": POSITIVE}``): scripts are drawn inside. ``count_offset`` is what a step counter shows beyond
    the number of steps taken: 1 where it holds the number of the step to come. ``refuses`` names what else the class
    does not accept, as in "an empty tensor". ``inherits`` names the library's class whose arithmetic and known issues a
    subclass has; ``fitted`` says that names were matched and not written here. ``unchanging`` are hyper-parameters that
    its states are made with, so that they cannot change without changing the past. ``trains`` says that it has a method
    ``train()``, which is called before its first step.
    """

    target: str
    rule: str | None
    hyper: Mapping[str, str]
    states: Mapping[str, str]
    modes: Mapping[str, Mapping[str, object]]
    configurations: tuple[Configuration, ...] = (Configuration("default"),)
    count: str | None = "step"
    declared: bool = False
    takes: str = "groups"
    wrapper: str = json_field("through", default="")
    compiler: str = "torch"
    not_complex: str = ""
    source: str = ""
    settings: Mapping[str, str] | None = None
    domains: Mapping[str, Domain] | None = json_field(omit_default=True, default=None)
    count_offset: int = json_field(omit_default=True, default=0)
    refuses: tuple[str, ...] = json_field(omit_default=True, default=())
    inherits: str = json_field(omit_default=True, default="")
    fitted: bool = json_field(omit_default=True, default=False)
    unchanging: tuple[str, ...] = json_field(omit_default=True, default=())
    trains: bool = json_field(omit_default=True, default=False)

    @property
    def constant_hyper(self) -> tuple[str, ...]:
        """The hyper-parameters that cannot be changed after construction."""
        settings = self.hyper if self.settings is None else self.settings
        return tuple(name for name in self.hyper if name not in settings or name in self.unchanging)

    def configuration(self, name: str) -> Configuration:
        """Return the configuration called ``name``; raises ValueError with the names of all."""
        for configuration in self.configurations:
            if configuration.name == name:
                return configuration
        allowed = ", ".join(configuration.name for configuration in self.configurations)
        raise ValueError(f"configuration={name!r}, but {self.target} has {allowed}")


def arithmetic_cell(adapter: Adapter, cell: Cell) -> Cell:
    """Return ``cell`` as one of the library's class that a subclass inherits its arithmetic from."""
    return replace(cell, target=adapter.inherits) if adapter.inherits else cell


def companion(dtype: str) -> str:
    """Return what ``Adapter.refuses`` has where a class takes no tensor of ``dtype`` beside one of another dtype."""
    return f"{dtype} beside another dtype"


def wraps_compile(adapter: Adapter, mode: str) -> bool:
    """Return whether ``mode`` is ``torch.compile`` around ``step()``."""
    return mode == "compiled" and adapter.compiler == "torch"


def compiles_slowly(adapter: Adapter, mode: str) -> bool:
    """Return whether ``mode`` takes seconds a script, and so has a process of its own."""
    return mode == "compiled" and adapter.compiler != "jax"


def is_eager(adapter: Adapter, mode: str) -> bool:
    """Return whether ``mode`` compiles each operation for each shape by itself, which programs leave to ``jax.jit``."""
    return mode == "single" and adapter.compiler == "jax"


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to check: a configuration of a target in one mode, dtype and device.

    ``fixed`` are the user's values by name: of hyper-parameters of the alphabet, which are in the script too, or of
    other constructor arguments. ``maps`` is the user's argument or path for a name.
    """

    target: str
    configuration: str
    mode: str
    dtype: str
    device: str
    fixed: tuple[tuple[str, object], ...] = ()
    maps: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> str:
        """The cell in print: "AdamW[amsgrad] foreach bfloat16 cpu"."""
        name = self.target.rpartition(":")[2].rpartition(".")[2]
        fixed = "".join(f" {key}={value!r}" for key, value in self.fixed)
        return f"{name}[{self.configuration}] {self.mode} {self.dtype} {self.device}{fixed}"
