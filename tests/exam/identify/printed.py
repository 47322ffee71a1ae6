"""Variants printed as optimizer code, in single tensors or lists of them, with states in either format."""

from __future__ import annotations

from stepcheck_reference.identify.variants.variant import Variant

DEFAULTS = {
    "lr": 1e-3,
    "beta1": 0.9,
    "beta2": 0.999,
    "dampening": 0.3,
    "eps": 1e-8,
    "eps_root": 1e-12,
    "initial_accumulator": 0.1,
    "weight_decay": 0.01,
    "lr_decay": 0.02,
    "initial_lr": 2e-3,
}

BUFFERS = {
    "sum": ["m.mul_(beta1).add_(g)"],
    "damped": ["m.copy_(g) if t == 1 else m.mul_(beta1).add_(g, alpha=1 - dampening)"],
    "damped_always": ["m.mul_(beta1).add_(g, alpha=1 - dampening)"],
    "average": ["m.mul_(beta1).add_(g, alpha=1 - beta1)"],
    "average_first": ["m.copy_(g) if t == 1 else m.lerp_(g, 1 - beta1)"],
    "rate_inside": ["m.mul_(beta1).add_(g * lr)"],
    "average_rate_inside": ["m.mul_(beta1).add_(g, alpha=lr * (1 - beta1))"],
    "two_betas": ["n = beta1 * m + (1 - beta1) * g", "m.mul_(beta2).add_(g, alpha=1 - beta2)"],
}
WEIGHTS = {
    "sum": "1",
    "damped": "1",
    "damped_always": "(1 - dampening)",
    "average": "(1 - beta1)",
    "average_first": "(1 - beta1)",
    "rate_inside": "lr",
    "average_rate_inside": "(1 - beta1) * lr",
}
POWERS = {"t": "t", "t_minus_1": "(t - 1)", "t_plus_1": "(t + 1)"}


def correction(kind: str, beta: str) -> str:
    return "1.0" if kind == "none" else f"(1 - {beta} ** {POWERS[kind]})"


def along(v: Variant, gradient: str) -> list[str]:
    """Return lines that set ``n`` to what the step goes along, of ``gradient``."""
    numerator = v.numerator
    lines = [] if gradient == "g" else [f"g = {gradient}"]
    if numerator.buffer == "gradient":
        lines.append("n = g")
    else:
        if numerator.old:
            lines.append("before = m.clone()")
        lines += BUFFERS[numerator.buffer]
        used, c = "before" if numerator.old else "m", correction(numerator.correction, "beta1")
        weight = WEIGHTS.get(numerator.buffer, "")
        if numerator.buffer == "two_betas":
            pass
        elif numerator.ahead == "none":
            lines.append(f"n = {used} / {c}" if numerator.correction != "none" else f"n = {used}.clone()")
        elif numerator.ahead == "nesterov":
            lines.append(f"n = (beta1 * {used} + {weight} * g) / {c}")
        elif numerator.ahead == "next_correction":
            lines.append(f"n = beta1 * {used} / (1 - beta1 ** (t + 1)) + {weight} * g / {c}")
        else:
            lines.append(f"n = beta1 * ({used} / {c}) + {weight} * g")
    return [*lines, "n = n.sign()"] if numerator.sign else lines


