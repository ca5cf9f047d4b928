"""Faults that were found in other tools for Glacier vaults, done to ours; docs/faults-of-others.md has all of them."""

import ast
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from local.calls import Call, Perform, error_reply
from local.processes import Died
from tests.end_to_end.user import User

SETTINGS = {"maxUnits": 0}
ROOT = Path(__file__).resolve().parents[2]
_ALL_SERVICES_CODES = {
    "ThrottlingException",
    "AccessDeniedException",
    "ExpiredTokenException",
    "InvalidSignatureException",
}
"""Errors that every service of AWS's has, and so no service's model."""


@contextmanager
def struck(user: User, strike: Callable[[Call, Perform], AWSResponse]) -> Iterator[None]:
    user.cloud.calls.strike = strike
    try:
        yield
    finally:
        user.cloud.calls.strike = None


class DiesOnce:
    """A process that dies at its first call of an operation, before it is made or once it was."""

    def __init__(self, actor: str, operation: str, *, before: bool, nth: int = 1) -> None:
        self.actor, self.operation, self.before = actor, operation, before
        self.calls_to_go = nth
        self.died = False

    def __call__(self, call: Call, perform: Perform) -> AWSResponse:
        if (call.actor, call.operation) != (self.actor, self.operation) or self.died:
            return perform()
        self.calls_to_go -= 1
        if self.calls_to_go:
            return perform()
        self.died = True
        if not self.before:
            perform()
        raise Died


def assert_ended_well(user: User, *names: str) -> None:
    """Each has one end that is a success, and nothing is left open or dead; a death is an error of its function's."""
    for name in names:
        assert user.story(name)[-1] == "Succeeded"
        assert user.story(name).count("Succeeded") == 1
    assert user.cloud.dead_letters() == {}
    assert [item["id"]["S"] for item in user.cloud.items() if "dueAt" in item] == []
    assert {result.error["errorType"] for _, result in user.cloud.errors if result.error} <= {"Runtime.ExitError"}


@pytest.mark.parametrize("before", [True, False])
def test_a_crash_between_the_write_of_a_state_and_the_message_about_it(user: User, before: bool) -> None:
    dies = DiesOnce("initiate", "SendMessage", before=before)
    user.faults.fail("InitiateJob", "ThrottlingException")
    with struck(user, dies):
        user.ask("r1", user.archive())
        user.wait_for_the_end("r1")
    assert dies.died
    assert len(user.jobs) == 1
    assert_ended_well(user, "r1")


def test_a_failed_write_in_a_batch_and_the_batchs_retry(user: User) -> None:
    """Five archives, one batch; what is written once the third job is started fails for ten minutes."""
    started: list[str] = []
    failed: list[Call] = []

    def fails(call: Call, perform: Perform) -> AWSResponse:
        if call.operation == "InitiateJob":
            started.append(call.instance)
        if call.service == "dynamodb" and call.actor == "initiate" and len(started) >= 3 and user.cloud.now < until:
            failed.append(call)
            return error_reply("InternalServerError", "told by the test", status=500)
        return perform()

    names = [f"r{number}" for number in range(5)]
    until = user.cloud.now.replace(minute=10)
    with struck(user, fails):
        for name, archive in zip(names, user.archives(5), strict=True):
            user.ask(name, archive)
        user.wait_for_the_end(*names)
    assert failed
    assert len(set(started[:5])) == 1, "one batch"
    assert user.calls("reconcile", "ListJobs") > 0, "what could not be written is found"
    assert len(user.jobs) == 5, "a job for each archive, and no second one"
    assert user.cloud.events_of("Duplicate Job") == []
    for name in names:
        assert user.story(name)[-1] == "Succeeded"


@pytest.mark.parametrize(
    ("actor", "operation"), [("complete", "UpdateItem"), ("publish", "PutEvents"), ("initiate", "UpdateItem")]
)
@pytest.mark.parametrize("before", [True, False])
def test_a_crash_at_the_last_call(user: User, actor: str, operation: str, before: bool) -> None:
    dies = DiesOnce(actor, operation, before=before)
    archive = user.archive()
    if actor == "initiate":  # which updates a record where it claims one that waited
        user.faults.fail("InitiateJob", "ThrottlingException")
    with struck(user, dies):
        user.ask("r1", archive)
        user.wait_for_the_end("r1")
        user.wait(hours=1)
    assert dies.died
    assert len(user.jobs) == 1
    assert_ended_well(user, "r1")
    ids = {event.detail["eventId"] for event in user.cloud.events_of("Retrieval Succeeded")}
    assert len(ids) == 1, "told again, it is the same event"


def _glaciers_codes() -> list[str]:
    """Every error that Glacier can answer InitiateJob with, by botocore's model and beside it."""
    model = boto3.Session().client("glacier", region_name="us-east-1").meta.service_model
    return sorted({shape.name for shape in model.operation_model("InitiateJob").error_shapes} | _ALL_SERVICES_CODES)


@pytest.mark.parametrize("code", _glaciers_codes())
def test_an_error_under_the_name_that_it_really_has(user: User, code: str) -> None:
    user.faults.fail("InitiateJob", code)
    user.ask("r1", user.archive())
    user.wait_for_the_end("r1")
    told = user.told("r1", "Retrieval Delayed") + user.told("r1", "Retrieval Failed")
    assert {detail["reason"]["code"] for detail in told} == {code}
    assert len(user.jobs) == (user.story("r1")[-1] == "Succeeded")
    user.assert_settled()


def test_each_fault_in_the_list_has_its_tests() -> None:
    page = (ROOT / "docs" / "faults-of-others.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!fault|---)(.+?) \| .+? \| (.+?) \|$", page, re.MULTILINE)
    assert len(rows) >= 15
    for fault, tests in rows:
        named = re.findall(r"`(\w+)::(\w+)`", tests)
        assert named, fault
        for module, test in named:
            tree = ast.parse((ROOT / "tests" / "end_to_end" / f"{module}.py").read_text(encoding="utf-8"))
            assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{fault}: {test}"
