"""What all functions share: their code, their runtime and what they work with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.retrieval_table import RetrievalTable
from infra.settings import Settings

# The newest that all three know: Lambda and the Powertools layer have 3.14, and this CDK ends with it.
RUNTIME = lambda_.Runtime.PYTHON_3_14
ARCHITECTURE = lambda_.Architecture.ARM_64


@dataclass(frozen=True)
class Platform:
    settings: Settings
    code: lambda_.Code
    powertools: lambda_.ILayerVersion
    retrievals: RetrievalTable
    resume_queue: sqs.IQueue
    event_bus: events.IEventBus
    unpublished: s3.IBucket  # what publish could not publish
    vault_arns: Sequence[str]  # as in the settings, names made ARNs

    @property
    def arns(self) -> Mapping[str, Sequence[str]]:
        """What calls are made on, by the words of infra.permissions."""
        return {
            "table": [self.retrievals.table.table_arn],
            "due_index": [self.retrievals.due_index_arn],
            "vaults": self.vault_arns,
            "resume_queue": [self.resume_queue.queue_arn],
            "unreadable_records": [self.unpublished.arn_for_objects("unreadable/*")],
            "event_bus": [self.event_bus.event_bus_arn],
            # Provisioned capacity belongs to the account: IAM knows no resource for it.
            "capacity": ["*"],
            "purchases": ["*"] if self.settings.max_units > 0 else [],
        }


def asset(folder: Path) -> lambda_.Code:
    """The Python files under `folder`, and nothing else that lies about there."""
    return lambda_.Code.from_asset(
        str(folder), ignore_mode=cdk.IgnoreMode.GIT, exclude=["*", "!*/", "!*.py", "__pycache__/", ".*/"]
    )


def powertools_layer(scope: Construct) -> lambda_.ILayerVersion:
    """AWS's public layer, in the version of Powertools that the tests run with (requirements.txt)."""
    release = version("aws-lambda-powertools")
    name = f"/aws/service/powertools/python/{ARCHITECTURE.name}/{RUNTIME.name}/{release}"
    arn = ssm.StringParameter.value_for_string_parameter(scope, name)
    return lambda_.LayerVersion.from_layer_version_arn(scope, "Powertools", arn)


def vault_arns(stack: cdk.Stack, vaults: Sequence[str]) -> list[str]:
    """ARNs for the names among `vaults`, which are vaults of the stack's own account and region."""
    return [
        vault
        if vault.startswith("arn:")
        else stack.format_arn(service="glacier", resource="vaults", resource_name=vault)
        for vault in vaults
    ]
