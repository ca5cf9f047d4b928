"""Good messages, and malformed ones of every kind with the field that each has to be told about."""

import json
from typing import Any

from tests.unit.builders import MIB, archive_message, inventory_message

_RANGE = "jobParameters.RetrievalByteRange"
_PART = "jobParameters.InventoryRetrievalParameters"
_DATES = {"StartDate": "2013-03-20T17:03:43Z", "EndDate": "2014-03-20T17:03:43+02:00"}


def _part(**chosen: Any) -> dict[str, Any]:
    return inventory_message(jobParameters={"InventoryRetrievalParameters": chosen})


def _archive(**job: Any) -> dict[str, Any]:
    return archive_message(jobParameters=job)


def _without(message: dict[str, Any], *path: str) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(message))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return copy


GOOD: dict[str, dict[str, Any]] = {
    "plain": archive_message(),
    "no tier": _without(archive_message(), "jobParameters", "Tier"),
    "bulk": archive_message(tier="Bulk"),
    "expedited with a fallback": archive_message(tier="Expedited", expeditedFallback="Bulk"),
    "own account": archive_message(accountId="-"),
    "another account": archive_message(accountId="210987654321"),
    "range": _archive(RetrievalByteRange=f"{MIB}-{3 * MIB - 1}"),
    "range to the end": {**_archive(RetrievalByteRange=f"0-{MIB + 4}"), "archiveSizeInBytes": MIB + 5},
    "nulls": {
        **_archive(RetrievalByteRange=None, Description=None),
        "archiveSizeInBytes": None,
        "expeditedFallback": None,
        "context": None,
    },
    "longest description": _archive(Description="~" * 960),
    "empty description": _archive(Description=""),
    "largest archive": archive_message(archiveSizeInBytes=40 * 1024**4),
    "context": archive_message(context={"case": 7, "tags": ["ä", None, 1.5, True], "deep": {"er": {}}}),
    "context of 2,048 bytes": archive_message(context={"c": "x" * (2048 - 8)}),
    "longest names": archive_message("~" * 128, vaultName="v" * 255),
    "inventory": inventory_message(),
    "inventory as CSV": inventory_message(jobParameters={"Format": "CSV"}),
    "inventory in pages": {**_part(Limit="1000"), "followPages": True},
    "part of an inventory": _part(**_DATES, Limit="9999999999", Marker="m" * 1024),
    "empty part": _part(),
    "cancel": {"cancel": "request-1"},
}

MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    # What the schema says as well as the code.
    "empty object": ({}, "requestId"),
    "no request id": (_without(archive_message(), "requestId"), "requestId"),
    "empty request id": (archive_message(""), "requestId"),
    "request id with a space": (archive_message("a b"), "requestId"),
    "request id too long": (archive_message("a" * 129), "requestId"),
    "request id a number": (archive_message(requestId=7), "requestId"),
    "request id null": (archive_message(requestId=None), "requestId"),
    "request id with a control character": (archive_message("a\u0007"), "requestId"),
    "request id beyond ASCII": (archive_message("zürich"), "requestId"),
    "no vault": (_without(archive_message(), "vaultName"), "vaultName"),
    "vault with a slash": (archive_message(vaultName="a/b"), "vaultName"),
    "vault name too long": (archive_message(vaultName="v" * 256), "vaultName"),
    "account of 11 digits": (archive_message(accountId="12345678901"), "accountId"),
    "account a number": (archive_message(accountId=123456789012), "accountId"),
    "no job parameters": (_without(archive_message(), "jobParameters"), "jobParameters"),
    "job parameters a list": (archive_message() | {"jobParameters": []}, "jobParameters"),
    "job parameters null": (archive_message() | {"jobParameters": None}, "jobParameters"),
    "no type": (_without(archive_message(), "jobParameters", "Type"), "jobParameters.Type"),
    "unknown type": (_archive(Type="select"), "jobParameters.Type"),
    "type a list": (_archive(Type=["archive-retrieval"]), "jobParameters.Type"),
    "no archive id": (_without(archive_message(), "jobParameters", "ArchiveId"), "jobParameters.ArchiveId"),
    "empty archive id": (_archive(ArchiveId=""), "jobParameters.ArchiveId"),
    "archive id with a plus": (_archive(ArchiveId="a+b"), "jobParameters.ArchiveId"),
    "tier in lower case": (archive_message(tier="standard"), "jobParameters.Tier"),
    "unknown tier": (archive_message(tier="Instant"), "jobParameters.Tier"),
    "inventory Expedited": (inventory_message(tier="Expedited"), "jobParameters.Tier"),
    "an SNSTopic": (_archive(SNSTopic="arn:aws:sns:us-east-1:123456789012:mine"), "jobParameters.SNSTopic"),
    "select parameters": (_archive(SelectParameters={}), "jobParameters.SelectParameters"),
    "unknown field": (archive_message(priority=1), "priority"),
    "field in snake case": (archive_message(follow_pages=True), "follow_pages"),
    "misspelt field": (archive_message(expeditedFallBack="Bulk"), "expeditedFallBack"),
    "range of words": (_archive(RetrievalByteRange="first-last"), _RANGE),
    "range without an end": (_archive(RetrievalByteRange="0-"), _RANGE),
    "range a list": (_archive(RetrievalByteRange=[0, MIB - 1]), _RANGE),
    "range with a leading zero": (_archive(RetrievalByteRange="00-1048575"), _RANGE),
    "description a byte too long": (_archive(Description="d" * 961), "jobParameters.Description"),
    "description of 1,025 bytes": (_archive(Description="d" * 1025), "jobParameters.Description"),
    "description with a control character": (_archive(Description="a\tb"), "jobParameters.Description"),
    "description beyond ASCII": (_archive(Description="Fotos für Oma"), "jobParameters.Description"),
    "description a number": (_archive(Description=5), "jobParameters.Description"),
    "archive with a format": (_archive(Format="JSON"), "jobParameters.Format"),
    "archive with inventory parameters": (_archive(InventoryRetrievalParameters={}), _PART),
    "inventory with an archive": (inventory_message(jobParameters={"ArchiveId": "a"}), "jobParameters.ArchiveId"),
    "inventory as XML": (inventory_message(jobParameters={"Format": "XML"}), "jobParameters.Format"),
    "limit a number": (_part(Limit=1000), f"{_PART}.Limit"),
    "limit zero": (_part(Limit="0"), f"{_PART}.Limit"),
    "limit below zero": (_part(Limit="-1"), f"{_PART}.Limit"),
    "empty marker": (_part(Marker=""), f"{_PART}.Marker"),
    "unknown part": (_part(Prefix="a"), f"{_PART}.Prefix"),
    "size zero": (archive_message(archiveSizeInBytes=0), "archiveSizeInBytes"),
    "size below zero": (archive_message(archiveSizeInBytes=-1), "archiveSizeInBytes"),
    "size beyond Glacier's": (archive_message(archiveSizeInBytes=40 * 1024**4 + 1), "archiveSizeInBytes"),
    "size in words": (archive_message(archiveSizeInBytes="285544"), "archiveSizeInBytes"),
    "size a boolean": (archive_message(archiveSizeInBytes=True), "archiveSizeInBytes"),
    "size with a fraction": (archive_message(archiveSizeInBytes=1.5), "archiveSizeInBytes"),
    "fallback to Expedited": (archive_message(tier="Expedited", expeditedFallback="Expedited"), "expeditedFallback"),
    "follow pages in words": (inventory_message(followPages="yes"), "followPages"),
    "follow pages one": (inventory_message(followPages=1), "followPages"),
    "context a list": (archive_message(context=[1]), "context"),
    "context a string": (archive_message(context="case 7"), "context"),
    "cancel null": ({"cancel": None}, "cancel"),
    "cancel a list": ({"cancel": ["request-1"]}, "cancel"),
    "cancel nothing": ({"cancel": ""}, "cancel"),
    "cancel and ask": ({**archive_message(), "cancel": "request-1"}, "requestId"),
}

