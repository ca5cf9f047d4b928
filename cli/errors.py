"""What can go wrong: one error, which says what was wrong and what to do next, and the exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import click
from botocore import exceptions as aws
from botocore.exceptions import BotoCoreError, ClientError


class Exit(IntEnum):
    """What scripts can go by."""

    DONE = 0
    BAD_NEWS = 1
    """It was done, and something in the answer is bad: a request failed, a file does not match its hash."""
    BAD_INPUT = 2
    """Wrong options or a wrong file; nothing was sent."""
    AWS = 3
    """AWS refused, or could not be reached."""
    INTERRUPTED = 130
    """Ctrl-C."""


class Problem(click.ClickException):
    """Ends the command.

    Args:
        message: what was wrong.
        advice: what to do next, a sentence or more.
    """

    def __init__(self, message: str, advice: str = "", exit_code: Exit = Exit.BAD_INPUT) -> None:
        super().__init__(message)
        self.advice = advice
        self.exit_code = exit_code  # type: ignore[misc]  # click has it for a class, and reads it of the instance

    def show(self, file: object = None) -> None:
        """On stderr, also with --json."""
        click.echo(f"thaw: {self.message}", err=True)
        if self.advice:
            click.echo(self.advice, err=True)


class Interrupted(Problem):
    """Ctrl-C came; `advice` says how things stand and how to go on."""

    def __init__(self, advice: str = "") -> None:
        super().__init__("interrupted", advice, Exit.INTERRUPTED)


NO_CONNECTION = (aws.HTTPClientError, aws.ConnectionError)
"""What boto3 raises where AWS can't be reached, or a connection to it breaks."""

_SIGN_IN = "Sign in again, or name other credentials with --profile or the AWS_* variables."
_CREDENTIALS = "Name them with --profile or AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
_UNREACHABLE = "Look at --endpoint-url, --region and the network; on this machine, whether `make up` runs."
_POLICY = "docs/cli.md has the policy that a user of the command line needs."
_ADVICE_BY_CODE = {
    "AccessDenied": _POLICY,
    "AccessDeniedException": _POLICY,
    "UnauthorizedOperation": _POLICY,
    "ExpiredToken": _SIGN_IN,
    "ExpiredTokenException": _SIGN_IN,
    "InvalidClientTokenId": _SIGN_IN,
    "UnrecognizedClientException": _SIGN_IN,
    "ThrottlingException": "Too many calls at once; try again in a while.",
}
_ADVICE_BY_KIND: dict[type[Exception], str] = {
    aws.NoCredentialsError: _CREDENTIALS,
    aws.PartialCredentialsError: _CREDENTIALS,
    aws.ProfileNotFound: "`aws configure list-profiles` shows the profiles there are.",
    aws.NoRegionError: "Say which with --region, AWS_REGION or AWS_DEFAULT_REGION.",
    aws.UnauthorizedSSOTokenError: _SIGN_IN,
    aws.SSOTokenLoadError: _SIGN_IN,
    **dict.fromkeys(NO_CONNECTION, _UNREACHABLE),
}


def code_of(error: ClientError) -> str:
    """AWS's code of an error it answered."""
    return error.response.get("Error", {}).get("Code", "")


@contextmanager
def errors_told() -> Iterator[None]:
    """Turns what boto3 raises, what the disk refuses, and Ctrl-C, into a `Problem`."""
    try:
        yield
    except ClientError as error:
        code, text = code_of(error), error.response.get("Error", {}).get("Message", "")
        advice = _ADVICE_BY_CODE.get(code, "")
        raise Problem(f"AWS refused {error.operation_name}: {code}: {text}", advice, Exit.AWS) from error
    except BotoCoreError as error:
        advice = next((advice for kind, advice in _ADVICE_BY_KIND.items() if isinstance(error, kind)), "")
        raise Problem(str(error), advice, Exit.AWS) from error
    except BrokenPipeError:  # whoever reads has heard enough: click ends the command
        raise
    except OSError as error:
        raise Problem(f"{error.filename or 'The disk'}: {error.strerror or error}.") from error
    except ValueError as error:  # boto3 has no kind of its own for it
        if not str(error).startswith("Invalid endpoint"):
            raise
        raise Problem(f"{error}.", "An endpoint is an address like http://127.0.0.1:4566.") from None
    except KeyboardInterrupt:
        raise Interrupted from None
