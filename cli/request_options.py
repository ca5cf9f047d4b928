"""The options that say which requests are meant: a file, and what is chosen from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

import click

from cli.inventory_file import Filters
from cli.params import INSTANT, SIZE
from cli.request_file import Given
from thaw.request import ACCOUNT_ID_PATTERN, VAULT_NAME_PATTERN

Function = Callable[..., None]
BATCH_PATTERN = r"[A-Za-z0-9._-]{1,64}"


def _matching(pattern: str, right: str) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    def check(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
        if value is not None and re.fullmatch(pattern, value) is None:
            raise click.BadParameter(f"{value!r} is wrong; right are {right}.", ctx, param)
        return value

    return check


def _regex(ctx: click.Context, param: click.Parameter, value: str | None) -> re.Pattern[str] | None:
    try:
        return None if value is None else re.compile(value)
    except re.error as error:
        raise click.BadParameter(f"{value!r} is no regular expression: {error}.", ctx, param) from None


_VAULT = _matching(VAULT_NAME_PATTERN, "1 to 255 of the characters A-Z a-z 0-9 _ . -")
_ACCOUNT = _matching(ACCOUNT_ID_PATTERN, "12 digits")
_BATCH = _matching(BATCH_PATTERN, "1 to 64 of the characters A-Z a-z 0-9 _ . -")

_WHICH = (
    click.option("--vault", metavar="NAME", callback=_VAULT, help="Of requests that name none."),
    click.option("--account-id", metavar="ID", callback=_ACCOUNT, help="The vault's owner, if it is another account."),
    click.option(
        "--batch", metavar="NAME", callback=_BATCH, help="Begins the ids of requests that have none of their own."
    ),
    click.option("--description", "glob", metavar="GLOB", help="Of an inventory: descriptions like 'photos/2019/*'."),
    click.option("--description-regex", "regex", metavar="REGEX", callback=_regex, help="Descriptions that hold it."),
    click.option("--created-after", "created_from", metavar="TIME", type=INSTANT, help="Created then or later."),
    click.option("--created-before", "created_until", metavar="TIME", type=INSTANT, help="Created before."),
    click.option("--larger", "larger_bytes", metavar="SIZE", type=SIZE, help="At least so large: 100MB, 1GiB."),
    click.option("--smaller", "smaller_bytes", metavar="SIZE", type=SIZE, help="Smaller than that."),
)


def which_options(function: Function) -> Function:
    """Adds the options that choose; the function gets them together as `given`."""

    @wraps(function)
    def run(
        *arguments: Any,
        vault: str | None,
        account_id: str | None,
        batch: str | None,
        glob: str | None,
        regex: re.Pattern[str] | None,
        created_from: datetime | None,
        created_until: datetime | None,
        larger_bytes: int | None,
        smaller_bytes: int | None,
        **own: Any,
    ) -> None:
        filters = Filters(glob, regex, created_from, created_until, larger_bytes, smaller_bytes)
        given = Given(vault=vault, account_id=account_id, batch=batch, filters=filters)
        function(*arguments, given=given, **own)

    for option in reversed(_WHICH):
        run = option(run)
    return run
