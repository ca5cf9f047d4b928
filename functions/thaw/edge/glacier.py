"""Glacier: its answers, and its errors by code."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from pydantic import ValidationError

from thaw import bounds
from thaw.capacity import ListedUnit, Unit
from thaw.description import Tag
from thaw.job import GlacierJob, described
from thaw.refusals import Refusal, refusal_of
from thaw.retrieval import Reason, Retrieval
from thaw.tiers import Tier

if TYPE_CHECKING:
    from mypy_boto3_glacier import GlacierClient

_MESSAGE_AT_MOST = 500
_NO_ANSWER = (ClientError, BotoCoreError, ResponseParserError, AttributeError, TypeError, ValueError)
"""What a call of botocore's raises; the last four at a reply that is no JSON object, or holds what it should not."""
CODE_UNREADABLE = "ReplyUnreadable"


class Refused(Exception):
    """Glacier did not do it, or nobody knows whether it did: then `refusal` is UNKNOWN."""

    def __init__(self, refusal: Refusal, reason: Reason) -> None:
        super().__init__(f"{reason.code}: {reason.message}")
        self.refusal = refusal
        self.reason = reason


class JobGone(Exception):
    """Glacier does not know the job (or the vault) any more."""


def client(*, repeats: bool) -> "GlacierClient":
    """A client for calls that may be repeated, or for the two that must not be.

    Args:
        repeats: False gives a client that sends every call exactly once.
    """
    retries: Any = {"mode": "standard", "total_max_attempts": bounds.REPEATED_TRIES if repeats else 1}
    connect_timeout = bounds.REPEATED_CONNECT_TIMEOUT_SECONDS if repeats else bounds.CONNECT_TIMEOUT_SECONDS
    read_timeout = bounds.REPEATED_READ_TIMEOUT_SECONDS if repeats else bounds.READ_TIMEOUT_SECONDS
    config = Config(
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        retries=retries,
        max_pool_connections=20,
    )
    return boto3.client("glacier", config=config)


def _refused(error: Exception) -> Refused:
    if isinstance(error, ClientError):
        told = error.response.get("Error", {})  # a code or a message may be null
        code, message = str(told.get("Code") or "Unknown"), str(told.get("Message") or "")
        return Refused(refusal_of(code), Reason(code=code, message=message[:_MESSAGE_AT_MOST]))
    if isinstance(error, BotoCoreError):
        return Refused(Refusal.UNKNOWN, Reason(code=type(error).__name__, message=str(error)[:_MESSAGE_AT_MOST]))
    return _unreadable("Glacier's reply can't be read.")


def _unreadable(told: str) -> Refused:
    """For a reply that makes no sense: whatever was asked for may have been done."""
    reason = Reason(code=CODE_UNREADABLE, message=told)
    return Refused(Refusal.UNKNOWN, reason)


def _account(record: Retrieval) -> str:
    return record.account_id if record.foreign else "-"


class JobStarter:
    """InitiateJob. Its client must send once only."""

    def __init__(self, once: "GlacierClient", topic_arn: str) -> None:
        self._client = once
        self._topic_arn = topic_arn

    def initiate(self, record: Retrieval) -> str:
        """Starts the job of the record's newest attempt and returns its id.

        Raises:
            Refused: with UNKNOWN where the job may have been started all the same.
        """
        account, parameters = _account(record), self._parameters(record)
        try:
            reply = self._client.initiate_job(accountId=account, vaultName=record.vault_name, jobParameters=parameters)
        except _NO_ANSWER as error:
            raise _refused(error) from error
        return _id_in(reply, "jobId")

    def _parameters(self, record: Retrieval) -> Any:
        common = {"Description": record.tag.describe(record.description), "SNSTopic": self._topic_arn}
        if record.inventory is None:
            archive = {"Type": "archive-retrieval", "ArchiveId": record.archive_id, "Tier": record.tier}
            return common | _given(archive | {"RetrievalByteRange": record.byte_range})
        part = record.inventory
        asked = {
            "StartDate": part.start_date,
            "EndDate": part.end_date,
            "Limit": part.limit,
            "Marker": part.marker,
        }
        inventory = {"Type": "inventory-retrieval", "Format": part.format}
        inventory |= {"Tier": record.tier} if record.tier is Tier.BULK else {}
        return common | inventory | _given({"InventoryRetrievalParameters": _given(asked) or None})


