"""docs/guard.md: its commands use options that exist."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from conformance.command import ROOT
from stepcheck.cli.commands import stepcheck

TEXT = (ROOT / "docs" / "guard.md").read_text(encoding="utf-8") + (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"python -m stepcheck (guard [^\n`]+)", TEXT)))
LINKS = [link for link in re.findall(r"\]\(([^)#]+)\)", TEXT.partition("# stepcheck\n")[0]) if "://" not in link]


def parsed(command: str) -> click.Context:
    """Return ``command`` as the command line parses it; raises UsageError for an unknown option."""
    plain = re.sub(r"\$\{\{.*?\}\}", "1/4", command)
    _, verb, *arguments = shlex.split(plain, comments=True)
    guard = stepcheck.commands["guard"]
    assert isinstance(guard, click.Group)
    return guard.commands[verb].make_context(verb, arguments)


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) > 10
    assert any("--shard ${{ matrix.part }}" in command for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_is_one(command: str) -> None:
    assert parsed(command).params["baseline"] if "BASELINE" in command else parsed(command).params


def test_an_unknown_option_would_be_noticed() -> None:
    with pytest.raises(click.UsageError, match="No such option"):
        parsed("guard check b --fial-on changed")


@pytest.mark.parametrize("link", LINKS)
def test_links_of_the_page_resolve(link: str) -> None:
    assert (ROOT / "docs" / link).is_file()


def test_the_workflows_are_indented_as_yaml_asks() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == 3
    assert not any("\t" in block for block in blocks)
    for block in blocks:
        assert all((len(line) - len(line.lstrip())) % 2 == 0 for line in block.splitlines())
