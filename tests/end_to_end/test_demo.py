"""The demo, as `make demo` runs it: right when all is right, and not when anything is wrong."""

import json
import runpy
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from local.cloud import Cloud
from local.demo import examples, story
from local.demo.__main__ import main
from local.stock import Stock

ROOT = Path(__file__).resolve().parent.parent.parent
_WIDEST = 104


@pytest.fixture(autouse=True)
def _nothing_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """By these an environment asks for control codes, or for another width, where there is no terminal."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _code_that_was_loaded(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    """One demo's is the next one's; to load it takes as long as all the rest."""
    for module in ("local.cloud", "local.demo.__main__"):
        monkeypatch.setattr(f"{module}.Cloud", partial(Cloud, stock=stock))


def test_the_demo_comes_out_right_and_prints_plain_lines_where_there_is_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "demo.svg"
    monkeypatch.setattr("sys.argv", ["demo", "--svg", str(picture)])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / "local" / "demo" / "__main__.py"), run_name="__main__")
    printed = capsys.readouterr()
    assert (end.value.code, printed.err) == (0, "")
    assert "Every request ended as it should" in printed.out
    assert "\x1b" not in printed.out
    lines = printed.out.splitlines()
    assert max(map(len, lines)) <= _WIDEST
    for request_id in story.EXPECTED:
        assert any(line.startswith(f"✓  {request_id} ") for line in lines), request_id
    as_published = picture.read_text() == (ROOT / "docs" / "demo.svg").read_text()
    assert as_published, "`python -m local.demo --svg docs/demo.svg` makes the picture anew"
    shown = _shown_in_the_readme()
    assert len(shown) > 10
    found = iter([line.rstrip() for line in lines])
    assert [line for line in shown if line not in found] == [], "README.md shows what the demo does not print"


def test_whatever_is_not_as_it_should_be_is_named_and_fails_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(examples, "INVENTORY", _with_another_hash("crm-db", tmp_path))
    expected = {**story.EXPECTED, "audit-2021": replace(story.EXPECTED["audit-2021"], tier="Standard")}
    assert main([], expected) == 1
    printed = capsys.readouterr().out
    wrong = printed.partition("Not as it should be:")[2]
    assert "audit-2021: tier is 'Bulk', expected 'Standard'" in wrong
    assert "crm-restore: output_right is False, expected True" in wrong
    assert "vault-list: output_right is False, expected True" in wrong
    assert wrong.count(" is ") == 3
    assert "✗  audit-2021 " in printed
    assert "✓  audit-2021 " not in printed


def _shown_in_the_readme() -> list[str]:
    """The lines of the README's excerpt, which leaves some out but keeps their order."""
    _, _, rest = (ROOT / "README.md").read_text(encoding="utf-8").partition("At the end (shortened):\n\n```text\n")
    return [line for line in rest.partition("```")[0].splitlines() if line]


def _with_another_hash(description: str, folder: Path) -> Path:
    """A copy of the inventory in which the hash of one archive is wrong."""
    inventory = json.loads(examples.INVENTORY.read_text())
    (entry,) = (one for one in inventory["ArchiveList"] if one["ArchiveDescription"].startswith(description))
    entry["SHA256TreeHash"] = "0" * 64
    copy = folder / "inventory.json"
    copy.write_text(json.dumps(inventory))
    return copy
