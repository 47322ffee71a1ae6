"""Adams that do not finish: they crash, raise, hang or hand back another tensor."""

import os
import time

import torch


class AdamCrashesInStepTwo(torch.optim.Adam):
    """Claims ``adam``, breaks SC201: ends its process in the second step, as a segmentation fault does."""

    calls = 0

    def step(self, closure=None):
        self.calls += 1
        if self.calls == 2:
            os._exit(3)
        return super().step(closure)


class AdamHangsInStepTwo(torch.optim.Adam):
    """Claims ``adam``, hangs and breaks SC201: never comes back from the second step."""

    calls = 0

    def step(self, closure=None):
        self.calls += 1
        while self.calls == 2:
            time.sleep(0.1)
        return super().step(closure)


class AdamRaisesOnEmptyTensor(torch.optim.Adam):
    """Claims ``adam``, breaks SC201: takes the maximum of every gradient, which an empty one does not have."""

    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad.abs().max()
        return super().step(closure)


class AdamWidensParameter(torch.optim.Adam):
    """Claims ``adam``, breaks SC201: leaves a float32 parameter behind in float64."""

    def step(self, closure=None):
        loss = super().step(closure)
        for group in self.param_groups:
            for p in group["params"]:
                p.data = p.data.double()
        return loss
