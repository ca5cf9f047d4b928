"""Taking a request in: its own record first, then the one record of the bytes it asks for.

Each step finds itself done when it is repeated, so a crash between them is healed by the message's redelivery.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NoReturn

from thaw import joining, records
from thaw.edge.queue import ResumeQueue
from thaw.edge.table import Table
from thaw.request import CancelRequest, Rejected, RetrievalRequest, parse
from thaw.retrieval import Retrieval, asker_of, key_for
from thaw.work.sharing import Way, resume_after
from thaw.work.telemetry import count, logger


@dataclass(frozen=True)
class Vaults:
    """Which vaults may be retrieved from.

    Args:
        own_account: 12 digits.
        region: where this runs; vaults of another are out of its reach.
        allowed: ARNs of vaults, with wildcards in their names.
    """

    own_account: str
    region: str
    allowed: tuple[str, ...]

    def owner(self, request: RetrievalRequest) -> str:
        """The 12-digit account of the vault."""
        return self.own_account if request.account_id == "-" else request.account_id

    def check(self, request: RetrievalRequest) -> None:
        """Raises Rejected where the settings do not list the vault."""
        account = self.owner(request)
        if not any(self._allows(arn, account, request.vault_name) for arn in self.allowed):
            field = "vaultName" if account == self.own_account else "accountId"
            problem = {
                "field": field,
                "message": f"vault {request.vault_name} of account {account} is not in the setting `vaults`; "
                "add it there and deploy again",
            }
            raise Rejected("VaultNotAllowed", "The settings do not list this vault.", [problem])

    def _allows(self, arn: str, account: str, vault_name: str) -> bool:
        _, _, _, region, owner, vault = arn.split(":", 5)
        here = (region, owner) == (self.region, account)
        return here and fnmatchcase(vault_name, vault.removeprefix("vaults/"))


@dataclass(frozen=True)
class Intake:
    """Takes in what stands on the request queue.

    Args:
        claims: a new name for each claim, never given twice.
        now_ms: the clock.
    """

    table: Table
    resume_queue: ResumeQueue
    vaults: Vaults
    claims: Iterator[str]
    now_ms: Callable[[], int]

    def take(self, message_id: str, body: str) -> Retrieval | None:
        """Takes one message in, to its end or to the point where its job is to be started.

        Returns:
            the retrieval whose attempt is now claimed for this invocation, if there is one.
        """
        try:
            message = parse(body)
            if isinstance(message, CancelRequest):
                self._cancel(message_id, message.cancel)
                return None
            return self._request(message)
        except Rejected as rejected:
            self.table.reject(records.rejection(message_id, rejected, self.now_ms()))
            count("RequestRejected")
            logger.info("request rejected", request_id=rejected.request_id, message_id=message_id, code=rejected.code)
            return None

    def _request(self, request: RetrievalRequest) -> Retrieval | None:
        try:
            self._check_vault(request)
            return self._accept(request, self.vaults.owner(request))
        except Rejected as rejected:
            rejected.request_id = request.request_id
            rejected.context = asker_of(request, since=1).context
            raise

    def _check_vault(self, request: RetrievalRequest) -> None:
        """An id that is known was taken in under other settings: a rejection would tell its end, and it goes on."""
        try:
            self.vaults.check(request)
        except Rejected:
            known = self.table.get_request(request.request_id)
            if known is None or known.expires_at < self.now_ms() // 1000:
                raise

    def _accept(self, request: RetrievalRequest, account: str) -> Retrieval | None:
        key = self._key(request, account)
        now_ms = self.now_ms()
        own = records.remembered(request, key, now_ms)
        known = self.table.remember(own, now_ms)
        if known is not None and known.contents is None:
            late = records.arrived_late(request, known)
            known = self.table.arrive_late(late) or late
        if known is not None:
            if known.contents != request.digest():
                problem = {
                    "field": "requestId",
                    "message": "was used before with other contents; take a new one",
                }
                raise Rejected("RequestIdReused", "The request id was used before with other contents.", [problem])
            if known.done or known.cancelled:
                return None
            own = known
        joined, claimed = self._way(request, account, own, repeated=known is not None).to_its_end()
        logger.info(
            "request taken in", request_id=request.request_id, retrieval_id=joined.retrieval_id, claimed=claimed
        )
        return joined if claimed else None

    def _key(self, request: RetrievalRequest, account: str) -> str:
        """Of the record that has the bytes: a page that is followed, and has not ended, has one of its own."""
        key = key_for(self.table.name, request, account)
        page = self.table.get_page(key) if request.marker is not None else None
        return page.key if page is not None and page.is_open else key

    def _way(self, request: RetrievalRequest, account: str, own: records.RequestRecord, *, repeated: bool) -> Way:
        foreign = account != self.vaults.own_account

        def opens(key: str, generation: int) -> Retrieval:
            return joining.opened(key, generation, request, account, foreign, next(self.claims), self.now_ms())

        return Way(self.table, self.resume_queue, request, account, own, repeated, opens, self.now_ms)

    def _cancel(self, message_id: str, request_id: str) -> None:
        known = self.table.get_request(request_id)
        if known is None:
            known = self.table.remember(records.taken_back(request_id, self.now_ms()), self.now_ms())
        if known is None or known.cancelled:
            return
        record = self._that_has(known)
        try:
            left = self.table.change(record, self._without(message_id, known))
        except joining.CancelRefused as refused:
            self._refuse(request_id, refused.code, refused.message)
        if left.generation != record.generation:
            raise joining.NotJoinedYet(request_id)
        if not left.requests[request_id].cancelled:
            return  # it was refused before
        resume_after(self.resume_queue, record, left, self.now_ms())
        logger.info("request cancelled", request_id=request_id, retrieval_id=left.retrieval_id)

    def _that_has(self, known: records.RequestRecord) -> Retrieval:
        """The record that has a request, or had it before a later generation took its place."""
        assert known.key is not None
        record = self.table.get(known.key)
        if known.done and (record is None or record.generation != known.generation):
            past = self.table.get_past(known.key, known.generation) if known.generation is not None else None
            if past is None:
                self._refuse(known.request_id, "AlreadyEnded", "The retrieval has ended.")
            return past
        if record is None:
            raise joining.NotJoinedYet(known.request_id)
        return record

    def _without(self, message_id: str, known: records.RequestRecord) -> Callable[[Retrieval], Retrieval | None]:
        """A cancellation that was refused, and told so, stays so when its message comes again."""

        def decide(now: Retrieval) -> Retrieval | None:
            left = joining.cancel(now, known.request_id, self.now_ms(), known.expires_at)
            return left if left is not None and not self.table.was_rejected(message_id) else None

        return decide

    @staticmethod
    def _refuse(request_id: str, code: str, message: str) -> NoReturn:
        raise Rejected(code, message, [{"field": "cancel", "message": message}], request_id)
