"""The Python that has imported torch runs programs as a new one does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from torch_python import TorchPython

PROGRAMS = {
    "returns": "import torch, sys\nprint(torch.ones(2).sum().item(), sys.argv, __name__, sys.path[0])",
    "exits": "raise SystemExit(3)",
    "exits with a message": "raise SystemExit('no')",
    "exits with nothing": "raise SystemExit",
    "raises": "print('before')\n1 / 0",
    "ends at once": "import os\nos._exit(7)",
    "is killed": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
    "is no Python": "def",
    "writes": "import os, sys\nprint(os.getcwd())\nprint(sys.stdin.read(), file=sys.stderr)",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_does_what_it_does_in_a_new_python(name: str, torch_python: TorchPython, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAMS[name])
    done = torch_python.run(program, cwd=tmp_path)
    fresh = subprocess.run(
        [sys.executable, str(program)],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (fresh.returncode, fresh.stdout)
    assert done.stderr.splitlines()[-1:] == fresh.stderr.splitlines()[-1:]


def test_a_program_that_does_not_end_is_ended(torch_python: TorchPython, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import time\ntime.sleep(60)")
    with pytest.raises(subprocess.TimeoutExpired):
        torch_python.run(program, cwd=tmp_path, timeout=0.2)
