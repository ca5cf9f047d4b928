"""How many cases are drawn: `make fuzz CASES=100000`, and some hundred in every run of the tests."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from local.cloud import Cloud
from local.functions import Result
from local.stock import Stock
from simulation.promises.remains import no_function_breaks
from tests.end_to_end.user import OWN_ACCOUNT, User
from tests.fuzz.mutations import OUTSIZED, SECRET

CASES = int(os.environ.get("FUZZ_CASES", "360"))
AT_ONCE = 30
"""So many cases are sent together, and reach the functions in batches."""
_KINDS = 3
"""Requests, notifications and records of the stream: the cases are divided among these. Records of the table, which
nobody but Thaw should write, come on top, a third as many as of each."""
_PARTS = -(-CASES // 4_500)
"""Hypothesis keeps in mind all that a test has drawn: gigabytes, were it drawn by one."""
_EXAMPLES = -(-CASES // (_KINDS * AT_ONCE * _PARTS))

_LONGEST_LINE = 2_000
_LONGEST_TRACEBACK = 8_000
"""Lines that say what went wrong name each frame twice, and a line of pydantic's for each field: some 5,000 characters
were seen, of others 700."""
_OF_OUTSIZED = OUTSIZED[:400]
WITH_SECRET: dict[str, Any] = {"context": {"token": SECRET}}
"""What no function may log of a request."""
_OF_SECRET = SECRET.split(",", maxsplit=1)[0]
"""A log may cut what it shows."""

settings.register_profile(
    "fuzz",
    max_examples=_EXAMPLES,
    deadline=None,
    derandomize=_PARTS == 1,  # its parts would draw the same
    database=None,
    phases=[Phase.generate],  # a case goes through five functions: to shrink it would take an hour
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
settings.register_profile("fuzz on top", settings.get_profile("fuzz"), max_examples=-(-_EXAMPLES // 3))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "part" in metafunc.fixturenames:
        metafunc.parametrize("part", range(_PARTS))


@pytest.fixture(scope="module")
def deployed(stock: Stock) -> Iterator[Cloud]:
    with Cloud(settings={"maxUnits": 0}, stock=stock) as cloud:
        yield cloud


def fresh(cloud: Cloud) -> User:
    """Someone with a vault named photos, in a cloud as it was just deployed."""
    cloud.reset(seed=1)
    cloud.glacier.settings.inventories = "always"
    user = User(cloud)
    user.create_vault("photos", OWN_ACCOUNT)
    return user


@contextmanager
def no_ticks(cloud: Cloud) -> Iterator[None]:
    """The schedules wake nobody meanwhile: where all goes well there is nothing for them, and a run takes half the
    time."""
    for schedule in cloud.wiring.schedules:
        schedule.enabled = False
    try:
        yield
    finally:
        for schedule in cloud.wiring.schedules:
            schedule.enabled = True


def work_of_most_kinds(user: User) -> None:
    """What leaves records of most kinds, beside an archive that was asked for already."""
    user.ask("expedited", user.archive(), "Expedited", **WITH_SECRET)
    user.ask_inventory("inventory", {"Limit": "2"}, followPages=True, **WITH_SECRET)
    user.send({"requestId": "bad"})
    user.cancel("never-came")
    user.wait(minutes=6)
    with no_ticks(user.cloud):
        user.wait(hours=5)


def assert_nothing_broke(cloud: Cloud, *meant: str) -> None:
    """No invocation ended in an error, no message failed with one but those that are meant (by their names), and no log
    shows what it must not."""
    assert not cloud.errors, "\n".join(_where(label, result) for label, result in cloud.errors[:3])
    broken = list(no_function_breaks(cloud, meant))
    assert not broken, "\n".join(violation.what[:_LONGEST_TRACEBACK] for violation in broken[:3])
    for function in ("initiate", "top_up", "complete", "reconcile", "publish"):
        for line in cloud.logs(function):
            assert _OF_SECRET not in line.lower(), f"{function} logs a payload: {line[:400]}"
            assert _OF_OUTSIZED not in line, f"{function} logs an outsized value: {line[:400]}"
            limit = _LONGEST_TRACEBACK if '"exception"' in line or '"stackTrace"' in line else _LONGEST_LINE
            assert len(line) < limit, f"{function} logs {len(line)} characters: {line[:400]}"


def assert_still_works(user: User, request_id: str = "good") -> None:
    """A good request goes through all the same."""
    user.ask(request_id, user.archive())
    user.cloud.run_until(lambda: user.told(request_id, "Retrieval Initiated"), timedelta(minutes=10))


def _where(label: str, result: Result) -> str:
    error = result.error or {}
    return f"{label}: {error.get('errorMessage')}\n{''.join(error.get('stackTrace', [])[-3:])}"
