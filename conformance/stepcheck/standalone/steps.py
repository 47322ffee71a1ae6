"""The steps of a standalone program: what comes before each, and its call."""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck.standalone import invocation
from stepcheck.standalone.building import hyper_of
from stepcheck.standalone.source import wrapped, written
from stepcheck.standalone.tensors import gradient_of, values_of
from stepcheck_implementations.adapters.adapter import Adapter, Cell, wraps_compile
from stepcheck_implementations.driver import state_path as paths
from stepcheck_reference.scripts.script import Quadratic, Script


def steps(adapter: Adapter, cell: Cell, script: Script, stop: int, *, watched: int | None = None) -> list[str]:
    """Return the steps up to ``stop``; the gradient of tensor ``watched`` may not be written into."""
    steps = script.steps[:stop]
    asked = script.objective if script.objective is not None and script.objective.by_closure else None
    needs_objective = "closure" in script.invocation or asked is not None
    call_lines = _step_call(adapter, cell, script, "closure" if needs_objective else "")
    lines = [] if asked is None else _closure(script, asked)
    if invocation.plain(script.until(stop)) and len(steps) > 4 and watched is None:
        for number, item in enumerate(script.tensors):
            if len({step.gradients[number] for step in steps}) == 1:
                same = gradient_of(steps[0].gradients[number], item, cell)
                lines += wrapped(f"gradients{number} = [{same}] * {len(steps)}")
                continue
            lines.append(f"gradients{number} = [")
            for step in steps:
                data = step.gradients[number]
                lines += [f"    {line}" for line in wrapped(f"{gradient_of(data, item, cell)},")]
            lines.append("]")
        names = ", ".join(f"gradients{number}" for number in range(len(script.tensors)))
        grads = ", ".join(f"p{number}.grad" for number in range(len(script.tensors)))
        comma = "," if len(script.tensors) == 1 else ""
        lines.append(f"for {grads}{comma} in zip({names}):")
        return [*lines, *(f"    {line}" for line in call_lines)]
    current = [hyper_of(adapter, cell, group.hyper) for group in script.groups]
    parameters, groups = [f"p{number}" for number in range(len(script.tensors))], adapter.takes == "groups"
    lines += invocation.started(script, groups=groups)
    if "reused_gradient" in script.invocation:
        lines.append(" = ".join(f"g{number}" for number in range(len(script.tensors))) + " = None")
    for position, step in enumerate(steps, 1):
        lines += ["", f"# step {position}"]
        if step.reload:
            led = adapter.modes[step.into] if step.into else {}
            lines += invocation.interrupted(str(step.reload), parameters, groups=groups, led=written(dict(led)))
            if wraps_compile(adapter, cell.mode):
                lines.append("step = torch.compile(optimizer.step)")
            if step.reload not in ("copied", "pickled"):
                lines += invocation.started(script, groups=groups)
        rates: list[tuple[int, str]] = []
        for group, name, value in step.hyper:
            current[group][name] = value
            if name == "lr" and groups and "scheduler" in script.invocation:
                rates.append((group, written(value)))
            else:
                lines += _change(adapter, script, group, name, current[group])
        lines += invocation.rates(rates)
        for number, data in step.overwrite:
            lines += ["with torch.no_grad():"]
            lines += [f"    {line}" for line in wrapped(f"p{number}.copy_({values_of(data, script.tensors[number])})")]
        for number, gradient in enumerate(step.gradients):
            item = script.tensors[number]
            text = gradient_of(gradient, item, cell)
            if asked is not None:
                lines += wrapped(f"low[{number}] = {text}")
            elif script.objective is not None:
                slope = f"(p{number}.detach() - {text}) * {written(script.objective.curvature)}"
                lines += wrapped(f"p{number}.grad = {'None' if gradient is None else slope}")
            elif script.invocation:
                for line in invocation.given(script, number, text, dims=len(item.shape)):
                    lines += wrapped(line)
            else:
                lines += wrapped(f"p{number}.grad = {text}")
        if "closure" in script.invocation:
            lines += invocation.closure(script, position)
        if watched is not None:
            lines.append(f"p, g = p{watched}, None if p{watched}.grad is None else p{watched}.grad.clone()")
        call = [f"returned = {line}" for line in call_lines] if needs_objective and groups else call_lines
        lines += invocation.skipped(call) if step.skip and groups else [] if step.skip else call
        if watched is not None:
            lines += ["if g is not None and not torch.equal(p.grad.nan_to_num(), g.nan_to_num()):"]
            told = f"the gradient of p{watched} was {{g.tolist()}}, and is {{p.grad.tolist()}}"
            lines.append(f'    raise SystemExit(f"{told}")')
        lines += invocation.spoiled(script)
        if position < len(steps):
            lines += invocation.clamped(script)
    return lines


