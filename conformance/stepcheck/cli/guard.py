"""The command line of guard: record, check, matrix and bisect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepcheck_reference.verdict import BROKEN, CONFORMS

if TYPE_CHECKING:
    from stepcheck.guard.environments.torch_source import Site
    from stepcheck.guard.record_baseline import Progress
    from stepcheck.processes.executor import Executor

EXIT_CODES = """
\b
Exit codes:
  0    nothing fails
  1    a cell fails (see --fail-on); of matrix, a column could not be had
  2    the request is wrong, or the baseline is not as it was written
  3    stepcheck contradicts itself
  5    nothing was compared
  130  interrupted
"""

Command = Callable[..., Any]


def _several(name: str, variable: str, metavar: str, told: str) -> Callable[[Command], Command]:
    return click.option(f"--{name}", variable, multiple=True, metavar=metavar, help=told)


def _what(command: Command) -> Command:
    """Add the options that say which cells are recorded."""
    for option in (
        _several("device", "devices", "DEV", "Only these devices, as in cpu or cuda."),
        _several("dtype", "dtypes", "D", "Only these dtypes, as in float32,bfloat16."),
        _several("mode", "modes", "M", "Only these execution paths, as in single,foreach; compiled only where named."),
        _several("target", "targets", "TARGET[=RULE]", "Record this instead of torch.optim; may be repeated."),
    ):
        command = option(command)
    return command


def _where(command: Command) -> Command:
    """Add the options that say whose torch it is and who does the work."""
    for option in (
        click.option("--ray", metavar="ADDRESS", help="Do the work on a Ray cluster: local, auto or HOST:PORT."),
        click.option("--jobs", type=click.IntRange(min=1), help="Processes; default: one a core."),
        click.option("--shard", "part", default="", metavar="I/N", help="Only this part of the cells, as in 1/4."),
        click.option("--python", default="", metavar="PATH", help="Another Python, which has torch and numpy."),
        click.option("--torch", default="", metavar="VERSION", help="A release of torch; uv installs it in a cache."),
    ):
        command = option(command)
    return command


def _kept(command: Command) -> Command:
    """Add the options that say where releases are installed and how."""
    for option in (
        click.option("--torch-backend", default="", metavar="NAME", help="uv's option of that name, as in cpu."),
        click.option("--cache", default="", metavar="DIR", help="Where environments and recordings are kept."),
        click.option("--python", default="", metavar="VERSION", help="The Python to install for, as in 3.11."),
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, short_help="Compare what releases of torch do.")
def guard() -> None:
    """Say exactly what a torch upgrade changed in optimizers and schedulers."""


@guard.command(epilog=EXIT_CODES, short_help="Write to a directory what every cell does under this torch.")
@click.argument("baseline", type=click.Path(path_type=Path))
@_what
@_where
@click.option("--force", is_flag=True, help="Record anew where BASELINE holds a baseline already.")
def record(
    baseline: Path,
    targets: tuple[str, ...],
    modes: tuple[str, ...],
    dtypes: tuple[str, ...],
    devices: tuple[str, ...],
    torch: str,
    python: str,
    part: str,
    jobs: int | None,
    ray: str | None,
    force: bool,
) -> int:
    """Write to the directory BASELINE what every cell does under this torch.

    A recording that was interrupted goes on where it was.
    """
    from stepcheck.guard.record_baseline import record as run
    from stepcheck.report.guard.check_text import environment, kinds

    going_on = _going_on(f"stepcheck guard record {baseline}")
    with going_on, _executor(jobs, ray) as executor, _progress("recording") as progress:
        made = run(
            baseline,
            _wanted(targets, modes, dtypes, devices),
            site=_site(torch, python),
            executor=executor,
            part=part,
            replace=force,
            progress=progress,
            say=_say,
        )
    size = sum(path.stat().st_size for path in baseline.iterdir() if path.is_file())
    click.echo(f"recorded  {environment(made.environment)}")
    click.echo(f"cells     {kinds(made)}")
    click.echo(f"wrote     {baseline}, {size / 1e6:.1f} MB; check it with: stepcheck guard check {baseline}")
    return CONFORMS


@guard.command(epilog=EXIT_CODES)
@click.argument("baseline", type=click.Path(path_type=Path))
@_several("only", "only", "CELL", "Only these cells; * stands for anything, as in 'AdamW*'.")
@click.option(
    "--fail-on",
    "policies",
    multiple=True,
    metavar="WHAT",
    help="changed (the default): a cell changed or is gone; rounding: one moved at all; api: one offers or says "
    "otherwise. Several with commas.",
)
@_several("accept", "accept", "CELL", "Write the change of these cells into BASELINE as accepted; needs --reason.")
@click.option("--reason", default="", metavar="TEXT", help="Why the change is accepted.")
@_where
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--md", metavar="PATH", help="Write a Markdown summary; - prints it.")
@click.option("--verbose", is_flag=True, help="Tell every way in which a class differs.")
def check(
    baseline: Path,
    only: tuple[str, ...],
    policies: tuple[str, ...],
    accept: tuple[str, ...],
    reason: str,
    torch: str,
    python: str,
    part: str,
    jobs: int | None,
    ray: str | None,
    as_json: bool,
    md: str | None,
    verbose: bool,
) -> int:
    """Run every cell of BASELINE again, and say what it does otherwise.

    In a GitHub job, where GITHUB_STEP_SUMMARY names a file, the Markdown summary is appended to it.
    """
    from stepcheck.certification.request import WrongRequest, listed
    from stepcheck.guard.check_baseline import check as run
    from stepcheck.guard.comparison.check_result import POLICIES
    from stepcheck.report.guard import check_json, check_markdown, check_text
    from stepcheck.report.outputs import append_step_summary, resolve_outputs
    from stepcheck_reference.suggest import unknown

    chosen = listed(policies) or ("changed",)
    for policy in chosen:
        if policy not in POLICIES:
            raise WrongRequest(unknown("fail-on", policy, POLICIES))
    outputs = resolve_outputs({"json": "-" if as_json else None, "md": md})
    with _executor(jobs, ray) as executor, _progress("checking") as progress:
        checked = run(
            baseline,
            site=_site(torch, python),
            executor=executor,
            part=part,
            only=only,
            accept=accept,
            reason=reason,
            progress=progress,
            say=_say,
        )
    forms = {
        "text": lambda: check_text.report(checked, chosen, verbose=verbose) + "\n",
        "json": lambda: check_json.text(checked, chosen) + "\n",
        "md": lambda: check_markdown.summary(checked, chosen),
    }
    outputs.write(lambda form: forms[form]())
    if lost := append_step_summary(lambda limit: check_markdown.summary(checked, chosen, limit=limit)):
        click.echo(f"stepcheck: {lost}", err=True)
    click.echo(forms[outputs.printed](), nl=False)
    return checked.exit_code(chosen)


@guard.command(epilog=EXIT_CODES)
@click.option("--torch", "versions", required=True, metavar="V,V,...", help="Releases, as in 2.6.0,2.13.0,newest.")
@_what
@click.option("--ray", metavar="ADDRESS", help="Do the work on a Ray cluster: local, auto or HOST:PORT.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes; default: one a core.")
@click.option("--shard", "part", default="", metavar="I/N", help="Only this part of the cells, as in 1/4.")
@_kept
@click.option("--drop-environments", "drop", is_flag=True, help="Delete each environment once it has been used.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--md", metavar="PATH", help="Write table and changes as Markdown; - prints it.")
@click.option("--verbose", is_flag=True, help="Tell every way in which a class differs.")
def matrix(
    versions: str,
    targets: tuple[str, ...],
    modes: tuple[str, ...],
    dtypes: tuple[str, ...],
    devices: tuple[str, ...],
    ray: str | None,
    jobs: int | None,
    part: str,
    python: str,
    cache: str,
    torch_backend: str,
    drop: bool,
    as_json: bool,
    md: str | None,
    verbose: bool,
) -> int:
    """Hold releases of torch against each other, each against the one before it.

    uv installs them in a cache, some 5 GB each with CUDA; what was recorded stays there, so that a run that was
    interrupted goes on where it was.
    """
    from stepcheck.guard.baselines.cache import Recordings
    from stepcheck.guard.environments.releases import check_versions
    from stepcheck.guard.environments.torch_source import Site
    from stepcheck.guard.matrix import matrix as run
    from stepcheck.processes.executor import shard_of
    from stepcheck.report.guard import matrix_text as reports
    from stepcheck.report.outputs import append_step_summary, resolve_outputs

    outputs = resolve_outputs({"json": "-" if as_json else None, "md": md})
    if part:
        shard_of(part)
    wanted = _wanted(targets, modes, dtypes, devices)
    releases = _releases(check_versions(versions))
    recordings = Recordings(Site("", python, cache, torch_backend), wanted, part)
    with _going_on("the same command"), _executor(jobs, ray) as executor, _progress("recording") as progress:
        columns = list(run(releases, recordings, executor, drop=drop, progress=progress, say=_say))
    forms = {
        "text": lambda: reports.text(columns, verbose=verbose) + "\n",
        "json": lambda: reports.to_json(columns) + "\n",
        "md": lambda: reports.markdown(columns),
    }
    outputs.write(lambda form: forms[form]())
    if lost := append_step_summary(
        lambda limit: reports.markdown(columns) if len(reports.markdown(columns)) <= limit else ""
    ):
        click.echo(f"stepcheck: {lost}", err=True)
    click.echo(forms[outputs.printed](), nl=False)
    return BROKEN if any(column.missing for column in columns) else CONFORMS


@guard.command(epilog=EXIT_CODES)
@click.argument("cell")
@click.option("--good", required=True, metavar="VERSION", help="A release that does what it should.")
@click.option("--bad", required=True, metavar="VERSION", help="A later one that does not.")
@click.option("--versions", default="", metavar="V,V,...", help="The releases between; default: all that pip lists.")
@_what
@_kept
def bisect(
    cell: str,
    good: str,
    bad: str,
    versions: str,
    targets: tuple[str, ...],
    modes: tuple[str, ...],
    dtypes: tuple[str, ...],
    devices: tuple[str, ...],
    python: str,
    cache: str,
    torch_backend: str,
) -> int:
    """Find the release of torch that changed CELL, in the fewest installations.

    CELL is as guard check names it, as in 'AdamW[default] single float32 cpu'.
    """
    from stepcheck.guard.baselines.cache import Recordings
    from stepcheck.guard.bisect import bisect as run
    from stepcheck.guard.environments.releases import between, check_versions, released
    from stepcheck.guard.environments.torch_source import Site
    from stepcheck.report.guard.bisect_text import report

    ends = _releases(check_versions(f"{good},{bad}"))
    known = (*ends, *check_versions(versions)) if versions else released()
    recordings = Recordings(Site("", python, cache, torch_backend), _wanted(targets, modes, dtypes, devices))
    click.echo(report(run(cell, between(ends[0], ends[1], known), recordings, say=_say)))
    return CONFORMS


def _releases(asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the releases that ``asked`` names, the word "newest" and "installed" resolved."""
    from importlib.metadata import version

    from stepcheck.guard.environments.releases import INSTALLED, NEWEST, public, released

    def found(name: str) -> str:
        if name == NEWEST:
            return released()[-1]
        return public(version("torch")) if name == INSTALLED else name

    return tuple(dict.fromkeys(found(name) for name in asked))


