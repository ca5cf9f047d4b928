"""Glacier's errors: each code with its HTTP status and type, from the API's table of error responses."""

from __future__ import annotations

_STATUSES = {
    "AccessDeniedException": 403,
    "BadRequest": 400,
    "ExpiredTokenException": 403,
    "InsufficientCapacityException": 503,
    "InvalidParameterValueException": 400,
    "InvalidSignatureException": 403,
    "LimitExceededException": 400,
    "MissingAuthenticationTokenException": 400,
    "MissingParameterValueException": 400,
    "NoLongerSupportedException": 400,
    "PolicyEnforcedException": 400,
    "RequestTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "SerializationException": 400,
    "ServiceUnavailableException": 500,
    "ThrottlingException": 400,
    "UnrecognizedClientException": 400,
}
_SERVER_ERRORS = {"InsufficientCapacityException", "ServiceUnavailableException"}

_USUAL_MESSAGES = {
    "AccessDeniedException": "You are not authorized to perform this operation",
    "ExpiredTokenException": "The security token included in the request is expired",
    "InsufficientCapacityException": "There is insufficient capacity to process this expedited request",
    "InvalidSignatureException": "The request signature does not match the signature you provided",
    "LimitExceededException": "The request exceeds a limit of the account",
    "NoLongerSupportedException": "This operation is no longer supported for this account",
    "PolicyEnforcedException": "This request has been denied by the current data retrieval policy",
    "RequestTimeoutException": "The request timed out",
    "ServiceUnavailableException": "The service cannot complete the request at this time",
    "ThrottlingException": "Rate exceeded",
}


class GlacierError(Exception):
    """An answer of Glacier's that is an error.

    `code` is one of the API's error table, or one that is not (400); `status` its HTTP status, `body` the JSON body
    `{"code", "message", "type"}` with type `Client` or `Server`.
    """

    def __init__(self, code: str, message: str | None = None) -> None:
        self.code = code
        self.status = _STATUSES.get(code, 400)
        self.message = message if message is not None else _USUAL_MESSAGES.get(code, code)
        super().__init__(f"{code}: {self.message}")

    @property
    def body(self) -> dict[str, str]:
        kind = "Server" if self.code in _SERVER_ERRORS else "Client"
        return {"code": self.code, "message": self.message, "type": kind}


def invalid(message: str) -> GlacierError:
    return GlacierError("InvalidParameterValueException", message)


def missing(name: str) -> GlacierError:
    return GlacierError("MissingParameterValueException", f"Required parameter missing: {name}")


def not_found(message: str) -> GlacierError:
    return GlacierError("ResourceNotFoundException", message)
