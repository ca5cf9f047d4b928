"""What is kept of seeds that were run."""

from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from simulation.report import show_totals
from simulation.results import Result, ResultsFile, Totals, legal_moves, places
from simulation.run import KINDS


def _result(seed: int) -> Result:
    names = ("choices", "calls", "days", "jobs", "units", "in_vain", "duplicates", "in_doubt", "carried_on")
    counts = dict.fromkeys(names, 1)
    return Result(seed, "mixed", [], {}, {}, {}, **counts)


def test_a_line_that_was_cut_off_costs_no_other_and_nobody_rewrites_the_file(tmp_path: Path) -> None:
    """Two shards of one checkout write to the file at once; one was killed in the middle of a line."""
    file = ResultsFile(tmp_path / "within.jsonl")
    assert list(file.read()) == []
    for seed in (0, 1):
        file.add(_result(seed))
    file.path.write_text(file.path.read_text()[:-9])
    before = file.path.read_text()
    assert list(file.read()) == [_result(0)]
    file.add(_result(2))
    assert list(file.read()) == [_result(0), _result(2)]
    assert file.path.read_text().startswith(before)


_NOT = "Not covered: limit exceeded; events outage; a listing carried on\n"
_HARDLY = "Hardly covered: waiting -> cancelled\n"


@pytest.mark.parametrize(("seeds", "well", "said"), [(999, True, _NOT), (1000, False, _HARDLY + _NOT)])
def test_what_a_long_run_never_tried_is_no_success(tmp_path: Path, seeds: int, well: bool, said: str) -> None:
    faults, moves, struck_at = (Counter(dict.fromkeys(names, 20)) for names in (KINDS, legal_moves(), places()))
    totals = Totals(seeds=seeds, faults=faults, moves=moves, struck_at=struck_at, carried_on=20)
    assert _shown(totals, tmp_path) == (True, "")
    del totals.faults["limit exceeded"], totals.struck_at["events outage"]
    totals.carried_on = 0
    totals.moves["waiting -> cancelled"] = 19
    assert _shown(totals, tmp_path) == (well, said)


def _shown(totals: Totals, folder: Path) -> tuple[bool, str]:
    """Whether all was said to be well, and what of the coverage was said."""
    console = Console(record=True, width=200, file=StringIO())
    well = show_totals(console, totals, folder)
    lines = [line for line in console.export_text().splitlines() if "overed" in line]
    return well, "".join(f"{line.rstrip()}\n" for line in lines)
