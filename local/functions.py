"""Lambda: invokes the deployed functions in execution environments, cold or warm, and ends those that take too long."""

from __future__ import annotations

import json
import traceback
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from local.clock import Clock
from local.deploy import ACCOUNT_ID, REGION, Deployment
from local.environments import Environment, FunctionConfig, Log, new_log, preload
from local.processes import Died, Process
from local.roles import Needed, Roles

ACCOUNT_CONCURRENCY = 10
"""What a new account may run at once."""
_ASYNC_RETRY_SECONDS = (60, 120)
_THROTTLED_RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class Result:
    """What an invocation gave: the handler's value as it comes back through JSON, or an error."""

    payload: Any
    error: Mapping[str, Any] | None
    """`errorType`, `errorMessage` and perhaps `stackTrace`, as Lambda reports a function's error."""
    request_id: str

    @property
    def ok(self) -> bool:
        return self.error is None


Done = Callable[[Result], None]


@dataclass
class Context:
    """What Lambda hands to a handler beside the event."""

    config: FunctionConfig
    aws_request_id: str
    log_stream_name: str
    deadline_ms: int
    clock: Clock
    client_context: None = None
    identity: None = None
    function_version: str = "$LATEST"

    @property
    def function_name(self) -> str:
        return self.config.name

    @property
    def invoked_function_arn(self) -> str:
        return self.config.arn

    @property
    def memory_limit_in_mb(self) -> str:
        return str(self.config.memory_mb)

    @property
    def log_group_name(self) -> str:
        return self.config.log_group

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self.deadline_ms - self.clock.now_ms())


class Lambda:
    """All functions of the deployment."""

    def __init__(self, clock: Clock, deployment: Deployment, roles: Roles) -> None:
        self.clock = clock
        self.roles = roles
        self.configs = {config.name: config for config in _configs(deployment)}
        self.logs: dict[str, Log] = {config.label: new_log() for config in self.configs.values()}
        self.concurrency = ACCOUNT_CONCURRENCY
        self.on_start: Callable[[Environment], None] = lambda environment: None
        """Told of each invocation before its handler runs."""
        self.on_error: Callable[[FunctionConfig, Result], None] = lambda config, result: None
        """Told of each invocation that ended in an error."""
        self.lose_result: Callable[[Environment], bool] = lambda environment: False
        """Whether the result of an invocation that went well gets lost, so that Lambda takes it for failed."""
        self.make_environment: Callable[[FunctionConfig, str, Clock, Log], Environment] = Environment
        self.on_reset: Callable[[], None] = lambda: None
        """Told when all environments are gone."""
        self.idle_seconds = 15.0 * 60
        """How long an environment without work is kept; Lambda does not say."""
        for config in self.configs.values():
            preload(config, clock)
        self._idle: dict[str, list[Environment]] = defaultdict(list)
        self._busy: list[Environment] = []
        self._started = 0

    def config_of(self, name_or_arn: str) -> FunctionConfig:
        return self.configs[name_or_arn.split(":")[6] if name_or_arn.startswith("arn:") else name_or_arn]

    def act(self, function: str, needed: Iterable[Needed]) -> None:
        """Lambda does this in the function's name."""
        self.roles.act(self.config_of(function).role, needed)

    @property
    def running(self) -> int:
        """How many invocations are under way."""
        return len(self._busy)

    @property
    def environments(self) -> list[Environment]:
        return [*self._busy, *(environment for idle in self._idle.values() for environment in idle)]

    def reset(self) -> None:
        """Ends everything that runs and forgets all environments and logs."""
        busy, self._busy = self._busy, []
        for environment in busy:
            environment.kill()
        self._idle.clear()
        self._started = 0
        for log in self.logs.values():
            log.clear()
        self.on_reset()

    def invoke(self, function: str, event: object, done: Done, *, awaited: bool = True) -> bool:
        """Invokes a function; `done` is called when it has ended. False if it was throttled, and then it is not.

        Args:
            awaited: whether someone waits for the result, and so may not get it.
        """
        if len(self._busy) >= self.concurrency:
            return False
        config = self.config_of(function)
        self.roles.act(config.role, needed_to_run(config))
        environment = self._environment(config)
        self._busy.append(environment)
        context = Context(
            config,
            str(uuid.uuid4()),
            environment.instance,
            self.clock.now_ms() + round(config.timeout_seconds * 1000),
            self.clock,
        )
        ended = partial(self._ended, environment, done, awaited)
        out_of_time = self.clock.at_ms(context.deadline_ms, lambda: ended(_timed_out(context)))
        payload = json.dumps(event)

        def run() -> None:
            try:
                result = _run(environment, payload, context)
            except Died:
                environment.dead = True
                result = _crashed(context)
            self.clock.cancel(out_of_time)
            ended(result)

        environment.process = Process(self.clock, run, environment.entered, owner=environment)
        self.on_start(environment)
        environment.process.resume()
        return True

    def invoke_async(self, function: str, event: object, attempt: int = 0, first_ms: int | None = None) -> None:
        """Invokes a function as a schedule does: nobody waits, and Lambda itself tries again what failed."""
        first_ms = self.clock.now_ms() if first_ms is None else first_ms
        config = self.config_of(function)

        def again(seconds: float, attempts: int) -> None:
            if self.clock.now_ms() + seconds * 1000 - first_ms <= config.max_event_age_seconds * 1000:
                self.clock.after(seconds, lambda: self.invoke_async(function, event, attempts, first_ms))

        def done(result: Result) -> None:
            if not result.ok and attempt < config.max_retries:
                again(_ASYNC_RETRY_SECONDS[attempt], attempt + 1)

        if not self.invoke(function, event, done, awaited=False):
            again(_THROTTLED_RETRY_SECONDS, attempt)

    def _environment(self, config: FunctionConfig) -> Environment:
        idle = self._idle[config.name]
        earliest_ms = self.clock.now_ms() - self.idle_seconds * 1000
        while idle and idle[0].idle_since_ms < earliest_ms:
            idle.pop(0).kill()
        if idle:
            return idle.pop()
        self._started += 1
        return self.make_environment(config, f"{config.label}#{self._started}", self.clock, self.logs[config.label])

    def _ended(self, environment: Environment, done: Done, awaited: bool, result: Result) -> None:
        if environment not in self._busy:
            return
        self._busy.remove(environment)
        if result.error is not None:
            self.on_error(environment.config, result)
            self.logs[environment.actor].append((self.clock.now_ms(), json.dumps(result.error)))
        if environment.dead or environment.handler is None or (result.error or {}).get("errorType") == _TIMED_OUT:
            environment.kill()
        else:
            environment.idle_since_ms = self.clock.now_ms()
            self._idle[environment.config.name].append(environment)
            if result.ok and awaited and self.lose_result(environment):
                result = _lost(result.request_id)
        self.clock.after(0, lambda: done(result))


