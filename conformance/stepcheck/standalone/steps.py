"""The steps of a standalone program: what comes before each, and its call."""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck.standalone import events
from stepcheck.standalone.construction import added_group, hyper_of, tensor_lr
from stepcheck.standalone.parameters import by_dtype, gradient_of, layout_of_gradient, values_of
from stepcheck.standalone.python_source import source_of, wrapped
from stepcheck_implementations.adapters.adapter import Adapter, Cell, wraps_compile
from stepcheck_implementations.driver.observing import state_path
from stepcheck_reference.scripts.script import STATE_DICT_RELOADS, Quadratic, Script, Step

_UNROLLED = 4
"""Steps up to which plain ones are written one by one, and not as a loop."""


def steps(adapter: Adapter, cell: Cell, script: Script, stop: int, *, watched: int | None = None) -> list[str]:
    """Return the steps up to ``stop``; they exit with 1 where one writes into the gradient of tensor ``watched``."""
    steps = script.steps[:stop]
    if events.is_plain(script.until(stop)) and len(steps) > _UNROLLED and watched is None:
        return _loop(adapter, cell, script, stop)
    lines: list[str] = []
    objective = script.objective
    if objective is not None and objective.by_closure:
        lines += _objective(script, objective)
    groups = adapter.takes == "groups"
    lines += events.scheduler(script, groups=groups)
    if "reused_gradient" in script.invocation:
        lines.append(" = ".join(f"g{number}" for number in range(len(script.tensors))) + " = None")
    current = [hyper_of(adapter, cell, group.hyper) for group in script.groups]
    since = script.since
    for position, step in enumerate(steps, 1):
        lines += ["", f"# step {position}"]
        lines += _reload(adapter, cell, script, position)
        for number in range(len(script.groups)) if groups else ():
            lines += added_group(adapter, cell, script, number) if since[number] == position else []
        lines += events.zero_grad(step.zero_grad, script, groups=groups)
        if "two_optimizers" in script.invocation:
            other = events.other_step(script, groups=groups)
            lines += ["for _ in range(2):", *(f"    {line}" for line in other)] if position == 1 else other
        lines += _changes(adapter, script, step, current)
        for number, data in step.overwrite:
            lines.append("with torch.no_grad():")
            lines += wrapped(f"    p{number}.copy_({values_of(data, script.tensors[number])})")
        lines += _gradients(cell, script, step)
        if "closure" in script.invocation or step.closure:
            lines += events.closure(script, position)
        elif script.has_closures:
            lines.append("calls = []")
        call = _call(adapter, cell, script, position)
        if step.skip:
            function = "step" if wraps_compile(adapter, cell.mode) else "optimizer.step"
            call = [f'skip_step(optimizer, {function}, "{cell.device}")'] if groups else []
        lines += call if watched is None else _watched(call, watched)
        lines += events.overwrite_gradients(script)
        if position < len(steps):
            lines += events.clamp(script)
    return lines


def _loop(adapter: Adapter, cell: Cell, script: Script, stop: int) -> list[str]:
    """Return plain steps as a loop over lists of gradients."""
    steps, numbers = script.steps[:stop], range(len(script.tensors))
    lines = []
    for number in numbers:
        gradients = [gradient_of(step.gradients[number], script.tensors[number], cell) for step in steps]
        if len({step.gradients[number] for step in steps}) == 1:
            lines += wrapped(f"gradients{number} = [{gradients[0]}] * {len(steps)}")
            continue
        lines.append(f"gradients{number} = [")
        for gradient in gradients:
            lines += wrapped(f"    {gradient},")
        lines.append("]")
    targets = ", ".join(f"p{number}.grad" for number in numbers) + ("," if len(numbers) == 1 else "")
    lines.append(f"for {targets} in zip({', '.join(f'gradients{number}' for number in numbers)}):")
    return [*lines, *(f"    {line}" for line in _call(adapter, cell, script))]


