"""`thaw capacity`, `redrive` and `republish`: what an operator does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli import dead_letters, republishing
from cli.commands.republish import _what_it_takes
from cli.errors import Exit
from cli.queues import Queue
from cli.republishing import Size
from local.cloud import Cloud
from tests.cli.asking import archive_request, send, until, wait_for
from tests.cli.conftest import User

SETTINGS = {"maxUnits": 1}
GB = 10**9


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


# ---------------------------------------------------------------------------------------------------- capacity


def test_capacity_shows_units_their_use_and_the_plan(user: User) -> None:
    (nothing,) = user.asked("capacity")
    assert nothing["settings"] == {"maxUnits": 1, "drainWithinMinutes": 60, "tryBeyondGuarantee": False}
    assert (nothing["units"], nothing["unitsWanted"], nothing["guaranteedRetrievals"]) == ([], 0, 0)
    shown = user.thaw("capacity").stdout
    assert "No units: Expedited is tried on demand." in shown
    assert "Plan: buy nothing (maxUnits is 1" in shown

    ids = user.archives("urgent", *[GB] * 50)
    send(user, *(archive_request(f"urgent-{n}", "urgent", each, Tier="Expedited") for n, each in enumerate(ids)))
    (busy,) = until(lambda: [each for each in user.asked("capacity") if each["waiting"] >= 40 and each["units"]])
    assert [unit["boughtByThaw"] for unit in busy["units"]] == [True]
    assert (busy["guaranteedRetrievals"], busy["perSeconds"], busy["guaranteedBytesPerSecond"]) == (3, 300, 150_000_000)
    assert busy["released"] >= 8  # of the 15 minutes ahead, a slot each 100 seconds
    assert busy["waiting"] + busy["released"] + busy["running"] <= 50
    assert (busy["unitsWanted"], busy["unitsToBuy"]) == (2, 0)
    until_then = datetime.fromisoformat(busy["takenUntil"]) - datetime.now(UTC)
    assert timedelta(minutes=13) < until_then < timedelta(minutes=17)
    shown = user.thaw("capacity").stdout
    assert "Guaranteed: 3 retrievals every 5 minutes, and 150 MB/s." in shown
    assert "Plan: 2 units would be right; none may be bought (maxUnits is 1" in shown
    assert user.served.do(_units_bought) == 1


def _units_bought(cloud: Cloud) -> int:
    return len(cloud.client("glacier").list_provisioned_capacity(accountId="-")["ProvisionedCapacityList"])


# ----------------------------------------------------------------------------------------------------- redrive


def test_dead_letters_are_shown_and_sent_again(user: User) -> None:
    assert user.thaw("redrive").stdout == "No dead letters.\n"
    (archive_id,) = user.archives("dead", 100)
    message = archive_request("dead-1", "dead", archive_id)
    user.served.do(_let_die, [json.dumps(message), "not\nJSON"])

    shown = user.thaw("redrive", given="n\n")
    assert shown.exit_code == Exit.BAD_NEWS
    assert "requests: 2 dead letters" in shown.stdout
    assert all(part in shown.stdout for part in ("dead-1", "not JSON"))
    looked_at = user.asked("redrive", "--look-only", "--look", "2")
    assert [(each["queue"], each["about"]) for each in looked_at] == [("requests", "dead-1"), ("requests", None)]
    assert json.loads(looked_at[0]["body"]) == message
    assert "... and 1 more." in user.thaw("redrive", "--look", "1", "--look-only").stdout
    assert user.thaw("redrive", "--queue", "resumes").stdout == "No dead letters.\n"

    assert user.asked("redrive", "--yes", "--look", "2")[-1] == {"queue": "requests", "sentAgain": 2}
    wait_for(user, "dead-1", "succeeded")
    assert user.thaw("redrive").stdout == "No dead letters.\n"


def test_a_dead_letter_of_unknown_origin_is_told(user: User) -> None:
    sqs, url = user.client("sqs"), user.output("RequestDeadLetterQueueUrl")
    sqs.send_message(QueueUrl=url, MessageBody="put here by hand")
    failed = user.thaw("redrive", "--yes", "--look", "1")
    assert failed.exit_code == Exit.BAD_NEWS
    assert "FAILED after 0 messages: CouldNotDetermineMessageSource" in failed.stderr
    sqs.purge_queue(QueueUrl=url)


def test_a_move_that_is_not_listed_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "_LOOK_EVERY_SECONDS", 0.0)
    listed: list[list[dict[str, Any]]] = [[], [{"Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": 2}]]

    class Slow:
        def start_message_move_task(self, **_: Any) -> None:
            pass

        def list_message_move_tasks(self, **_: Any) -> dict[str, Any]:
            return {"Results": listed.pop(0)}

    queue = Queue("url", "arn", messages=2, in_flight=0, delayed=0)
    assert dead_letters.move_back(Slow(), queue) == 2  # type: ignore[arg-type]  # all of it that is called


def _let_die(cloud: Cloud, bodies: list[str]) -> None:
    """No function gets them first: none runs meanwhile."""
    sqs, url = cloud.client("sqs"), cloud.outputs["RequestQueueUrl"]
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    for _ in range(6):
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)


# --------------------------------------------------------------------------------------------------- republish


def test_events_of_a_span_are_told_again_with_their_ids(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(republishing, "READ_UNIT_BYTES", 100)  # 10 items a page
    (archive_id,) = user.archives("told", 100)
    before = datetime.now(UTC)
    failing = archive_request("told-2", "nowhere", "abc")
    send(user, archive_request("told-1", "told", archive_id), failing, {**failing, "requestId": "no id"})
    send(user, {"cancel": "told-3"}, *[{**failing, "requestId": "no id"}] * 20)
    for name, state in {"told-1": "succeeded", "told-2": "failed", "told-3": "cancelled"}.items():
        wait_for(user, name, state)
    send(user, {**failing, "requestId": "told-4"})  # a later generation of the same bytes
    wait_for(user, "told-4", "failed")
    until(lambda: len([each for each in _told(user) if (each[1] or "").startswith("told")]) == 5)
    until(lambda: len([each for each in _told(user) if each[0] == "Request Rejected"]) >= 21)
    old = _told(user)
    after = datetime.now(UTC) + timedelta(seconds=1)

    span = ("--from", before.isoformat(), "--to", after.isoformat())
    asked = user.thaw("republish", *span, given="n\n")
    assert asked.exit_code == Exit.BAD_NEWS
    assert "All of the table is read; DynamoDB has not told its size yet: a read unit for each 8 KB" in asked.stderr
    (done,) = user.asked("republish", *span, "--yes", "--events-per-second", "1000")
    again = _told(user)[len(old) :]
    assert done["published"] == len(again)
    assert done["items"] == user.served.do(_count_of_items) > 20
    ids = {event_id: (kind, request_id) for kind, request_id, event_id in old}
    told = {(kind, request_id) for kind, request_id, event_id in again if ids[event_id] == (kind, request_id)}
    assert {each for each in told if each[1] is None or each[1].startswith("told")} == {
        ("Retrieval Succeeded", "told-1"),
        ("Retrieval Failed", "told-2"),
        ("Retrieval Cancelled", "told-3"),
        ("Retrieval Failed", "told-4"),
        ("Request Rejected", None),
        *({("Capacity Purchased", None), ("Capacity Short", None)} & told),
    }

    nothing = ("--from", "2020-01-01", "--to", "2020-01-02", "--yes")
    assert user.asked("republish", *nothing)[0]["published"] <= 2  # of capacity: it does not say when


def _told(user: User) -> list[tuple[str, str | None, str]]:
    return user.served.do(_events)


def _count_of_items(cloud: Cloud) -> int:
    return len(cloud.items())


def _events(cloud: Cloud) -> list[tuple[str, str | None, str]]:
    return [(each.detail_type, each.detail.get("requestId"), each.detail["eventId"]) for each in cloud.events]


def test_what_the_bus_refuses_is_put_again_and_told_in_the_end(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(republishing, "_FIRST_PAUSE_SECONDS", 0.0)
    send(user, archive_request("refused", "nowhere", "abcd"))
    wait_for(user, "refused", "failed")
    span = ("--from", (datetime.now(UTC) - timedelta(hours=1)).isoformat(), "--yes", "--json")
    user.served.do(_refuse, 3)
    assert user.thaw("republish", *span).exit_code == Exit.DONE
    user.served.do(_refuse, 10**6)
    refused = user.thaw("republish", *span)
    user.served.do(_refuse, 0)
    assert (refused.exit_code, "InternalException" in refused.stderr) == (Exit.AWS, True)


def _refuse(cloud: Cloud, times: int) -> None:
    left = [times]

    def refuse(entry: Any) -> str | None:
        left[0] -= 1
        return "InternalException" if left[0] >= 0 else None

    cloud.deliveries.refuse_entry = refuse


def test_an_empty_span_is_told(user: User) -> None:
    empty = user.thaw("republish", "--from", "2026-01-02", "--to", "2026-01-01")
    assert (empty.exit_code, "The span is empty." in empty.stderr) == (Exit.BAD_INPUT, True)


def test_what_a_scan_takes_is_told_beforehand() -> None:
    told = _what_it_takes(Size(items=20_000, bytes=24 * 2**20), units_per_second=100)
    assert (
        "some 20,000 items, 24 MiB by DynamoDB's last count. That takes 3,072 read units, $0.00038, and 1 min." in told
    )
