"""Options that the commands of guard share, and what they are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from stepcheck.guard.corpus.selection import Selection
    from stepcheck.guard.environments.torch_source import TorchSource
    from stepcheck.guard.record_baseline import Progress
    from stepcheck.processes.executor import Executor

EXIT_CODES = """
\b
Exit codes:
  0    nothing fails
  1    a cell fails (see --fail-on); of matrix, a release is not available
  2    the request is wrong, or the baseline is damaged
  3    stepcheck contradicts itself
  5    nothing was compared
  130  interrupted, by Ctrl-C, SIGTERM or SIGHUP; what is finished is kept
"""

Command = Callable[..., Any]


def several(name: str, variable: str, metavar: str, help_text: str) -> Callable[[Command], Command]:
    """Return an option that may be repeated."""
    return click.option(f"--{name}", variable, multiple=True, metavar=metavar, help=help_text)


def selection_options(command: Command) -> Command:
    """Add the options that say which cells are recorded."""
    for option in (
        several("device", "devices", "DEV", "Only these devices, as in cpu or cuda."),
        several("dtype", "dtypes", "D", "Only these dtypes, as in float32,bfloat16."),
        several("mode", "modes", "M", "Only these execution paths, as in single,foreach; compiled only where named."),
        several("target", "targets", "TARGET[=RULE]", "Record this instead of torch.optim; may be repeated."),
    ):
        command = option(command)
    return command


def execution_options(command: Command) -> Command:
    """Add the options that say which cells run, and where."""
    for option in (
        click.option("--ray", metavar="ADDRESS", help="Run on a Ray cluster: local, auto or HOST:PORT."),
        click.option("--jobs", type=click.IntRange(min=1), help="Number of processes; default: one per core."),
        click.option("--shard", "part", default="", metavar="I/N", help="Only this part of the cells, as in 1/4."),
    ):
        command = option(command)
    return command


def source_options(command: Command) -> Command:
    """Add the options that say whose torch is run."""
    for option in (
        click.option("--python", default="", metavar="PATH", help="Another Python, which has torch and numpy."),
        click.option("--torch", default="", metavar="VERSION", help="A release of torch; uv installs it in a cache."),
    ):
        command = option(command)
    return command


def environment_options(command: Command) -> Command:
    """Add the options that say where releases are installed and how."""
    for option in (
        click.option("--torch-backend", default="", metavar="NAME", help="uv's option of that name, as in cpu."),
        click.option("--cache", default="", metavar="DIR", help="Where environments and recordings are kept."),
        click.option("--python", default="", metavar="VERSION", help="The Python to install for, as in 3.11."),
    ):
        command = option(command)
    return command


def resolved_versions(versions: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``versions`` with the words "newest" and "installed" resolved, without repetitions."""
    from importlib.metadata import version

    from stepcheck.guard.environments.releases import INSTALLED, NEWEST, public, released

    def resolved(name: str) -> str:
        if name == NEWEST:
            return released()[-1]
        return public(version("torch")) if name == INSTALLED else name

    return tuple(dict.fromkeys(map(resolved, versions)))


def selection_of(
    targets: tuple[str, ...], modes: tuple[str, ...], dtypes: tuple[str, ...], devices: tuple[str, ...]
) -> Selection:
    """Return the selection that the options make; raises WrongRequest for an unknown mode or dtype."""
    from stepcheck.certification.request import listed
    from stepcheck.guard.corpus.selection import select

    return select(targets, modes=listed(modes), dtypes=listed(dtypes), devices=listed(devices))


def source_of(torch: str, python: str) -> TorchSource:
    """Return the torch source that the options name; raises WrongRequest where they name two."""
    from stepcheck.certification.request import WrongRequest
    from stepcheck.guard.environments.releases import INSTALLED, check_versions
    from stepcheck.guard.environments.torch_source import TorchSource

    if torch and python:
        raise WrongRequest(f"torch={torch}, but python={python} has a torch of its own; give one of the two")
    if torch:
        versions = check_versions(torch)
        if len(versions) != 1:
            raise WrongRequest(f"torch={torch}, but should be one release; `stepcheck guard matrix` takes several")
        torch = "" if versions == (INSTALLED,) else resolved_versions(versions)[0]
    return TorchSource(torch, python)


@contextmanager
def executor_of(jobs: int | None, ray: str | None) -> Iterator[Executor]:
    """Yield the executor that the options name."""
    from stepcheck.processes.executor import Local
    from stepcheck.processes.pool import usable_cores

    if ray is None:
        with Local(jobs or usable_cores()) as local:
            yield local
        return
    from stepcheck.processes.ray_executor import Ray

    with Ray(ray) as cluster:
        yield cluster


@contextmanager
def resumed_by(command: str) -> Iterator[None]:
    """On Ctrl-C, say which command resumes the run."""
    try:
        yield
    except KeyboardInterrupt:
        notify(f"finished recordings are kept; {command} resumes")
        raise


@contextmanager
def counting(action: str) -> Iterator[Progress]:
    """Yield what shows progress."""
    from stepcheck.report.progress import counting

    with counting(action) as progress:
        yield progress


def notify(line: str) -> None:
    """Print a line about what is happening."""
    click.echo(f"stepcheck: {line}", err=True)
