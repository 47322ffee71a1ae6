"""Update functions f(params, states..., lr, t), each turned into a class with ``step()``, as text.

The text is what a worker runs and what a standalone program contains, so both do the same. It needs torch and the
function alone. Nothing here imports torch before a worker does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stepcheck_implementations.adapters.adapter import Adapter

CLASS = "Updating"
"""The name of the class in the text."""

PUT = {
    "torch": [
        "def put(p, new):  # a wrong shape or dtype is kept, and reported as such",
        "    if new.shape == p.shape and new.dtype == p.dtype:",
        "        p.copy_(new)",
        "    else:",
        "        p.data = new",
    ],
    "numpy": [
        "def put(p, new):  # a wrong shape is kept, and reported as such",
        "    array = p.detach().numpy()",
        "    if new.shape == array.shape:",
        "        array[...] = new",
        "    else:",
        "        p.data = torch.as_tensor(new)",
    ],
}
"""How a new value is put into its parameter, as text."""

FORMS = ("entries", "names", "single")
"""How a container holds the states of a tensor: a list in the rule's order, a dictionary, or the only state itself."""


@dataclass(frozen=True, slots=True)
class Call:
    """How a function is called.

    ``roles`` maps each argument, the parameter's first, to what it takes: "theta", "gradient", "count", "states",
    "dictionary", "state NAME", "hyper NAME", "option NAME", or "tuple NAME|0.5|NAME". ``positional`` are positional
    only. ``keys`` are the entries that a container in form "names" or a dictionary has to have, with a role each.
    ``returns`` says what the function returns, in order: "theta", names of states, arguments that hold them, or "" for
    what is not used; empty where the function works in place. ``arrays`` says what tensors are given as: "torch", or
    "numpy" for arrays over the same memory.
    """

    function: str
    takes: str
    roles: Mapping[str, str]
    initial: Mapping[str, float | str]
    scalars: tuple[str, ...] = ()
    positional: tuple[str, ...] = ()
    form: str = "entries"
    keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    returns: tuple[str, ...] = ()
    arrays: str = "torch"

    @property
    def container(self) -> str | None:
        """The argument that takes all states at once."""
        return next((argument for argument, role in self.roles.items() if role == "states"), None)

    @property
    def dictionaries(self) -> tuple[str, ...]:
        """The arguments that take hyper-parameters by name."""
        return tuple(argument for argument, role in self.roles.items() if role == "dictionary")

    @property
    def states(self) -> tuple[str, ...]:
        """The states that have an argument of their own."""
        return tuple(role.removeprefix("state ") for role in self.roles.values() if role.startswith("state "))

    @property
    def takes_by_name(self) -> tuple[str, ...]:
        """The hyper-parameters and options that the class's constructor takes, in order."""
        roles = [*self.roles.values(), *(role for keys in self.keys.values() for role in keys.values())]
        names = [
            name
            for role in roles
            if role.partition(" ")[0] in ("hyper", "option", "tuple")
            for name in role.partition(" ")[2].split("|")
            if name.isidentifier()
        ]
        return tuple(dict.fromkeys([*names, *(start for start in self.initial.values() if isinstance(start, str))]))


def function_name(target: str) -> str:
    """Return what the function is called in the text."""
    name = target.rpartition(":")[2].rpartition(".")[2]
    return name if name.isidentifier() else "update"


def wrap(function: Callable[..., Any], adapter: Adapter) -> Callable[..., Any]:
    """Return the class whose text is ``adapter.source``, over ``function``."""
    return compile_class(adapter.source, {function_name(adapter.target): function})


def compile_class(text: str, names: Mapping[str, Any]) -> Callable[..., Any]:
    """Return the class that ``text`` defines; ``names`` are what it may use besides torch."""
    import torch

    space: dict[str, Any] = {"torch": torch, **names}
    exec(compile(text, "<an update function as a class>", "exec"), space)
    compiled: Callable[..., Any] = space[CLASS]
    return compiled


