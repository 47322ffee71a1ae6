"""The group of verbs: an option that is given but empty is refused, whatever verb it is of."""

from __future__ import annotations

import click


class VerbGroup(click.Group):
    """A group whose commands take no empty values: ``--mode ""`` would otherwise mean every mode."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return what click returns; raises UsageError for an argument or option that is empty."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not isinstance(command, click.Group):
            _refuse_empty(command, click.Context(command, info_name=name, parent=ctx), rest)
        return name, command, rest


def _refuse_empty(command: click.Command, ctx: click.Context, args: list[str]) -> None:
    try:
        given, _, _ = command.make_parser(ctx).parse_args(list(args))
    except click.UsageError:
        return  # which click raises again, with its own words
    for parameter in command.get_params(ctx):
        value = given.get(parameter.name or "")
        for entry in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(entry, str) and not entry.strip(" ,\t\n"):
                name = (
                    parameter.opts[0]
                    if parameter.param_type_name == "option"
                    else parameter.make_metavar(ctx).strip("[]")
                )
                raise click.UsageError(f"{name}={entry!r}, but should not be empty", ctx)
