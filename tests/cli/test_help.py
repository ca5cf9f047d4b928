"""The help: what every command shows, and that its examples are ones."""

import shlex

import click
import pytest
from click.testing import CliRunner

from cli.command import Command
from cli.main import COMMANDS, thaw


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