def divided(v: Variant) -> list[str]:
    """Return lines that set ``d`` to what the step is divided by, of ``g``; ``m`` is the new first moment."""
    divisor = v.divisor
    if divisor.moment == "none":
        return []
    size = "s.abs()" if divisor.moment == "infinity" else "s * s"
    size = f"({size} + eps)" if divisor.eps == "in_square" else size
    lines = ["old_v = v.clone()"] if divisor.old else []
    lines.append({"spread": "s = g - m", "spread_old": "s = g - m_old"}.get(divisor.moment, "s = g"))
    lines.append(
        {
            "infinity": f"v.copy_(torch.maximum(beta2 * v, {size}))",
            "sum": f"v.add_({size})",
            "yogi": f"v.sub_((1 - beta2) * (v - {size}).sign() * ({size}))",
            "average_first": f"v.copy_({size}) if t == 1 else v.mul_(beta2).add_({size}, alpha=1 - beta2)",
        }.get(divisor.moment, f"v.mul_(beta2).add_({size}, alpha=1 - beta2)")
    )
    if divisor.eps in ("recurrence", "recurrence_outside"):
        lines.append("v.add_(eps)")
    if divisor.eps == "recurrence_root":
        lines.append("v.add_(eps_root)")
    value, c = "old_v" if divisor.old else "v", correction(divisor.correction, "beta2")
    if divisor.moment == "centered":
        averaged = "a.mul_(beta2).add_(g, alpha=1 - beta2)"
        lines += [f"w = {value} - a * a", averaged] if divisor.old else [averaged, f"w = {value} - a * a"]
        value = "w"
    elif divisor.moment == "max_raw":
        lines.append(f"largest.copy_(torch.maximum(largest, {value}))")
        value = "largest"
    elif divisor.moment == "max_corrected":
        lines.append(f"largest.copy_(torch.maximum(largest, {value} / {c}))")
        value, c = "largest", "1.0"
    return [*lines, f"d = {kept_from_zero(v, value, c)}"]


def kept_from_zero(v: Variant, value: str, c: str) -> str:
    plain = v.divisor.root == "none" or v.divisor.moment == "infinity"
    hat = value if c == "1.0" else f"({value} / {c})"

    def root(part: str) -> str:
        return part if plain else f"({part}).sqrt()"

    return {
        "none": root(hat),
        "outside": f"{root(hat)} + eps",
        "inside": root(f"{hat} + eps"),
        "inside_before": root(f"({value} + eps) / {c}"),
        "hat": f"({root(value)} + eps) / {c if plain else f'math.sqrt({c})'}",
        "both": f"{root(f'{hat} + eps')} + eps",
        "eps_root": f"{root(f'{hat} + eps_root')} + eps",
        "recurrence": root(hat),
        "recurrence_outside": f"{root(hat)} + eps",
        "recurrence_root": f"{root(hat)} + eps",
        "in_square": root(hat),
        "floor": f"{root(hat)}.clamp(min=eps)",
        "floor_inside": root(f"{hat}.clamp(min=eps)"),
        "square": root(f"{hat} + eps ** 2"),
    }[v.divisor.eps]


MOVES = {
    "decoupled": "p.mul_(1 - lr * weight_decay).sub_(step)",
    "decoupled_paper": "p.sub_(weight_decay * p).sub_(step)",
    "after_step": "p.sub_(step).mul_(1 - lr * weight_decay)",
    "after_step_paper": "p.sub_(step).mul_(1 - weight_decay)",
    "proximal": "p.sub_(step).div_(1 + lr * weight_decay)",
    "constant": "p.sub_(lr * weight_decay).sub_(step)",
    "initial_rate": "p.mul_(1 - weight_decay * lr / initial_lr).sub_(step)",
    "added": "p.mul_(1 + lr * weight_decay).sub_(step)",
}


def update(v: Variant) -> list[str]:
    """Return the lines of one step on tensors p, g, m, v, a and largest."""
    lines = []
    if v.rate == "falls":
        lines.append("lr = lr / (1 + (t - 1) * lr_decay)")
    if v.rate == "root":
        lines.append("lr = lr / math.sqrt(t)")
    if v.sign == "ascend":
        lines.append("g = -g")
    if v.decay == "coupled":
        lines.append("g = g + weight_decay * p")
    if v.divisor.moment == "spread_old":
        lines.append("m_old = m.clone()")
    if v.behind:
        lines += [*divided(v), *along(v, "g / d")]
        quotient = "n"
    else:
        shifted = "g + weight_decay * p" if v.decay == "first_moment" else "g"
        lines += ["raw = g", *along(v, shifted), "g = raw", *divided(v)]
        if v.decay == "in_ratio":
            lines.append("n = n + weight_decay * p")
        quotient = "n / d" if v.divisor.moment != "none" else "n"
    inside = v.numerator.buffer in ("rate_inside", "average_rate_inside")
    lines.append(f"step = {'' if inside else 'lr * '}({quotient})")
    if v.sign == "added":
        lines.append("step = -step")
    return [*lines, MOVES.get(v.decay, "p.sub_(step)")]


