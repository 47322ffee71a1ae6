"""Verbs about what code computes: read and identify."""

from __future__ import annotations

import json
from pathlib import Path

import click

from stepcheck_reference.verdict import BROKEN, CONFORMS, NOTHING_COMPARED


@click.command(short_help="Print the equations that an optimizer's code computes.")
@click.argument("target")
@click.option("--configuration", default="", metavar="C", help="A configuration of a library's class, as in amsgrad.")
@click.option("--mode", default="single", show_default=True, metavar="M", help="The execution path, as in foreach.")
@click.option(
    "--set", "fixed", multiple=True, metavar="NAME=VALUE", help="Fix an argument, as in nesterov=true; may be repeated."
)
@click.option("--latex", is_flag=True, help="Print the equations as LaTeX.")
@click.option("--json", "as_json", is_flag=True, help="Print the reading as JSON.")
@click.option("--rule", type=click.Path(path_type=Path), metavar="FILE", help="Write the reading as a rule to FILE.")
def read(
    target: str, configuration: str, mode: str, fixed: tuple[str, ...], latex: bool, as_json: bool, rule: Path | None
) -> int:
    """Print the equations that TARGET computes, read from a run of its code.

    TARGET is as for certify; a library, as in torch.optim, means each of its classes. Functions that were called and
    not read are named. Exit 1 where the code then does not hold the envelope of its own reading.
    """
    from stepcheck.certification.output.output_directory import write
    from stepcheck.certification.request import settings
    from stepcheck.code_reading.read import read_verified
    from stepcheck.code_reading.reading_json import to_dict
    from stepcheck.code_reading.verification_lines import verification_lines
    from stepcheck_implementations.adapters import libraries
    from stepcheck_reference.printing import reading_page, rule_file

    if libraries.members(target) and (configuration or fixed or rule):
        raise click.UsageError("--configuration, --set and --rule need one class, as in torch.optim.AdamW")
    found = list(read_verified(target, configuration=configuration, mode=mode, fixed=settings(fixed)))
    if rule is not None:
        write(rule, rule_file.text(found[0][0]))
        click.echo(f"wrote {rule}, a rule for --as {rule}:{rule_file.name_of(found[0][0]).upper()}", err=True)
    if as_json:
        click.echo(json.dumps([to_dict(reading, verification) for reading, verification in found], indent=2))
    elif latex:
        click.echo("\n\n".join(reading_page.latex(reading) for reading, _ in found))
    else:
        pages = (f"{reading_page.text(reading)}\n\n{verification_lines(verified)}" for reading, verified in found)
        click.echo("\n\n\n".join(pages))
    return CONFORMS if all(verification.verified for _, verification in found) else BROKEN


@click.command(short_help="Say which rule an optimizer's code computes.")
@click.argument("target")
@click.option("--configuration", default="", metavar="C", help="A configuration of a library's class, as in amsgrad.")
@click.option("--mode", default="single", show_default=True, metavar="M", help="The execution path, as in foreach.")
@click.option(
    "--set", "fixed", multiple=True, metavar="NAME=VALUE", help="Fix an argument, as in nesterov=true; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print the answers as JSON.")
def identify(target: str, configuration: str, mode: str, fixed: tuple[str, ...], as_json: bool) -> int:
    """Say which rule TARGET computes, by its equations: proved, or how it differs, or none.

    TARGET is as for certify; a library, as in torch.optim, means each of its classes. Each configuration and each
    boolean option is read. Exit 1 where one is no rule known here, or the code does not do what was read of it; exit 5
    where none was read.
    """
    from stepcheck.certification.request import settings
    from stepcheck.code_reading.identify import identify as identified
    from stepcheck_implementations.adapters import libraries

    if libraries.members(target) and (configuration or fixed):
        raise click.UsageError("--configuration and --set need one class, as in torch.optim.AdamW")
    answers = identified(target, configuration=configuration, mode=mode, fixed=settings(fixed))
    if as_json:
        click.echo(json.dumps([answer.to_json() for answer in answers], indent=2))
    else:
        click.echo("\n".join(answer.text() for answer in answers))
    if all(answer.opaque for answer in answers):
        return NOTHING_COMPARED
    return CONFORMS if all(answer.named and not answer.contradicted for answer in answers) else BROKEN
