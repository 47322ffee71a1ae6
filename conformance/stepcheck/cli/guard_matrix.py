"""The command line of guard: commands over several releases of torch, matrix and bisect."""

from __future__ import annotations

import click

from stepcheck.cli.guard_options import (
    EXIT_CODES,
    counting,
    environment_options,
    execution_options,
    executor_of,
    notify,
    resolved_versions,
    resumed_by,
    selection_of,
    selection_options,
)
from stepcheck_reference.verdict import BROKEN, CONFORMS


@click.command(epilog=EXIT_CODES)
@click.option("--torch", "versions", required=True, metavar="V,V,...", help="Releases, as in 2.6.0,2.13.0,newest.")
@selection_options
@execution_options
@environment_options
@click.option("--drop-environments", "drop", is_flag=True, help="Delete each environment once it has been used.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--md", metavar="PATH", help="Write table and changes as Markdown; - prints it.")
@click.option("--verbose", is_flag=True, help="Show every difference of a class.")
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
    """Compare releases of torch, each with the one before it.

    uv installs them in a cache, some 5 GB each with CUDA; recordings stay there, so that an interrupted run resumes
    where it stopped.
    """
    from stepcheck.guard.baselines.recording_cache import RecordingCache
    from stepcheck.guard.environments.releases import check_versions
    from stepcheck.guard.environments.torch_source import TorchSource
    from stepcheck.guard.matrix import matrix as run
    from stepcheck.processes.executor import shard_of
    from stepcheck.report.guard.matrix_text import render, render_json, render_markdown
    from stepcheck.report.outputs import append_step_summary, resolve_outputs

    outputs = resolve_outputs({"json": "-" if as_json else None, "md": md})
    if part:
        shard_of(part)
    selection = selection_of(targets, modes, dtypes, devices)
    releases = resolved_versions(check_versions(versions))
    recordings = RecordingCache(TorchSource("", python, cache, torch_backend), selection, part)
    with resumed_by("the same command"), executor_of(jobs, ray) as executor, counting("recording") as progress:
        columns = list(run(releases, recordings, executor, drop=drop, progress=progress, notify=notify))
    formats = {
        "text": lambda: render(columns, verbose=verbose) + "\n",
        "json": lambda: render_json(columns) + "\n",
        "md": lambda: render_markdown(columns),
    }
    outputs.write(lambda form: formats[form]())
    summary = formats["md"]()
    if lost := append_step_summary(lambda limit: summary if len(summary) <= limit else ""):
        click.echo(f"stepcheck: {lost}", err=True)
    click.echo(formats[outputs.printed](), nl=False)
    return BROKEN if any(column.missing for column in columns) else CONFORMS


@click.command(epilog=EXIT_CODES)
@click.argument("cell")
@click.option("--good", required=True, metavar="VERSION", help="A release that does what it should.")
@click.option("--bad", required=True, metavar="VERSION", help="A later one that does not.")
@click.option("--versions", default="", metavar="V,V,...", help="The releases between; default: all that pip lists.")
@selection_options
@environment_options
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
    """Find the release of torch that changed CELL, with the fewest installations.

    CELL is as guard check names it, as in 'AdamW[default] single float32 cpu'.
    """
    from stepcheck.guard.baselines.recording_cache import RecordingCache
    from stepcheck.guard.bisect import bisect as run
    from stepcheck.guard.environments.releases import between, check_versions, released
    from stepcheck.guard.environments.torch_source import TorchSource
    from stepcheck.report.guard.bisect_text import render

    ends = resolved_versions(check_versions(f"{good},{bad}"))
    releases = (*ends, *check_versions(versions)) if versions else released()
    source = TorchSource("", python, cache, torch_backend)
    recordings = RecordingCache(source, selection_of(targets, modes, dtypes, devices))
    click.echo(render(run(cell, between(ends[0], ends[1], releases), recordings, notify=notify)))
    return CONFORMS