CODE_ONLY: dict[str, tuple[dict[str, Any], str]] = {
    # Across fields: the schema's description lists these checks.
    "range starts off by one": (_archive(RetrievalByteRange=f"1-{MIB - 1}"), _RANGE),
    "range ends before its start": (_archive(RetrievalByteRange=f"{2 * MIB}-{MIB - 1}"), _RANGE),
    "range ends off by one": ({**_archive(RetrievalByteRange=f"0-{MIB}"), "archiveSizeInBytes": 5 * MIB}, _RANGE),
    "range beyond the archive": ({**_archive(RetrievalByteRange=f"0-{MIB - 1}"), "archiveSizeInBytes": 5}, _RANGE),
    "fallback without Expedited": (archive_message(expeditedFallback="Bulk"), "expeditedFallback"),
    "follow the pages of an archive": (archive_message(followPages=True), "followPages"),
    "size of an inventory": (inventory_message(archiveSizeInBytes=5), "archiveSizeInBytes"),
    "context of 2,049 bytes": (archive_message(context={"c": "x" * (2049 - 8)}), "context"),
    "context of 200 kB": (archive_message(context={"c": "x" * 200_000}), "context"),
    "a size written 1024.0": (archive_message(archiveSizeInBytes=1024.0), "archiveSizeInBytes"),
    "a date that is none": (_part(StartDate="yesterday"), f"{_PART}.StartDate"),
    "a date without a zone": (_part(EndDate="2013-03-20T17:03:43"), f"{_PART}.EndDate"),
    "a date before UTC's first": (_part(StartDate="0001-01-01T00:00:00+02:00"), f"{_PART}.StartDate"),
    "a date after UTC's last": (_part(EndDate="9999-12-31T23:59:59-02:00"), f"{_PART}.EndDate"),
    "dates the wrong way round": (
        _part(StartDate=_DATES["EndDate"], EndDate=_DATES["StartDate"]),
        f"{_PART}.EndDate",
    ),
    "a span within a millisecond": (
        _part(StartDate="2013-03-20T17:03:43.0001Z", EndDate="2013-03-20T17:03:43.0009Z"),
        f"{_PART}.EndDate",
    ),
    "an empty span": (_part(StartDate=_DATES["StartDate"], EndDate=_DATES["StartDate"]), f"{_PART}.EndDate"),
}

NOT_EVEN_OBJECTS: dict[str, str] = {
    "nothing": "",
    "words": "please restore my photos",
    "half an object": '{"requestId": "a"',
    "two objects": "{} {}",
    "XML": "<request/>",
    "single quotes": "{'cancel': 'a'}",
    "a byte order mark": "\ufeff{}",
    "NaN": '{"cancel": NaN}',
    "a number of 5,000 digits": '{"archiveSizeInBytes": ' + "9" * 5000 + "}",
    "100,000 brackets": "[" * 100_000,
    "a list": "[]",
    "a string": '"cancel"',
    "a number": "42",
    "null": "null",
    "true": "true",
}
