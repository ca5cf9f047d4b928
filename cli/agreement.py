"""Asking before something is done that can't be undone."""

from __future__ import annotations

import click

from cli.errors import Exit, Interrupted, Problem

_NOTHING = "Nothing was done."


def agree(question: str, *, yes: bool) -> None:
    """Asks on stderr, unless the user has said yes beforehand.

    Raises:
        Problem: the answer is no, or there is none.
    """
    if yes:
        return
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:  # Ctrl-C, or the end of the input
        raise Interrupted(f"{_NOTHING} Where nobody can answer, say --yes.") from None
    if not agreed:
        raise Problem(_NOTHING, exit_code=Exit.BAD_NEWS)
