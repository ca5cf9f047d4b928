from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import time_machine
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.utils import calculate_tree_hash
from moto import mock_aws

from local.glacier import GlacierService, Settings, install

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MIB = 2**20
VAULT = "photos"


@dataclass
class World:
    """Glacier with the vault `photos`, a client that asks once, and a clock that moves only when told."""

    service: GlacierService
    client: Any
    clock: time_machine.Traveller

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    @property
    def settings(self) -> Settings:
        return self.service.settings

    def wait(self, **duration: float) -> None:
        """Lets time pass, without anything being completed."""
        self.clock.move_to(self.now + timedelta(**duration))

    def finish(self) -> None:
        """Lets time run until nothing is under way."""
        while (event_at := self.service.next_event_at()) is not None:
            self.clock.move_to(event_at)
            self.service.advance()

    def upload(self, data: bytes = b"a picture", **more: Any) -> str:
        archive_id: str = self.client.upload_archive(vaultName=VAULT, body=data, **more)["archiveId"]
        return archive_id

    def start(self, **parameters: Any) -> str:
        """Initiates a job: of an archive if one is named, else of the inventory; its id."""
        kind = "archive-retrieval" if "ArchiveId" in parameters else "inventory-retrieval"
        answer = self.client.initiate_job(vaultName=VAULT, jobParameters={"Type": kind} | parameters)
        job_id: str = answer["jobId"]
        return job_id

    def job(self, job_id: str) -> dict[str, Any]:
        described: dict[str, Any] = self.client.describe_job(vaultName=VAULT, jobId=job_id)
        return described

    def output(self, job_id: str, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get_job_output(vaultName=VAULT, jobId=job_id, **more)
        return answer | {"body": answer["body"].read()}

    def refusal(self, operation: str, **parameters: Any) -> tuple[str, int]:
        """The code and the HTTP status that a call is refused with."""
        with pytest.raises(ClientError) as refused:
            getattr(self.client, operation)(**parameters)
        response = refused.value.response
        return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]

    def refused_job(self, **parameters: Any) -> tuple[str, int]:
        return self.refusal("initiate_job", vaultName=VAULT, jobParameters=parameters)


def botocores_tree_hash(data: bytes) -> str:
    stream: Any = io.BytesIO(data)  # its types ask for a string, its code for a stream
    return calculate_tree_hash(stream)


# one session, since each loads the services' models anew
_client: Any = boto3.Session().client


def client_of(service: str = "glacier", **more: Any) -> Any:
    once = Config(retries={"total_max_attempts": 1})
    return _client(
        service,
        region_name="us-east-1",
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="secret",
        config=once,
        **more,
    )


@pytest.fixture
def world() -> Iterator[World]:
    service = install(Settings())
    with time_machine.travel(START, tick=False) as clock, mock_aws():
        world = World(service, client_of(), clock)
        world.client.create_vault(vaultName=VAULT)
        yield world
    service.observe = None
    service.may_publish = lambda topic_arn, account_id: True
