"""Requests out of files: every format, what is wrong in them, and that size does not matter."""

import json
import random
import re
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.checking import check
from cli.errors import Problem
from cli.faults import Fault
from cli.inventory_file import CSV_HEADER, Filters
from cli.output import Output
from cli.request_file import Asked, Given, Kind, RequestFile
from cli.rows import is_csv
from local.glacier.archives import Archive
from local.glacier.content import SyntheticContent
from local.glacier.inventory import render
from tests.cli.inventories import write_inventory
from thaw.byte_range import MIB

ARCHIVE = "archive-1"
ARN = "arn:aws:glacier:us-east-1:123456789012:vaults/photos"
_NOTHING = Given()
JOB = {"Type": "archive-retrieval", "ArchiveId": ARCHIVE}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


def read(path: Path, given: Given = _NOTHING) -> tuple[list[Asked], list[str]]:
    """What there is in a file, and the faults, without the file's name."""
    faults: list[Fault] = []
    found = list(RequestFile(str(path), given).requests(faults.append))
    return found, [str(fault).removeprefix(str(path)) for fault in faults]


def archives_of(found: list[Asked]) -> list[object]:
    return [asked.request.job_parameters.model_dump()["ArchiveId"] for asked in found]


# ------------------------------------------------------------------------------------------------- the formats


def test_json_lines(path: Path) -> None:
    lines = [
        {"requestId": "mine", "vaultName": "photos", "jobParameters": JOB, "context": {"nothing": None}},
        {"jobParameters": {**JOB, "Tier": "Expedited"}},
    ]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n".join(map(json.dumps, lines)).encode())
    found, faults = read(path, Given(vault="other", tier="Bulk", fallback="Standard", batch="may"))
    assert faults == []
    assert [asked.place.removeprefix(str(path)) for asked in found] == [":1", ":3"]
    first, second = (asked.request for asked in found)
    assert (first.request_id, first.vault_name, first.tier, first.expedited_fallback) == (
        "mine",
        "photos",
        "Bulk",
        None,
    )
    assert (second.vault_name, second.tier, second.expedited_fallback) == ("other", "Expedited", "Standard")
    assert re.fullmatch("may-[0-9a-f]{32}", second.request_id)
    assert json.loads(found[0].body)["context"] == {"nothing": None}


def test_csv(path: Path) -> None:
    context = '"{""ticket"":\n\n""a,b""}"'
    rows = ["vaultName,ArchiveID,archiveSizeInBytes,retrievalByteRange,context,tier"]
    rows += ["", f"photos,{ARCHIVE},{3 * MIB},0-{MIB - 1},{context},Bulk", "photos,archive-2,,,,"]
    path.write_text("\n".join(rows))
    found, faults = read(path)
    assert faults == []
    assert found[0].request.context == {"ticket": "a,b"}
    assert found[0].request.archive_size_in_bytes == 3 * MIB
    assert archives_of(found) == [ARCHIVE, "archive-2"]
    assert [asked.place for asked in found] == [f"{path}:3", f"{path}:6"]
    assert [asked.request.tier for asked in found] == ["Bulk", "Standard"]


def test_a_json_inventory_says_whose_it_is(path: Path) -> None:
    write_inventory(path, "photos", {"ArchiveId": ARCHIVE, "Size": 5})
    found, _ = read(path)
    assert found[0].place == f"{path}, archive 1"
    assert found[0].request.model_dump(include={"account_id", "vault_name", "archive_size_in_bytes"}) == {
        "account_id": "123456789012",
        "vault_name": "photos",
        "archive_size_in_bytes": 5,
    }
    path.write_text(json.dumps(json.loads(path.read_text()), indent=2))
    assert read(path)[0] == found


descriptions = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)


@settings(max_examples=60)
@given(st.lists(descriptions, min_size=1, max_size=5))
def test_both_formats_of_an_inventory_are_the_same(tmp_path_factory: pytest.TempPathFactory, said: list[str]) -> None:
    made_at = datetime(2026, 1, 1, tzinfo=UTC)
    archives = [Archive(f"archive-{n}", n, SyntheticContent(10 + n, n), text, made_at) for n, text in enumerate(said)]
    folder = tmp_path_factory.getbasetemp()
    for suffix in ("JSON", "CSV"):
        (folder / suffix).write_bytes(render(suffix, ARN, made_at, archives))
    given = Given(vault="photos", account_id="123456789012")
    in_json, in_csv = (read(folder / suffix, given) for suffix in ("JSON", "CSV"))
    assert in_json[1] == in_csv[1] == []
    assert [asked.request for asked in in_json[0]] == [asked.request for asked in in_csv[0]]
    nothing_of_the_account = read(folder / "CSV", Given(vault="photos"))[0]
    assert [asked.request.request_id for asked in in_json[0]] == [
        asked.request.request_id for asked in nothing_of_the_account
    ]
    for text in said:
        filters = Given(vault="photos", filters=Filters(regex=re.compile(rf"\A{re.escape(text)}\Z")))
        if '"' not in text and "\\" not in text:  # which CSV can't always tell
            assert len(read(folder / "JSON", filters)[0]) == len(read(folder / "CSV", filters)[0]) == said.count(text)


