"""The Glacier that behaves, for the program that runs it: settings, faults, time, and a few short cuts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from threading import RLock
from typing import Any

from local.glacier import times
from local.glacier.account import Account, due_first
from local.glacier.content import SyntheticContent
from local.glacier.errors import GlacierError, invalid
from local.glacier.faults import Effect, Fault, Faults
from local.glacier.ledger import Ledger
from local.glacier.operations import OPERATIONS
from local.glacier.policies import may_use_vault
from local.glacier.settings import Settings
from local.glacier.tree_hash import ByteRange
from local.glacier.vaults import Vault

MayPublish = Callable[[str, str], bool]
"""Whether Glacier may publish to a topic (its ARN) for an account; a refusal is silent."""

Publish = Callable[[str, str], None]
"""Publishes a message to a topic (its ARN)."""

DEFAULT_ACCOUNT_ID = "123456789012"
DEFAULT_REGION = "us-east-1"


class ConnectionLostError(Exception):
    """A caller sees its connection close without an answer."""


class GlacierService:
    """One for the process. The state is by account and region, and goes with moto's reset; settings stay.

    Nothing completes by itself: whoever keeps the clock asks `next_event_at`, moves the clock there and calls
    `advance`. `observe`, if set, is told of every call: its operation, its input, and how it ended (None:
    well; else the error's code, or `no answer`).
    """

    def __init__(self, settings: Settings, publish: Publish) -> None:
        self.settings = settings
        self.faults = Faults()
        self.may_publish: MayPublish = lambda topic_arn, account_id: True
        self.observe: Callable[[str, Mapping[str, Any], str | None], None] | None = None
        self._publish = publish
        self._accounts: dict[tuple[str, str], Account] = {}
        self._lock = RLock()

    # ------------------------------------------------------------------------------------------------ state

    def account(self, account_id: str = DEFAULT_ACCOUNT_ID, region: str = DEFAULT_REGION) -> Account:
        key = (account_id, region)
        if key not in self._accounts:
            self._accounts[key] = Account(account_id, region, self.settings, self.faults, self._notify)
        return self._accounts[key]

    def reset(self) -> None:
        """Forgets every vault, job, unit and fault, and begins the sequence of ids and durations anew."""
        with self._lock:
            self._accounts.clear()
            self.faults.clear()

    @property
    def ledger(self) -> Ledger:
        """What was served to all accounts together, by time."""
        ledgers = [account.ledger for account in self._accounts.values()]
        return Ledger(
            sorted((job for one in ledgers for job in one.jobs), key=lambda job: job.at),
            sorted((unit for one in ledgers for unit in one.units), key=lambda unit: unit.at),
        )

    # ------------------------------------------------------------------------------------------------- time

    def next_event_at(self) -> datetime | None:
        """When the next job completes or late notification goes out, in UTC; None if there is none."""
        with self._lock:
            due = due_first(self._all())
            return due.next_event_at() if due else None

    def advance(self, now: datetime | None = None) -> int:
        """Completes what is due by `now` (by default the clock's), in order of time; the number of events."""
        moment = now or times.now()
        done = 0
        with self._lock:
            while (due := due_first(self._all())) is not None:
                event_at = due.next_event_at()
                if event_at is None or event_at > moment:
                    break
                due.run_next()
                done += 1
            for account in self._all():
                account.forget_expired(moment)
        return done

    # ------------------------------------------------------------------------------------------------ calls

    def call(self, operation: str, caller_id: str, region: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Performs one operation for the account `caller_id`; raises GlacierError or ConnectionLostError.

        `given` and the result are by botocore's names for the operation's members.
        """
        with self._lock:
            code: str | None = "no answer"
            try:
                answer = self._call(operation, caller_id, region, given)
                code = None
                return answer
            except GlacierError as error:
                code = error.code
                raise
            finally:
                if self.observe:
                    self.observe(operation, given, code)

    def _call(self, operation: str, caller_id: str, region: str, given: Mapping[str, Any]) -> dict[str, Any]:
        fault = self.faults.on_call(operation, given)
        if fault is not None and fault.effect in (Effect.REFUSE, Effect.LOSE_REQUEST):
            raise _as_error(fault)
        account = self._addressed(operation, caller_id, region, given)
        answer = OPERATIONS[operation](account, given)
        if fault is not None:
            raise _as_error(fault)
        return answer

    def _addressed(self, operation: str, caller_id: str, region: str, given: Mapping[str, Any]) -> Account:
        """The account that the call's `accountId` names, if the caller may act on it there."""
        owner_id = given["accountId"]
        if owner_id in ("-", caller_id):
            return self.account(caller_id, region)
        if not (len(owner_id) == 12 and owner_id.isascii() and owner_id.isdigit()):
            raise invalid(f"Invalid account ID: {owner_id}")
        owner = self.account(owner_id, region)
        vault = owner.vaults.get(given.get("vaultName", ""))
        if vault is None or not may_use_vault(vault.access_policy, caller_id, operation, vault.arn):
            raise GlacierError("AccessDeniedException")
        return owner

    # ------------------------------------------------------------------------------------------- short cuts

    def put_synthetic_archive(
        self,
        vault_name: str,
        size_bytes: int,
        content_seed: int = 0,
        description: str | None = None,
        account_id: str = DEFAULT_ACCOUNT_ID,
        region: str = DEFAULT_REGION,
        *,
        archive_id: str | None = None,
        created_at: datetime | None = None,
    ) -> str:
        """Adds an archive of any size to a vault without its bytes being sent or kept; its id.

        With `archive_id` and `created_at` it is one that an inventory at hand tells of.
        """
        account = self.account(account_id, region)
        content = SyntheticContent(size_bytes, content_seed)
        with self._lock:
            vault = account.vault(vault_name)
            return account.add_archive(vault, content, description, archive_id, created_at).archive_id

    def read_archive(
        self,
        vault_name: str,
        archive_id: str,
        part: ByteRange | None = None,
        account_id: str = DEFAULT_ACCOUNT_ID,
        region: str = DEFAULT_REGION,
    ) -> bytes:
        """The bytes of an archive, or of a part of it, to compare a job's output with."""
        archive = self.vault(vault_name, account_id, region).archive(archive_id)
        return archive.content.read(part or archive.whole)

    def vault(self, name: str, account_id: str = DEFAULT_ACCOUNT_ID, region: str = DEFAULT_REGION) -> Vault:
        return self.account(account_id, region).vault(name)

    # -------------------------------------------------------------------------------------------------------

    def _all(self) -> Iterator[Account]:
        return iter(list(self._accounts.values()))

    def _notify(self, topic_arn: str, account_id: str, message: dict[str, Any]) -> None:
        if self.may_publish(topic_arn, account_id):
            self._publish(topic_arn, json.dumps(message, separators=(",", ":")))


def _as_error(fault: Fault) -> Exception:
    return ConnectionLostError() if fault.code is None else GlacierError(fault.code)