def needed_to_run(config: FunctionConfig) -> Iterator[Needed]:
    """What Lambda does in the function's name at each invocation: its log and its trace."""
    log_stream = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{config.log_group}:log-stream:1"
    yield "logs:CreateLogStream", log_stream
    yield "logs:PutLogEvents", log_stream
    if config.traced:
        yield "xray:PutTraceSegments", "*"
        yield "xray:PutTelemetryRecords", "*"


_TIMED_OUT = "Sandbox.Timedout"


def _run(environment: Environment, payload: str, context: Context) -> Result:
    """The handler's value or its error; as in Lambda both pass through JSON."""
    try:
        if environment.handler is None:
            environment.load()
        assert environment.handler is not None
        value = environment.handler(json.loads(payload), context)
        return Result(json.loads(json.dumps(value)), None, context.aws_request_id)
    except (Exception, SystemExit) as error:  # noqa: BLE001  whatever a function raises is its result
        shown = {
            "errorType": type(error).__name__,
            "errorMessage": str(error),
            "stackTrace": traceback.format_tb(error.__traceback__),
        }
        return Result(None, shown, context.aws_request_id)


def _timed_out(context: Context) -> Result:
    message = (
        f"RequestId: {context.aws_request_id} Error: Task timed out after {context.config.timeout_seconds:.2f} seconds"
    )
    return Result(None, {"errorType": _TIMED_OUT, "errorMessage": message}, context.aws_request_id)


def _crashed(context: Context) -> Result:
    message = f"RequestId: {context.aws_request_id} Error: Runtime exited without providing a reason"
    return Result(None, {"errorType": "Runtime.ExitError", "errorMessage": message}, context.aws_request_id)


def _lost(request_id: str) -> Result:
    message = f"RequestId: {request_id} Error: the result was lost"
    return Result(None, {"errorType": "Runtime.ResultLost", "errorMessage": message}, request_id)


def _configs(deployment: Deployment) -> list[FunctionConfig]:
    retries = {
        config.properties["FunctionName"]: config.properties
        for config in deployment.of_type("AWS::Lambda::EventInvokeConfig")
    }
    return [
        FunctionConfig(
            name=resource.physical_id,
            arn=f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{resource.physical_id}",
            handler=resource.properties["Handler"],
            code=deployment.code[resource.properties["Code"]["S3Key"]],
            timeout_seconds=float(resource.properties.get("Timeout", 3)),
            memory_mb=int(resource.properties.get("MemorySize", 128)),
            variables={k: str(v) for k, v in resource.properties.get("Environment", {}).get("Variables", {}).items()},
            role=resource.properties["Role"].rpartition("/")[2],
            log_group=resource.properties.get("LoggingConfig", {}).get(
                "LogGroup", f"/aws/lambda/{resource.physical_id}"
            ),
            traced=resource.properties.get("TracingConfig", {}).get("Mode") == "Active",
            max_retries=int(retries.get(resource.physical_id, {}).get("MaximumRetryAttempts", 2)),
            max_event_age_seconds=float(
                retries.get(resource.physical_id, {}).get("MaximumEventAgeInSeconds", 6 * 3600)
            ),
        )
        for resource in deployment.of_type("AWS::Lambda::Function")
    ]
