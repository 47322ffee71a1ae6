"""The command line: verbs, options and exit codes. Heavy imports stay inside the commands."""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from stepcheck import __version__
from stepcheck.cli.guard import guard
from stepcheck.cli.usage_errors import is_refusal
from stepcheck_reference.verdict import BROKEN, CONFORMS, CONTRADICTION, INTERRUPTED, WRONG_REQUEST

EXIT_CODES = """
\b
Exit codes:
  0    conforms, also where only known findings break (1 with --strict)
  1    a law is broken, or the subject crashes or hangs
  2    the request is wrong
  3    stepcheck contradicts itself
  5    nothing was compared
  130  interrupted
"""


@click.group(epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="stepcheck")
def stepcheck() -> None:
    """Checks optimizer steps: which published update rule an optimizer is, and where it leaves it."""


stepcheck.add_command(guard)


@stepcheck.command(epilog=EXIT_CODES)
@click.argument("target")
@click.option("--as", "rule", metavar="RULE", help="The rule it claims to be, as in adam or amsgrad+maximize.")
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
    help="Say what a name of the rule is in TARGET, as in beta2=gamma, beta1=betas[0] or m=buf; may be repeated.",
)
@click.option("--profile", default="quick", show_default=True, metavar="P", help="quick, standard or thorough.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same findings.")
@click.option("--strict", is_flag=True, help="Exit 1 where known findings break, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the certificate as JSON.")
@click.option("--html", metavar="PATH", help="Write one HTML page that needs nothing else; - prints it.")
@click.option("--md", metavar="PATH", help="Write a Markdown summary; - prints it.")
@click.option("--junit", metavar="PATH", help="Write JUnit XML; - prints it.")
@click.option("--verbose", is_flag=True, help="Of a library, show each class in full, as certify CLASS does.")
@click.option("--out", type=click.Path(path_type=Path), help="Write results and failing scripts here as they come.")
@click.option("--jobs", type=click.IntRange(min=1), help="Judge processes; default: one a core.")
def certify(
    target: str,
    rule: str | None,
    modes: tuple[str, ...],
    dtypes: tuple[str, ...],
    devices: tuple[str, ...],
    fixed: tuple[str, ...],
    maps: tuple[str, ...],
    profile: str,
    seed: int,
    strict: bool,
    as_json: bool,
    html: str | None,
    md: str | None,
    junit: str | None,
    verbose: bool,
    out: Path | None,
    jobs: int | None,
) -> int:
    """Hold TARGET to its rule on every configuration, mode, dtype and device.

    TARGET is torch.optim.AdamW, package.module:Name or path/file.py:Name, and names an optimizer class, a
    function that builds one, or an update function f(params, states..., lr, t); or it is a library,
    torch.optim, for all its classes in one certificate. In a GitHub job, where
    GITHUB_STEP_SUMMARY names a file, the Markdown summary is appended to it.
    """
    from stepcheck.certification.certificate import Certificate
    from stepcheck.certification.certify import Interrupted
    from stepcheck.certification.certify import certify as run
    from stepcheck.certification.request import listed, mappings, settings
    from stepcheck.report import markdown, text
    from stepcheck.report.outputs import STDOUT, append_step_summary, render, resolve_outputs
    from stepcheck.report.progress import reporting

    outputs = resolve_outputs({"json": STDOUT if as_json else None, "html": html, "md": md, "junit": junit})
    interrupted, stopped = False, None
    with reporting() as progress:
        try:
            certificate = run(
                target,
                rule=rule,
                modes=listed(modes),
                dtypes=listed(dtypes),
                devices=listed(devices),
                fixed=settings(fixed),
                map=mappings(maps),
                profile=profile,
                seed=seed,
                strict=strict,
                out=out,
                jobs=jobs,
                progress=progress,
            )
        except Interrupted as stop:
            certificate, interrupted = stop.certificate, True
        except Exception as error:
            if not isinstance(getattr(error, "certificate", None), Certificate):
                raise
            certificate, stopped = error.certificate, error  # type: ignore[attr-defined]
    try:
        outputs.write(lambda form: render(form, certificate, strict=strict))
        lost = append_step_summary(lambda limit: markdown.render(certificate, limit=limit))
        if lost:
            click.echo(f"stepcheck: {lost}", err=True)
    finally:
        if outputs.printed == "text":
            click.echo(text.render(certificate, strict=strict, verbose=verbose), color=_color())
        else:
            click.echo(render(outputs.printed, certificate, strict=strict), nl=False)
    if stopped is not None:
        raise stopped
    return INTERRUPTED if interrupted else certificate.exit_code(strict=strict)


