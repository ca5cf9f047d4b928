"""The deployed stack: its outputs, by its name, and the clients to talk to its parts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from cli.errors import Exit, Problem, code_of
from thaw.edge.table import Table

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_glacier import GlacierClient
    from mypy_boto3_sqs import SQSClient

CALLS_AT_ONCE = 16
"""A client's connections: so many threads may use it."""
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=CALLS_AT_ONCE,
    user_agent_extra="thaw-cli",
)
"""Every call that the command line makes may be repeated."""


@dataclass(frozen=True)
class Target:
    """Where the stack is, as the user's options say; None leaves it to boto3 (AWS_* variables, ~/.aws)."""

    stack_name: str
    endpoint_url: str | None = None
    profile: str | None = None
    region: str | None = None


class Stack:
    """Nothing is asked of AWS before it is needed."""

    def __init__(self, target: Target) -> None:
        self._target = target

    # Clients. boto3's sessions are not for several threads, its clients are: take the client before threads begin.

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(profile_name=self._target.profile, region_name=self._target.region)

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        return self._session.client("cloudformation", endpoint_url=self._target.endpoint_url, config=_CONFIG)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        return self._session.client("dynamodb", endpoint_url=self._target.endpoint_url, config=_CONFIG)

    @cached_property
    def events(self) -> EventBridgeClient:
        return self._session.client("events", endpoint_url=self._target.endpoint_url, config=_CONFIG)

    @cached_property
    def glacier(self) -> GlacierClient:
        return self._session.client("glacier", endpoint_url=self._target.endpoint_url, config=_CONFIG)

    @cached_property
    def sqs(self) -> SQSClient:
        return self._session.client("sqs", endpoint_url=self._target.endpoint_url, config=_CONFIG)

    # What the stack has

    @cached_property
    def region(self) -> str:
        return self.cloudformation.meta.region_name

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs, by their keys.

        Raises:
            Problem: there is no such stack, or it is none of Thaw's.
        """
        name = self._target.stack_name
        try:
            stacks = self.cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if code_of(error) != "ValidationError" or "does not exist" not in str(error):
                raise
            where = f"There is no stack named {name} in {self.region}."
            raise Problem(where, "Say where it is with --stack-name, --region and --profile.", Exit.AWS) from None
        return {each["OutputKey"]: each["OutputValue"] for each in stacks[0].get("Outputs", [])}

    def output(self, key: str) -> str:
        """One of the outputs, as the README lists them."""
        if key not in self.outputs:
            message = f"The stack {self._target.stack_name} has no output {key}."
            advice = "Is it Thaw's? Name the stack that has the functions with --stack-name, or deploy it again."
            raise Problem(message, advice, Exit.AWS)
        return self.outputs[key]

    @property
    def request_queue_url(self) -> str:
        return self.output("RequestQueueUrl")

    @property
    def event_bus_name(self) -> str:
        return self.output("EventBusName")

    @cached_property
    def table(self) -> Table:
        """The functions' own view of the retrieval table."""
        return Table(self.dynamodb, self.output("RetrievalTableName"))
