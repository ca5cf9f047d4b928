"""AWS's own security rules (cdk-nag), and where they do not fit."""

from collections.abc import Mapping

import aws_cdk as cdk
from constructs import IConstruct


def check(app: cdk.App) -> None:
    """Have `app` fail its synth when it breaks one of the AwsSolutions rules."""
    from cdk_nag import AwsSolutionsChecks  # half a second, which no other synth has to wait

    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Let `construct` break rules: the id of each, and the reason."""
    for rule, reason in reasons.items():
        cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))