@stepcheck.command()
@click.argument("rule", required=False)
@click.option("--latex", is_flag=True, help="Print the equations as LaTeX.")
def rules(rule: str | None, latex: bool) -> int:
    """List the rules, or show one: equations, closed form, source, state, domains, facts, variants."""
    if rule is None and latex:
        raise click.UsageError("--latex needs a RULE, as in `stepcheck rules adam --latex`")
    from stepcheck_reference.rules import ALL, find

    found = find(rule) if rule is not None else None
    from stepcheck_reference.printing import rule_page

    if found is None:
        click.echo(rule_page.listing(ALL))
    else:
        click.echo(rule_page.latex(found) if latex else rule_page.text(found))
    return CONFORMS


@stepcheck.command()
@click.argument("rule", required=False)
@click.option("--verbose", is_flag=True, help="Show each theorem's condition and source, and how it is proved.")
@click.option("--json", "as_json", is_flag=True, help="Print theorems and proofs as JSON.")
def prove(rule: str | None, verbose: bool, as_json: bool) -> int:
    """Prove the theorems about all rules, or about RULE, from their equations.

    Exit 0 if each is proved, 1 if one is refuted or undecided.
    """
    from stepcheck import proving
    from stepcheck.report.theorem_lines import render_theorem, render_totals

    results = []
    for result in proving.prove(rule):
        results.append(result)
        if not as_json:
            click.echo(render_theorem(result, verbose=verbose))
    click.echo(json.dumps(proving.to_dict(results), indent=2) if as_json else render_totals(results))
    return proving.exit_code(results)


@stepcheck.command()
def laws() -> int:
    """List the laws: code, title, and the sentence each one checks."""
    from stepcheck.report.explanation import law_listing

    click.echo(law_listing())
    return CONFORMS


@stepcheck.command()
@click.argument("code")
def explain(code: str) -> int:
    """Say what a code or a verdict means, as in SC101 or vacuous."""
    from stepcheck.report import explanation

    click.echo(explanation.explain(code))
    return CONFORMS


@stepcheck.command()
@click.argument("target")
@click.option("--as", "rule", metavar="RULE", help="The rule it claims to be, as in adam.")
@click.option("--set", "fixed", multiple=True, metavar="NAME=VALUE", help="Fix a hyper-parameter; may be repeated.")
@click.option("--map", "maps", multiple=True, metavar="NAME=ARGUMENT", help="As for certify; may be repeated.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it there instead of printing it.")
@click.option("--force", is_flag=True, help="Replace FILE where it is there already.")
def write(
    target: str, rule: str | None, fixed: tuple[str, ...], maps: tuple[str, ...], out: Path | None, force: bool
) -> int:
    """Print a pytest file that certifies TARGET, a test a law and cell.

    TARGET is as for certify, and is tried before anything is written.
    """
    from stepcheck.certification.output_directory import write as save
    from stepcheck.certification.request import Request, mappings, settings
    from stepcheck.pytest_plugin.scaffold import check_free, ready_file

    if out is not None:
        check_free(out, force=force)
    text = ready_file(Request(target=target, rule=rule, fixed=settings(fixed), maps=mappings(maps)))
    if out is None:
        click.echo(text, nl=False)
    else:
        save(out, text)
        click.echo(f"wrote {out}; run it with: python -m pytest {out}")
    return CONFORMS


@stepcheck.command()
def schema() -> int:
    """Print the JSON Schema of what certify --json prints."""
    from stepcheck.certification.schema import to_json

    click.echo(to_json(), nl=False)
    return CONFORMS


@stepcheck.command()
@click.argument("token")
def replay(token: str) -> int:
    """Run one failure again in a fresh worker: exit 1 if it still breaks, 0 if it holds."""
    from stepcheck.certification.failures.replay import replay as run
    from stepcheck.report.text import render_failure

    replayed = run(token)
    if not replayed.failures:
        click.echo(f"{replayed.id}: holds now ({replayed.compared} element-steps compared)")
        return CONFORMS
    click.echo("\n\n".join(render_failure(entry, replayed.id) for entry in replayed.failures), color=_color())
    return BROKEN


def _color() -> bool | None:
    return False if os.environ.get("NO_COLOR") else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line on ``arguments`` (default: the process') and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    sys.exit(_code(arguments))


_OUTPUT = (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG, errno.EDQUOT)
"""What goes wrong in writing to a disk or device that takes no more."""


def _code(arguments: Sequence[str] | None) -> int:
    try:
        code = stepcheck.main(args=arguments, prog_name="stepcheck", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
        return int(code or 0)
    except click.ClickException as error:
        error.show()
        return WRONG_REQUEST
    except (KeyboardInterrupt, click.Abort):
        click.echo("stepcheck: interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OUTPUT and error.filename is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            click.echo(f"stepcheck: stdout should be something that can be written ({error.strerror})", err=True)
            return WRONG_REQUEST
        if is_refusal(error):
            click.echo(f"stepcheck: {error}", err=True)
            return WRONG_REQUEST
        if type(error).__name__ == "WorkerError":
            click.echo(f"stepcheck: {error}", err=True)
            return CONTRADICTION
        traceback.print_exc()
        click.echo("stepcheck: contradicts itself; the traceback above says where", err=True)
        return CONTRADICTION
