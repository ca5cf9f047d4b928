"""AWS on this machine, with the stacks deployed in it: what tests, the demo and the simulator work with.

    with Cloud(seed=1, settings={"maxUnits": 1}) as cloud:
        cloud.client("sqs").send_message(QueueUrl=cloud.outputs["RequestQueueUrl"], MessageBody=…)
        cloud.run_until(lambda: cloud.events_of("Retrieval Succeeded"))

Time is virtual and stands still but in `run_*`. A run with the same seed is the same run, in any process. One cloud at
a time in a process.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any
from unittest import mock

import boto3
from moto import mock_aws
from moto.dynamodb.models.table import Table
from moto.sqs.models import Message, Queue

from local import chance, glacier
from local.assembly import Assembly, synthesize
from local.calls import Call, Caller, Calls, intercepted
from local.clock import Clock, RealClock, Timer, VirtualClock
from local.deliveries import Deliveries, Event
from local.deploy import ACCOUNT_ID, REGION, Deployment, deploy
from local.dynamodb import Writes
from local.dynamodb_local.tables import ENDPOINT_VARIABLE, LocalTables
from local.environments import Environment, FunctionConfig, outside
from local.functions import Lambda, Result
from local.glacier.faults import Faults
from local.happenings import FunctionError, GlacierCall, Happening, MessageSent, Refused
from local.invocations import invocable
from local.meter import WriteMeter
from local.processes import sleeping_on_the_clock
from local.redrive import MoveTasks
from local.roles import Roles
from local.speed import shortened
from local.state import DeployedState
from local.stock import Stock
from local.wiring import Wiring, wire

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_SWEEP_SECONDS = 6 * 3600
"""How often items are deleted whose time to live is over; DynamoDB takes up to some days."""
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",  # moto does not know hosts with an account in their names
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",  # whoever is a client of `make up` may have set it for that
}


class Cloud:
    """See the module. `settings` override cdk.json's; `assembly` is a cdk.out folder to deploy in place of the app.

    `dynamodb_endpoint`, or else the variable THAW_DYNAMODB_ENDPOINT, names a DynamoDB Local that takes the place of
    moto's DynamoDB (`local.dynamodb_local`). With a `stock` an execution environment begins with the loaded code of one
    that is gone, where there is one; without, each loads its own, as Lambda's do.
    """

    clock: Clock
    functions: Lambda
    roles: Roles
    deployment: Deployment
    wiring: Wiring

    def __init__(
        self,
        seed: int = 0,
        settings: Mapping[str, Any] | None = None,
        *,
        assembly: Path | None = None,
        glacier_settings: glacier.Settings | None = None,
        start: datetime = START,
        clock: Clock | None = None,
        shard_count: int = 2,
        dynamodb_endpoint: str | None = None,
        stock: Stock | None = None,
    ) -> None:
        self.seed = seed
        self.start = start
        self.clock = clock or VirtualClock(start)
        self.calls = Calls(self.clock)
        self.meter = WriteMeter()
        self.deliveries = Deliveries(self.clock, self._on_message, self._wait_for_message, self._on_event)
        self.deliveries.on_refusal = self._on_refusal
        self.errors: list[tuple[str, Result]] = []
        """Every invocation that ended in an error: the function's label and the result."""
        self.tell: Callable[[Happening], None] = lambda happening: None
        """Told of what goes on: a message in a queue, a call of Glacier's, an event, a function's error."""
        self.on_change: Callable[[Mapping[str, Any]], None] = lambda record: None
        """Told of each change of a table's item, by its record in the stream."""
        self.on_message: Callable[[Queue, Message], None] = lambda queue, message: None
        """Told of each message that came into a queue, before anybody can receive it."""
        endpoint = dynamodb_endpoint or os.environ.get(ENDPOINT_VARIABLE)
        self._tables = (
            LocalTables(endpoint, self.meter, self._on_record) if endpoint else Writes(self.meter, self._on_record)
        )
        self.move_tasks = MoveTasks()
        self._folder = assembly or synthesize(settings)
        self._glacier_settings = glacier_settings or glacier.Settings()
        self._shard_count = shard_count
        self._stock = stock
        self._stack = ExitStack()
        self._clients: dict[str, Any] = {}
        self._glacier_timer: Timer | None = None

    # ------------------------------------------------------------------------------------------ begin and end

    def __enter__(self) -> Cloud:
        with ExitStack() as stack:
            stack.enter_context(_alone())
            self._set_up(stack)
            self._deploy(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.functions.reset()
        self._stack.close()

    def _set_up(self, stack: ExitStack) -> None:
        if isinstance(self.clock, VirtualClock):
            stack.enter_context(self.clock)
            stack.enter_context(chance.seeded())
        self.glacier = glacier.install(self._glacier_settings)
        self.glacier.may_publish = self.deliveries.may_publish
        self.glacier.observe = self._on_glacier_call
        stack.callback(_let_go_of, self.glacier)
        stack.enter_context(mock.patch.dict(os.environ, _CREDENTIALS))
        stack.enter_context(mock.patch("boto3.DEFAULT_SESSION", _session()))
        stack.enter_context(mock_aws(config={"lambda": {"use_docker": False}, "core": {"reset_boto3_session": False}}))
        stack.enter_context(shortened())
        stack.enter_context(sleeping_on_the_clock())
        stack.enter_context(self._tables.watched())
        stack.enter_context(self.deliveries.watched())
        stack.enter_context(self.move_tasks.served())

    def _deploy(self, stack: ExitStack) -> None:
        self._seed(0)  # the names of what is deployed don't depend on the seed
        self.wiring = Wiring()
        self.client("glacier").list_vaults(accountId="-")  # moto makes what it needs for a service at its first call
        self.deployment = deploy(Assembly.read(self._folder, ACCOUNT_ID, REGION))
        self._tables.deployed(self.deployment)
        stack.enter_context(intercepted(self.calls))
        self.roles = Roles(self.deployment)
        self.calls.refusal = self._refusal
        self.functions = Lambda(self.clock, self.deployment, self.roles)
        self.functions.on_error = self._on_error
        if self._stock is not None:
            stack.enter_context(self._stock.serving(self.functions))
        stack.enter_context(invocable(lambda: self.functions, self._wait_until))
        self.wiring = wire(self.clock, self.functions, self.deployment, self._shard_count)
        self._deployed = DeployedState()
        self._begin()

    def _begin(self) -> None:
        self._seed(self.seed)
        self.glacier.reset()
        self.wiring.reset()
        self.clock.after(_SWEEP_SECONDS, self._sweep, background=True)

    def _seed(self, seed: int) -> None:
        if isinstance(self.clock, VirtualClock):
            chance.seed(seed)
            self.glacier.settings.seed = seed

    def reset(self, seed: int | None = None) -> None:
        """Back to when everything had just been deployed, with another seed if one is given."""
        assert isinstance(self.clock, VirtualClock), "only virtual time goes back"
        self.seed = self.seed if seed is None else seed
        self.functions.reset()
        self.clock.clear()
        self.clock.move_to_ms(round(self.start.timestamp() * 1000))
        self._glacier_timer = None
        self._deployed.restore()
        self.calls.clear()
        self.deliveries.clear()
        self.move_tasks.forget()
        self.meter.clear()
        self._tables.clear()
        self.errors.clear()
        self._begin()

    # --------------------------------------------------------------------------------------------------- time

    def run_until(self, reached: Callable[[], object], limit: timedelta = timedelta(hours=13)) -> None:
        """Lets time pass until `reached` gives something true; raises TimeoutError if it does not within the limit."""
        if not self._virtual.run_until(reached, self._in(limit)):
            raise TimeoutError(f"not reached within {limit}; it is {self.clock.now():%Y-%m-%d %H:%M:%S} now")

    def run_for(self, duration: timedelta) -> None:
        self._virtual.run_until(lambda: False, self._in(duration))

    def run_until_quiet(self, limit: timedelta = timedelta(days=3)) -> None:
        """Lets time pass until only schedules are left to come: no message, record, retry or job of Glacier's.

        What only a schedule will find (a record in the table that is due at some time) does not count.
        """
        self.run_until(lambda: self.quiet, limit)

    @property
    def quiet(self) -> bool:
        return self.clock.waiting == 0 and self.functions.running == 0

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @property
    def _virtual(self) -> VirtualClock:
        assert isinstance(self.clock, VirtualClock), "real time passes by itself"
        return self.clock

    def _in(self, duration: timedelta) -> int:
        return self.clock.now_ms() + round(duration.total_seconds() * 1000)

    # ------------------------------------------------------------------------------------------------- to see

    @property
    def outputs(self) -> Mapping[str, str]:
        """The stacks' outputs."""
        return self.deployment.outputs

    @property
    def events(self) -> list[Event]:
        """Everything that was put on event buses, in order."""
        return self.deliveries.events

    def events_of(self, detail_type: str) -> list[Event]:
        return [event for event in self.events if event.detail_type == detail_type]

    def client(self, service: str) -> Any:
        """A boto3 client, as a user has it."""
        if service not in self._clients:
            self._clients[service] = boto3.client(service, region_name=REGION)  # type: ignore[call-overload]
        return self._clients[service]

    def logs(self, function: str) -> list[str]:
        """What a function (by the name of its file) wrote, line by line."""
        return [line for _, line in self.functions.logs[function]]

    def queue(self, url_or_name: str) -> Queue:
        return self._deployed.queue(url_or_name)

    def dead_letters(self) -> dict[str, list[str]]:
        """The bodies of the messages in dead-letter queues, by the queue's name; queues without any are left out."""
        queues = self._deployed.dead_letter_queues()
        return {queue.name: [message.body for message in queue._messages] for queue in queues if queue._messages}

    def redrive(self) -> int:
        """Sends every dead letter back to where it came from; how many there were."""
        before = len(self.move_tasks.tasks)
        for queue in self._deployed.dead_letter_queues():
            self.client("sqs").start_message_move_task(SourceArn=queue.queue_arn)
        return sum(task["ApproximateNumberOfMessagesMoved"] for task in self.move_tasks.tasks[before:])

    def queues(self) -> list[Queue]:
        """The deployment's queues, dead-letter queues among them."""
        return self._deployed.queues()

    def stored_objects(self) -> list[str]:
        """The keys of what came into the deployment's buckets since it was deployed."""
        return self._deployed.new_keys()

    def items(self) -> list[dict[str, Any]]:
        """Every item of every table, as the API has attributes: {"id": {"S": "…"}}."""
        return self._tables.items()

    # ------------------------------------------------------------------------------------------ what is told

    def _tell(self, happening: Happening) -> None:
        with outside():
            self.tell(happening)

    def _on_message(self, queue: Queue, message: Message | None) -> None:
        if message is not None:
            self.on_message(queue, message)
        self.wiring.on_message(queue)
        if message is not None:
            self._tell(MessageSent(queue.name, message.body))

    def _on_refusal(self, what: str) -> None:
        self._tell(Refused(what))

    def _on_event(self, event: Event) -> None:
        self._tell(event)

    def _on_glacier_call(self, operation: str, given: Mapping[str, Any], code: str | None) -> None:
        self._plan_glacier()
        self._tell(GlacierCall(operation, given, code))

    def _wait_for_message(self, queue: Queue, seconds: int) -> None:
        if isinstance(self.clock, RealClock):
            self.clock.let_others(lambda: _moto_waits(queue, seconds))
        else:
            self._virtual.run_until(lambda: bool(queue.messages), self._in(timedelta(seconds=seconds)))

    def _wait_until(self, reached: Callable[[], object]) -> None:
        if isinstance(self.clock, RealClock):
            self.clock.wait_until(reached)
        else:
            self.run_until(reached)

    def _on_record(self, table: Table, record: Mapping[str, Any]) -> None:
        self.on_change(record)
        self.wiring.on_record(table, record, self.clock.now_ms())

    def _on_error(self, config: FunctionConfig, result: Result) -> None:
        self.errors.append((config.label, result))
        self._tell(FunctionError(config.label, result))

    def _refusal(self, call: Call, caller: Caller) -> str | None:
        assert isinstance(caller, Environment)
        return self.roles.refusal_of_call(caller.config.role, call)

    def _plan_glacier(self) -> None:
        """Sets a timer for what Glacier does next by itself."""
        next_at = self.glacier.next_event_at()
        when_ms = None if next_at is None else math.ceil(next_at.timestamp() * 1000)
        timer = self._glacier_timer
        if timer is not None and not timer.done and timer.when_ms == when_ms:
            return
        self.clock.cancel(timer)
        self._glacier_timer = None if when_ms is None else self.clock.at_ms(when_ms, self._advance_glacier)

    def _advance_glacier(self) -> None:
        self._glacier_timer = None
        self.glacier.advance(self.clock.now())
        self._plan_glacier()

    def _sweep(self) -> None:
        self._tables.expire(self.clock.now_ms() / 1000)
        self.clock.after(_SWEEP_SECONDS, self._sweep, background=True)


@cache
def _session() -> boto3.Session:
    """One for the process, since it reads the models of the services anew if it is made anew."""
    return boto3.Session()


_moto_waits: Callable[[Queue, int], None] = Queue.wait_for_messages


def _let_go_of(service: glacier.GlacierService) -> None:
    service.observe = None
    service.may_publish = lambda topic_arn, account_id: True
    service.faults = Faults()


_only = Lock()


@contextmanager
def _alone() -> Iterator[None]:
    if not _only.acquire(blocking=False):
        raise RuntimeError("one cloud at a time: what it stands on is the process's")
    try:
        yield
    finally:
        _only.release()