def _reload(adapter: Adapter, cell: Cell, script: Script, position: int) -> list[str]:
    step = script.steps[position - 1]
    if not step.reload:
        return []
    groups = adapter.takes == "groups"
    mode = source_of(dict(adapter.modes[step.into] if step.into else {}))
    there = [number for number, since in enumerate(script.since) if 0 < since < position]
    added = [line for number in there for line in added_group(adapter, cell, script, number)]
    lines = events.reload(str(step.reload), script, cell, groups=groups, mode=mode, added=added)
    if wraps_compile(adapter, cell.mode):
        lines.append("step = torch.compile(optimizer.step)")
    return [*lines, *(events.scheduler(script, groups=groups) if step.reload in STATE_DICT_RELOADS else [])]


def _changes(adapter: Adapter, script: Script, step: Step, current: list[dict[str, float]]) -> list[str]:
    """Return how the step's hyper-parameters are set; ``current`` has those of each group, and is updated."""
    lines: list[str] = []
    rates: list[tuple[int, str]] = []
    for group, name, value in step.hyper:
        current[group][name] = value
        if name == "lr" and adapter.takes == "groups" and "scheduler" in script.invocation:
            rates.append((group, source_of(value)))
        else:
            lines += _change(adapter, script, group, name, current[group])
    return [*lines, *events.rates(rates)]


def _change(adapter: Adapter, script: Script, group: int, name: str, hyper: Mapping[str, float]) -> list[str]:
    """Return how one hyper-parameter of a group is set, as a scheduler would."""
    path = adapter.hyper.get(name, name) if adapter.settings is None else adapter.settings.get(name, name)
    stem, bracket, rest = path.rpartition("[")
    is_entry = bool(bracket) and rest.rstrip("]").isdigit()
    tensors = script.groups[group].tensors
    lines = []
    for tensor in tensors if adapter.takes == "tensor" else tensors[:1]:
        if adapter.takes == "groups" and not path.startswith("."):
            target = f'optimizer.param_groups[{group}]["{stem if is_entry else path}"]'
        else:
            target = state_of(adapter, script, tensor, stem if is_entry else path)
        value = source_of(hyper[name])
        if is_entry:
            value = f"tuple({value} if i == {rest.rstrip(']')} else x for i, x in enumerate({target}))"
        is_tensor = name == "lr" and tensor_lr(script, "") is not None
        is_tensor |= adapter.compiler == "own" and path == "lr"  # torchao's lr is a tensor
        lines.append(f"{target}.fill_({value})" if is_tensor else f"{target} = {value}")
    return lines


def _gradients(cell: Cell, script: Script, step: Step) -> list[str]:
    """Return how every parameter gets its gradient, or the objective its minimum."""
    lines: list[str] = []
    objective = script.objective
    together = set[int]()
    if objective is None and not script.invocation:
        together = {
            number
            for number, (item, data) in enumerate(zip(script.tensors, step.gradients, strict=True))
            if data is not None and layout_of_gradient(item) == "flat"
        }
    for numbers in by_dtype(script, together):
        names = ", ".join(f"p{number}.grad" for number in numbers)
        rows = ", ".join(
            gradient_of(step.gradients[number], script.tensors[number], cell, layout="contiguous") for number in numbers
        )
        lines += wrapped(f"{names}{',' if len(numbers) == 1 else ''} = flat([{rows}])")
    for number, data in enumerate(step.gradients):
        if number in together:
            continue
        item = script.tensors[number]
        values = gradient_of(data, item, cell)
        if objective is not None and objective.by_closure:
            lines += wrapped(f"low[{number}] = {values}")
        elif objective is not None:
            slope = f"(p{number}.detach() - {values}) * {source_of(objective.curvature)}"
            lines += wrapped(f"p{number}.grad = {'None' if data is None else slope}")
        elif script.invocation or script.has_closures:
            closure = step.closure or "closure" in script.invocation
            for line in events.gradient(script, number, values, dims=len(item.shape), closure=closure):
                lines += wrapped(line)
        else:
            lines += wrapped(f"p{number}.grad = {values}")
    return lines


def _objective(script: Script, objective: Quadratic) -> list[str]:
    """Define the objective's closure; ``low`` has, for each parameter, where the objective is lowest."""
    names = ", ".join(f"p{number}" for number in range(len(script.tensors)))
    return [
        "",
        f"low = [None] * {len(script.tensors)}",
        "",
        "",
        "def closure():  # the gradient of curvature/2*sum((p - low)**2)",
        f"    for p, lowest in zip([{names}], low):",
        f"        p.grad = None if lowest is None else (p.detach() - lowest) * {source_of(objective.curvature)}",
        "    return torch.zeros(())",
        "",
    ]


