"""A torch whose optimizers are a copy with planted changes: everything else are links to the real one."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Planted:
    """A text of one file under ``torch/optim`` replaced by another wherever it stands, which is so many ``times``."""

    file: str
    old: str
    new: str
    times: int = 1


def patched(folder: Path, changes: Iterable[Planted], version: str = "") -> Path:
    """Create the package in ``folder``, to be put on the path, and return that; its version is ``version``."""
    spec = importlib.util.find_spec("torch")
    assert spec is not None
    assert spec.origin is not None
    real = Path(spec.origin).parent
    copy = folder / "torch"
    copy.mkdir(parents=True)
    for entry in real.iterdir():
        if entry.name not in ("optim", "__pycache__"):
            (copy / entry.name).symlink_to(entry)
    shutil.copytree(real / "optim", copy / "optim", ignore=shutil.ignore_patterns("__pycache__"))
    if version:
        version_file = copy / "version.py"
        text = version_file.read_text("utf-8")
        version_file.unlink()
        version_file.write_text(re.sub(r"(?m)^__version__ = .*$", f"__version__ = {version!r}", text), "utf-8")
    for change in changes:
        path = copy / "optim" / change.file
        text = path.read_text("utf-8")
        assert text.count(change.old) == change.times, change
        path.write_text(text.replace(change.old, change.new), "utf-8")
    return folder


EPS_OUTSIDE = Planted("adadelta.py", "std = square_avg.add(eps).sqrt_()", "std = square_avg.sqrt().add_(eps)")
"""A changed meaning: Adadelta's single path divides by sqrt(v) + eps."""

ANOTHER_ORDER = Planted(
    "rmsprop.py",
    "square_avg.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)",
    "square_avg.mul_(alpha).add_(grad * grad * (1 - alpha))",
)
"""A rounding: RMSprop's single path squares the gradient before it is weighted."""

OTHER_ETAS = Planted("rprop.py", "etas: tuple[float, float] = (0.5, 1.2),", "etas: tuple[float, float] = (0.5, 1.25),")
"""A change of an API: Rprop's default factors."""

ONE_LATE = Planted(
    "lr_scheduler.py",
    "        if (self.last_epoch == 0) or (self.last_epoch % self.step_size != 0):\n",
    "        if (self.last_epoch < 2) or ((self.last_epoch - 1) % self.step_size != 0):\n",
)
"""A changed schedule: StepLR falls one step late, and its closed form does not."""