# --------------------------------------------------------------------------------------------------- the filters


@pytest.mark.parametrize(
    ("filters", "chosen"),
    [
        (Filters(glob="photos/2019/*"), [0, 2]),
        (Filters(glob="photos/2019"), []),
        (Filters(regex=re.compile("20$|^docs")), [1, 3]),
        (Filters(created_from=datetime(2019, 6, 1, tzinfo=UTC)), [1, 3]),
        (Filters(created_until=datetime(2019, 6, 1, tzinfo=UTC)), [0, 2]),
        (Filters(larger_bytes=20), [1, 2, 3]),
        (Filters(smaller_bytes=20), [0]),
        (Filters(glob="photos/*", larger_bytes=20, smaller_bytes=30), [1]),
    ],
)
def test_filters_choose_from_an_inventory(path: Path, filters: Filters, chosen: list[int]) -> None:
    table = [
        ("photos/2019/a", "2019-01-01T00:00:00Z", 10),
        ("photos/2020/20", "2019-06-01T00:00:00Z", 20),
        ("photos/2019/b", "2019-05-31T23:59:59.999Z", 30),
        ("docs", "2021-01-01T00:00:00Z", 40),
    ]
    listed = [
        {"ArchiveId": str(number), "ArchiveDescription": text, "CreationDate": created, "Size": size}
        for number, (text, created, size) in enumerate(table)
    ]
    write_inventory(path, "photos", *listed)
    assert archives_of(read(path, Given(filters=filters))[0]) == [str(number) for number in chosen]


# ------------------------------------------------------------------------------------------------------- the ids


def test_an_id_tells_what_is_retrieved_and_not_how(path: Path) -> None:
    def request_id(line: dict[str, object], given: Given = _NOTHING) -> str:
        path.write_text(json.dumps(line))
        return read(path, given)[0][0].request.request_id

    line: dict[str, object] = {"vaultName": "photos", "jobParameters": JOB}
    same = [
        request_id(line),
        request_id({**line, "archiveSizeInBytes": 7, "context": {}}),
        request_id({"vaultName": "photos", "jobParameters": {**JOB, "Tier": "Bulk"}}),
        request_id({**line, "accountId": "123456789012"}),
    ]
    others = [
        request_id({**line, "vaultName": "other"}),
        request_id({**line, "jobParameters": {**JOB, "RetrievalByteRange": "0-1048575"}}),
        request_id({**line, "jobParameters": {"Type": "inventory-retrieval"}}),
        request_id({**line, "jobParameters": {"Type": "inventory-retrieval"}, "followPages": True}),
        request_id(line, Given(batch="may")),
    ]
    assert len(set(same)) == 1
    assert len({*same, *others}) == 1 + len(others)


# ---------------------------------------------------------------------------------------------------- the faults


def test_what_is_wrong_in_json_lines_is_told_by_line_and_field(path: Path) -> None:
    right = json.dumps({"vaultName": "photos", "jobParameters": JOB})
    lines = [b"[1]", b'{"a', b"\xff", b'{"cancel": "x"}', b'{"vaultName": 1, "jobParameters": {}}', right.encode()]
    path.write_bytes(b'{"requestId": "a b", "vaultName": "v", "jobParameters": 1}\n' + b"\n".join(lines))
    found, faults = read(path)
    assert archives_of(found) == [ARCHIVE]
    assert [fault.split(" ")[0] for fault in faults] == [":1:", ":1:", ":2:", ":3:", ":4:", ":5:", ":6:", ":6:"]
    assert faults[0] == ":1: requestId: must be 1 to 128 printable ASCII characters without spaces"
    assert faults[2] == ":2: is not a JSON object, as a request is"
    assert faults[4] == ":4: is not UTF-8: invalid start byte at byte 1"
    assert faults[5] == ":5: cancel: takes a request back; `thaw cancel` does that"
    assert ':6: jobParameters.Type: must be "archive-retrieval" or "inventory-retrieval"' in faults


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("archiveId,size\na,1", ":1: size: is no column of requests; they are requestId, accountId, vaultName"),
        ("archiveId,vaultName\na", ":2: has 1 cells; the header has 2"),
        ('archiveId,vaultName\n"a"b,v', ":2: is not CSV: "),
        ("archiveId,vaultName,archiveSizeInBytes\na,v,many", ":2: archiveSizeInBytes: Input should be a valid integer"),
        ("archiveId,Tier,tier\na,Bulk,Expedited", ":1: tier: is there twice"),
        ("archiveId,vaultName,context\na,v,x", ":2: context: Input should be a valid dictionary"),
        (f"{CSV_HEADER}\na,b,c", ":2: is no line of an inventory; its columns are ArchiveId,"),
        (f"{CSV_HEADER}\na b,,2019-05-01T00:00:00Z,5,00", ":2: jobParameters.ArchiveId: must be an archive id"),
        (f'{{"VaultARN": "{ARN}", "ArchiveList": [1', ", archive 1: is not a JSON object"),
        (f'{{"VaultARN": "{ARN}", "ArchiveList": [{{}}, {{"', ", after archive 1: is not JSON: "),
    ],
)
def test_what_is_wrong_in_other_files_is_told_as_exactly(path: Path, text: str, fault: str) -> None:
    path.write_text(text)
    _, faults = read(path, Given(vault="photos"))
    assert any(each.startswith(fault) for each in faults), faults


