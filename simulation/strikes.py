"""What can happen to an AWS call of a function, and how it is made to happen."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from local.calls import Call, Perform, changed_reply, error_reply
from local.cloud import Cloud
from local.dynamodb_local.tables import ENDPOINT_VARIABLE
from local.glacier.ledger import JobStarted
from local.processes import Died, Process, current
from simulation.choices import Choice
from simulation.history import History
from simulation.limits import Limits
from thaw import bounds

NEVER_REPEATED = ("InitiateJob", "PurchaseProvisionedCapacity")
"""The calls on which money hangs."""
SWITCH = "switch"
OUTAGE = "outage"
WITHDRAWN = "permission withdrawn"
LATE_EFFECTS = ("dies, effect late", "times out, effect late")
_KEPT_UP = {"keeps failing": "500 before", "done, keeps failing": "500 before", "keeps throttling": "throttled"}
"""What the SDK's own repeats of the call meet."""

_DEFAULT_READ_TIMEOUT_SECONDS = 60
"""botocore's, of every client that does not set its own."""
_STATUS_OF_ERROR = 500
_MARKS = 10
"""As many as there are entries at most in a call of PutEvents."""
_LONGEST_OUTAGE_SECONDS = 3 * 3600.0
"""Long enough for dead letters: a message is tried five times, six minutes apart."""

_WITHDRAWN_SECONDS = (5 * 60.0, 60 * 3600.0)
"""From soon mended to longer than retrievals wait for it."""
_LOOKS = ("DescribeJob", "ListJobs")
_WITHDRAWN_WITH = {"InitiateJob": ("InitiateJob",), **dict.fromkeys(_LOOKS, _LOOKS)}
"""Calls that need one statement of a policy, by each of them."""

_SERVER_ERRORS = {"glacier": "ServiceUnavailableException", "sqs": "InternalError"}
_SERVER_ERROR = "InternalServerError"
_THROTTLES = {"dynamodb": "ProvisionedThroughputExceededException", "sqs": "RequestThrottled"}
_THROTTLE = "ThrottlingException"
_NO_REPLY = (ConnectionClosedError.__name__, ReadTimeoutError.__name__)
REPEATED_AFTER = frozenset([*_SERVER_ERRORS.values(), _SERVER_ERROR, *_THROTTLES.values(), _THROTTLE, *_NO_REPLY])
"""The outcomes of a call after which the SDK makes it again."""

EVERY_CALL: Mapping[str, float] = {
    "dies before": 1.0,
    "dies after": 1.0,
    "dies, effect late": 0.5,
    "loses request": 1.0,
    "loses reply": 1.5,
    "times out before": 0.4,
    "times out, effect late": 0.6,
    "500 before": 0.7,
    "500 after": 1.0,
    "throttled": 0.8,
    "keeps failing": 0.4,
    "done, keeps failing": 0.6,
    "keeps throttling": 0.3,
    "stalls before": 0.4,
    "stalls after": 0.4,
    "slow reply": 1.5,
    OUTAGE: 0.15,
}
"""The kinds that any call can meet, with their weights."""

ONE_OPERATION: Mapping[str, Mapping[str, float]] = {
    "InitiateJob": {"no capacity": 2.0, "policy full": 2.0, "denied": 0.5, WITHDRAWN: 0.05, "overtaken": 3.0},
    "PurchaseProvisionedCapacity": {"limit exceeded": 4.0, "denied": 0.5},
    "ListProvisionedCapacity": {"listed late": 4.0, "denied": 0.5},
    "ListJobs": {"listed late": 4.0, "appears late": 4.0, "denied": 0.5, WITHDRAWN: 0.15},
    "DescribeJob": {"described late": 4.0, "denied": 0.5, WITHDRAWN: 0.15},
    **({} if ENDPOINT_VARIABLE in os.environ else {"Query": {"index behind": 6.0}}),
    "BatchGetItem": {"keys unprocessed": 4.0},
    "PutEvents": {"entries refused": 6.0},
    **{write: {"in conflict": 1.0} for write in ("PutItem", "UpdateItem", "TransactWriteItems")},
}
"""Any write may find its item held by someone's transaction; an index can be put behind its table in moto's DynamoDB
alone."""
_ONE_TIER = {"no capacity": "Expedited", "policy full": "Standard"}
_OF_NEW_JOBS: Mapping[str, float] = {"appears late": 0.35, "described late": 0.9}
"""What can happen only to the few calls that ask of a job just started."""
_SPLIT_RATE = 0.25
"""Of events that are put together: that some are refused and others not."""
SERVICES = ("dynamodb", "glacier", "sqs", "events")
"""Those that functions call in any run; an object in S3 is what is left when all else fails."""
KINDS = tuple(dict.fromkeys([SWITCH, *EVERY_CALL, *(kind for each in ONE_OPERATION.values() for kind in each)]))
TOO_LATE: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(NEVER_REPEATED, (*LATE_EFFECTS, "loses reply")),
    "ListJobs": ("listed late",),
    "ListProvisionedCapacity": ("listed late",),
}
"""How a job is started, or a unit bought, once nobody expects it any more."""
_REFUSALS = {
    "no capacity": "InsufficientCapacityException",
    "policy full": "PolicyEnforcedException",
    "limit exceeded": "LimitExceededException",
    "denied": "AccessDeniedException",
}