def _id_in(reply: Any, name: str) -> str:
    """The id of what was made. It comes in a header, which may be missing."""
    if not reply.get(name):
        raise _unreadable(f"Glacier's reply has no {name}.")
    return str(reply[name])


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class JobPage:
    """One page of ListJobs."""

    jobs: list[GlacierJob] = field(default_factory=list)
    unreadable: list[Tag | None] = field(default_factory=list)
    """Of the entries that make no sense: the tag, as far as it can be read."""
    marker: str | None = None
    """Where the listing goes on; None where it is whole."""

    @classmethod
    def read(cls, reply: Any) -> "JobPage":
        """The page in an answer of ListJobs. An entry that makes no sense holds up no other."""
        page = cls(marker=reply.get("Marker") or None)
        for entry in reply["JobList"]:
            try:
                page.jobs.append(described(dict(entry)))
            except ValidationError:
                page.unreadable.append(Tag.read(str(entry.get("JobDescription"))))
        return page


class JobReader:
    """DescribeJob and ListJobs."""

    def __init__(self, repeating: "GlacierClient") -> None:
        self._client = repeating

    def describe(self, record: Retrieval, job_id: str) -> GlacierJob:
        """The job as it is now.

        Raises:
            JobGone: Glacier does not know it.
            Refused: no answer could be had.
        """
        try:
            reply = self._client.describe_job(accountId=_account(record), vaultName=record.vault_name, jobId=job_id)
        except self._client.exceptions.ResourceNotFoundException as gone:
            raise JobGone(job_id) from gone
        except _NO_ANSWER as error:
            raise _refused(error) from error
        return described(dict(reply))

    def pages(
        self, record: Retrieval, *, completed: bool | None = None, marker: str | None = None
    ) -> Iterator[JobPage]:
        """The jobs of the record's vault, page by page; a job may come twice.

        Args:
            completed: only those that are, or only those that are not; None gives all.
            marker: where an earlier listing stopped.

        Raises:
            JobGone: the vault is gone.
            Refused: no answer could be had; the listing is not whole.
        """
        chosen: Any = {} if completed is None else {"completed": "true" if completed else "false"}
        while True:
            page = self._page(record, chosen | ({"marker": marker} if marker else {}))
            if page.marker is not None and page.marker == marker:
                told = "A page of the listing leads to itself."
                raise Refused(Refusal.UNKNOWN, Reason(code="MarkerRepeated", message=told))
            yield page
            marker = page.marker
            if marker is None:
                return

    def _page(self, record: Retrieval, chosen: Any) -> JobPage:
        try:
            reply = self._client.list_jobs(accountId=_account(record), vaultName=record.vault_name, **chosen)
        except self._client.exceptions.ResourceNotFoundException as gone:
            raise JobGone(record.vault_name) from gone
        except _NO_ANSWER as error:
            raise _refused(error) from error
        return JobPage.read(reply)


class UnitSeller:
    """ListProvisionedCapacity and PurchaseProvisionedCapacity, of this account."""

    def __init__(self, repeating: "GlacierClient", once: "GlacierClient") -> None:
        self._repeating = repeating
        self._once = once

    def units(self) -> list[Unit]:
        """The account's units. Raises Refused where no answer could be had, or one that makes no sense: a unit that is
        not seen would be bought again."""
        try:
            reply = self._repeating.list_provisioned_capacity(accountId="-")
        except _NO_ANSWER as error:
            raise _refused(error) from error
        try:
            return [ListedUnit.model_validate(each).unit() for each in reply["ProvisionedCapacityList"]]
        except (KeyError, TypeError, ValueError) as error:
            raise _unreadable("Glacier's list of provisioned capacity can't be read.") from error

    def buy(self) -> str:
        """Buys one unit and returns its id. Raises Refused, with UNKNOWN where it may have been bought all the same."""
        try:
            reply = self._once.purchase_provisioned_capacity(accountId="-")
        except _NO_ANSWER as error:
            raise _refused(error) from error
        return _id_in(reply, "capacityId")
