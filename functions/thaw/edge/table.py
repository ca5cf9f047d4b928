"""The retrieval table: conditional writes only, no scan.

A write that finds its condition false gets the record as it stands in the same reply, so that no read is needed to
decide anew. The SDK may repeat a write whose reply was lost; what is decided anew then finds itself done.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from thaw.attempts import claim_fields
from thaw.capacity import ITEM_ID as CAPACITY_ID
from thaw.capacity import Capacity
from thaw.description import Tag
from thaw.edge.contention import Contention, tries
from thaw.edge.items import from_wire, to_wire, update_of
from thaw.endings import success_fields
from thaw.job import GlacierJob
from thaw.records import (
    ListingRecord,
    PageRecord,
    RejectionRecord,
    RequestRecord,
    item_id_of_message,
    item_id_of_page,
    page_found,
    request_id_of_item,
)
from thaw.retrieval import EXPEDITED_BACKLOG, NUMBER_AT_MOST, Retrieval, Stored, item_id, past_id
from thaw.states import State

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DUE_INDEX = "due"
_BATCH_GET_AT_MOST = 100
_IS_LED_TO = "#key = :key AND attribute_not_exists(#done)"
_IS_LED_TO_NAMES = {"#key": "key", "#done": "done"}
_OTHERS_WERE_FASTER = {"ConditionalCheckFailed", "TransactionConflict"}

Model = TypeVar("Model", bound=Stored)
Reply = TypeVar("Reply")


class Unreadable(ValueError):
    """An item of the table is no record of its kind."""

    def __init__(self, item_id: str) -> None:
        super().__init__(item_id)
        self.item_id = item_id


class Table:
    """The one table.

    Args:
        client: a DynamoDB client; its retries are welcome.
        name: of the table; also the namespace of this deployment's keys.
    """

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self.name = name

    # Retrievals

    def get(self, key: str) -> Retrieval | None:
        """The current record of these bytes, read consistently."""
        return self._get(Retrieval, item_id(key))

    def get_past(self, key: str, generation: int) -> Retrieval | None:
        """The record of an earlier generation of these bytes, read consistently."""
        return self._get(Retrieval, past_id(key, generation))

    def create(self, record: Retrieval) -> Retrieval | None:
        """Writes the first record of these bytes. Returns None, or the one that is there already."""
        return self._put(Retrieval, record, "attribute_not_exists(id)", {})

    def save(self, old: Retrieval, new: Retrieval) -> Retrieval | None:
        """Writes `new` unless the record is no longer `old`. Returns None, or the record as it is."""
        return self._put(Retrieval, new, *_unchanged(old))

    def change(self, record: Retrieval, decide: Callable[[Retrieval], Retrieval | None]) -> Retrieval:
        """Writes what `decide` makes of the record, anew as often as others were faster; None leaves it.

        A later generation is another retrieval of the same bytes: it is returned as it is.

        Raises:
            Contention: others were faster too often.
        """
        for _ in tries():
            new = decide(record)
            if new is None:
                return record
            current = self.save(record, new)
            if current is None:
                return new
            if current.generation != record.generation:
                return current
            record = current
        raise Contention(record.retrieval_id)

    def claim(self, key: str, generation: int, due_at: int, claim: str, now_ms: int) -> Retrieval | None:
        """Claims the next attempt of a retrieval that waits until `due_at`; None where that wait is over already.

        What has come to wait for top_up since is not claimed, even where it is due at the same time.
        """
        names, values, update = update_of(
            {**claim_fields(key, claim, now_ms), "state": State.INITIATING},
            counters=("revision", "attempt"),
            revisions=("claimed_at",),
        )
        guard = {
            ":waiting": State.WAITING,
            ":generation": generation,
            ":dueAt": due_at,
            ":backlog": EXPEDITED_BACKLOG,
        }
        reply = self._update_item(
            item_id(key),
            update,
            "#state = :waiting AND generation = :generation AND dueAt = :dueAt AND dueIn <> :backlog",
            names,
            values | guard,
        )
        if reply is not None and (reply.claim != claim or reply.state is not State.INITIATING):
            return None
        return reply

    def succeed(self, tag: Tag, job: GlacierJob, now_ms: int) -> Retrieval | None:
        """Ends a retrieval by the job that its record names, without reading it first. It goes on with no further page.

        Returns the record as it is afterwards, changed or not; None where there is no record.
        """
        fields = {**success_fields(job, tag.attempt, now_ms), "state": State.SUCCEEDED}
        names, values, update = update_of(fields, counters=("revision",), revisions=("sequence",))
        guard = {":inProgress": State.IN_PROGRESS, ":generation": tag.generation, ":job": job.JobId}
        # An archive that the message names has to be ours: a description with our tag can be copied.
        same_archive = {":archive": job.ArchiveId} if job.ArchiveId is not None else {}
        return self._update_item(
            item_id(tag.key),
            f"{update}, jobs.#attempt",  # its id is the record's own now
            "#state = :inProgress AND generation = :generation AND jobs.#attempt.jobId = :job"
            + (" AND archiveId = :archive" if same_archive else ""),
            names | {"#attempt": str(tag.attempt)},
            values | guard | same_archive,
        )

    def reopen(self, old: Retrieval, new: Retrieval, led_here: str | None = None) -> bool:
        """Opens the next generation in the place of a terminal record, kept beside it; False if that changed.

        Args:
            led_here: a request that has to be led to this record still, and not done; False if it is not.
        """
        past = old.model_copy(update={"id": past_id(old.key, old.generation), "kind": "past"})
        condition, values = _unchanged(old)
        writes = [self._transact_put(past, "", {}), self._transact_put(new, condition, values)]
        if led_here is not None:
            is_led = {
                "ConditionExpression": _IS_LED_TO,
                "ExpressionAttributeNames": _IS_LED_TO_NAMES,
                "ExpressionAttributeValues": to_wire({":key": old.key}),
            }
            writes.append({"ConditionCheck": self._item(request_id_of_item(led_here)) | is_led})
        return self._transact(*writes)

    def end_page(self, old: Retrieval, new: Retrieval, following: Retrieval) -> bool:
        """Ends a page of an inventory and opens the following one, to which its Marker leads from now on, all or
        nothing; False if the record changed."""
        condition, values = _unchanged(old)
        return self._transact(
            self._transact_put(new, condition, values),
            self._transact_put(following, "attribute_not_exists(id)", {}),
            self._transact_put(page_found(self.name, following), "", {}),
        )

    def get_page(self, key: str) -> Retrieval | None:
        """The current record at which a page of an inventory was followed last, by the key of a request for it; read
        consistently."""
        found = self._get(PageRecord, item_id_of_page(key))
        return self.get(found.key) if found is not None else None

    # Requests and rejections

    def remember(self, request: RequestRecord, now_ms: int) -> RequestRecord | None:
        """Records a request id. Returns None, or the record that is there already."""
        condition = "attribute_not_exists(id) OR expiresAt < :now"
        return self._put(RequestRecord, request, condition, {":now": now_ms // 1000})

    def get_request(self, request_id: str) -> RequestRecord | None:
        """The record of a request id, read consistently."""
        return self._get(RequestRecord, request_id_of_item(request_id))

    def arrive_late(self, request: RequestRecord) -> RequestRecord | None:
        """Notes the arrival of a request that had been taken back before. Returns None, or what had arrived already."""
        return self._put(RequestRecord, request, "attribute_not_exists(contents)", {})

    def lead_request(self, request_id: str, full: Retrieval, further: str, ordinal: int, now_ms: int) -> bool:
        """Leads a request on from a full record, before it joins the further one.

        Only while that record has not been opened anew, which the write that does so shows by the past one it keeps: so
        whoever finds room in a later generation, and reads the request's record then, sees that it was led on.

        Returns:
            False where the record was opened anew, or the request is elsewhere, or done.
        """
        names, values, update = update_of({"key": further, "ordinal": ordinal}, counters=())
        led = {
            "UpdateExpression": update,
            "ConditionExpression": _IS_LED_TO,
            "ExpressionAttributeNames": names | _IS_LED_TO_NAMES,
            "ExpressionAttributeValues": to_wire(values | {":key": full.key}),
        }
        not_anew = {
            "ConditionExpression": "attribute_not_exists(id) OR expiresAt < :now",
            "ExpressionAttributeValues": to_wire({":now": now_ms // 1000}),
        }
        return self._transact(
            {"Update": self._item(request_id_of_item(request_id)) | led},
            {"ConditionCheck": self._item(past_id(full.key, full.generation)) | not_anew},
        )

    def finish_request(self, request_id: str, record: Retrieval) -> None:
        """Notes that the record a request was in is succeeded by a later generation. A later request of the same id,
        which is remembered longer than that record is kept, is another one.

        Reads nothing back: a record that no function can read holds up no other request.
        """
        names, values, update = update_of({"done": True, "generation": record.generation}, counters=())
        guard = {":key": record.key, ":until": NUMBER_AT_MOST if record.expires_at is None else record.expires_at}
        condition = "#key = :key AND expiresAt <= :until"
        item = request_id_of_item(request_id)
        self._updated(item, update, condition, names | {"#key": "key"}, values | guard)

    def reject(self, rejection: RejectionRecord) -> None:
        """Records a rejected message; once is enough."""
        self._put(RejectionRecord, rejection, "attribute_not_exists(id)", {})

    def was_rejected(self, message_id: str) -> bool:
        """Whether a message was, read consistently."""
        return self._get(RejectionRecord, item_id_of_message(message_id)) is not None

    # What is due

    def due(self, partition: str, until_ms: int) -> Iterator[str]:
        """The item ids of what is due in a partition up to a time, longest due first; pages are read as needed."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self.name,
            IndexName=DUE_INDEX,
            KeyConditionExpression="dueIn = :partition AND dueAt <= :until",
            ExpressionAttributeValues=to_wire({":partition": partition, ":until": until_ms}),
        )
        for page in pages:
            yield from (from_wire(item)["id"] for item in page["Items"])

    def read_many(self, ids: list[str], unreadable: Callable[[str, ValueError], None]) -> list[Retrieval]:
        """The records with these item ids, read consistently; those that are gone are left out.

        An entry of the index that moves while its pages are read comes twice, and BatchGetItem takes no key twice.

        Args:
            unreadable: told of an item that is no such record, so that it holds up no other.

        Raises:
            Contention: DynamoDB, which throttles, left some of the keys unread too often.
        """
        found: list[Retrieval] = []
        once = list(dict.fromkeys(ids))
        for start in range(0, len(once), _BATCH_GET_AT_MOST):
            keys = [to_wire({"id": each}) for each in once[start : start + _BATCH_GET_AT_MOST]]
            for _ in tries():
                reply = self._client.batch_get_item(RequestItems={self.name: {"Keys": keys, "ConsistentRead": True}})
                for item in map(from_wire, reply["Responses"][self.name]):
                    try:
                        found.append(Retrieval.model_validate(item))
                    except ValueError as error:
                        unreadable(item["id"], error)
                keys = reply["UnprocessedKeys"].get(self.name, {"Keys": []})["Keys"]
                if not keys:
                    break
            else:
                raise Contention("DynamoDB kept leaving keys unread")
        return found

    def get_listing(self, fresh: ListingRecord) -> ListingRecord | None:
        """How far the listing of the same vault as `fresh` came, read consistently."""
        return self._get(ListingRecord, fresh.id)

    def save_listing(self, listing: ListingRecord) -> None:
        """Notes how far a listing came, unless a later one was begun."""
        condition = "attribute_not_exists(id) OR beganAt <= :beganAt"
        self._put(ListingRecord, listing, condition, {":beganAt": listing.began_at})

    # Capacity

    def get_capacity(self) -> Capacity | None:
        """The record that top_up decides on, read consistently."""
        return self._get(Capacity, CAPACITY_ID)

    def save_capacity(self, old: Capacity | None, new: Capacity) -> Capacity | None:
        """Writes `new` unless the record is no longer `old`. Returns None, or the record as it is."""
        if old is None:
            return self._put(Capacity, new, "attribute_not_exists(id) OR revision = :none", {":none": 0})
        return self._put(Capacity, new, "revision = :revision", {":revision": old.revision})

    # The calls themselves

    def _get(self, model: type[Model], item: str) -> Model | None:
        reply = self._client.get_item(TableName=self.name, Key=to_wire({"id": item}), ConsistentRead=True)
        return _read(model, item, reply["Item"]) if "Item" in reply else None

    def _put(self, model: type[Model], record: Model, condition: str, values: dict[str, Any]) -> Model | None:
        extra: dict[str, Any] = {"ExpressionAttributeValues": to_wire(values)} if values else {}
        item = record.item()
        try:
            self._when_free(
                lambda: self._client.put_item(
                    TableName=self.name,
                    Item=to_wire(item),
                    ConditionExpression=condition,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **extra,
                )
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            return _read(model, str(item["id"]), _item_of(refused))
        return None

    def _update_item(
        self, item_id: str, update: str, condition: str, names: dict[str, str], values: dict[str, Any]
    ) -> Retrieval | None:
        """The record after the update, or as it is where the condition is false; None where there is none."""
        item = self._updated(item_id, update, condition, names, values)
        return _read(Retrieval, item_id, item) if item else None

    def _updated(
        self, item_id: str, update: str, condition: str, names: dict[str, str], values: dict[str, Any]
    ) -> dict[str, Any]:
        """The item after the update, or as it is where the condition is false; empty where there is none."""
        try:
            reply = self._when_free(
                lambda: self._client.update_item(
                    TableName=self.name,
                    Key=to_wire({"id": item_id}),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=to_wire(values),
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            return _item_of(refused)
        return reply["Attributes"]

    def _when_free(self, write: Callable[[], Reply]) -> Reply:
        """While a transaction holds the item every write of it is refused: nothing is done, and the SDK leaves it so.

        Raises:
            Contention: transactions held it for too long.
        """
        for _ in tries():
            with suppress(self._client.exceptions.TransactionConflictException):
                return write()
        raise Contention("transactions held the item")

    def _item(self, item_id: str) -> dict[str, Any]:
        """Which one a step of a transaction is about."""
        return {"TableName": self.name, "Key": to_wire({"id": item_id})}

    def _transact_put(self, record: Stored, condition: str, values: dict[str, Any]) -> dict[str, Any]:
        put: dict[str, Any] = {"TableName": self.name, "Item": to_wire(record.item())}
        put |= {"ConditionExpression": condition} if condition else {}
        return {"Put": put | ({"ExpressionAttributeValues": to_wire(values)} if values else {})}

    def _transact(self, *writes: dict[str, Any]) -> bool:
        try:
            self._client.transact_write_items(TransactItems=list(writes))  # type: ignore[arg-type]
        except self._client.exceptions.TransactionCanceledException as cancelled:
            reasons = {reason.get("Code") for reason in cancelled.response.get("CancellationReasons", [])}
            if not reasons & _OTHERS_WERE_FASTER:
                raise
            return False
        return True


def _read(model: type[Model], item_id: str, item: dict[str, Any]) -> Model:
    try:
        return model.model_validate(from_wire(item))
    except ValueError as error:
        raise Unreadable(item_id) from error


def _item_of(refused: ClientError) -> dict[str, Any]:
    item: dict[str, Any] = refused.response.get("Item", {})  # type: ignore[assignment]
    return item


def _unchanged(old: Retrieval) -> tuple[str, dict[str, Any]]:
    values = {":revision": old.revision, ":generation": old.generation}
    return "revision = :revision AND generation = :generation", values