def own_kinds(call: Call) -> dict[str, float]:
    """What only calls of this operation can meet; and of what InitiateJob can, only what its tier can."""
    kinds = ONE_OPERATION.get(call.operation, {})
    if call.operation != "InitiateJob":
        return dict(kinds)
    tier = call.params["jobParameters"].get("Tier", "Standard")
    return {kind: weight for kind, weight in kinds.items() if _ONE_TIER.get(kind, tier) == tier}


def seldom_for(call: Call) -> Mapping[str, float]:
    """What this call can meet and few others can, and how likely it then does."""
    may_be_split = call.operation == "PutEvents" and len(call.params["Entries"]) > 1
    return {"entries refused": _SPLIT_RATE} if may_be_split else _OF_NEW_JOBS


def amount_of(kind: str, call: Call, chance: random.Random, limits: Limits) -> float:
    """How much of it."""
    if kind in LATE_EFFECTS:
        return round(chance.choice([chance.uniform(0, 1), limits.effect_seconds * chance.random()]), 3)
    if kind in ("listed late", "appears late", "described late"):
        return round(limits.listing_lag_seconds * (1 - chance.random() ** 2), 3)
    if kind == "index behind":
        return round(limits.index_lag_seconds * (1 - chance.random() ** 2), 3)
    if kind == OUTAGE:
        return round(_LONGEST_OUTAGE_SECONDS * chance.random() ** 2, 3)
    if kind == WITHDRAWN:
        return round(chance.uniform(*_WITHDRAWN_SECONDS), 3)
    if kind in ("slow reply", "overtaken"):
        return round(chance.choice([0.01, *_moments_seconds(call, chance)]), 3)
    if kind in (*_REFUSALS, "throttled"):
        return round(chance.choice([0.0, 0.0, *_moments_seconds(call, chance)]), 3)
    if kind in ("entries refused", "keys unprocessed"):
        return float(chance.randrange(1, 2**_MARKS))
    return 0.0


def _moments_seconds(call: Call, chance: random.Random) -> list[float]:
    """After which a reply comes: soon, or as late as may be."""
    return [chance.uniform(0, 2), chance.uniform(2, _slowest_reply_seconds(call))]


def too_late(operation: str, chance: random.Random, limits: Limits) -> Choice:
    """One of these, later than any bound."""
    kind = chance.choice(TOO_LATE[operation])
    most_seconds = limits.effect_seconds if kind in LATE_EFFECTS else limits.listing_lag_seconds
    return Choice(kind, 0.0 if kind == "loses reply" else round(most_seconds * chance.uniform(0.3, 1), 3))


