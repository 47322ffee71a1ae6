"""Optimizers that the worker must survive, and some that are only built differently."""

import os
import signal
import sys
import time

import torch


class _Sgd(torch.optim.Optimizer):
    calls = 0

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        self.calls += 1
        self.before()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.add_(p.grad, alpha=-group["lr"])

    def before(self):
        pass


class ExitsInStepTwo(_Sgd):
    def before(self):
        if self.calls == 2:
            print("about to leave")
            os._exit(3)


class SegfaultsInStepTwo(_Sgd):
    def before(self):
        if self.calls == 2:
            os.kill(os.getpid(), signal.SIGSEGV)


class HangsInStepTwo(_Sgd):
    def before(self):
        while self.calls == 2:
            time.sleep(0.05)


class RaisesInStepThree(_Sgd):
    def before(self):
        if self.calls == 3:
            raise RuntimeError("no third\nstep")


class RaisesSystemExit(_Sgd):
    def before(self):
        sys.exit("enough")


class TellsTheVisibleDevices(_Sgd):
    def before(self):
        raise RuntimeError(f"devices={os.environ.get('CUDA_VISIBLE_DEVICES')!r}")


class CannotBeBuilt(_Sgd):
    def __init__(self, params, lr=0.1):
        raise TypeError("not today")


class Floods(_Sgd):
    def before(self):
        for _ in range(20):
            print("x" * 100_000)
            print("y" * 100_000, file=sys.stderr)


class ReadsStandardInput(_Sgd):
    def before(self):
        assert sys.stdin.read() == ""


class ReplacesParameter(_Sgd):
    def before(self):
        if self.calls == 2:
            self.param_groups[0]["params"][0] = torch.zeros(3)


class DoublesItsParametersOnLoading(_Sgd):
    def load_state_dict(self, state):
        super().load_state_dict(state)
        with torch.no_grad():
            self.param_groups[0]["params"][0].mul_(2)


class Reshapes(_Sgd):
    def before(self):
        if self.calls == 2:
            p = self.param_groups[0]["params"][0]
            p.data = p.data.reshape(1, -1)
            p.grad = None


class WritesOutsideItsTensor(_Sgd):
    def before(self):
        for p in self.param_groups[0]["params"]:
            torch.empty(0, dtype=p.dtype).set_(p.untyped_storage()).zero_()


class WrongStateShape(_Sgd):
    def before(self):
        for p in self.param_groups[0]["params"]:
            self.state[p]["momentum_buffer"] = torch.zeros(7)


class OverAList:
    """Momentum over a plain list, with nothing of torch's Optimizer."""

    def __init__(self, params, lr, mu):
        self.params, self.lr, self.mu = list(params), lr, mu
        self.buf = [torch.zeros_like(p) for p in self.params]
        self.t = 0

    def step(self):
        self.t += 1
        with torch.no_grad():
            for p, b in zip(self.params, self.buf, strict=True):
                if p.grad is not None:
                    b.mul_(self.mu).add_(p.grad)
                    p.sub_(self.lr * b)


class OverOneTensor:
    """The same for one tensor, the buffer starting as the number 0."""

    def __init__(self, theta, learning_rate=0.1, momentum=0.9):
        self.theta, self.learning_rate, self.momentum = theta, learning_rate, momentum
        self.b = 0.0

    def step(self):
        if self.theta.grad is None:
            return
        self.b = self.momentum * self.b + self.theta.grad
        self.theta.data = self.theta.data - self.learning_rate * self.b


class ReturnsNan(_Sgd):
    def before(self):
        if self.calls == 2:
            self.param_groups[0]["params"][0].data.fill_(float("nan"))


class WidensItsParameter(_Sgd):
    def before(self):
        if self.calls == 2:
            p = self.param_groups[0]["params"][0]
            p.data = p.data.double()
            p.grad = None


class MakesItsParameterSparse(_Sgd):
    def before(self):
        if self.calls == 2:
            p = self.param_groups[0]["params"][0]
            torch.utils.swap_tensors(p, torch.nn.Parameter(p.detach().to_sparse()))


