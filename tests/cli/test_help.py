"""The help: what every command shows, and that its examples are ones."""

import re
import shlex

import click
import pytest
from click.testing import CliRunner

from cli.command import Command
from cli.main import COMMANDS, thaw
from infra.application import ROOT


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_shows_examples_that_can_be_typed(command: Command) -> None:
    shown = CliRunner().invoke(thaw, [str(command.name), "--help"]).output
    for example in command.examples:
        assert f"  {example}\n" in shown
        program, name, *arguments = shlex.split(example.partition(" > ")[0])
        assert (program, name) == ("thaw", command.name)
        with click.Context(thaw, info_name="thaw") as outer:
            command.make_context(name, arguments, parent=outer)


def test_the_whole_help_names_every_command_and_the_exit_codes() -> None:
    shown = CliRunner().invoke(thaw, ["--help"]).output
    assert "130  interrupted" in shown
    for command in COMMANDS:
        assert f"  {command.name} " in shown


def test_the_page_has_a_section_for_every_command_and_its_examples_can_be_typed() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    by_name = {str(command.name): command for command in COMMANDS}
    assert set(by_name) == set(re.findall(r"^## ([a-z]+)$", page, re.MULTILINE))
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", page, re.DOTALL)
    typed = re.findall(r"^(?:\$ )?thaw (.*)$", "".join(blocks), re.MULTILINE)
    assert len(typed) > 30
    for line in typed:
        name, *arguments = shlex.split(line.partition(" | ")[0])
        with click.Context(thaw, info_name="thaw") as outer:
            by_name[name].make_context(name, arguments, parent=outer)
