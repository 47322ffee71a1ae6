"""An update function as a class: the text reads as written by hand, and is what runs."""

from __future__ import annotations

import torch

from stepcheck_implementations.matching.update_function import Call, compile_class, render_class

TENSOR = '''\
class Updating:
    """adam as an object with step(), which keeps its state."""

    def __init__(self, p, lr, beta1, beta2):
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.p, self.t = p, 0
        self.m = torch.zeros_like(p)

    @torch.no_grad()
    def step(self):
        if self.p.grad is None:
            return
        self.t += 1
        answer = adam(self.p, g=self.p.grad, m=self.m, eta=self.lr, betas=(self.beta1, self.beta2, 0.5), t=self.t)
        new, self.m = answer
        put(self.p, new)


def put(p, new):  # a wrong shape or dtype is kept, and reported as such
    if new.shape == p.shape and new.dtype == p.dtype:
        p.copy_(new)
    else:
        p.data = new
'''
LIST = '''\
class Updating:
    """lesson as an object with step(), which keeps its state."""

    def __init__(self, params, lr):
        self.lr = lr
        self.params = list(params)
        self.t = [0 for p in self.params]
        self.states = [[torch.zeros_like(p), torch.full_like(p, 0.1)] for p in self.params]
        self.hp = {}

    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            self.t[i] += p.grad is not None
        for t in sorted(set(self.t)):
            now = [i for i, p in enumerate(self.params) if p.grad is not None and self.t[i] == t]
            if now:
                self.hp.update({'lr': self.lr, 't': t})
                lesson([self.params[i] for i in now], states=[self.states[i] for i in now], hp=self.hp)
'''

ADAM = Call(
    function="adam",
    takes="tensor",
    roles={
        "w": "theta",
        "g": "gradient",
        "m": "state m",
        "eta": "hyper lr",
        "betas": "tuple beta1|beta2|0.5",
        "t": "count",
    },
    initial={"m": 0.0},
    returns=("theta", "m"),
)
LESSON = Call(
    function="lesson",
    takes="list",
    roles={"params": "theta", "states": "states", "hp": "dictionary"},
    initial={"m": 0.0, "v": 0.1},
    keys={"hp": {"lr": "hyper lr", "t": "count"}},
)


def test_a_function_of_one_tensor_is_written_as_a_person_would() -> None:
    assert render_class(ADAM) == TENSOR


def test_a_function_of_lists_is_given_tensors_of_one_count_together() -> None:
    assert render_class(LESSON) == LIST
    calls: list[tuple[int, list[float]]] = []

    def update(params: list[torch.Tensor], states: object, hp: dict[str, float]) -> None:
        calls.append((int(hp["t"]), [float(p) for p in params]))

    parameters = [torch.tensor(float(number), requires_grad=True) for number in range(3)]
    thing = compile_class(LIST, {"lesson": update})(parameters, lr=0.5)
    for pattern in ((1, 1, 0), (0, 1, 1), (0, 0, 0)):
        for parameter, has_gradient in zip(parameters, pattern, strict=True):
            parameter.grad = torch.ones(()) if has_gradient else None
        thing.step()
    assert calls == [(1, [0.0, 1.0]), (1, [2.0]), (2, [1.0])]


def test_another_dtype_or_shape_that_comes_back_is_left_to_be_seen() -> None:
    call = Call("widen", "tensor", {"p": "theta"}, {}, returns=("theta",))
    thing = compile_class(render_class(call), {"widen": lambda p: p.double()})
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.ones(2)
    thing(parameter).step()
    assert parameter.dtype == torch.float64
