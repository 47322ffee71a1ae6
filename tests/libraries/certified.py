"""Certificates of other libraries' optimizers from the command line, and runs of scripts in their cells."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.command import stepcheck
from stepcheck.certification.certificate import Certificate, from_json
from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.adapter import Cell
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trajectory


def certified(*arguments: str, code: int = 0) -> Certificate:
    """Return the certificate of ``stepcheck certify`` with ``arguments``, which ends with exit code ``code``."""
    done = stepcheck("certify", *arguments, "--json", timeout=900.0)
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
    return from_json(done.stdout)


def judged_verdicts(certificate: Certificate) -> list[str]:
    """Return the verdicts of the cells that were judged; their states are observed at every step."""
    cells = [cell for cell in certificate.cells if cell.verdict not in ("not_applicable", "not_run")]
    without = [cell for cell in cells if cell.observability != "stepwise"]
    assert all(cell.rule.startswith("rmsprop_tf") for cell in without)  # timm keeps no velocity where momentum is 0
    assert all(cell.compared > 3000 for cell in cells)
    return [str(cell.verdict) for cell in cells]


def run_script(
    fork_server: str, target: str, script: Script, *, mode: str = "single", configuration: str = ""
) -> Trajectory:
    """Return the trajectory of ``target`` over ``script`` in a worker."""
    adapter = libraries.find(target)
    assert adapter is not None
    name = configuration or adapter.configurations[0].name
    with Workers(address=fork_server, deadline=60.0) as workers:
        return workers.run(adapter, Cell(target, name, mode, script.tensors[0].dtype, "cpu"), script)


def checked_rules(certificate: Certificate) -> Sequence[str]:
    """Return the rules that cells were compared with, each once."""
    return tuple(dict.fromkeys(cell.rule for cell in certificate.cells if cell.compared))
