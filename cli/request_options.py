"""The options that say which requests are meant: a file, and what is chosen from it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import wraps
from typing import Any

import click

from cli.checking import Requests
from cli.inventory_file import Filters
from cli.one_request import OneRequest
from cli.params import INSTANT, SIZE
from cli.request_file import Given, RequestFile
from thaw.request import ACCOUNT_ID_PATTERN, VAULT_NAME_PATTERN
from thaw.tiers import Tier

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


check_vault = _matching(VAULT_NAME_PATTERN, "1 to 255 of the characters A-Z a-z 0-9 _ . -")
check_account = _matching(ACCOUNT_ID_PATTERN, "12 digits")
_BATCH = _matching(BATCH_PATTERN, "1 to 64 of the characters A-Z a-z 0-9 _ . -")

_WHICH = (
    click.option("--vault", metavar="NAME", callback=check_vault, help="Of requests that name none."),
    click.option("--account-id", metavar="ID", callback=check_account, help="The vault's owner, if not this account."),
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


def _json_object(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, Any] | None:
    try:
        read = None if value is None else json.loads(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not JSON: {error}.", ctx, param) from None
    if not isinstance(read, dict | None):
        raise click.BadParameter(f"{value!r} is no JSON object.", ctx, param)
    return read


_WHAT = (
    click.argument("path", metavar="[FILE]", required=False),
    click.option("--archive", "archive_id", metavar="ID", help="Ask for this one, in the place of a FILE."),
    click.option("--range", "byte_range", metavar="START-END", help="With --archive: these bytes of it only."),
    click.option("--size", "size_bytes", metavar="SIZE", type=SIZE, help="With --archive: how large it is."),
    click.option("--request-id", metavar="ID", help="With --archive: the request's id."),
    click.option(
        "--tier",
        type=click.Choice([tier.value for tier in Tier]),
        help="Of requests that name none; otherwise Standard.",
    ),
    click.option(
        "--fallback", type=click.Choice(["Standard", "Bulk"]), help="The tier when Expedited has no capacity."
    ),
    click.option("--job-description", metavar="TEXT", help="Of requests that have none; part of the job's."),
    click.option("--context", metavar="JSON", callback=_json_object, help="An object, handed back in every event."),
)


def source_options(function: Function) -> Function:
    """Adds all that says what is asked for; the function gets it as `source`."""

    @wraps(function)
    def run(
        *arguments: Any,
        given: Given,
        path: str | None,
        archive_id: str | None,
        byte_range: str | None,
        size_bytes: int | None,
        request_id: str | None,
        tier: str | None,
        fallback: str | None,
        job_description: str | None,
        context: dict[str, Any] | None,
        **own: Any,
    ) -> None:
        all_given = replace(given, tier=tier, fallback=fallback, description=job_description, context=context)
        job = {"ArchiveId": archive_id, "RetrievalByteRange": byte_range}
        about = {"requestId": request_id, "archiveSizeInBytes": size_bytes}
        function(*arguments, source=_source(path, job, about, all_given), **own)

    complete = which_options(run)
    for option in reversed(_WHAT):  # above the others in the help
        complete = option(complete)
    return complete


def _source(path: str | None, job: dict[str, Any], about: dict[str, Any], given: Given) -> Requests:
    job, about = ({name: value for name, value in said.items() if value is not None} for said in (job, about))
    if path is not None:
        if job or about:
            raise click.UsageError("--archive, --range, --size and --request-id go without a FILE.")
        return RequestFile(path, given)
    if "ArchiveId" not in job:
        raise click.UsageError("Name a FILE, or an --archive.")
    if given.filters:
        raise click.UsageError("Patterns, dates and sizes choose from the FILE of an inventory only.")
    return OneRequest({**about, "jobParameters": {"Type": "archive-retrieval", **job}}, given)