def arguments(lines: list[str], v: Variant) -> list[str]:
    text = " ".join(lines)
    used = [name for name in DEFAULTS if any(word == name for word in _words(text))]
    return [*used, "initial_accumulator"] if v.divisor.start == "start" else used


def _words(text: str) -> list[str]:
    return "".join(character if character.isalnum() or character == "_" else " " for character in text).split()


def code(v: Variant, name: str, style: str, dtype: str) -> str:
    """Return a class that computes ``v``; ``style`` is "single" or "foreach", ``dtype`` that of its states."""
    lines = update(v)
    names = arguments(lines, v)
    defaults = ", ".join(f"{each}={DEFAULTS[each]!r}" for each in names)
    start = {"zero": "torch.zeros_like(p{0})", "one": "torch.ones_like(p{0})"}.get(
        v.divisor.start, "torch.full_like(p, group['initial_accumulator']{0})"
    )
    kind = f", dtype=torch.{dtype}" if dtype == "float64" else ""
    states = {"m": "torch.zeros_like(p{0})", "v": start, "a": "torch.zeros_like(p{0})"}
    states["largest"] = "torch.zeros_like(p{0})"
    words = set(_words(" ".join(lines)))
    states = {state: value.format(kind) for state, value in states.items() if state in words}
    unpacked = [f"{each} = group[{each!r}]" for each in names if each != "initial_accumulator"]
    unpacked += [f"{state} = state[{state!r}]" for state in states]
    body = [
        f"class {name}(torch.optim.Optimizer):",
        f"    def __init__(self, params, {defaults}):",
        f"        super().__init__(params, dict({', '.join(f'{each}={each}' for each in names)}))",
        "",
        "    @torch.no_grad()",
        "    def step(self, closure=None):",
        "        for group in self.param_groups:",
        "            for p in group['params']:",
        "                if p.grad is None:",
        "                    continue",
        "                state = self.state[p]",
        "                if not state:",
        "                    state['step'] = 0",
        *(f"                    state[{state!r}] = {value}" for state, value in states.items()),
        "                state['step'] += 1",
        "                t = state['step']",
        f"                g = p.grad{'.double()' if kind else ''}",
        *(f"                {line}" for line in [*unpacked, *lines]),
        "",
    ]
    text = "\n".join(body)
    return listed(text) if style == "foreach" else text


def listed(text: str) -> str:
    """Return ``text`` with the updates that have one in lists of tensors."""
    replaced = {
        "m.mul_(beta1).add_(g, alpha=1 - beta1)": "torch._foreach_lerp_([m], [g.to(m.dtype)], 1 - beta1)",
        "m.mul_(beta1).add_(g)": "torch._foreach_mul_([m], beta1); torch._foreach_add_([m], [g.to(m.dtype)])",
        "v.mul_(beta2).add_(s * s, alpha=1 - beta2)": (
            "torch._foreach_mul_([v], beta2); torch._foreach_addcmul_([v], [s], [s], 1 - beta2)"
        ),
        "v.add_(s * s)": "torch._foreach_addcmul_([v], [s], [s])",
        "d = (v).sqrt() + eps": "d, = torch._foreach_sqrt([v]); torch._foreach_add_([d], eps)",
        "p.mul_(1 - lr * weight_decay).sub_(step)": (
            "torch._foreach_mul_([p], 1 - lr * weight_decay); torch._foreach_sub_([p], [step.to(p.dtype)])"
        ),
        "p.sub_(step)\n": "torch._foreach_add_([p], [step.to(p.dtype)], alpha=-1)\n",
    }
    lines = text.splitlines(keepends=True)
    for plain, in_lists in replaced.items():
        lines = [line if " if t == 1 else " in line else line.replace(plain, in_lists) for line in lines]
    return "".join(lines)
