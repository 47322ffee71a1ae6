"""The command line of guard: record and check; matrix and bisect are in ``guard_matrix``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from stepcheck.cli.guard_matrix import bisect, matrix
from stepcheck.cli.guard_options import (
    EXIT_CODES,
    counting,
    execution_options,
    executor_of,
    notify,
    resumed_by,
    selection_of,
    selection_options,
    several,
    source_of,
    source_options,
)
from stepcheck.cli.verb_group import VerbGroup
from stepcheck_reference.verdict import CONFORMS, NOTHING_COMPARED


@click.group(
    cls=VerbGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    short_help="Compare what releases of torch do.",
)
def guard() -> None:
    """Report exactly what a torch upgrade changed in optimizers and schedulers."""


guard.add_command(matrix)
guard.add_command(bisect)


@guard.command(epilog=EXIT_CODES, short_help="Record every cell under this torch, and write it to a directory.")
@click.argument("baseline", type=click.Path(path_type=Path))
@selection_options
@source_options
@execution_options
@click.option("--force", is_flag=True, help="Record again where BASELINE already holds a baseline.")
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
    """Record every cell under this torch, and write it to the directory BASELINE.

    An interrupted recording resumes where it stopped.
    """
    from stepcheck.guard.baselines.names import is_own
    from stepcheck.guard.record_baseline import record as run
    from stepcheck.report.guard.environment_text import cell_counts, environment_line

    resumed = resumed_by(f"stepcheck guard record {baseline}")
    with resumed, executor_of(jobs, ray) as executor, counting("recording") as progress:
        recorded = run(
            baseline,
            selection_of(targets, modes, dtypes, devices),
            source=source_of(torch, python),
            executor=executor,
            part=part,
            replace=force,
            progress=progress,
            notify=notify,
        )
    size = sum(path.stat().st_size for path in baseline.iterdir() if path.is_file())
    click.echo(f"recorded  {environment_line(recorded.environment)}")
    click.echo(f"cells     {cell_counts(recorded)}")
    own = [name for name, _ in recorded.selection["targets"] if not is_own(name)]
    command = shlex.join(["stepcheck", "guard", "check", str(baseline), *(f"--target={name}" for name in own)])
    click.echo(f"wrote     {baseline}, {size / 1e6:.1f} MB; check it with: {command}")
    return CONFORMS if recorded.cells else NOTHING_COMPARED


@guard.command(epilog=EXIT_CODES)
@click.argument("baseline", type=click.Path(path_type=Path))
@several("only", "only", "CELL", "Only these cells; * stands for anything, as in 'AdamW*'.")
@click.option(
    "--fail-on",
    "policies",
    multiple=True,
    metavar="WHAT",
    help="changed (the default): a cell changed or is gone; rounding: any number changed; api: an interface or "
    "message changed. Several separated by commas.",
)
@several("target", "targets", "TARGET", "A target of your own in BASELINE, which may be imported; may be repeated.")
@several("accept", "accept", "CELL", "Write the change of these cells into BASELINE as accepted; needs --reason.")
@click.option("--reason", default="", metavar="TEXT", help="Why the change is accepted.")
@source_options
@execution_options
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--md", metavar="PATH", help="Write a Markdown summary; - prints it.")
@click.option("--verbose", is_flag=True, help="Show every difference of a class.")
def check(
    baseline: Path,
    only: tuple[str, ...],
    targets: tuple[str, ...],
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
    """Run every cell of BASELINE again, and report what changed.

    In a GitHub job, where GITHUB_STEP_SUMMARY names a file, the Markdown summary is appended to it.
    """
    from stepcheck.certification.request import WrongRequest, listed
    from stepcheck.guard.check_baseline import check as run
    from stepcheck.guard.comparison.check_result import POLICIES
    from stepcheck.report.guard import check_json, check_markdown, check_text
    from stepcheck.report.outputs import append_step_summary, resolve_outputs
    from stepcheck_reference.suggest import unknown

    fail_on = listed(policies) or ("changed",)
    for policy in fail_on:
        if policy not in POLICIES:
            raise WrongRequest(unknown("fail-on", policy, POLICIES))
    outputs = resolve_outputs({"json": "-" if as_json else None, "md": md})
    with executor_of(jobs, ray) as executor, counting("checking") as progress:
        result = run(
            baseline,
            source=source_of(torch, python),
            executor=executor,
            part=part,
            only=only,
            targets=targets,
            accept=accept,
            reason=reason,
            progress=progress,
            notify=notify,
        )
    formats = {
        "text": lambda: check_text.render(result, fail_on, verbose=verbose) + "\n",
        "json": lambda: check_json.render(result, fail_on) + "\n",
        "md": lambda: check_markdown.render(result, fail_on),
    }
    outputs.write(lambda form: formats[form]())
    if lost := append_step_summary(lambda limit: check_markdown.render(result, fail_on, limit=limit)):
        click.echo(f"stepcheck: {lost}", err=True)
    click.echo(formats[outputs.printed](), nl=False)
    return result.exit_code(fail_on)
