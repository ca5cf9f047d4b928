"""`thaw capacity`: the units there are, and what is wanted of them."""

from __future__ import annotations

from typing import Any

from cli.command import command
from cli.output import Output, table
from cli.pricing import list_prices
from cli.reading import Reader
from cli.stack import Stack
from cli.standing import clock_time, iso
from cli.units import DUE_WITHIN_SECONDS, RATE_SECONDS, DeployedSettings, Situation, situation
from thaw.capacity import UNIT_BYTES_PER_SECOND, ListedUnit
from thaw.edge.clock import now_ms
from thaw.retrieval import EXPEDITED_BACKLOG, SHARDS


@command("capacity", examples=("thaw capacity", "thaw capacity --json"))
def capacity(stack: Stack, out: Output) -> None:
    """Shows the provisioned capacity units, what of their rate is taken, and what Thaw's plan would buy now.

    It buys nothing: that is done by Thaw alone, within the setting maxUnits.
    """
    settings = DeployedSettings.model_validate_json(stack.output("CapacitySettings"))
    reader = Reader(stack.dynamodb, stack.output("RetrievalTableName"))
    listed = stack.glacier.list_provisioned_capacity(accountId="-").get("ProvisionedCapacityList", [])
    now = now_ms()
    stands = situation(
        [ListedUnit.model_validate(each).unit() for each in listed],
        reader.capacity(),
        reader.due([EXPEDITED_BACKLOG]),
        reader.due(map(str, range(SHARDS)), now + DUE_WITHIN_SECONDS * 1000),
        settings.settings(),
        now,
    )
    out.data(_told(stands, settings))
    _show_units(out, stands)
    _show_use(out, stands)
    out.show(_plan(stands, settings))


def _told(stands: Situation, settings: DeployedSettings) -> dict[str, Any]:
    units = [{**unit.item(), "boughtByThaw": unit.capacity_id in stands.bought_ids} for unit in stands.serving]
    return {
        "units": units,
        "guaranteedRetrievals": stands.guaranteed,
        "guaranteedBytesPerSecond": len(stands.serving) * UNIT_BYTES_PER_SECOND,
        "perSeconds": RATE_SECONDS,
        "startedAndRunning": stands.started,
        "running": stands.running,
        "released": stands.released,
        "takenUntil": iso(stands.taken_until_ms),
        "waiting": stands.waiting,
        "waitingBytes": stands.waiting_bytes,
        "lastStartsBy": iso(stands.drained_by_ms),
        "unitsWanted": stands.plan.wanted,
        "unitsToBuy": stands.plan.buy,
        "purchaseUnconfirmed": stands.purchase_is_open,
        "settings": settings.model_dump(by_alias=True),
    }


def _show_units(out: Output, stands: Situation) -> None:
    if not stands.serving:
        out.show("No units: Expedited is tried on demand.")
        return
    made = table("unit", "until", "bought by")
    for unit in stands.serving:
        by = "Thaw" if unit.capacity_id in stands.bought_ids else "others"
        made.add_row(unit.capacity_id, clock_time(unit.expires_ms), by)
    out.show(made)
    minutes, rate = RATE_SECONDS // 60, len(stands.serving) * UNIT_BYTES_PER_SECOND // 10**6
    out.show(f"Guaranteed: {stands.guaranteed} retrievals every {minutes} minutes, and {rate} MB/s.")


def _show_use(out: Output, stands: Situation) -> None:
    minutes = RATE_SECONDS // 60
    out.show(
        f"Expedited: {stands.running:,} running, {stands.started:,} of them started within {minutes} minutes;"
        f" {stands.released:,} about to start; {stands.waiting:,} waiting ({stands.waiting_bytes / 10**9:,.1f} GB)."
    )
    if stands.taken_until_ms is not None:
        out.show(f"What was released takes the units until {clock_time(stands.taken_until_ms)}.")
    if stands.waiting and stands.drained_by_ms is not None:
        out.show(f"With these units the last of the waiting starts at about {clock_time(stands.drained_by_ms)}.")


def _plan(stands: Situation, settings: DeployedSettings) -> str:
    if stands.purchase_is_open:
        return "Plan: a purchase is not confirmed yet; nothing more is bought until it is."
    allowed = f"maxUnits is {settings.max_units}, drainWithinMinutes {settings.drain_within_minutes}"
    if stands.plan.buy:
        return f"Plan: buy {stands.plan.buy} now, at about ${list_prices().glacier.unit_month:,.0f} each ({allowed})."
    if stands.plan.wanted > len(stands.serving):
        return f"Plan: {stands.plan.wanted} units would be right; none may be bought ({allowed}, Glacier's limit 2)."
    return f"Plan: buy nothing ({allowed})."