def render_class(call: Call, *, after: Sequence[str] | None = None, dictionary: str = "{}") -> str:
    """Return the class as text.

    ``after`` replaces the lines that use the function's answer, ``dictionary`` for an empty dictionary.
    """
    body = (_OverTensor if call.takes == "tensor" else _OverList)(call, dictionary)
    lines = [
        f"class {CLASS}:",
        f'    """{call.function} as an object with step(), which keeps its state."""',
        "",
        *(f"    {line}".rstrip() for line in (*body.construction(), "", *body.step(after))),
    ]
    if any("put(" in line for line in lines):
        lines += ["", "", *PUT[call.arrays]]
    return "\n".join(lines) + "\n"


class _Renderer:
    """What both classes have in common; ``count`` is the expression for t."""

    count = ""

    def __init__(self, call: Call, dictionary: str) -> None:
        self.call, self.dictionary = call, dictionary

    def signature(self, first: str) -> list[str]:
        names = self.call.takes_by_name
        stored = [f"    {', '.join(f'self.{name}' for name in names)} = {', '.join(names)}"] if names else []
        return [f"def __init__(self, {', '.join((first, *names))}):", *stored]

    def start(self, name: str) -> str:
        """Return the expression for the initial value of state ``name`` of tensor p."""
        value = self.call.initial.get(name, 0.0)
        if name in self.call.scalars:
            return value if isinstance(value, str) else repr(float(value))
        start = "torch.zeros_like(p)" if value == 0 else f"torch.full_like(p, {value})"
        return f"{start}.numpy()" if self.call.arrays == "numpy" else start

    def tensor(self, name: str) -> str:
        """Return the expression that gives the function the tensor ``name``."""
        return f"{name}.detach().numpy()" if self.call.arrays == "numpy" else name

    def entries(self) -> str:
        """Return the expression for tensor p's part of the container."""
        starts = [self.start(name) for name in self.call.initial]
        if self.call.form == "names":
            return self.named(self.call.container or "")
        return starts[0] if self.call.form == "single" else f"[{', '.join(starts)}]"

    def named(self, argument: str) -> str:
        """Return the initial dictionary of ``argument``."""
        states = [
            f"{key!r}: {self.start(role.removeprefix('state '))}"
            for key, role in self.call.keys.get(argument, {}).items()
            if role.startswith("state ")
        ]
        return f"{{{', '.join(states)}}}" if states else self.dictionary

    def refreshed(self, argument: str, dictionary: str) -> list[str]:
        """Return the line that updates the entries of ``dictionary`` that are no states."""
        keys = self.call.keys.get(argument, {})
        entries = [f"{key!r}: {self.value(role)}" for key, role in keys.items() if not role.startswith("state ")]
        return [f"{dictionary}.update({{{', '.join(entries)}}})"] if entries else []

    def value(self, role: str) -> str:
        """Return the expression for a hyper-parameter, an option, a tuple of them, or the count."""
        kind, _, names = role.partition(" ")
        if kind == "count":
            return self.count
        values = [f"self.{name}" if name.isidentifier() else name for name in names.split("|")]
        return f"({', '.join(values)}{',' if len(values) == 1 else ''})" if kind == "tuple" else values[0]

    def calling(self, after: Sequence[str]) -> str:
        """Return the call; the first argument is positional."""
        parts: list[str] = []
        for argument, role in self.call.roles.items():
            named = parts and argument not in self.call.positional
            parts.append(f"{argument}={self.argument(argument, role)}" if named else self.argument(argument, role))
        return f"{'answer = ' if after else ''}{self.call.function}({', '.join(parts)})"

    def argument(self, name: str, role: str) -> str:
        raise NotImplementedError


