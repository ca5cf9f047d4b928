"""What an error of Glacier's means, and how long to wait after it: by the error's code, never by its HTTP status.

Source: the table of errors in the developer guide, and which of them say that nothing was done.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class Refusal(StrEnum):
    """What an error of InitiateJob or PurchaseProvisionedCapacity means."""

    THROTTLED = "throttled"
    CAPACITY = "capacity"
    POLICY = "policy"
    DENIED = "denied"
    LIMIT = "limit"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"
    """Not even whether it was done."""


_BY_CODE = {
    "ThrottlingException": Refusal.THROTTLED,
    "Throttling": Refusal.THROTTLED,
    "RequestLimitExceeded": Refusal.THROTTLED,
    "TooManyRequestsException": Refusal.THROTTLED,
    "InsufficientCapacityException": Refusal.CAPACITY,
    "PolicyEnforcedException": Refusal.POLICY,
    "LimitExceededException": Refusal.LIMIT,
    "AccessDeniedException": Refusal.DENIED,
    "AccessDenied": Refusal.DENIED,
    "ExpiredTokenException": Refusal.DENIED,
    "InvalidSignatureException": Refusal.DENIED,
    "SignatureDoesNotMatch": Refusal.DENIED,
    "UnrecognizedClientException": Refusal.DENIED,
    "MissingAuthenticationTokenException": Refusal.DENIED,
    "ResourceNotFoundException": Refusal.PERMANENT,
    "InvalidParameterValueException": Refusal.PERMANENT,
    "MissingParameterValueException": Refusal.PERMANENT,
    "NoLongerSupportedException": Refusal.PERMANENT,
    "SerializationException": Refusal.PERMANENT,
    "BadRequest": Refusal.PERMANENT,
}


def refusal_of(code: str) -> Refusal:
    """What the code means; of a code that is not listed, only that the outcome is unknown."""
    return _BY_CODE.get(code, Refusal.UNKNOWN)


@dataclass(frozen=True)
class _Growth:
    first_seconds: int
    most_seconds: int


_GROWTH = {
    Refusal.THROTTLED: _Growth(60, 3600),
    Refusal.CAPACITY: _Growth(120, 1800),
    Refusal.POLICY: _Growth(600, 3600),
    Refusal.DENIED: _Growth(300, 3600),
    Refusal.LIMIT: _Growth(300, 3600),
}


def delay_ms(refusal: Refusal, nth: int, spread_by: str) -> int:
    """How long to wait after the `nth` refusal in a row: doubling up to a limit, and spread over its upper half.

    The jitter is drawn from `spread_by` (a retrieval's id), so that many refused at once do not come back at once and
    the rule stays a pure one.
    """
    growth = _GROWTH[refusal]
    whole_ms = min(growth.first_seconds << min(nth - 1, 20), growth.most_seconds) * 1000
    drawn = int.from_bytes(hashlib.sha256(f"{spread_by}:{nth}".encode()).digest()[:4])
    return whole_ms // 2 + whole_ms // 2 * drawn // 2**32
