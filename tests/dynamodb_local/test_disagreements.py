"""moto's DynamoDB, as local/ mends it, against AWS's own: the same calls, replies, stream records and costs.

Where they disagree, docs/dynamodb-local.md has the case by its name; a test compares.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import Cloud
from local.dynamodb_local.tables import ENDPOINT_VARIABLE
from tests.dynamodb_local.cases import CASES, Call
from tests.local.small_stack import write_assembly

pytestmark = pytest.mark.skipif(ENDPOINT_VARIABLE not in os.environ, reason="DynamoDB Local does not run")

_BESIDE = ("ResponseMetadata", "ConsumedCapacity", "ItemCollectionMetrics")  # moto tells the last two unasked
PAGE = Path(__file__).parents[2] / "docs" / "dynamodb-local.md"

Outcomes = dict[str, list[Any]]
"""By the case: what each call gave, then what the stream told, then what it cost."""


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_assembly(tmp_path_factory.mktemp("assembly") / "cdk.out")


@pytest.fixture(scope="module")
def on_aws_engine(assembly: Path) -> Outcomes:
    with Cloud(assembly=assembly) as cloud:
        return _outcomes(cloud)


@pytest.fixture(scope="module")
def on_moto(assembly: Path) -> Outcomes:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(ENDPOINT_VARIABLE)
        with Cloud(assembly=assembly) as cloud:
            return _outcomes(cloud)


def _outcomes(cloud: Cloud) -> Outcomes:
    records: list[Any] = []
    cloud._tables.on_record = lambda table, record: records.append(record)
    outcomes: Outcomes = {}
    for name, calls in CASES.items():
        cloud.reset()
        records.clear()
        outcomes[name] = [_outcome(cloud, call) for call in calls] + [_told(records), cloud.meter.units]
    return outcomes


def _outcome(cloud: Cloud, call: Call) -> Any:
    operation, given = call
    try:
        reply = getattr(cloud.client("dynamodb"), operation)(**_on_the_table(cloud.outputs["TableName"], given))
    except ClientError as refused:
        shown = {name: refused.response.get(name) for name in ("Item", "CancellationReasons")}
        return refused.response["Error"]["Code"], shown
    except Exception as error:  # noqa: BLE001  moto may break in any way on what it does not expect
        return type(error).__name__
    return _comparable({name: value for name, value in reply.items() if name not in _BESIDE})


def _on_the_table(name: str, given: Any) -> dict[str, Any]:
    """The parameters with the table's name where the operation takes it."""
    if "Keys" in given:
        return {"RequestItems": {name: given}}
    if "TransactItems" not in given:
        return {"TableName": name, **given}
    steps = [{kind: {"TableName": name, **parts} for kind, parts in step.items()} for step in given["TransactItems"]]
    return {**given, "TransactItems": steps}


def _told(records: list[Any]) -> list[Any]:
    images = ("OldImage", "NewImage")
    return [(each["eventName"], *(_comparable(each["dynamodb"].get(name)) for name in images)) for each in records]


def _comparable(value: Any) -> Any:
    """Without the order of sets, which has no meaning."""
    if isinstance(value, dict):
        return {k: sorted(v) if k in ("SS", "NS") else _comparable(v) for k, v in value.items()}
    return [_comparable(member) for member in value] if isinstance(value, list) else value


def test_those_that_disagree_are_those_written_down(on_moto: Outcomes, on_aws_engine: Outcomes) -> None:
    disagree = {name for name in CASES if on_moto[name] != on_aws_engine[name]}
    written = set(re.findall(r"^\| \*(.+?)\* \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    for name in sorted(disagree ^ written):
        print(f"{name}\n  moto:  {on_moto.get(name)}\n  local: {on_aws_engine.get(name)}")
    assert disagree == written


def test_the_cases_are_what_they_say(on_aws_engine: Outcomes) -> None:
    """Enough of them are allowed wholly, so that more than the codes of errors is compared."""
    allowed = [name for name, (*replies, _, _) in on_aws_engine.items() if all(isinstance(r, dict) for r in replies)]
    assert len(allowed) > len(CASES) / 3
