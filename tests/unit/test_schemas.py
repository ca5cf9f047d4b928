"""The published schemas: made from the code, and saying what the code does."""

import json

import pytest
from jsonschema import Draft202012Validator

from docs import schemas
from tests.unit.corpus import CODE_ONLY, GOOD, MALFORMED
from tests.unit.published import DOCS, requests, schema
from thaw.event_details import DETAIL_MODELS


@pytest.mark.parametrize("name", schemas.FILES)
def test_the_files_are_what_the_code_makes(name: str) -> None:
    on_disk = (DOCS / name).read_text(encoding="utf-8")
    assert on_disk == schemas.as_text(schemas.FILES[name]()), "run `python docs/schemas.py`"


@pytest.mark.parametrize("name", ["request", "events"])
def test_they_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("name", GOOD)
def test_good_messages_keep_to_the_schema(name: str) -> None:
    requests().validate(GOOD[name])


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_messages_break_the_schema(name: str) -> None:
    assert not requests().is_valid(MALFORMED[name][0])


@pytest.mark.parametrize("name", CODE_ONLY)
def test_what_only_the_code_can_check_is_beside_the_schema(name: str) -> None:
    assert requests().is_valid(CODE_ONLY[name][0])


def test_every_detail_type_has_its_shape_and_every_field_is_told() -> None:
    events = schema("events")
    assert [shape["title"] for shape in events["oneOf"]] == list(DETAIL_MODELS)
    for shape in events["$defs"].values():
        assert set(shape["required"]) == set(shape["properties"])
        assert shape["additionalProperties"] is False


def test_an_event_fits_one_shape_only() -> None:
    event = {
        "source": "thaw",
        "detail-type": "Capacity Purchased",
        "id": "d1f3",
        "detail": {
            "eventId": "0" * 32,
            "sequence": 3,
            "capacityId": "unit",
            "startDate": "2026-01-01T00:00:00.000Z",
            "expirationDate": "2026-02-01T00:00:00.000Z",
            "reason": None,
        },
    }
    whole = Draft202012Validator(schema("events"))
    whole.validate(event)
    assert not whole.is_valid({**event, "detail-type": "Capacity Short"})
    assert not whole.is_valid({**event, "source": "aws.glacier"})
    assert not whole.is_valid({**event, "detail": {**event["detail"], "price": 100}})  # type: ignore[dict-item]
    assert not whole.is_valid(json.loads("{}"))
