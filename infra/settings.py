"""What a user can set, under "thaw" in cdk.json."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

# The vaults' ARNs stand in the environment of initiate. Lambda has 4 KB for it; what else is there takes less than 1.
VAULT_ARNS_AT_MOST_BYTES = 3072
_OWN_ARN = "arn:aws-us-gov:glacier:ap-northeast-1:123456789012:vaults/"  # as long as any

# Glacier's rule for vault names, and IAM's two wildcards.
_VAULT_NAME = re.compile(r"[A-Za-z0-9_.*?-]{1,255}")
_VAULT_ARN = re.compile(r"arn:aws[a-z-]*:glacier:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):vaults/(?P<name>.+)")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

# CloudWatch Logs takes these and no others.
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]


class SettingsError(ValueError):
    """The settings make no sense; the message names each one, what is wrong and what would be right."""


def _refusal(problems: Iterable[str]) -> SettingsError:
    lines = dict.fromkeys(f"  {problem}" for problem in problems)
    return SettingsError("\n".join(['In cdk.json, under "thaw":', *lines]))


def _vault(value: str) -> str:
    arn = _VAULT_ARN.fullmatch(value)
    if not _VAULT_NAME.fullmatch(arn["name"] if arn else value):
        raise ValueError("neither a vault's name nor its ARN")
    return value


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError("no e-mail address")
    return value


class Settings(BaseModel):
    """The settings, checked. Each description says what is right, and completes "right is ..."."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=to_camel)

    vaults: tuple[Annotated[str, AfterValidator(_vault)], ...] = Field(
        default=("*",),
        min_length=1,
        description="a list, not empty, of names of this account's vaults or ARNs of any account's "
        "(arn:aws:glacier:REGION:ACCOUNT:vaults/NAME), each NAME with the wildcards * and ? or without",
    )
    max_units: int = Field(
        default=0,
        ge=0,
        le=2,
        description="0, 1 or 2: how many provisioned capacity units there may be, about $100 a month each",
    )
    drain_within_minutes: int = Field(
        default=60,
        ge=5,
        le=7 * 24 * 60,
        description="a whole number of minutes from 5 to 10080, in which a waiting Expedited backlog should be gone",
    )
    try_beyond_guarantee: bool = Field(
        default=False,
        description="true or false: whether to start more Expedited retrievals than the units guarantee",
    )
    max_concurrency: int = Field(
        default=2,
        ge=2,
        le=1000,
        description="a whole number from 2 to 1000: how many batches of one queue are worked on at a time",
    )
    log_retention_days: RetentionDays = Field(
        default=30,
        description=f"one of CloudWatch's numbers of days: {', '.join(map(str, get_args(RetentionDays)))}",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="DEBUG, INFO, WARNING or ERROR"
    )
    alarm_email: Annotated[str, AfterValidator(_email)] | None = Field(
        default=None, description="an e-mail address that alarms are sent to, or null"
    )

    @classmethod
    def read(cls, given: Mapping[str, Any] | str, region: str | None = None) -> Self:
        """The settings in `given`: a mapping with the names of cdk.json, or the same as JSON text.

        region: that is deployed to, where it is known; vaults of others are out of reach.

        Raises SettingsError.
        """
        try:
            settings = cls.model_validate_json(given if isinstance(given, str) else json.dumps(given))
        except ValidationError as error:
            raise _refusal(cls._explain(detail) for detail in error.errors()) from None
        problems = list(settings._unreachable(region)) + list(settings._too_many())
        if problems:
            raise _refusal(problems)
        return settings

    @classmethod
    def _explain(cls, detail: ErrorDetails) -> str:
        fields = {to_camel(name): field for name, field in cls.model_fields.items()}
        if not detail["loc"]:
            return detail["msg"]
        name, wrong = str(detail["loc"][0]), json.dumps(detail["input"])
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(fields)}"
            return f"{name}: there is no such setting; {hint}"
        return f"{name}: {wrong} is wrong; right is {fields[name].description}"

    def _unreachable(self, region: str | None) -> Iterator[str]:
        for vault in self.vaults:
            arn = _VAULT_ARN.fullmatch(vault)
            if region and arn and arn["region"] != region:
                yield (
                    f"vaults: {vault} is out of reach from {region}, where this would be deployed; right is a vault of "
                    f"that region, or AWS_REGION={arn['region']} to deploy there"
                )

    def _too_many(self) -> Iterator[str]:
        arns = [vault if vault.startswith("arn:") else _OWN_ARN + vault for vault in self.vaults]
        if len(json.dumps(arns)) > VAULT_ARNS_AT_MOST_BYTES:
            yield (
                f"vaults: these {len(arns)} are too many, since Lambda has 4 KB for a function's environment, in which "
                f"their ARNs may take {VAULT_ARNS_AT_MOST_BYTES} bytes; right is fewer, with wildcards such as photos-*"
            )

    def wildcard_vaults(self) -> list[str]:
        """The ARNs with wildcards, as cdk-nag writes them."""
        own = "arn:<AWS::Partition>:glacier:<AWS::Region>:<AWS::AccountId>:vaults/"
        wild = [vault for vault in self.vaults if "*" in vault]
        return [vault if vault.startswith("arn:") else own + vault for vault in wild]

    def other_accounts(self) -> list[str]:
        """The ids of the accounts whose vaults are named by ARN."""
        return sorted({arn["account"] for vault in self.vaults if (arn := _VAULT_ARN.fullmatch(vault))})
