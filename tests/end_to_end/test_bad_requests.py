"""Malformed messages of forty kinds and more: each gets a clear answer, and the good request among them succeeds."""

import json
from typing import Any

from tests.end_to_end.user import MIB, User

SETTINGS = {"maxUnits": 0}


def _bad(archive: str) -> list[tuple[str, str, str]]:
    """Bodies, each with the code and the field of the answer that is right."""
    archive_job = {"Type": "archive-retrieval", "ArchiveId": archive}
    inventory_job = {"Type": "inventory-retrieval"}

    def request(job: Any = None, **fields: Any) -> str:
        whole = {"requestId": "bad", "vaultName": "photos", "jobParameters": job if job is not None else archive_job}
        return json.dumps({name: value for name, value in (whole | fields).items() if value != "LEFT OUT"})

    def archive_with(**parameters: Any) -> str:
        return request({**archive_job, **parameters})

    def inventory_with(**part: Any) -> str:
        return request({**inventory_job, "InventoryRetrievalParameters": part})

    in_job = "jobParameters."
    in_part = "jobParameters.InventoryRetrievalParameters."
    invalid = [
        (request(requestId="LEFT OUT"), "requestId"),
        (request(requestId=5), "requestId"),
        (request(requestId=""), "requestId"),
        (request(requestId="has space"), "requestId"),
        (request(requestId="x" * 129), "requestId"),
        (request(requestId="line\nbreak"), "requestId"),
        (request(vaultName="LEFT OUT"), "vaultName"),
        (request(vaultName="ph/otos"), "vaultName"),
        (request(vaultName="v" * 256), "vaultName"),
        (request(accountId="1234"), "accountId"),
        (request(accountId=123456789012), "accountId"),
        (request(job="archive-retrieval"), "jobParameters"),
        (request({}), in_job + "Type"),
        (request({"Type": "select"}), in_job + "Type"),
        (request({"Type": "archive-retrieval"}), in_job + "ArchiveId"),
        (archive_with(ArchiveId="not an id"), in_job + "ArchiveId"),
        (archive_with(Tier="expedited"), in_job + "Tier"),
        (archive_with(Tier=None), in_job + "Tier"),
        (archive_with(SNSTopic="arn:aws:sns:us-east-1:123456789012:mine"), in_job + "SNSTopic"),
        (archive_with(RetrievalByteRange="1-1048575"), in_job + "RetrievalByteRange"),
        (archive_with(RetrievalByteRange=f"{MIB}-{MIB - 1}"), in_job + "RetrievalByteRange"),
        (archive_with(RetrievalByteRange="all"), in_job + "RetrievalByteRange"),
        (archive_with(RetrievalByteRange="00-1048575"), in_job + "RetrievalByteRange"),
        (archive_with(Description="x" * 1025), in_job + "Description"),
        (archive_with(Description="bell\u0007"), in_job + "Description"),
        (archive_with(Description="Füße"), in_job + "Description"),
        (archive_with(Format="JSON"), in_job + "Format"),
        (archive_with(InventoryRetrievalParameters={}), in_job + "InventoryRetrievalParameters"),
        (request({**inventory_job, "ArchiveId": archive}), in_job + "ArchiveId"),
        (request({**inventory_job, "Format": "XML"}), in_job + "Format"),
        (request({**inventory_job, "Tier": "Expedited"}), in_job + "Tier"),
        (inventory_with(Limit=10), in_part + "Limit"),
        (inventory_with(Limit="0"), in_part + "Limit"),
        (inventory_with(StartDate="yesterday"), in_part + "StartDate"),
        (inventory_with(EndDate="2020-01-01T00:00:00"), in_part + "EndDate"),
        (inventory_with(StartDate="2020-01-01T00:00:00Z", EndDate="2019-01-01T00:00:00Z"), in_part + "EndDate"),
        (request(archiveSizeInBytes=0), "archiveSizeInBytes"),
        (request(archiveSizeInBytes="3"), "archiveSizeInBytes"),
        (request(inventory_job, archiveSizeInBytes=3), "archiveSizeInBytes"),
        (request(expeditedFallback="Standard"), "expeditedFallback"),
        (request({**archive_job, "Tier": "Expedited"}, expeditedFallback="Expedited"), "expeditedFallback"),
        (request(followPages=True), "followPages"),
        (request(inventory_job, followPages="yes"), "followPages"),
        (request(context="text"), "context"),
        (request(context={"a": "x" * 200_000}), "context"),
        (request(context=json.loads('{"a":' * 300 + "1" + "}" * 300)), "context"),  # no event could hold it
        (request(priority=1), "priority"),
        (request(request_id="bad"), "request_id"),
        (json.dumps({"cancel": ""}), "cancel"),
        (json.dumps({"cancel": "r1", "why": "?"}), "why"),
        (json.dumps({"cancel": ["r1"]}), "cancel"),
        ("[]", ""),
        ('"text"', ""),
        ("null", ""),
        ("{}", "requestId"),
    ]
    sized = {"archiveSizeInBytes": 3 * MIB}
    beyond = request({**archive_job, "RetrievalByteRange": f"0-{4 * MIB - 1}"}, **sized)
    off_by_one = request({**archive_job, "RetrievalByteRange": f"0-{3 * MIB - 2}"}, **sized)
    invalid += [(beyond, in_job + "RetrievalByteRange"), (off_by_one, in_job + "RetrievalByteRange")]
    unreadable = ["not json", '{"requestId": "bad"', "[" * 50_000, '{"a": NaN}', "{'single': 1}", "\u00a0"]
    return [
        *((body, "InvalidRequest", field) for body, field in invalid),
        *((body, "NotJson", "") for body in unreadable),
    ]


def test_each_malformed_message_gets_a_clear_answer(user: User) -> None:
    archive = user.archive(3 * MIB)
    bad = _bad(archive)
    assert len(bad) > 40
    half = len(bad) // 2
    sent = [(user.send(body), code, field) for body, code, field in bad[:half]]
    user.ask("good", archive)
    sent += [(user.send(body), code, field) for body, code, field in bad[half:]]
    user.wait_for_the_end("good")
    rejections = user.rejections()
    for (message_id, code, field), (body, _, _) in zip(sent, bad, strict=True):
        reason = rejections[message_id]["reason"]
        assert reason["code"] == code, body[:100]
        assert field in [error["field"] for error in reason["errors"]], (body[:100], reason)
        assert all(error["message"] for error in reason["errors"])
        assert len(json.dumps(rejections[message_id])) < 8000
    assert len(rejections) == len(bad)
    assert user.story("good") == ["Initiated", "Succeeded"]
    assert len(user.jobs) == 1
    user.assert_settled()


def test_an_end_that_is_not_aligned_is_glaciers_to_judge_where_the_size_is_not_known(user: User) -> None:
    user.ask("r1", user.archive(3 * MIB), range=f"0-{MIB}")
    user.wait_for_the_end("r1")
    assert user.only("r1", "Retrieval Failed")["reason"]["code"] == "InvalidParameterValueException"


def test_nothing_of_a_rejected_message_is_logged(user: User) -> None:
    user.send({"requestId": "bad", "vaultName": "photos", "password": "hunter2", "context": {"token": "hunter2"}})
    user.send('{"hunter2": ')
    user.wait(minutes=1)
    assert len(user.rejections()) == 2
    assert not any("hunter2" in line for line in user.cloud.logs("initiate"))
