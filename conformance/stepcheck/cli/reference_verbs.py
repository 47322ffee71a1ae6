"""Verbs that show what stepcheck knows: rules, prove, laws, explain and schema."""

from __future__ import annotations

import json

import click

from stepcheck_reference.verdict import CONFORMS


@click.command(short_help="List the rules, or show one.")
@click.argument("rule", required=False)
@click.option("--latex", is_flag=True, help="Print the equations as LaTeX.")
def rules(rule: str | None, latex: bool) -> int:
    """List the rules, or show RULE: its equations, closed form, source, state, domains, facts and variants.

    RULE is a listed one, or FILE.py:NAME, each with rewrites as in adam+maximize.
    """
    if rule is None and latex:
        raise click.UsageError("--latex needs a RULE, as in `stepcheck rules adam --latex`")
    from stepcheck.certification.references.rule_files import check_rule
    from stepcheck_reference.rules import ALL, find

    if rule is not None:
        check_rule(rule)
    named_rule = find(rule) if rule is not None else None
    from stepcheck_reference.printing import rule_page

    if named_rule is None:
        click.echo(rule_page.listing(ALL))
    else:
        click.echo(rule_page.latex(named_rule) if latex else rule_page.text(named_rule))
    return CONFORMS


@click.command(short_help="Prove the theorems about rules.")
@click.argument("rule", required=False)
@click.option("--verbose", is_flag=True, help="Show each theorem's condition and source, and how it is proved.")
@click.option("--json", "as_json", is_flag=True, help="Print theorems and proofs as JSON.")
def prove(rule: str | None, verbose: bool, as_json: bool) -> int:
    """Prove the theorems about all rules, or about RULE, a listed one or FILE.py:NAME, from their equations.

    Exit 0 if each is proved, 1 if one is refuted or undecided.
    """
    from stepcheck import proving
    from stepcheck.certification.references.rule_files import check_rule
    from stepcheck.report.theorem_lines import render_theorem, render_totals

    if rule is not None:
        check_rule(rule)
    results = []
    for result in proving.prove(rule):
        results.append(result)
        if not as_json:
            click.echo(render_theorem(result, verbose=verbose))
    click.echo(json.dumps(proving.to_dict(results), indent=2) if as_json else render_totals(results))
    return proving.exit_code(results)


@click.command(short_help="List the laws and what each one checks.")
def laws() -> int:
    """List the laws: their codes, titles, and the sentences that they check."""
    from stepcheck.report.explanation import law_listing

    click.echo(law_listing())
    return CONFORMS


@click.command(short_help="Explain a law or a verdict.")
@click.argument("code")
def explain(code: str) -> int:
    """Explain a law or a verdict, as in SC101 or vacuous."""
    from stepcheck.report import explanation

    click.echo(explanation.explain(code))
    return CONFORMS


@click.command(short_help="Print the JSON Schema of certificates.")
def schema() -> int:
    """Print the JSON Schema of what certify --json prints."""
    from stepcheck.certification.schema import to_json

    click.echo(to_json(), nl=False)
    return CONFORMS
