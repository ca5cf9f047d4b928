"""How many cases are drawn: `make fuzz CASES=100000`, and some hundred in every run of the tests."""

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings

from local.cloud import Cloud
from local.functions import Result
from local.stock import Stock
from tests.end_to_end.user import OWN_ACCOUNT, User
from tests.fuzz.mutations import OUTSIZED, SECRET

CASES = int(os.environ.get("FUZZ_CASES", "360"))
AT_ONCE = 30
"""So many cases are sent together, and reach the functions in batches."""
_KINDS = 4
"""Requests, notifications, records of the table, and of its stream."""
_PARTS = -(-CASES // 6_000)
"""Hypothesis keeps in mind all that a test has drawn: gigabytes, were it drawn by one."""

_LONGEST_LINE = 2_000
_LONGEST_TRACEBACK = 8_000
"""Lines that say what went wrong name each frame twice, and a line of pydantic's for each field: some 5,000 characters
were seen, of others 700."""
_OF_OUTSIZED = OUTSIZED[:400]
_OF_SECRET = SECRET.split(",", maxsplit=1)[0]
"""A log may cut what it shows."""

settings.register_profile(
    "fuzz",
    max_examples=-(-CASES // (_KINDS * AT_ONCE * _PARTS)),
    deadline=None,
    derandomize=CASES < 10_000,
    database=None,
    phases=[Phase.generate],  # a case goes through five functions: to shrink it would take an hour
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


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


def assert_nothing_broke(cloud: Cloud) -> None:
    """No invocation ended in an error, and no log shows what it must not."""
    assert not cloud.errors, "\n".join(_where(label, result) for label, result in cloud.errors[:3])
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
