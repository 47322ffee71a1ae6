"""The packages that an environment has besides torch, for each version of torch."""

from __future__ import annotations

from dataclasses import dataclass

from stepcheck.guard.environments.releases import release_key


@dataclass(frozen=True, slots=True)
class Pin:
    """A requirement of torch versions from ``since`` to before ``below``, and why."""

    requirement: str
    why: str
    since: str = "0"
    below: str | None = None

    def applies(self, version: str) -> bool:
        """Whether this version of torch needs it."""
        return release_key(self.since) <= release_key(version) and (
            self.below is None or release_key(version) < release_key(self.below)
        )


PINS = (
    Pin("numpy", "arrays go to and from the worker"),
    Pin("numpy<2", "torch is compiled against numpy 1, and its tensors do not become arrays of numpy 2", below="2.3"),
    Pin(
        "numpy<2; sys_platform == 'win32'",
        "the same on Windows: https://github.com/pytorch/pytorch/issues/131668",
        since="2.3",
        below="2.4.1",
    ),
    Pin("setuptools", "torch.compile imports it on CPU; 2.3.1, 2.5.1 and 2.9.1 do not require it on Python 3.11"),
)


def requirements(version: str) -> tuple[str, ...]:
    """Return what is installed for torch ``version``; raises WrongRequest where that is no release."""
    return (f"torch=={version}", *(pin.requirement for pin in PINS if pin.applies(version)))
