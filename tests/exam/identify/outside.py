"""Rules outside the space: code that computes none of the rules, each near one of them."""

from __future__ import annotations

ADAM = [
    "m.mul_(beta1).add_(g, alpha=1 - beta1)",
    "v.mul_(beta2).addcmul_(g, g, value=1 - beta2)",
    "m_hat = m / (1 - beta1 ** t)",
    "v_hat = v / (1 - beta2 ** t)",
]
STEP = "p.sub_(lr * m_hat / (v_hat.sqrt() + eps))"

OUTSIDE: dict[str, list[str]] = {
    "CubicDecay": [*ADAM, "p.sub_(lr * weight_decay * p ** 3)", STEP],
    "DecayOfSign": [*ADAM, "p.sub_(lr * weight_decay * p.sign())", STEP],
    "DecayTwice": ["g = g + weight_decay * p", *ADAM, "p.mul_(1 - lr * weight_decay)", STEP],
    "DecayOfSquare": [*ADAM, "p.sub_(lr * weight_decay ** 2 * p)", STEP],
    "EpsTimesBeta": [*ADAM, "p.sub_(lr * m_hat / (v_hat.sqrt() + beta1 * eps))"],
    "EpsOverRootT": [*ADAM, "p.sub_(lr * m_hat / (v_hat.sqrt() + eps / math.sqrt(t)))"],
    "EpsThrice": [*ADAM, "p.sub_(lr * m_hat / (v_hat.sqrt() + 3 * eps))"],
    "CubeRoot": [*ADAM, "p.sub_(lr * m_hat / (v_hat ** (1 / 3) + eps))"],
    "FourthRoot": [*ADAM, "p.sub_(lr * m_hat / (v_hat.sqrt().sqrt() + eps))"],
    "CorrectsTwice": [*ADAM, "m_hat = m_hat / (1 - beta1 ** t)", STEP],
    "CorrectsWithTheOther": [*ADAM, "m_hat = m / (1 - beta2 ** t)", STEP],
    "CorrectsWithTwoT": [*ADAM, "m_hat = m / (1 - beta1 ** (2 * t))", STEP],
    "HalvesTheFirstStep": [*ADAM, "m_hat = m_hat * (0.5 if t == 1 else 1.0)", STEP],
    "ThirdMoment": [*ADAM, "s.mul_(beta2).add_(g ** 3, alpha=1 - beta2)", "p.sub_(lr * s)", STEP],
    "FourthPower": [
        "m.mul_(beta1).add_(g, alpha=1 - beta1)",
        "v.mul_(beta2).add_(g ** 4, alpha=1 - beta2)",
        "p.sub_(lr * m / (v.sqrt().sqrt() + eps))",
    ],
    "SumOfSigns": ["m.mul_(beta1).add_(g, alpha=1 - beta1)", "p.sub_(lr * (m.sign() + g.sign()))"],
    "SignOfSum": ["m.mul_(beta1).add_(g.sign(), alpha=1 - beta1)", "p.sub_(lr * m)"],
    "ClipsTheStep": [*ADAM, "p.sub_(lr * (m_hat / (v_hat.sqrt() + eps)).clamp(-0.5, 0.5))"],
    "ClipsTheGradient": ["g = g.clamp(-3.0, 3.0)", *ADAM, STEP],
    "ForgetsTooFast": ["m.mul_(beta1).add_(g, alpha=(1 - beta1) ** 2)", "p.sub_(lr * m)"],
    "MomentumOfSquare": ["m.mul_(beta1 ** 2).add_(g)", "p.sub_(lr * m)"],
    "LooksAheadTwice": ["m.mul_(beta1).add_(g)", "p.sub_(lr * (g + beta1 * (g + beta1 * m)))"],
    "LooksBack": ["m.mul_(beta1).add_(g)", "p.sub_(lr * (g - beta1 * m))"],
    "Cautious": [*ADAM, "p.sub_(lr * (m * g > 0) * m_hat / (v_hat.sqrt() + eps))"],
    "MeanOfBoth": [*ADAM, "p.sub_(lr * (m_hat + g) / 2 / (v_hat.sqrt() + eps))"],
    "MinimumOfMoments": [*ADAM, "s.copy_(torch.minimum(s, v))", "p.sub_(lr * m_hat / ((v - s).sqrt() + eps))"],
    "GeometricMean": [*ADAM, "p.sub_(lr * m_hat / ((v_hat.sqrt() * g.abs()).sqrt() + eps))"],
    "RateOverT": [*ADAM, "lr = lr / t", STEP],
    "SquaredBuffer": ["m.mul_(beta1).add_(g)", "p.sub_(lr * m * m.abs())"],
    "SoftSign": ["m.mul_(beta1).add_(g, alpha=1 - beta1)", "p.sub_(lr * torch.tanh(m / eps))"],
}
"""The lines of one step of each."""
DEFAULTS = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01}


def code(name: str) -> str:
    """Return the class ``name``."""
    text = " ".join(OUTSIDE[name])
    names = [each for each in DEFAULTS if each in text]
    states = [state for state in ("m", "v", "s") if f"{state}." in text]
    body = [
        f"class {name}(torch.optim.Optimizer):",
        f"    def __init__(self, params, {', '.join(f'{each}={DEFAULTS[each]!r}' for each in names)}):",
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
        *(f"                    state[{state!r}] = torch.zeros_like(p)" for state in states),
        "                state['step'] += 1",
        "                t = state['step']",
        "                g = p.grad",
        *(f"                {each} = group[{each!r}]" for each in names),
        *(f"                {state} = state[{state!r}]" for state in states),
        *(f"                {line}" for line in OUTSIDE[name]),
        "",
    ]
    return "\n".join(body)
