"""What a user does and sees: archives, messages on the queue, events from the bus."""

import json
from datetime import timedelta
from typing import Any

from jsonschema import Draft202012Validator

from local.cloud import Cloud
from local.deliveries import Event
from thaw.event_details import DETAIL_MODELS

OWN_ACCOUNT = "123456789012"
REGION = "us-east-1"
MIB = 1024 * 1024
TERMINAL = {
    "Retrieval Succeeded",
    "Retrieval Failed",
    "Retrieval Cancelled",
    "Request Rejected",
    "Inventory Listed",
}
_SCHEMAS = {kind: Draft202012Validator(model.model_json_schema()) for kind, model in DETAIL_MODELS.items()}


def _shared(account: str, vault: str) -> str:
    actions = ["glacier:InitiateJob", "glacier:DescribeJob", "glacier:ListJobs", "glacier:GetJobOutput"]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OWN_ACCOUNT}:root"},
        "Action": actions,
        "Resource": f"arn:aws:glacier:{REGION}:{account}:vaults/{vault}",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class User:
    """Someone who has Thaw deployed."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.faults = cloud.glacier.faults
        self._archives = 0

    def create_vault(self, name: str, account: str) -> None:
        """A vault; one of another account gives ours leave to retrieve from it."""
        self._as_owner(account, "CreateVault", vaultName=name)
        if account != OWN_ACCOUNT:
            self._as_owner(account, "SetVaultAccessPolicy", vaultName=name, policy={"Policy": _shared(account, name)})

    def _as_owner(self, account: str, operation: str, **given: Any) -> Any:
        return self.cloud.glacier.call(operation, account, REGION, {"accountId": "-", **given})

    def archive(self, size_bytes: int = 3 * MIB, vault: str = "photos", account: str = OWN_ACCOUNT) -> str:
        """An archive of its own contents; returns its id."""
        self._archives += 1
        return self.cloud.glacier.put_synthetic_archive(vault, size_bytes, self._archives, account_id=account)

    def archives(self, count: int, size_bytes: int = MIB) -> list[str]:
        return [self.archive(size_bytes) for _ in range(count)]

    # Enqueue

    def send(self, body: object) -> str:
        """Puts a message on the request queue, text as it is and anything else as JSON; returns its message id."""
        text = body if isinstance(body, str) else json.dumps(body)
        url = self.cloud.outputs["RequestQueueUrl"]
        message_id: str = self.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=text)["MessageId"]
        return message_id

    def ask(self, request_id: str, archive_id: str, tier: str | None = None, **fields: Any) -> str:
        """Asks for an archive; `range` and `description` go into the job's parameters, all else into the request."""
        job: dict[str, Any] = {"Type": "archive-retrieval", "ArchiveId": archive_id}
        names = {"range": "RetrievalByteRange", "description": "Description"}
        job |= {names[name]: fields.pop(name) for name in list(fields) if name in names}
        job |= {"Tier": tier} if tier else {}
        return self.send({"requestId": request_id, "vaultName": "photos", "jobParameters": job, **fields})

    def ask_inventory(self, request_id: str, part: dict[str, str] | None = None, **fields: Any) -> str:
        """Asks for the inventory; `format` and `tier` go into the job's parameters."""
        job: dict[str, Any] = {"Type": "inventory-retrieval"}
        names = {"format": "Format", "tier": "Tier"}
        job |= {names[name]: fields.pop(name) for name in list(fields) if name in names}
        job |= {"InventoryRetrievalParameters": part} if part else {}
        return self.send({"requestId": request_id, "vaultName": "photos", "jobParameters": job, **fields})

    def cancel(self, request_id: str) -> str:
        return self.send({"cancel": request_id})

    # Let time pass

    def wait(self, **duration: float) -> None:
        self.cloud.run_for(timedelta(**duration))

    def wait_for(self, detail_type: str, *request_ids: str, hours: float = 30) -> None:
        """Until each of the requests has such an event."""
        self._wait_until_told(set(request_ids), {detail_type}, hours)

    def wait_for_the_end(self, *request_ids: str, hours: float = 30) -> None:
        """Until each of the requests has a terminal event."""
        self._wait_until_told(set(request_ids), TERMINAL, hours)

    def _wait_until_told(self, missing: set[str], detail_types: set[str], hours: float) -> None:
        read = 0

        def told() -> bool:
            nonlocal read
            events = self.cloud.events[read:]
            read += len(events)
            missing.difference_update(
                event.detail.get("requestId") for event in events if event.detail_type in detail_types
            )
            return not missing

        self.cloud.run_until(told, timedelta(hours=hours))

    # Receive

    def events(self, request_id: str) -> list[Event]:
        """What the bus told of a request, each once, in the order of arrival; each fits its published schema."""
        seen: dict[str, Event] = {}
        for event in self.cloud.events:
            if event.detail.get("requestId") == request_id:
                _SCHEMAS[event.detail_type].validate(event.detail)
                seen.setdefault(event.detail["eventId"], event)
        return list(seen.values())

    def story(self, request_id: str) -> list[str]:
        """The detail types of its events, in order, without the word Retrieval."""
        return [event.detail_type.removeprefix("Retrieval ") for event in self.events(request_id)]

    def told(self, request_id: str, detail_type: str) -> list[Any]:
        """The details of its events of one type."""
        return [event.detail for event in self.events(request_id) if event.detail_type == detail_type]

    def only(self, request_id: str, detail_type: str) -> Any:
        """The detail of its one event of a type."""
        (detail,) = self.told(request_id, detail_type)
        return detail

    def rejections(self) -> dict[str, Any]:
        """The details of rejections by message id."""
        return {event.detail["messageId"]: event.detail for event in self.cloud.events_of("Request Rejected")}

    # Look behind

    @property
    def jobs(self) -> list[Any]:
        """Every job that Glacier accepted, and so charged for."""
        return list(self.cloud.glacier.ledger.jobs)

    def output(self, job_id: str, vault: str = "photos") -> bytes:
        """The output of a finished job."""
        reply = self.cloud.client("glacier").get_job_output(accountId="-", vaultName=vault, jobId=job_id)
        content: bytes = reply["body"].read()
        return content

    def calls(self, actor: str, *operations: str) -> int:
        """How many AWS calls a function made of these operations."""
        return sum(len(self.cloud.calls.of(actor, operation)) for operation in operations)

    def assert_settled(self) -> None:
        """Nothing is left behind: no dead letter, no error of a function, no open record."""
        assert self.cloud.dead_letters() == {}
        assert [(name, result.error) for name, result in self.cloud.errors] == []
        open_records = [item["id"]["S"] for item in self.cloud.items() if "dueAt" in item]
        assert open_records == []