def test_a_filter_tells_of_what_it_can_not_compare(path: Path) -> None:
    write_inventory(path, "v", {"ArchiveId": "a", "CreationDate": "soon"}, {"ArchiveId": "b", "Size": "x"})
    by_date = read(path, Given(filters=Filters(created_from=datetime(2019, 1, 1, tzinfo=UTC))))[1]
    assert by_date[0] == ", archive 1: CreationDate: 'soon' is no time"
    assert read(path, Given(filters=Filters(larger_bytes=1)))[1][1] == ", archive 2: Size: 'x' is no number of bytes"


@pytest.mark.parametrize(
    ("text", "given", "sentence"),
    [
        ("", Given(), "is no file of requests: it is empty."),
        ("hello\n", Given(), "is no file of requests: it begins with 'hello'."),
        (CSV_HEADER, Given(), "does not say of which vault it is the inventory."),
        ('{"VaultARN": "arn:x"}', Given(), "VaultARN: 'arn:x' is no vault's ARN."),
        ('{"VaultARN": null}', Given(), "does not say of which vault it is the inventory."),
        ('{"ArchiveList": [{"Arch', Given(vault="v"), "file is not JSON: parse error: premature EOF"),
        ('\ufeff{"VaultARN": "arn:x"}', Given(), "file is not JSON: lexical error: invalid char"),
        (f'{{"VaultARN": "{ARN}"}}', Given(vault="b"), "is the inventory of photos, not of b."),
        ('{"requestId": "x"}', Given(filters=Filters(glob="*")), "choose from inventories only."),
    ],
)
def test_a_file_that_does_not_fit_is_refused(path: Path, text: str, given: Given, sentence: str) -> None:
    path.write_text(text)
    with pytest.raises(Problem) as refused:
        RequestFile(str(path), given)
    assert sentence in refused.value.message


def test_two_lines_with_one_id_and_different_contents_are_told(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = {"vaultName": "photos", "jobParameters": JOB}
    twice = [line, line, {**line, "jobParameters": {**JOB, "Tier": "Bulk"}}]
    path.write_text("\n".join(map(json.dumps, twice)))
    with pytest.raises(Problem, match=r"1 fault in .*file\.$"):
        check(RequestFile(str(path), Given()), Output(as_json=False))
    assert f"{path}:3: requestId: thaw-" in (said := capsys.readouterr().err)
    assert f"stands at {path}:1 with other contents (another tier, say)" in said


def test_many_faults_are_counted(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text('{"x"\n' * 1025)
    with pytest.raises(Problem, match="1,025 faults"):
        check(RequestFile(str(path), Given()), Output(as_json=True))
    said = capsys.readouterr().err.splitlines()
    assert (len(said), said[-1]) == (21, "... and 1,005 more.")


@pytest.mark.parametrize(("line", "right"), [('"archiveId",x', True), ("ARCHIVEID", True), ("archive,id", False)])
def test_csv_is_told_by_its_header(line: str, right: bool) -> None:
    assert is_csv(line) is right


# ----------------------------------------------------------------------------------------------------- the size


@pytest.mark.parametrize("kind", list(Kind))
def test_the_memory_does_not_grow_with_the_file(path: Path, kind: Kind) -> None:
    peaks = []
    for count in (200, 1500):
        with path.open("w") as file:
            file.writelines(_lines_of(kind, count))
        source = RequestFile(str(path), Given(vault="photos"))
        assert source.kind is kind
        tracemalloc.start()
        assert check(source, Output(as_json=True)).requests == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000


def _lines_of(kind: Kind, count: int) -> Iterator[str]:
    chance = random.Random(1)
    ids = [f"{chance.getrandbits(800):0200x}" for _ in range(count)]
    if kind is Kind.JSON_LINES:
        yield from (json.dumps({"jobParameters": {**JOB, "ArchiveId": each}}) + "\n" for each in ids)
    elif kind is Kind.CSV:
        yield "archiveId\n"
        yield from (f"{each}\n" for each in ids)
    elif kind is Kind.INVENTORY_CSV:
        yield f"{CSV_HEADER}\n"
        yield from (f"{each},,2019-05-01T00:00:00Z,5,00\n" for each in ids)
    else:
        yield f'{{"VaultARN": "{ARN}", "ArchiveList": ['
        yield ",".join(json.dumps({"ArchiveId": each, "Size": 5}) for each in ids) + "]}"