class DropsItsParameters(_Sgd):
    def before(self):
        if self.calls == 2:
            self.param_groups[0]["params"].clear()


class WritesIntoTheGradient(_Sgd):
    def step(self):
        super().step()
        for p in self.param_groups[0]["params"]:
            if p.grad is not None:
                p.grad.zero_()


class WritesIntoTheGradientFirst(_Sgd):
    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(p.grad.mul_(group["lr"]))


class NeverMoves(_Sgd):
    @torch.no_grad()
    def step(self):
        pass


class HoldsWords(_Sgd):
    def before(self):
        for p in self.param_groups[0]["params"]:
            self.state[p]["momentum_buffer"] = "about a half"


class RaisesWhatCannotBePrinted(_Sgd):
    class Quiet(Exception):
        def __str__(self):
            raise ValueError("no words")

    def before(self):
        raise self.Quiet


class PrintsAGigabyte(_Sgd):
    """Once a process, so that many scripts stay quick."""

    printed = False

    def before(self):
        if not PrintsAGigabyte.printed:
            PrintsAGigabyte.printed = True
            for _ in range(1000):
                os.write(1, b"\x1b[31mspam " * 100_000)


class Forks(_Sgd):
    """Its child comes back from the step, too."""

    def before(self):
        if self.calls == 2:
            os.fork()


class LeavesADaemon(_Sgd):
    """Starts a process that leaves its session, and crashes."""

    def before(self):
        if self.calls != 2:
            return
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                with open(os.environ["DAEMON"], "w") as file:
                    file.write(str(os.getpid()))
                time.sleep(600)
            os._exit(0)
        while not os.path.exists(os.environ["DAEMON"]):
            time.sleep(0.01)
        time.sleep(0.1)
        os._exit(4)


class Exits(_Sgd):
    def before(self):
        if self.calls == 2:
            sys.exit(3)


class NeedsAModel(_Sgd):
    def __init__(self, params, model, lr=0.1):
        super().__init__(params, lr)


class StepNeedsGradients:
    def __init__(self, params, lr=0.1):
        self.params, self.lr = list(params), lr

    def step(self, grads):
        for p, g in zip(self.params, grads, strict=True):
            p.data -= self.lr * g


class StepNeedsALayer:
    def __init__(self, params, lr=0.1):
        self.params, self.lr = list(params), lr

    def step(self, layer):
        layer.weight -= self.lr * layer.weight_gradient


class StepNeedsMore(StepNeedsALayer):
    def step(self, loss, layer, rate, when):
        layer.weight -= self.lr * loss


class Rebinds:
    """Puts the new parameter where it holds the old one, and leaves the old one as it was."""

    def __init__(self, theta, lr=0.1):
        self.theta, self.lr = theta, lr

    def step(self):
        self.theta = torch.nn.Parameter(self.theta.detach() - self.lr * self.theta.grad)


class PrintsEscapesAndLeaves(_Sgd):
    def before(self):
        print("\x1b[2J\x1b[31mred\ntwo")
        os._exit(3)


class CrashesAtOnce(_Sgd):
    def before(self):
        os._exit(5)


class ReplacesData(_Sgd):
    """Right, in a tutorial's way: each step puts a new tensor into ``p.data``."""

    def step(self):
        for p in self.param_groups[0]["params"]:
            if p.grad is not None:
                p.data = p.data - self.param_groups[0]["lr"] * p.grad


class ReplacesDataAndWritesAround(ReplacesData):
    """The new tensor is right; the memory beside the old one is not left alone."""

    def step(self):
        for p in self.param_groups[0]["params"]:
            torch.empty(0, dtype=p.dtype).set_(p.untyped_storage()).zero_()
        super().step()


class FreesItsParameter(_Sgd):
    def before(self):
        p = self.param_groups[0]["params"][0]
        old = p.data
        p.data = p.data.clone()
        old.untyped_storage().resize_(0)