def _step_call(adapter: Adapter, cell: Cell, script: Script, given: str) -> list[str]:
    if adapter.takes == "tensor" and not given and any(None in step.gradients for step in script.steps):
        names = ", ".join(f"p{number}" for group in script.groups for number in group.tensors)
        return [f"for p, part in zip([{names}], optimizer):", "    if p.grad is not None:", "        part.step()"]
    if adapter.takes != "groups":
        return ["for part in optimizer:", f"    part.step({given})"]
    return [f"step({given})"] if wraps_compile(adapter, cell.mode) else [f"optimizer.step({given})"]


def _change(adapter: Adapter, script: Script, group: int, name: str, hyper: Mapping[str, float]) -> list[str]:
    """Set one hyper-parameter of a group, as a scheduler would."""
    path = adapter.hyper.get(name, name) if adapter.settings is None else adapter.settings.get(name, name)
    stem, bracket, rest = path.rpartition("[")
    entry = bool(bracket) and rest.rstrip("]").isdigit()
    tensors = script.groups[group].tensors
    lines = []
    for tensor in tensors if adapter.takes == "tensor" else tensors[:1]:
        if adapter.takes == "groups" and not path.startswith("."):
            place = f'optimizer.param_groups[{group}]["{stem if entry else path}"]'
        else:
            place = place_of(adapter, script, tensor, stem if entry else path)
        new = written(hyper[name])
        if entry:
            new = f"tuple({new} if place == {rest.rstrip(']')} else old for place, old in enumerate({place}))"
        tensor_lr = name == "lr" and invocation.rate(script, "") is not None
        held = tensor_lr or (adapter.compiler == "own" and path == "lr")  # torchao keeps it in a tensor
        lines.append(f"{place}.fill_({new})" if held else f"{place} = {new}")
    return lines


def _closure(script: Script, objective: Quadratic) -> list[str]:
    """Define the closure; ``low`` holds, a parameter, where the objective is lowest."""
    names = ", ".join(f"p{number}" for number in range(len(script.tensors)))
    return [
        "",
        f"low = [None] * {len(script.tensors)}",
        "",
        "",
        "def closure():  # the gradient of curvature/2*sum((p - low)**2)",
        f"    for p, lowest in zip([{names}], low):",
        f"        p.grad = None if lowest is None else (p.detach() - lowest) * {written(objective.curvature)}",
        "    return torch.zeros(())",
        "",
    ]


def place_of(adapter: Adapter, script: Script, tensor: int, path: str) -> str:
    """Return Python for what is held at ``path`` for a tensor."""
    number = next(number for number, group in enumerate(script.groups) if tensor in group.tensors)
    position = script.groups[number].tensors.index(tensor)
    before = sum(len(earlier.tensors) for earlier in script.groups[:number])
    if adapter.takes == "groups":
        group = f"optimizer.param_groups[{number}]"
        return paths.source(path, "optimizer", f"p{tensor}", before + position, group=group, table=True)
    if adapter.takes == "tensor":
        return paths.source(path, f"optimizer[{before + position}]", f"p{tensor}", 0)
    listed = "[#]" if adapter.declared and "[" not in path else ""
    return paths.source(path + listed, f"optimizer[{number}]", f"p{tensor}", position)
