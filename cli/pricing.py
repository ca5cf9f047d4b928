"""What retrievals cost, by a table of prices that the user can replace."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cli.errors import Problem
from thaw.tiers import Tier

BYTES_PER_GB = 2**30
"""As AWS bills them."""
LIST_PRICES_REGION = "us-east-1"
"""Whose prices cli/prices.toml has."""

Amount = Annotated[Decimal, Field(ge=0)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TierPrices(_Table):
    """Dollars."""

    gb: Amount
    request: Amount


class GlacierPrices(_Table):
    unit_month: Amount
    tiers: dict[Tier, TierPrices]


class ServicePrices(_Table):
    """Dollars for one of each."""

    write_unit: Amount
    read_unit: Amount
    stored_gb_month: Amount
    lambda_invocation: Amount
    lambda_gb_second: Amount
    sqs_call: Amount
    event: Amount
    log_gb: Amount
    trace: Amount


class Use(_Table):
    """How much of each one retrieval takes."""

    write_units: dict[Tier, Amount]
    stored_gb_months: Amount
    lambda_invocations: Amount
    lambda_gb_seconds: Amount
    sqs_calls: Amount
    events: Amount
    log_gb: Amount
    traces: Amount


class ThawPrices(_Table):
    prices: ServicePrices
    use: Use

    def dollars_each(self, tier: Tier) -> Decimal:
        """What Thaw itself adds to one retrieval."""
        price, use = self.prices, self.use
        return (
            use.write_units[tier] * price.write_unit
            + use.stored_gb_months * price.stored_gb_month
            + use.lambda_invocations * price.lambda_invocation
            + use.lambda_gb_seconds * price.lambda_gb_second
            + use.sqs_calls * price.sqs_call
            + use.events * price.event
            + use.log_gb * price.log_gb
            + use.traces * price.trace
        )


class Starting(_Table):
    jobs_per_second: Annotated[Decimal, Field(gt=0)]


class Prices(_Table):
    """The whole table: cli/prices.toml."""

    glacier: GlacierPrices
    thaw: ThawPrices
    starting: Starting

    def retrieval_dollars(self, tier: Tier, bytes_retrieved: int) -> Decimal:
        """For the bytes alone."""
        return self.glacier.tiers[tier].gb * bytes_retrieved / BYTES_PER_GB


@cache
def list_prices() -> Prices:
    """Those that Thaw comes with."""
    return Prices.model_validate(_list_table())


def prices_of(path: Path) -> Prices:
    """The list prices, but for what a file says otherwise.

    Raises:
        Problem: it can't be read, or holds what is no price.
    """
    try:
        own = tomllib.loads(path.read_text(), parse_float=Decimal)
    except OSError as error:
        raise Problem(f"{path} can't be read: {error.strerror}.") from None
    except ValueError as error:
        raise Problem(f"{path} is not TOML: {error}.") from None
    try:
        return Prices.model_validate(_merged(_list_table(), own))
    except ValidationError as error:
        wrong = error.errors()[0]
        field = ".".join(map(str, wrong["loc"]))
        raise Problem(f"{path}: {field}: {wrong['msg']}.", "cli/prices.toml has every price there is.") from None


def _list_table() -> dict[str, Any]:
    return tomllib.loads((files("cli") / "prices.toml").read_text(), parse_float=Decimal)


def _merged(table: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = {
        name: _merged(table[name], value)
        for name, value in other.items()
        if isinstance(value, dict) and isinstance(table.get(name), dict)
    }
    return {**table, **other, **both}
