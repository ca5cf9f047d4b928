"""What is kept of seeds that were run."""

from pathlib import Path

from simulation.results import Result, ResultsFile


def _result(seed: int) -> Result:
    return Result(seed, "mixed", [], {}, {}, choices=0, calls=1, days=0.1, jobs=1, units=0)


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
