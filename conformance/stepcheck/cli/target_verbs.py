"""Verbs about a target: certify, replay and scaffold."""

from __future__ import annotations

import os
from pathlib import Path

import click

from stepcheck.cli.exit_codes import EXIT_CODES
from stepcheck_reference.verdict import BROKEN, CONFORMS, INTERRUPTED


def color() -> bool | None:
    """Return what click should do about color: False where NO_COLOR is set, None where it decides by the terminal."""
    return False if os.environ.get("NO_COLOR") else None


@click.command(epilog=EXIT_CODES, short_help="Check an optimizer against its published update rule.")
@click.argument("target")
@click.option(
    "--as",
    "rule",
    metavar="RULE",
    help="The rule that it claims to implement, as in adam or amsgrad+maximize, or a Rule as FILE.py:NAME.",
)
@click.option("--like", metavar="REFERENCE", help="The code that it claims to be equal to: the rule is read from that.")
@click.option("--mode", "modes", multiple=True, metavar="M", help="Only these execution paths, as in single,foreach.")
@click.option("--dtype", "dtypes", multiple=True, metavar="D", help="Only these dtypes, as in float32,bfloat16.")
@click.option("--device", "devices", multiple=True, metavar="DEV", help="Only these devices, as in cpu or cuda.")
@click.option(
    "--set", "fixed", multiple=True, metavar="NAME=VALUE", help="Fix a hyper-parameter, as in lr=1e-3; may be repeated."
)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="NAME=ARGUMENT",
    help="Map a name of the rule to an argument or attribute of TARGET, as in beta2=gamma, beta1=betas[0] or m=buf; "
    "may be repeated.",
)
@click.option("--profile", default="quick", show_default=True, metavar="P", help="quick, standard or thorough.")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of the scripts; the same seed gives the same verdicts."
)
@click.option("--strict", is_flag=True, help="Exit 1 for known issues, too.")
@click.option(
    "--select",
    multiple=True,
    metavar="CODES",
    help="Check only these laws: codes or beginnings of codes, as in SC1,SC203; may be repeated.",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="CODES",
    help="Do not check these laws. The longest code that fits a law decides.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the certificate as JSON.")
