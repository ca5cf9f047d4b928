"""`thaw estimate`: the figures by hand, and what is said of them. It asks nothing of AWS, so there is none here."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.errors import Exit
from cli.estimating import Choice, Workload, cheapest, choices
from cli.main import thaw
from cli.pricing import list_prices
from infra.application import ROOT
from tests.cli.inventories import write_inventory
from thaw.tiers import Tier

GIB = 2**30


def estimate(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(thaw, ["estimate", *arguments], input=given, catch_exceptions=False)


def inventory_of(path: Path, count: int, size_bytes: int = GIB // 10) -> str:
    archives = [{"ArchiveId": f"archive-{number}", "Size": size_bytes} for number in range(count)]
    return write_inventory(path / "inventory.json", "photos", *archives)


def ways_of(result: Result) -> dict[tuple[str, int | None], dict[str, Any]]:
    return {(way["tier"], way["units"]): way for way in json.loads(result.stdout)["choices"]}


def test_the_figures_of_a_thousand_archives(tmp_path: Path) -> None:
    ways = ways_of(estimate(inventory_of(tmp_path, 1000, GIB), "--json"))
    costs = ("retrievalDollars", "requestDollars", "unitDollars")
    assert {name: [way[cost] for cost in costs] for name, way in ways.items()} == {
        ("Bulk", None): [2.5, 0.025, 0],
        ("Standard", None): [10, 0.05, 0],
        ("Expedited", 0): [30, 10, 0],
        ("Expedited", 1): [30, 10, 100],
        ("Expedited", 2): [30, 10, 200],
    }
    standard, two_units = ways["Standard", None], ways["Expedited", 2]
    assert (standard["soonestSeconds"], standard["latestSeconds"]) == (3 * 3600 + 50, 5 * 3600 + 50)
    assert two_units["guaranteedPerHour"] == 72
    assert two_units["latestSeconds"] == 999 * 100 / 2 + 5 * 60


def test_five_hundred_archives_are_slower_on_two_units_than_at_standard(tmp_path: Path) -> None:
    said = estimate(inventory_of(tmp_path, 500)).stdout
    assert "Expedited on 2 units is slower than Standard for so many: 7 h 01 min against 5 h 01 min." in said
    assert "(72 an hour guaranteed)" in said
    some = estimate(inventory_of(tmp_path, 230)).stdout
    assert "Expedited on 2 units may be slower than Standard: 3 h 16 min against 3 h 01 min to 5 h 01 min." in some
    assert "2 units is slower" not in some
    assert "slower" not in estimate(inventory_of(tmp_path, 100)).stdout


def test_what_thaw_itself_costs_is_what_the_page_says() -> None:
    page = (ROOT / "docs" / "costs.md").read_text()
    rows = dict(re.findall(r"^\| ([\w ,-]+) \|.*\| ([\d.]+)(?: to [\d.]+)? \|$", page, re.MULTILINE))
    assert len(rows) == 8
    standard = sum(Decimal(dollars) for name, dollars in rows.items() if name != "the same, Expedited")
    thaw_prices = list_prices().thaw
    assert 1000 * thaw_prices.dollars_each(Tier.STANDARD) == pytest.approx(standard, abs=Decimal("0.0005"))
    writes = 1000 * thaw_prices.use.write_units[Tier.EXPEDITED] * thaw_prices.prices.write_unit
    assert writes == pytest.approx(Decimal(rows["the same, Expedited"]), abs=Decimal("0.0005"))


@pytest.mark.parametrize(
    ("by", "said", "exit_code"),
    [
        ("2d", "Bulk, $", Exit.DONE),
        ("6h", "Standard, $", Exit.DONE),
        ("30m", "Expedited on 1 unit, $", Exit.DONE),
        ("4m", "None is sure to be done in time. The fastest is Expedited on 1 unit, which may take 5 min.", 1),
    ],
)
def test_the_cheapest_that_is_done_in_time(tmp_path: Path, by: str, said: str, exit_code: int) -> None:
    result = estimate(inventory_of(tmp_path, 1), "--by", by)
    assert (result.exit_code, said in result.stdout) == (exit_code, True), result.stdout


def test_units_that_are_there_cost_nothing_more(tmp_path: Path) -> None:
    ways = ways_of(estimate(inventory_of(tmp_path, 10), "--units-there", "1", "--json"))
    assert [name for name in ways if name[0] == "Expedited"] == [("Expedited", 1), ("Expedited", 2)]
    assert [ways["Expedited", units]["unitDollars"] for units in (1, 2)] == [0, 100]


def test_units_are_bought_again_when_their_month_is_over() -> None:
    month_of_archives = 28 * 24 * 36  # in the shortest month
    work = Workload(archives=month_of_archives + 37, unit_seconds=(month_of_archives + 37) * 100)
    by_units = {way.units: way.unit_dollars for way in choices(work, list_prices(), units_there=1)}
    assert [by_units[1], by_units[2]] == [100, 100]


def test_large_archives_occupy_a_unit_for_longer_than_their_turn() -> None:
    work = Workload(archives=2, unit_seconds=2 * 1000)
    [one_unit] = [way for way in choices(work, list_prices()) if way.units == 1]
    assert one_unit.latest_seconds == 2000 - 100 + 300


def test_of_two_that_cost_the_same_the_faster_is_taken() -> None:
    def way(seconds: float) -> Choice:
        zero = Decimal(0)
        return Choice(Tier.BULK, None, zero, zero, zero, zero, seconds, seconds)

    slow, fast = way(9), way(5)
    assert cheapest([slow, fast], None) is fast
    assert cheapest([slow, fast], 4) is None


def test_inventories_are_told_apart() -> None:
    given = '{"vaultName": "v", "jobParameters": {"Type": "inventory-retrieval"}}\n'
    assert "slower" not in estimate("-", given=given).stdout
    ways = ways_of(estimate("-", "--json", given=given))
    assert ways["Expedited", 0]["requestDollars"] == ways["Standard", None]["requestDollars"] == 0.00005
    assert ways["Expedited", 2]["latestSeconds"] == ways["Standard", None]["latestSeconds"]


def test_prices_of_another_region_than_the_vaults_are_told(tmp_path: Path) -> None:
    far = write_inventory(tmp_path / "far.json", "photos", {"ArchiveId": "a", "Size": 1}, region="eu-west-1")
    told = "The vault is in eu-west-1, and the prices are those of us-east-1"
    (tmp_path / "mine.toml").write_text("[glacier]\nunit_month = 110\n")
    assert told in estimate(far, "--json").stderr
    assert told not in estimate(far, "--prices", str(tmp_path / "mine.toml")).stderr
    assert told not in estimate(inventory_of(tmp_path, 1)).stderr


def test_other_prices_replace_what_they_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[glacier.tiers.Standard]\ngb = 0.02\n")
    ways = ways_of(estimate(inventory_of(tmp_path, 1, GIB), "--prices", str(path), "--json"))
    assert (ways["Standard", None]["retrievalDollars"], ways["Bulk", None]["retrievalDollars"]) == (0.02, 0.0025)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[glacier]\nunit_month = -1", "glacier.unit_month: Input should be greater than or equal to 0."),
        ("[glacier]\nunits = 1", "glacier.units: Extra inputs are not permitted."),
        ("[glacier", "is not TOML"),
        (None, "can't be read: No such file or directory."),
    ],
)
def test_wrong_prices_are_told(tmp_path: Path, table: str | None, said: str) -> None:
    path = tmp_path / "mine.toml"
    if table is not None:
        path.write_text(table)
    result = estimate(inventory_of(tmp_path, 1), "--prices", str(path))
    assert (result.exit_code, said in result.stderr) == (Exit.BAD_INPUT, True), result.stderr