def _call(adapter: Adapter, cell: Cell, script: Script, position: int = 1) -> list[str]:
    """Return the call of ``step()``; ``returned`` is what it returns where it takes a closure."""
    objective, step = script.objective, script.steps[position - 1]
    by_closure = "closure" in script.invocation or step.closure or (objective is not None and objective.by_closure)
    closure = "closure" if by_closure else ""
    threaded = "other_thread" in script.invocation and position % 2 == 0

    def called(function: str, optimizer: str, parameters: str) -> str:
        if not step.grad_scale and not threaded:
            return f"{function}({closure})"
        call = f"lambda: {function}({closure})" if closure else function
        if step.grad_scale:
            scaled = f'scaled_step({optimizer}, [{parameters}], {call}, {source_of(step.grad_scale)}, "{cell.device}")'
            return f"in_thread(lambda: {scaled})" if threaded else scaled
        return f"in_thread({call})"

    names = [f"p{number}" for group in script.groups for number in group.tensors]
    if adapter.takes == "groups":
        function = "step" if wraps_compile(adapter, cell.mode) else "optimizer.step"
        lines = [f"{'returned = ' if closure else ''}{called(function, 'optimizer', ', '.join(names))}"]
    elif adapter.takes == "tensor" and not closure and any(None in step.gradients for step in script.steps):
        lines = [f"for p, part in zip([{', '.join(names)}], optimizer):", "    if p.grad is not None:"]
        lines.append(f"        {called('part.step', 'part', 'p')}")
    elif step.grad_scale:
        lists = [f"[{name}]" for name in names]
        if adapter.takes == "list":
            lists = [f"[{', '.join(f'p{number}' for number in group.tensors)}]" for group in script.groups]
        lines = [f"for parameters, part in zip([{', '.join(lists)}], optimizer):"]
        lines.append(f"    {called('part.step', 'part', '*parameters')}")
    else:
        lines = ["for part in optimizer:", f"    {called('part.step', 'part', '')}"]
    if not step.default_dtype:
        return lines
    dtypes = [f"torch.set_default_dtype(torch.{name})" for name in (step.default_dtype, default_dtype(script))]
    return [dtypes[0], *lines, dtypes[1]]


def default_dtype(script: Script) -> str:
    """Return torch's default dtype while ``script`` runs."""
    return "float64" if "float64_default" in script.invocation else "float32"


def _watched(call: list[str], tensor: int) -> list[str]:
    """Return ``call``, after which the gradient of ``tensor`` must be what it was, in the same tensor."""
    message = (
        f"the gradient of p{tensor} was {{kept.tolist()}}, and is {{now.tolist() if torch.is_tensor(now) else now}}"
    )
    return [
        f"p, g = p{tensor}, p{tensor}.grad",
        "kept = None if g is None else g.clone()",
        *call,
        "now = p.grad.tolist() if p.grad is g and g is not None else f'another object: {p.grad}'",
        "if g is not None and (p.grad is not g or not torch.equal(g.nan_to_num(), kept.nan_to_num())):",
        f'    raise SystemExit(f"{message}")',
    ]


def state_of(adapter: Adapter, script: Script, tensor: int, path: str) -> str:
    """Return Python for what the optimizer has at ``path`` for a tensor."""
    number = next(number for number, group in enumerate(script.groups) if tensor in group.tensors)
    position = script.groups[number].tensors.index(tensor)
    before = sum(len(earlier.tensors) for earlier in script.groups[:number])
    if adapter.takes == "groups":
        group = f"optimizer.param_groups[{number}]"
        return state_path.source(path, "optimizer", f"p{tensor}", before + position, group=group, table=True)
    if adapter.takes == "tensor":
        return state_path.source(path, f"optimizer[{before + position}]", f"p{tensor}", 0)
    listed = "[#]" if adapter.declared and "[" not in path else ""
    return state_path.source(path + listed, f"optimizer[{number}]", f"p{tensor}", position)
