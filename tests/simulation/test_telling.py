"""What users hear while a retrieval goes on is held to what it went through, and to Glacier's ledger."""

from dataclasses import replace
from typing import Any

import pytest

from local.deliveries import Event
from simulation.lives import LIVES
from simulation.promises import telling
from simulation.promises.said import DELAYED, INITIATED, SHORT, SUCCEEDED, Told
from simulation.promises.word import Word
from simulation.run import Run
from simulation.world import World


@pytest.fixture(scope="module")
def fallback(world: World) -> tuple[Run, list[Event]]:
    """It waits, for there is no room, falls back, and is begun: no unit may be bought."""
    life = next(life for life in LIVES if life.name == "fallback")
    run = Run(world, 0, {}, planned=life.workload).perform()
    assert run.violations == []
    return run, list(world.cloud.events)


@pytest.mark.parametrize("detail_type", [INITIATED, DELAYED])
def test_a_turn_of_which_nobody_heard(fallback: tuple[Run, list[Event]], detail_type: str) -> None:
    run, events = fallback
    assert list(telling.turns_are_told(Told(events), run.history)) == []
    silent = Told([event for event in events if event.detail_type != detail_type])
    broken = [violation.what for violation in telling.turns_are_told(silent, run.history)]
    assert broken
    assert all(what.startswith(f"r1 did not hear {detail_type} ") for what in broken)


@pytest.mark.parametrize(
    ("detail_type", "said"),
    [
        (INITIATED, {"jobId": "another"}),
        (DELAYED, {"reason": {"code": "ThrottlingException", "message": ""}}),
        (DELAYED, {"delayedUntil": "2020-01-01T00:00:00.000Z"}),
        (DELAYED, {"delayedUntil": None}),
        (DELAYED, {"tier": "Standard"}),
        (DELAYED, {"attempt": 7}),
    ],
)
def test_a_turn_that_was_told_as_another(
    fallback: tuple[Run, list[Event]], detail_type: str, said: dict[str, Any]
) -> None:
    run, events = fallback
    wrong = [_with(event, **said) if event.detail_type == detail_type else event for event in events]
    assert [violation.what for violation in telling.turns_are_told(Told(wrong), run.history)]


def test_a_shortage_of_which_nobody_heard(fallback: tuple[Run, list[Event]], world: World) -> None:
    _, events = fallback
    silent = Told([event for event in events if event.detail_type != SHORT])

    def broken(told: Told) -> list[str]:
        return [each.what for each in telling.shortage_is_told(told, world.cloud.calls.log, [], 0)]

    assert broken(Told(events)) == []
    assert broken(silent) == ["nobody was told that units are short"]


@pytest.mark.parametrize(
    "said",
    [
        {"units": 1},
        {"maxUnits": 1},
        {"retrievalsWaiting": 0},
        {"unitsWanted": 0},
        {"reason": {"code": "AccessDeniedException", "message": ""}},
    ],
    ids=str,
)
def test_a_shortage_that_was_none(fallback: tuple[Run, list[Event]], world: World, said: dict[str, Any]) -> None:
    _, events = fallback

    def broken(told: Told) -> list[str]:
        return [each.what for each in telling.short_is_so(told, world.cloud.calls.log, [], 0)]

    assert broken(Told(events)) == []
    wrong = broken(Told([_with(event, **said) if event.detail_type == SHORT else event for event in events]))
    assert wrong
    assert all(what.startswith("Capacity Short says ") and what.endswith(", of 0 units") for what in wrong)


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "another attempt": (INITIATED, {"attempt": 7}, "was told of the attempt 7"),
    "another tier": (INITIATED, {"tier": "Standard"}, "was told of another's job"),
    "no job of Glacier's": (INITIATED, {"jobId": "none"}, "was told of a job that is none"),
    "long ago": (INITIATED, {"initiatedAt": "1970-01-01T00:00:00.000Z"}, "was told as initiated at 1970"),
    "in the future": (INITIATED, {"initiatedAt": "2999-01-01T00:00:00.000Z"}, "was told as initiated at 2999"),
    "another reason": (DELAYED, {"reason": {"code": "Waits", "message": ""}}, "waits for Waits at "),
    "a failed job": (DELAYED, {"reason": {"code": "JobFailed", "message": ""}}, "waits for JobFailed at "),
    "who needs no unit": (
        DELAYED,
        {"reason": {"code": "WaitingForCapacity", "message": ""}, "tier": "Bulk"},
        "waits for WaitingForCapacity at Bulk",
    ),
    "no time": (DELAYED, {"delayedUntil": None}, "was not told until when"),
    "given up at once": (
        DELAYED,
        {"reason": {"code": "GivenUp", "message": ""}},
        "waits for GivenUp at ",
    ),
    "another vault": (DELAYED, {"vaultName": "other"}, "'other'"),
    "another account": (INITIATED, {"accountId": "0"}, "and asked for"),
    "another archive": (INITIATED, {"archiveId": "other"}, "'other'"),
    "a range": (SUCCEEDED, {"byteRange": "0-1048575"}, "'0-1048575'"),
    "another action": (SUCCEEDED, {"action": "InventoryRetrieval"}, "'InventoryRetrieval'"),
    "another served": (SUCCEEDED, {"attempt": 7}, "was told of the attempt 7"),
    "not aligned": (SUCCEEDED, {"treeHashAligned": False}, "is told as aligned: False"),
}


@pytest.mark.parametrize(("detail_type", "said", "what"), WRONG.values(), ids=WRONG)
def test_what_glacier_does_not_bear_out(
    fallback: tuple[Run, list[Event]], world: World, detail_type: str, said: dict[str, Any], what: str
) -> None:
    run, events = fallback
    jobs = {job.job_id: job for job in world.cloud.glacier.ledger.jobs}
    word = Word(jobs, run.history, run.workload, run.limits)

    def told(event: Event) -> list[str]:
        return [violation.what for violation in word.of_event(event)]

    event = next(event for event in events if event.detail_type == detail_type)
    assert told(event) == []
    assert any(what in each for each in told(_with(event, **said)))


def _with(event: Event, **said: Any) -> Event:
    return replace(event, detail={**event.detail, **said})
