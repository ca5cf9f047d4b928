"""Requests put on the queue, and waited for."""

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from cli.reading import Reader
from cli.standing import Standing
from local.cloud import Cloud
from local.deploy import ACCOUNT_ID, REGION
from tests.cli.conftest import User

Found = TypeVar("Found")


def archive_request(request_id: str, vault: str, archive_id: str, **job: Any) -> dict[str, Any]:
    """A message that asks for an archive; more fields of its job may be given."""
    parameters = {"Type": "archive-retrieval", "ArchiveId": archive_id, **job}
    return {"requestId": request_id, "vaultName": vault, "jobParameters": parameters}


def send(user: User, *messages: dict[str, Any]) -> None:
    queue_url = user.output("RequestQueueUrl")
    for message in messages:
        user.client("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps(message))


def wait_for(user: User, request_id: str, state: str, seconds: float = 20) -> Standing:
    """How a request stands once it stands so."""
    reader = Reader(user.client("dynamodb"), user.output("RetrievalTableName"))
    return until(lambda: next((each for each in reader.standings([request_id]) if each.state == state), None), seconds)


def until(look: Callable[[], Found | None], seconds: float = 20) -> Found:
    """The first true thing that `look` gives."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "in vain"
        time.sleep(0.1)
    return found


def _end_jobs(cloud: Cloud, vault_name: str) -> None:
    account = cloud.glacier.account(ACCOUNT_ID, REGION)
    vault = account.vault(vault_name)
    for job in vault.jobs.values():
        if job.completed_at is None:
            account._complete(vault, job, cloud.now, None)


def end_jobs_at_rest(ready: Callable[[], bool], user: User, vault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The jobs of a vault end when the command rests and is `ready` for it: has seen that they run, say."""
    sleep = time.sleep

    def rest(seconds: float) -> None:
        if ready():
            user.served.do(_end_jobs, vault)
        sleep(seconds)

    monkeypatch.setattr("time.sleep", rest)
