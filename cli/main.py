"""`thaw`: all its commands."""

from __future__ import annotations

import click

from cli.command import Command
from cli.commands.cancel import cancel
from cli.commands.capacity import capacity
from cli.commands.estimate import estimate
from cli.commands.fetch import fetch
from cli.commands.inventory import inventory
from cli.commands.redrive import redrive
from cli.commands.republish import republish
from cli.commands.status import status
from cli.commands.submit import submit
from cli.commands.watch import watch

COMMANDS: tuple[Command, ...] = (
    inventory,
    estimate,
    submit,
    status,
    watch,
    fetch,
    cancel,
    capacity,
    redrive,
    republish,
)
_EXIT_CODES = """\b
Exit codes:
  0    done
  1    done, and something in the answer is bad (a request failed, ...)
  2    wrong options or a wrong file; nothing was sent
  3    AWS refused, or could not be reached
  130  interrupted
"""


@click.group(epilog=_EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="thaw")
def thaw() -> None:
    """Gets archives back out of Amazon S3 Glacier vaults, through a deployed Thaw.

    Credentials and region are taken as the AWS command line takes them. `thaw COMMAND --help` shows examples.
    """


for each in COMMANDS:
    thaw.add_command(each)