@click.option("--html", metavar="PATH", help="Write a self-contained HTML page; - prints it.")
@click.option("--md", metavar="PATH", help="Write a Markdown summary; - prints it.")
@click.option("--junit", metavar="PATH", help="Write JUnit XML; - prints it.")
@click.option("--verbose", is_flag=True, help="Show everything: of a library each class, every failure in full.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write results and failing scripts to this directory as they come."
)
@click.option("--jobs", type=click.IntRange(min=1), help="Number of processes; default: one per core.")
@click.option(
    "--memory",
    type=click.FloatRange(min=0.5),
    metavar="GIB",
    help="GiB of memory that TARGET may use in a process; default: half of the machine's.",
)
def certify(
    target: str,
    rule: str | None,
    like: str | None,
    modes: tuple[str, ...],
    dtypes: tuple[str, ...],
    devices: tuple[str, ...],
    fixed: tuple[str, ...],
    maps: tuple[str, ...],
    profile: str,
    seed: int,
    strict: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    as_json: bool,
    html: str | None,
    md: str | None,
    junit: str | None,
    verbose: bool,
    out: Path | None,
    jobs: int | None,
    memory: float | None,
) -> int:
    """Check TARGET against its published update rule in every configuration, mode, dtype and device.

    TARGET is torch.optim.AdamW, package.module:Name or path/file.py:Name, and names an optimizer class, a function that
    builds one, or an update function f(params, states..., lr, t). A library, as in torch.optim, means all its classes
    in one certificate. REFERENCE is such a class or function, too. Where the nearest pyproject.toml with a table
    [tool.stepcheck] has select or ignore, these are used where the command line has none. In a GitHub job, where
    GITHUB_STEP_SUMMARY names a file, the Markdown summary is appended to it.
    """
    from stepcheck.certification.certificate import Certificate
    from stepcheck.certification.certify import Interrupted
    from stepcheck.certification.certify import certify as run
    from stepcheck.certification.chosen_laws.project_settings import project_settings
    from stepcheck.certification.request import listed, mappings, settings
    from stepcheck.report import markdown, text
    from stepcheck.report.outputs import STDOUT, append_step_summary, render, resolve_outputs
    from stepcheck.report.progress import reporting

    settings_of_project = project_settings(Path.cwd())
    if used := settings_of_project.without(select=bool(select), ignore=bool(ignore)).described:
        click.echo(f"stepcheck: {used}", err=True)
    outputs = resolve_outputs({"json": STDOUT if as_json else None, "html": html, "md": md, "junit": junit})
    interrupted, stopped = False, None
    with reporting() as (progress, notify):
        try:
            certificate = run(
                target,
                rule=rule,
                like=like,
                modes=listed(modes),
                dtypes=listed(dtypes),
                devices=listed(devices),
                fixed=settings(fixed),
                map=mappings(maps),
                profile=profile,
                seed=seed,
                strict=strict,
                select=select or settings_of_project.select,
                ignore=ignore or settings_of_project.ignore,
                out=out,
                jobs=jobs,
                memory=None if memory is None else int(memory * 2**30),
                progress=progress,
                notify=notify,
            )
        except Interrupted as stop:
            certificate, interrupted = stop.certificate, True
        except Exception as error:
            if not isinstance(getattr(error, "certificate", None), Certificate):
                raise
            certificate, stopped = error.certificate, error  # type: ignore[attr-defined]
    if certificate.run.taken_over:
        kept = f"{certificate.run.taken_over} of {len(certificate.cells)} cells"
        click.echo(f"stepcheck: {kept} were finished by an interrupted run, and are taken from {out}", err=True)
    try:
        outputs.write(lambda form: render(form, certificate, strict=strict))
        lost = append_step_summary(lambda limit: markdown.render(certificate, limit=limit))
        if lost:
            click.echo(f"stepcheck: {lost}", err=True)
    finally:
        if outputs.printed == "text":
            click.echo(text.render(certificate, strict=strict, verbose=verbose), color=color())
        else:
            click.echo(render(outputs.printed, certificate, strict=strict), nl=False)
    if stopped is not None:
        raise stopped
    return INTERRUPTED if interrupted else certificate.exit_code(strict=strict)


@click.command(short_help="Run a failure again.")
@click.argument("token")
def replay(token: str) -> int:
    """Run a failure again in a fresh worker.

    Exit 1 if the script of TOKEN still breaks a law, 0 if the failure no longer happens.
    """
    from stepcheck.certification.failures.replay import replay as run
    from stepcheck.report.failure_text import render_failure

    result = run(token)
    if not result.failures:
        click.echo(f"{result.id}: the failure no longer happens ({result.compared} element-steps compared)")
        return CONFORMS
    click.echo("\n\n".join(render_failure(failure, result.id) for failure in result.failures), color=color())
    return BROKEN


@click.command(short_help="Print a pytest file that certifies an optimizer.")
@click.argument("target")
@click.option("--as", "rule", metavar="RULE", help="The rule that it claims to implement, as in adam, or FILE.py:NAME.")
@click.option("--like", metavar="REFERENCE", help="As for certify.")
@click.option("--set", "fixed", multiple=True, metavar="NAME=VALUE", help="Fix a hyper-parameter; may be repeated.")
@click.option("--map", "maps", multiple=True, metavar="NAME=ARGUMENT", help="As for certify; may be repeated.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it to FILE instead of printing it.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def scaffold(
    target: str,
    rule: str | None,
    like: str | None,
    fixed: tuple[str, ...],
    maps: tuple[str, ...],
    out: Path | None,
    force: bool,
) -> int:
    """Print a pytest file that certifies TARGET, with one test for each law in each cell.

    TARGET is as for certify, and is described before anything is written.
    """
    from stepcheck.certification.output.output_directory import write
    from stepcheck.certification.request import mappings, requested, settings
    from stepcheck.pytest_plugin.scaffold import check_free, pytest_file

    if out is not None:
        check_free(out, force=force)
    text = pytest_file(requested(target, rule=rule, like=like, fixed=settings(fixed), map=mappings(maps)))
    if out is None:
        click.echo(text, nl=False)
    else:
        write(out, text)
        click.echo(f"wrote {out}; run it with: python -m pytest {out}")
    return CONFORMS
