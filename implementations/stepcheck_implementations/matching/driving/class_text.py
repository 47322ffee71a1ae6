"""The text of a class with ``step()`` that gives an optimizer its parameters and gradients.

It is what a worker runs and what a standalone program contains. It needs torch and the optimizer alone: an array lies
over the memory of its tensor.
"""

from __future__ import annotations

from dataclasses import dataclass

from stepcheck_implementations.matching.driving.method import Method
from stepcheck_implementations.matching.update_function import CLASS, PUT

CONTAINERS = ("dict", "list", "single")
"""What the parameters are given in: by name, in a list, or one alone."""


@dataclass(frozen=True, slots=True)
class Drive:
    """How ``kind`` is driven.

    ``arrays`` is "torch" or "numpy", ``container`` one of ``CONTAINERS``. ``takes`` is "tensor" where each tensor has
    an optimizer of its own, else "list". ``returns`` says what the method returns: "" for nothing that is used,
    "params" for new parameters, "first" where they are the first of what it returns, "changes" for what is added.
    """

    kind: str
    method: Method
    arrays: str
    container: str
    takes: str = "tensor"
    returns: str = ""


def render_drive(drive: Drive, *, keep: bool = False) -> str:
    """Return the class as text; with ``keep`` it keeps what the method returned, and does not use it."""
    body = [*_construction(drive), "", *_step(drive, keep=keep)]
    what = "a tensor" if drive.takes == "tensor" else "tensors"
    head = [f"class {CLASS}:", f'    """{drive.kind} as an object with step() over {what}."""', ""]
    return "\n".join([*head, *(f"    {line}".rstrip() for line in body), "", "", *PUT[drive.arrays]]) + "\n"


def render_with_closure(kind: str) -> str:
    """Return the text of a subclass of ``kind`` whose step may be called without a closure."""
    lines = [
        f"class {CLASS}({kind}):",
        f'    """{kind} with a closure that leaves the gradients as they are, where none is given."""',
        "",
        "    def step(self, closure=None):",
        "        return super().step((lambda: torch.zeros(())) if closure is None else closure)",
    ]
    return "\n".join(lines) + "\n"


def _construction(drive: Drive) -> list[str]:
    first = "p" if drive.takes == "tensor" else "params"
    lines = [f"def __init__(self, {first}, **arguments):"]
    lines += ["    self.params = [p]" if first == "p" else "    self.params = list(params)"]
    lines += ["    self.t = 0"] if _counts(drive) else []
    if drive.method.constructor:
        lines += [f"    self.given = {_container(drive, _array(drive, 'p'))}"]
        return [*lines, f"    self.inner = {drive.kind}(self.given, **arguments)"]
    return [*lines, f"    self.inner = {drive.kind}(**arguments)"]


def _step(drive: Drive, *, keep: bool) -> list[str]:
    lines = [
        "@torch.no_grad()",
        "def step(self):",
        "    if all(p.grad is None for p in self.params):",
        "        return",
    ]
    if drive.takes == "list":
        lines += ["    if any(p.grad is None for p in self.params):"]
        lines += ['        raise ValueError("it shares numbers between parameters, so that each needs a gradient")']
    lines += ["    self.t += 1"] if _counts(drive) else []
    if drive.method.constructor:
        lines += ["    params = self.given"]
        lines += [f"    {line}" for line in _each(drive, "{given}[...] = {array}")]
    else:
        lines += [f"    params = {_container(drive, _array(drive, 'p'))}"]
    lines += [f"    grads = {_container(drive, _array(drive, 'p.grad'))}"]
    values = {"params": "params", "grads": "grads", "name": "'p0'", "count": "self.t"}
    call = f"self.inner.{drive.method.name}({', '.join(values[role] for role in drive.method.roles.values())})"
    if keep:
        lines += [f"    self.answer = {call}"]
    elif drive.returns:
        lines += [f"    new = {call}{'[0]' if drive.returns == 'first' else ''}"]
    else:
        lines += [f"    {call}"]
    if drive.returns == "changes":
        return [*lines, *(f"    {line}" for line in _each(drive, "put(p, {array} + {new})"))]
    if drive.returns and not keep:
        return [*lines, *(f"    {line}" for line in _each(drive, "put(p, {new})"))]
    return [*lines, *(f"    {line}" for line in _each(drive, "put(p, {given})"))]


def _counts(drive: Drive) -> bool:
    return "count" in drive.method.roles.values()


def _container(drive: Drive, element: str) -> str:
    if drive.container == "single":
        return element.replace("p.", "self.params[0].", 1) if "." in element else "self.params[0]"
    if drive.container == "list":
        return f"[{element} for p in self.params]"
    return f"{{f'p{{i}}': {element} for i, p in enumerate(self.params)}}"


def _each(drive: Drive, line: str) -> list[str]:
    """Return a loop over the parameters, with "{given}" and "{new}" for p's entry of either."""
    if drive.container == "single":
        filled = line.format(given="params", new="new", array=_array(drive, "p"))
        return ["p = self.params[0]", filled]
    key = "i" if drive.container == "list" else "f'p{i}'"
    filled = line.format(given=f"params[{key}]", new=f"new[{key}]", array=_array(drive, "p"))
    return ["for i, p in enumerate(self.params):", f"    {filled}"]


def _array(drive: Drive, tensor: str) -> str:
    return f"{tensor}.detach().numpy()" if drive.arrays == "numpy" else tensor
