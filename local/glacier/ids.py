"""Opaque ids that look like Glacier's."""

from __future__ import annotations

import random
import string

ARCHIVE_ID_LENGTH = 138
JOB_ID_LENGTH = 92
UPLOAD_ID_LENGTH = 92
CAPACITY_ID_LENGTH = 24
LOCK_ID_LENGTH = 16
REQUEST_ID_LENGTH = 47

_LETTERS_AND_DIGITS = string.ascii_letters + string.digits
_ALPHABET = _LETTERS_AND_DIGITS + "-_"


def new_id(source: random.Random, length: int) -> str:
    """`length` characters; the first is never a hyphen, which a command line would take for an option."""
    return source.choice(_LETTERS_AND_DIGITS) + "".join(source.choices(_ALPHABET, k=length - 1))
