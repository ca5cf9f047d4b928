"""What all commands have in common: the options that say where Thaw is, --json, examples in the help, clear errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from cli.errors import errors_told
from cli.output import Output
from cli.stack import Stack, Target

_COMMON = (
    click.Option(["--stack-name"], default="Thaw", show_default=True, help="Of the stack with Thaw's functions."),
    click.Option(["--endpoint-url"], metavar="URL", help="Of an AWS elsewhere; http://127.0.0.1:4566 for `make up`."),
    click.Option(["--profile"], metavar="NAME", help="Of ~/.aws; otherwise the usual AWS_* variables count."),
    click.Option(["--region"], envvar="AWS_REGION", metavar="NAME", help="Otherwise AWS_REGION, or the profile's."),
    click.Option(["--json", "as_json"], is_flag=True, help="JSON on stdout, an object a line, for scripts."),
)


class Command(click.Command):
    """One whose help ends with examples.

    `examples` are whole command lines; the tests parse them.
    """

    def __init__(self, *args: Any, examples: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples" if len(self.examples) > 1 else "Example"):
            for example in self.examples:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")

    def invoke(self, ctx: click.Context) -> Any:
        with errors_told():
            return super().invoke(ctx)


def command(name: str, *, examples: tuple[str, ...]) -> Callable[[Callable[..., None]], Command]:
    """Makes a command of a function, whose docstring is the help and whose first arguments are a Stack and an Output.

    Options and arguments of its own go beneath this decorator, by keyword into the function.
    """

    def decorate(function: Callable[..., None]) -> Command:
        @wraps(function)
        def run(
            stack_name: str,
            endpoint_url: str | None,
            profile: str | None,
            region: str | None,
            as_json: bool,
            **own: Any,
        ) -> None:
            stack = Stack(Target(stack_name, endpoint_url, profile, region))
            function(stack, Output(as_json), **own)

        made = click.command(name, cls=Command, examples=examples)(run)
        made.params += _COMMON
        return made

    return decorate