def _wanted(targets: tuple[str, ...], modes: tuple[str, ...], dtypes: tuple[str, ...], devices: tuple[str, ...]) -> Any:
    """Return what the options ask for; raises WrongRequest for a mode or dtype that there is not."""
    from stepcheck.certification.request import listed
    from stepcheck.guard.corpus.corpus import wanted

    return wanted(targets, modes=listed(modes), dtypes=listed(dtypes), devices=listed(devices))


def _site(torch: str, python: str) -> Site:
    from stepcheck.certification.request import WrongRequest
    from stepcheck.guard.environments.releases import INSTALLED, check_versions
    from stepcheck.guard.environments.torch_source import Site

    if torch and python:
        raise WrongRequest(f"torch={torch}, but python={python} has a torch of its own; give one of the two")
    if torch:
        versions = check_versions(torch)
        if len(versions) != 1:
            raise WrongRequest(f"torch={torch}, but should be one release; `stepcheck guard matrix` takes several")
        torch = "" if versions == (INSTALLED,) else _releases(versions)[0]
    return Site(torch, python)


@contextmanager
def _executor(jobs: int | None, ray: str | None) -> Iterator[Executor]:
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
def _going_on(command: str) -> Iterator[None]:
    """Say where an interrupted run goes on."""
    try:
        yield
    except KeyboardInterrupt:
        _say(f"what was recorded is kept; {command} goes on from there")
        raise


@contextmanager
def _progress(doing: str) -> Iterator[Progress]:
    from stepcheck.report.progress import counting

    with counting(doing) as progress:
        yield progress


def _say(line: str) -> None:
    click.echo(f"stepcheck: {line}", err=True)
