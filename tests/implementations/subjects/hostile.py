"""Optimizers that leave their objects, torch or their process in a state that nobody expects, a kind each.

All step as plain SGD does. ``after`` is what each does once its second step is taken.
"""

import builtins
import ctypes
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Mapping

import numpy as np
import torch


class _Sgd(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})
        self.calls = 0

    @torch.no_grad()
    def step(self):
        self.calls += 1
        for p in self.parameters():
            if p.grad is not None:
                p.sub_(p.grad, alpha=self.param_groups[0]["lr"])
        if self.calls == 2:
            self.after()

    def parameters(self):
        return self.param_groups[0]["params"]


class RaisingMapping(Mapping):
    """A mapping that cannot be read."""

    def __getitem__(self, key):
        raise RuntimeError("no entry")

    def __iter__(self):
        raise RuntimeError("no keys")

    def __len__(self):
        raise RuntimeError("no length")

    def __contains__(self, key):
        raise KeyboardInterrupt("no lookup")

    def get(self, key, default=None):
        raise SystemExit("no get")


class Deaf(torch.Tensor):
    """A tensor that answers no function."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError("not a tensor any more")


class DeafParameter(torch.nn.Parameter):
    """A parameter that answers no function."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError("not a parameter any more")


class StateIsDeleted(_Sgd):
    def after(self):
        del self.state


class StateCannotBeRead(_Sgd):
    def after(self):
        self.state = RaisingMapping()


class EntryCannotBeRead(_Sgd):
    def after(self):
        self.state[self.parameters()[0]] = RaisingMapping()


class GroupsCannotBeRead(_Sgd):
    def after(self):
        self.param_groups = [RaisingMapping()]


class StateHoldsALock(_Sgd):
    def after(self):
        self.state[self.parameters()[0]]["lock"] = threading.Lock()


class StateIsNested(_Sgd):
    def after(self):
        self.state[self.parameters()[0]]["momentum_buffer"] = torch.nested.nested_tensor([torch.zeros(2)])


class StateIsMeta(_Sgd):
    def after(self):
        self.state[self.parameters()[0]]["momentum_buffer"] = torch.zeros(3, device="meta")


class StateIsDeaf(_Sgd):
    def after(self):
        self.state[self.parameters()[0]]["momentum_buffer"] = torch.zeros(3).as_subclass(Deaf)


class CountsWithoutEnd(_Sgd):
    def after(self):
        self.state[self.parameters()[0]]["momentum_buffer"] = 10**400


class ParameterChangesItsClass(_Sgd):
    def after(self):
        self.parameters()[0].__class__ = DeafParameter


class GradientChangesItsClass(_Sgd):
    def after(self):
        self.parameters()[0].grad.__class__ = Deaf


class ParameterStopsTraining(_Sgd):
    def after(self):
        self.parameters()[0].requires_grad_(False)


class AttributesRaise(_Sgd):
    def __getattribute__(self, name):
        if name == "state" and object.__getattribute__(self, "__dict__").get("calls") == 2:
            raise GeneratorExit("no state")
        return object.__getattribute__(self, name)

    def after(self):
        pass


class MessageIsNoText(_Sgd):
    class Odd(BaseException):
        def __str__(self):
            raise KeyboardInterrupt

    def after(self):
        raise self.Odd


class MessageIsEndless(_Sgd):
    def after(self):
        raise ValueError("\x1b[2J many\n" * 1_000_000)


class EqualIsReplaced(_Sgd):
    """Hides that it writes into the gradients, once torch compares as it says."""

    def after(self):
        torch.equal = lambda one, other: True
        self.parameters()[0].grad.zero_()


class TorchIsReplaced(_Sgd):
    def after(self):
        torch.cat = torch.stack = torch.tensor = torch.no_grad = torch.equal = None


class TensorIsReplaced(_Sgd):
    def after(self):
        torch.Tensor.detach = torch.Tensor.reshape = torch.Tensor.cpu = torch.Tensor.isnan = None


class NumpyIsReplaced(_Sgd):
    def after(self):
        np.zeros = np.array = np.repeat = np.concatenate = None


class BuiltinsAreReplaced(_Sgd):
    def after(self):
        builtins.zip = builtins.enumerate = None


class ModulesAreGone(_Sgd):
    def after(self):
        sys.modules.clear()


class FunctionsAreIntercepted(_Sgd):
    class Mode(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            raise RuntimeError("intercepted")

    def after(self):
        self.mode = self.Mode()
        self.mode.__enter__()


class RecursionIsLimited(_Sgd):
    def after(self):
        sys.setrecursionlimit(60)


class OutputIsClosed(_Sgd):
    def after(self):
        sys.stdout.close()
        os.closerange(0, 3)
        os.chdir("/")


class TakesAllMemory(_Sgd):
    def after(self):
        self.kept = []
        while True:
            self.kept.append(torch.ones(1 << 26))


class TakesMemoryInPython(_Sgd):
    def after(self):
        self.kept = bytearray(1 << 44)


class ReadsNowhere(_Sgd):
    def after(self):
        ctypes.string_at(0)  # what a kernel does with a wrong address


class FreesItsGradient(_Sgd):
    def after(self):
        self.parameters()[0].grad.untyped_storage().resize_(0)


class KillsTheForkServer(_Sgd):
    def after(self):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(10)


class _Forges(_Sgd):
    """Writes into every socket that its process has, where an answer is expected."""

    def after(self):
        for descriptor in range(3, 64):
            try:
                connection = socket.socket(fileno=os.dup(descriptor))
                connection.send(self.bytes_sent())
            except OSError:
                pass

    def frame(self, header, body=b""):
        head = json.dumps(header).encode()
        return struct.pack("<QQ", len(head), len(body)) + head + body


class SendsGarbage(_Forges):
    def bytes_sent(self):
        return b"garbage " * 100


class SendsALength(_Forges):
    def bytes_sent(self):
        return struct.pack("<QQ", 1 << 10, 1 << 33) + b"{}"


class SendsDeepJson(_Forges):
    def bytes_sent(self):
        return struct.pack("<QQ", 100_000, 0) + b"[" * 100_000


class SendsAnUnknownKey(_Forges):
    def bytes_sent(self):
        return self.frame({"arrays": [], "steps": 4, "unknown": 1})


class SendsAnEmptyTrajectory(_Forges):
    def bytes_sent(self):
        return self.frame({"arrays": [], "traces": [], "steps": 4, "fault": None, "observed": ["b"]})


class SendsObjects(_Forges):
    def bytes_sent(self):
        return self.frame({"arrays": [["|O", [1], 8]]}, bytes(8))


class SendsAnError(_Forges):
    def bytes_sent(self):
        return self.frame({"arrays": [], "error": ["internal", "Traceback:\n\x1b[31mstepcheck did it"]})


class SendsAnOddError(_Forges):
    def bytes_sent(self):
        return self.frame({"arrays": [], "error": {"odd": 1}})