@dataclass
class Strikes:
    """Makes choices come true."""

    cloud: Cloud
    history: History
    limits: Limits
    _failing: list[tuple[object, Choice]] = field(default_factory=list)
    """The parameters of calls whose repeats fail as well: the SDK hands over the same object each time."""

    in_vain: Counter[str] = field(default_factory=Counter)
    """How often a kind made no difference: nothing was so new that it could be listed late, or no job was started."""
    _down_until_ms: dict[str, float] = field(default_factory=dict)
    """When the outage of a service is over."""
    _denied_until_ms: dict[str, float] = field(default_factory=dict)
    """When an operation's permission is granted again."""
    _appears_ms: dict[str, float] = field(default_factory=dict)
    """When jobs that appear late do so."""

    def kinds_for(self, call: Call) -> dict[str, float]:
        """What can happen to this call, with its weights."""
        kinds = {**EVERY_CALL, **own_kinds(call)}
        if call.operation == "DescribeJob" and not self._is_of_new_job(call, self.limits.listing_lag_seconds):
            del kinds["described late"]
        elif call.operation == "ListJobs" and not self._new_jobs(call, self.limits.listing_lag_seconds):
            del kinds["appears late"]
        return kinds

    def kept_up(self, call: Call) -> Choice | None:
        """What happens to repeats of a call that keeps failing, while a service is down or a permission withdrawn, and
        until a job appears."""
        if call.at_ms < self._down_until_ms.get(call.service, 0):
            return Choice("500 before")
        if call.at_ms < self._denied_until_ms.get(call.operation, 0):
            return Choice("denied")
        if call.operation == "DescribeJob" and call.at_ms < self._appears_ms.get(call.params["jobId"], 0):
            return Choice("described late", self.limits.listing_lag_seconds)
        return next((choice for params, choice in self._failing if params is call.params), None)

    def end_outages(self) -> None:
        """And withdrawn permissions are granted again."""
        now_ms = self.cloud.clock.now_ms()
        for ends_ms in (self._down_until_ms, self._denied_until_ms):
            ends_ms.update({name: min(until_ms, now_ms) for name, until_ms in ends_ms.items()})

    @property
    def outages_end_ms(self) -> float:
        """When the last of them is over, or of the times without a permission; 0 where there was none."""
        return max([*self._down_until_ms.values(), *self._denied_until_ms.values()], default=0.0)

    def strike(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        """The answer to a call to which this happens; or what the SDK, or the function's death, raises."""
        code = _REFUSALS.get(choice.kind)
        if code is not None:
            return self._refused(code, choice)
        how: Callable[[Choice, Call, Perform], AWSResponse] = getattr(self, "_" + _method(choice.kind))
        return how(choice, call, perform)

    def _refused(self, code: str, choice: Choice) -> AWSResponse:
        """After so many seconds, in which others go on."""
        if choice.amount:
            _process().pause(choice.amount)
        return error_reply(code, "struck")

    def _dies_before(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        raise Died

    def _dies_after(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        perform()
        raise Died

    def _dies_effect_late(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        self._later(choice.amount, perform)
        raise Died

    def _loses_request(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        raise ConnectionClosedError(endpoint_url=call.service)

    def _loses_reply(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        perform()
        raise ConnectionClosedError(endpoint_url=call.service)

    def _times_out_before(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        _process().pause(read_timeout_seconds(call))
        raise ReadTimeoutError(endpoint_url=call.service)

    def _times_out_effect_late(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        self._later(choice.amount, perform)
        return self._times_out_before(choice, call, perform)

    def _500_before(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        return error_reply(_SERVER_ERRORS.get(call.service, _SERVER_ERROR), "struck", _STATUS_OF_ERROR)

    def _500_after(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        perform()
        return self._500_before(choice, call, perform)

    def _throttled(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        return self._refused(_THROTTLES.get(call.service, _THROTTLE), choice)

    def _stalls_before(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        """Held up until the function's time is over."""
        _process().pause(self._longest_timeout_seconds)
        return perform()

    def _stalls_after(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        reply = perform()
        _process().pause(self._longest_timeout_seconds)
        return reply

    def _keeps_failing(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        """However often the SDK repeats it."""
        self._failing.append((call.params, Choice(_KEPT_UP[choice.kind])))
        return self._500_before(choice, call, perform)

    def _done_keeps_failing(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        perform()
        return self._keeps_failing(choice, call, perform)

    def _keeps_throttling(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        self._failing.append((call.params, Choice(_KEPT_UP[choice.kind])))
        return self._throttled(choice, call, perform)

    def _outage(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        """From now on no call of the service is answered."""
        self._down_until_ms[call.service] = call.at_ms + choice.amount * 1000
        return self._500_before(choice, call, perform)

    def _permission_withdrawn(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        """From now on this call is denied, and those that need the same statement of a policy."""
        until_ms = call.at_ms + choice.amount * 1000
        self._denied_until_ms |= dict.fromkeys(_WITHDRAWN_WITH[call.operation], until_ms)
        return self._refused(_REFUSALS["denied"], Choice("denied"))

    def _slow_reply(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        reply = perform()
        _process().pause(min(choice.amount, _slowest_reply_seconds(call)))
        return reply

    def _overtaken(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        """The job ends at once, and its notification is sent before the reply arrives."""
        description = call.params["jobParameters"]["Description"]
        self.cloud.glacier.faults.job_takes(0, when=lambda job: job["jobParameters"]["Description"] == description)

        def counted() -> AWSResponse:
            reply = perform()
            self._count(choice, reply.status_code < 300)
            return reply

        return self._slow_reply(choice, call, counted)

    def _listed_late(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        settings, units = self.cloud.glacier.settings, self.cloud.glacier.ledger.units
        if call.operation == "ListJobs":
            self._count(choice, bool(self._new_jobs(call, choice.amount)))
        else:
            self._count(choice, any(_is_new(unit.at, choice.amount, call) for unit in units))
        before, settings.listing_lag_seconds = settings.listing_lag_seconds, choice.amount
        try:
            return perform()
        finally:
            settings.listing_lag_seconds = before

    def _appears_late(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        """What the listing does not have, DescribeJob does not know either."""
        for job in self._new_jobs(call, choice.amount):
            self._appears_ms[job.job_id] = (job.at.timestamp() + choice.amount) * 1000
        return self._listed_late(choice, call, perform)

    def _described_late(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        """As if Glacier did not know a job started just now."""
        is_new = self._is_of_new_job(call, choice.amount)
        self._count(choice, is_new)
        return error_reply("ResourceNotFoundException", "struck", 404) if is_new else perform()

    def _is_of_new_job(self, call: Call, seconds: float) -> bool:
        return any(job.job_id == call.params["jobId"] for job in self._new_jobs(call, seconds))

    def _new_jobs(self, call: Call, seconds: float) -> list[JobStarted]:
        """Of the vault that the call names."""
        jobs = (job for job in self.cloud.glacier.ledger.jobs if job.vault_name == call.params["vaultName"])
        return [job for job in jobs if _is_new(job.at, seconds, call)]

    def _count(self, choice: Choice, comes_to_something: bool) -> None:
        self.in_vain[choice.kind] += not comes_to_something

    def _index_behind(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        """In vain where the reply names what it would have named anyway."""
        with self.history.table_as_of(call.at_ms - round(choice.amount * 1000)):
            behind = perform()
        self._count(choice, _ids_in(behind) != _ids_in(perform()))
        return behind

    def _in_conflict(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        """Someone else's transaction holds the item: nothing is done."""
        if call.operation != "TransactWriteItems":
            return error_reply("TransactionConflictException", "struck")
        reasons = [{"Code": "TransactionConflict"}, *({"Code": "None"} for _ in call.params["TransactItems"][1:])]
        return error_reply("TransactionCanceledException", "struck", CancellationReasons=reasons)

    def _entries_refused(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        """Those that are marked."""
        deliveries, marks = self.cloud.deliveries, iter(_marks(choice, len(call.params["Entries"])))
        deliveries.refuse_entry = lambda entry: "ThrottlingException" if next(marks) else None
        try:
            return perform()
        finally:
            deliveries.refuse_entry = lambda entry: None

    def _keys_unprocessed(self, choice: Choice, call: Call, perform: Perform) -> AWSResponse:
        """Those that are marked; of the others the reply has the items."""
        ((table, asked),) = call.params["RequestItems"].items()
        marks = _marks(choice, len(asked["Keys"]))
        left = [key for key, is_marked in zip(asked["Keys"], marks, strict=True) if is_marked]

        def leave(reply: Any) -> None:
            items = reply["Responses"][table]
            reply["Responses"][table] = [item for item in items if {"id": item["id"]} not in left]
            reply["UnprocessedKeys"] = {table: {**asked, "Keys": left}}

        return changed_reply(perform(), leave)

    @property
    def _longest_timeout_seconds(self) -> float:
        return max(config.timeout_seconds for config in self.cloud.functions.configs.values())

    def _later(self, seconds: float, perform: Perform) -> None:
        """The call is on its way and takes effect whatever becomes of the caller."""

        def land() -> None:
            with suppress(ConnectionClosedError):
                perform()

        self.cloud.clock.after(seconds, land)


def read_timeout_seconds(call: Call) -> float:
    if call.service != "glacier":
        return _DEFAULT_READ_TIMEOUT_SECONDS
    return bounds.READ_TIMEOUT_SECONDS if call.operation in NEVER_REPEATED else bounds.REPEATED_READ_TIMEOUT_SECONDS


def _slowest_reply_seconds(call: Call) -> float:
    """That the SDK still waits for."""
    return read_timeout_seconds(call) - 0.1


def _method(kind: str) -> str:
    return kind.replace(",", "").replace(" ", "_")


def _process() -> Process:
    process = current()
    assert process is not None, "only functions' calls are struck"
    return process


def _marks(choice: Choice, count: int) -> list[bool]:
    """Which of so many are struck: those whose bits are set in the amount; the first where that is none of them."""
    marks = [int(choice.amount) >> number % _MARKS & 1 == 1 for number in range(count)]
    return marks if any(marks) else [True, *marks[1:]]


def _ids_in(page: AWSResponse) -> list[str]:
    """The items that an answer to a Query names."""
    return [item["id"]["S"] for item in json.loads(page.content)["Items"]]


def _is_new(at: datetime, seconds: float, call: Call) -> bool:
    """Whether it came to be less than so long before the call."""
    return at.timestamp() * 1000 > call.at_ms - seconds * 1000
