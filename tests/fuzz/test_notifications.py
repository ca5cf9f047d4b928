"""Whatever stands on the notification queue ends a retrieval, changes nothing, or ends in its dead-letter queue."""

import json
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from local.cloud import Cloud
from tests.end_to_end.user import User
from tests.fuzz.conftest import AT_ONCE, assert_nothing_broke, assert_still_works, fresh
from tests.fuzz.from_schema import documents
from tests.fuzz.mutations import SECRET, bodies, mutated
from tests.fuzz.notified import JOB, Fate, Started, duplicate, fate, is_about, message, next_marker

Json = Any
_ENVELOPE = {"Type": "Notification", "MessageId": "b221d7d9", "TopicArn": "arn:aws:sns:us-east-1:123456789012:jobs"}
_COMPLETED = {"Completed": True, "CompletionDate": "2026-03-02T13:00:00.000Z"}
_DATES = ["2026-03-02T13:00:00.000Z", "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00.000Z", "2026-03-02", None]
_ANYTHING = documents(JOB)
_DECIDES = {"JobId", "JobDescription", "ArchiveId", "Completed", "StatusCode", "CompletionDate"}
_DECIDES |= {"InventoryRetrievalParameters"}
_UNDECIDED = documents({**JOB, "properties": {n: each for n, each in JOB["properties"].items() if n not in _DECIDES}})


@settings(settings.get_profile("fuzz"))
@given(data=st.data())
def test_each_message_has_its_end(deployed: Cloud, part: int, data: st.DataObject) -> None:
    user = fresh(deployed)
    sent = {started: data.draw(_body(_real(user, started), started)) for started in _retrievals(user)}
    before = _records(user)
    queue = deployed.queue(deployed.outputs["NotificationDeadLetterQueueUrl"].removesuffix("-dead-letters"))
    for body in sent.values():
        deployed.client("sqs").send_message(QueueUrl=queue.physical_resource_id, MessageBody=body)
    deployed.run_until(lambda: not queue._messages, timedelta(minutes=45))  # taken in, or given up
    user.wait(minutes=1)
    ends, after = Ends(user), _records(user)
    for started, body in sent.items():
        said = message(body)
        ends.assert_right(started, said, body)
        if said is None or not is_about(said, started):
            key = f"retrieval/{started.retrieval_id.split('-')[0]}"
            assert after[key] == before[key], f"changed by what is not about it: {body[:500]}"
    assert_still_works(user)
    assert_nothing_broke(deployed, "JSONDecodeError", "ValidationError")


def _retrievals(user: User) -> list[Started]:
    """As many in progress as messages are sent at once; each second is an inventory's."""
    archives: dict[str, str | None] = {}
    for number in range(AT_ONCE):
        name = f"request-{number}"
        archives[name] = user.archive() if number % 2 else None
        if number % 2:
            user.ask(name, str(archives[name]), description=SECRET)
        else:
            user.ask_inventory(name, {"Limit": str(number + 1)}, followPages=True)
    user.wait(minutes=1)
    tags = {job.job_id: job.description.split()[0] for job in user.jobs}
    told = {name: user.only(name, "Retrieval Initiated") for name in archives}
    return [
        Started(name, one["retrievalId"], one["jobId"], tags[one["jobId"]], archives[name])
        for name, one in told.items()
    ]


def _real(user: User, started: Started) -> Json:
    """What Glacier will say of the job when it is completed."""
    glacier = user.cloud.client("glacier")
    described = glacier.describe_job(accountId="-", vaultName="photos", jobId=started.job_id)
    return {name: value for name, value in described.items() if name != "ResponseMetadata"} | _COMPLETED


@st.composite
def _body(draw: st.DrawFn, real: Json, started: Started) -> str:
    """What Glacier may say of a job, ours or not, right or not, raw or in the envelope of SNS."""
    real = {**real, "StatusCode": draw(st.sampled_from(["Succeeded", "Failed"]))}
    right = st.one_of(st.just(real), _fitting(started), _fitting(started))
    way = draw(st.sampled_from(["right", "not whole", "any"]))
    if way != "any":
        return json.dumps(draw(right if way == "right" else right.flatmap(mutated)))
    said = draw(st.one_of(right, right.flatmap(mutated), _ANYTHING))
    if draw(st.booleans()):
        text = draw(st.one_of(st.just(json.dumps(said)), bodies(said)))
        envelope = {**_ENVELOPE, "Message": text}
        said = draw(st.one_of(st.just(envelope), mutated(envelope)))
    return draw(bodies(said))


def _fitting(started: Started) -> st.SearchStrategy[Json]:
    """Descriptions that fit Glacier's shape; what decides is drawn from what it is worthwhile to draw."""
    key, _, attempt = started.tag.removeprefix("thaw:").partition("-")
    strange = [f"{started.tag}x", f"thaw:{key}-9:1", f"thaw:{'0' * 32}-{attempt}", "mine", SECRET, None]
    deciding: dict[str, list[Json]] = {
        "JobId": [started.job_id, started.job_id, f"another-{started.request_id}"],  # no two are of one job
        "JobDescription": [*[started.tag, f"{started.tag} {SECRET}"] * 10, *strange],
        "ArchiveId": [started.archive_id, started.archive_id, None, "another"],
        "Completed": [True, True, True, False],
        "StatusCode": [*["Succeeded", "Failed"] * 2, "InProgress"],
        "CompletionDate": _DATES,
    }
    drawn = st.fixed_dictionaries(
        {name: st.sampled_from(values) for name, values in deciding.items()},
        optional={"InventoryRetrievalParameters": st.sampled_from([None, {"Marker": None}, {"Marker": "further"}])},
    )
    return st.builds(lambda said, ours: {**said, **ours}, _UNDECIDED, drawn)


def _records(user: User) -> dict[str, Json]:
    return {item["id"]["S"]: item for item in user.cloud.items()}


class Ends:
    """What became of all that was sent."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.given_up = {body for bodies in user.cloud.dead_letters().values() for body in bodies}
        self.duplicates = {
            (event.detail["retrievalId"], event.detail["jobId"]) for event in user.cloud.events_of("Duplicate Job")
        }

    def assert_right(self, started: Started, said: Json, body: str) -> None:
        right, found = fate(said, started), self._found(started, body)
        assert found is right, f"{found}, not {right}: {body[:1500]}"
        if found is Fate.SUCCEEDED:
            self._assert_served(started, said)
        in_vain = duplicate(said, started)
        assert in_vain is None or (started.retrieval_id, in_vain) in self.duplicates, f"not told: {body[:500]}"

    def _found(self, started: Started, body: str) -> Fate:
        ends = [event.detail_type for event in self._events(started) if event.detail_type in set(Fate)]
        if body in self.given_up:
            assert not ends, f"given up, but taken in: {body[:500]}"
            return Fate.GIVEN_UP
        return Fate(ends[-1]) if ends else Fate.GOES_ON

    def _events(self, started: Started) -> list[Json]:
        events = self.user.events(started.request_id)
        return [event for event in events if event.detail["retrievalId"] == started.retrieval_id]

    def _assert_served(self, started: Started, said: Json) -> None:
        told = self.user.told(started.request_id, "Retrieval Succeeded")
        assert [one["jobId"] for one in told] == [said["JobId"]]
        if started.archive_id is None:
            is_listed = bool(self.user.told(started.request_id, "Inventory Listed"))
            goes_on = any(
                event.detail["retrievalId"] != started.retrieval_id for event in self.user.events(started.request_id)
            )
            is_last = next_marker(said) is None
            assert (is_listed, goes_on) == (is_last, not is_last), "further pages"