class _OverTensor(_Renderer):
    """A function that takes one tensor."""

    count = "self.t"

    def construction(self) -> list[str]:
        call = self.call
        lines = [*self.signature("p"), "    self.p, self.t = p, 0"]
        lines += [f"    self.{name} = {self.start(name)}" for name in call.states]
        lines += [f"    self.{call.container} = {self.entries()}"] if call.container else []
        return [*lines, *(f"    self.{argument} = {self.named(argument)}" for argument in call.dictionaries)]

    def step(self, after: Sequence[str] | None) -> list[str]:
        after = self.after() if after is None else after
        dictionaries = (*self.call.dictionaries, *([self.call.container] if self.call.container else []))
        lines = [line for argument in dictionaries for line in self.refreshed(argument, f"self.{argument}")]
        body = [*lines, self.calling(after), *after]
        head = ["@torch.no_grad()", "def step(self):", "    if self.p.grad is None:", "        return"]
        return [*head, "    self.t += 1", *(f"    {line}" for line in body)]

    def argument(self, name: str, role: str) -> str:
        fixed = {"theta": self.tensor("self.p"), "gradient": self.tensor("self.p.grad"), "states": f"self.{name}"}
        if role in fixed or role == "dictionary":
            return fixed.get(role, f"self.{name}")
        return f"self.{role.removeprefix('state ')}" if role.startswith("state ") else self.value(role)

    def after(self) -> list[str]:
        names = self.call.returns
        if not names:
            return []
        if names == ("theta",):
            return ["put(self.p, answer)"]
        into = ["new" if name == "theta" else f"self.{name}" if name else "_" for name in names]
        lines = [f"{', '.join(into)} = answer" if len(into) > 1 else f"{into[0]} = answer"]
        return [*lines, "put(self.p, new)"] if "theta" in names else lines


class _OverList(_Renderer):
    """A function that takes lists: it gets the tensors that have a gradient, those with the same t in one call."""

    count = "t"

    def construction(self) -> list[str]:
        call = self.call
        lines = [*self.signature("params"), "    self.params = list(params)", "    self.t = [0 for p in self.params]"]
        lines += [f"    self.{name} = [{self.start(name)} for p in self.params]" for name in call.states]
        lines += [f"    self.{call.container} = [{self.entries()} for p in self.params]"] if call.container else []
        return [*lines, *(f"    self.{argument} = {self.dictionary}" for argument in call.dictionaries)]

    def step(self, after: Sequence[str] | None) -> list[str]:
        after = self.after() if after is None else after
        roles = [*self.call.roles.values(), *(role for keys in self.call.keys.values() for role in keys.values())]
        lines = [line for argument in self.call.dictionaries for line in self.refreshed(argument, f"self.{argument}")]
        inside = self.refreshed(self.call.container or "", f"self.{self.call.container}[i]")
        lines += ["for i in now:", *(f"    {line}" for line in inside)] if inside else []
        body = [*lines, self.calling(after), *after]
        head = ["@torch.no_grad()", "def step(self):", "    for i, p in enumerate(self.params):"]
        head += ["        self.t[i] += p.grad is not None"]
        if "count" not in roles:
            head += ["    now = [i for i, p in enumerate(self.params) if p.grad is not None]", "    if now:"]
            return [*head, *(f"        {line}" for line in body)]
        head += ["    for t in sorted(set(self.t)):"]
        head += ["        now = [i for i, p in enumerate(self.params) if p.grad is not None and self.t[i] == t]"]
        return [*head, "        if now:", *(f"            {line}" for line in body)]

    def argument(self, name: str, role: str) -> str:
        if role == "theta":
            return f"[{self.tensor('self.params[i]')} for i in now]"
        if role == "gradient":
            return f"[{self.tensor('self.params[i].grad')} for i in now]"
        if role == "states" or role.startswith("state "):
            attribute = name if role == "states" else role.removeprefix("state ")
            return f"[self.{attribute}[i] for i in now]"
        return f"self.{name}" if role == "dictionary" else self.value(role)

    def after(self) -> list[str]:
        names = self.call.returns
        if not names:
            return []
        news = ", ".join("new" if name == "theta" else name or "_" for name in names)
        lines = [f"{news} = answer"]
        lines += [f"self.{name} = {name}" for name in names if name in self.call.dictionaries]
        stored = [name for name in names if name and name not in self.call.dictionaries]
        lines += ["for k, i in enumerate(now):"] if stored else []
        return lines + [
            "    put(self.params[i], new[k])" if name == "theta" else f"    self.{name}[i] = {name}[k]"
            for name in stored
        ]
