"""Verbs about what code computes: read."""

from __future__ import annotations

import json
from pathlib import Path

import click

from stepcheck_reference.verdict import BROKEN, CONFORMS


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
        click.echo(f"wrote {rule}", err=True)
    if as_json:
        click.echo(json.dumps([to_dict(reading, verification) for reading, verification in found], indent=2))
    elif latex:
        click.echo("\n\n".join(reading_page.latex(reading) for reading, _ in found))
    else:
        pages = (f"{reading_page.text(reading)}\n\n{verification_lines(verified)}" for reading, verified in found)
        click.echo("\n\n\n".join(pages))
    return CONFORMS if all(verification.verified for _, verification in found) else BROKEN
