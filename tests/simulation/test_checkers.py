"""The checkers can fail: `make mutations` tries every deliberate fault, and here are some that are caught soon."""

import pickle
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from local.glacier.ledger import JobStarted, UnitBought
from simulation.history import Attributes, Change, History
from simulation.limits import WITHIN
from simulation.mutate import catch, mutated
from simulation.mutation import Mutation
from simulation.mutations import MUTATIONS
from simulation.promises import money
from simulation.promises.violation import Promise
from simulation.report import show_failure
from simulation.run import Run
from simulation.workload import MIB, Archive, Body, archives
from simulation.world import World

FUNCTIONS = Path(__file__).parents[2] / "functions"


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_each_mutation_still_fits_the_code(mutation: Mutation, tmp_path: Path) -> None:
    files = {file for file, _, _ in mutation.changes}
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FUNCTIONS / file, tmp_path / file)
    mutation.apply(tmp_path)
    for file in files:
        changed = (tmp_path / file).read_text()
        assert changed != (FUNCTIONS / file).read_text()
        compile(changed, file, "exec")


@pytest.mark.parametrize(
    "name",
    [
        "dueAt left at the end",
        "the description's tag missing",
        "the sequence stands still",
        "an expired output joined",
        "hangs where no reply came",
        "a range of all of an archive is part of the key",
        "a range of all of an archive told as one",
    ],
)
def test_a_fault_in_the_functions_is_caught(world: World, name: str) -> None:
    """By a promise that it must break, each of another kind; of a kind more is the fault that is cut down below."""
    mutation = _mutation(name)
    caught = catch(world, mutation, at_most=60)
    assert caught.seeds is not None
    assert all(violation.startswith(mutation.breaks) for violation in caught.violations)


def test_an_event_ahead_of_its_write_is_seen_to_be_that(world: World) -> None:
    """And not only one of what never came to be."""
    early = catch(world, _mutation("an event published before its write"), at_most=20)
    assert any("was told before it was so" in violation for violation in early.violations)


def test_a_broken_promise_that_a_fault_has_nothing_to_do_with_is_no_catch(world: World) -> None:
    other = replace(_mutation("dueAt left at the end"), breaks=(Promise.NO_SCAN,))
    assert catch(world, other, at_most=2).seeds is None


def test_money_is_counted_in_every_process(world: World) -> None:
    """A process that runs some of the seeds has a copy of the limits."""
    mutation = pickle.loads(pickle.dumps(_mutation("every archive asked for at the fastest tier")))
    assert mutation.limits is not WITHIN
    assert catch(world, mutation, at_most=60).seeds is not None


def test_a_purchase_that_was_begun_may_have_bought_a_unit_though_no_call_was_sent() -> None:
    """top_up dies after its intent, and someone buys: nobody can tell whose the unit is. Without an intent, one can."""
    bought = UnitBought(datetime(2026, 1, 1, tzinfo=UTC), "123456789012", "us-east-1", "theirs")
    at_ms = int(bought.at.timestamp() * 1000)

    def alarms(minutes: int, **written: object) -> int:
        change = Change(at_ms + minutes * 60_000, "top_up#1", "capacity", None, {"id": "capacity", **written}, 1)
        history: Any = SimpleNamespace(changes=[change])
        lag = timedelta(minutes=5)
        return len([*money.units_told([], {"theirs": money.IN_DOUBT}, [bought], history, lag)])

    assert alarms(-1, intent={"until": at_ms}) == alarms(4, intent={"until": at_ms}) == 0
    assert alarms(6, intent={"until": at_ms}) == alarms(-1) == 1


def test_a_range_of_all_of_an_archive_is_a_second_job_only_where_nobody_said_so() -> None:
    """Thaw knows that it is all of it once a request for it says how large the archive is."""
    archive = archives()[0]
    job = {"ArchiveId": archive.id, "Type": "archive-retrieval", "Tier": "Bulk"}
    by_range = {**job, "RetrievalByteRange": f"0-{archive.size_mib * MIB - 1}"}
    size = {"archiveSizeInBytes": archive.size_mib * MIB}

    def in_vain(*bodies: Body) -> int:
        """Each body's job is started while those before it are in progress."""
        keys = ["ab" * 16, "cd" * 16][: len(bodies)]
        jobs = [_started(archive, by_range["RetrievalByteRange"], key, at) for at, key in enumerate(keys)]
        records: dict[str, Attributes] = {f"retrieval/{key}": {"requests": {key: {}}} for key in keys}
        history = History(clock=None, calls=None, table=None, items=records)  # type: ignore[arg-type]
        sent = {key: [body] for key, body in zip(keys, bodies, strict=True)}
        return len([*money.jobs_in_vain(jobs, history, sent.__getitem__)])

    whole, unsized, sized = ({"jobParameters": job}, {"jobParameters": by_range}, {"jobParameters": by_range, **size})
    assert in_vain(whole, unsized) == in_vain(unsized, sized) == 0
    assert in_vain(whole, whole) == in_vain(whole, sized) == in_vain(sized, sized) == in_vain(unsized, unsized) == 1


def _started(archive: Archive, byte_range: str, key: str, at_minutes: int) -> JobStarted:
    at = datetime(2026, 1, 1, 0, at_minutes, tzinfo=UTC)
    return JobStarted(
        at=at,
        account_id="123456789012",
        region="us-east-1",
        vault_name="photos",
        job_id=key,
        action="ArchiveRetrieval",
        archive_id=archive.id,
        byte_range=byte_range,
        tier="Bulk",
        bytes_retrieved=archive.size_mib * MIB,
        description=f"thaw:{key}-1:1",
        inventory=None,
    )


def test_a_failure_is_cut_down_and_can_be_read(world: World, tmp_path: Path) -> None:
    """Of a whole run those few steps and strikes are left that are needed, and a timeline of what they do."""
    console = Console(record=True, width=200, file=(tmp_path / "shown").open("w"))
    with mutated(world, _mutation("StatusCode ignored")):
        runs = (Run(world, seed) for seed in range(60))
        quick = (run for run in runs if run.workload.theme == "opened anew")  # a cut is tried with dozens of runs
        failed = next(run for run in quick if run.perform().violations)
        assert len(failed.chooser.chosen) + len(failed.workload.steps) > 10
        show_failure(console, world, failed.seed, WITHIN)
    shown = console.export_text()
    _, _, short = shown.partition("the shortest schedule that still fails")
    schedule, _, timeline = short.partition(" Timeline ")
    assert 1 <= len(schedule.splitlines()[1:-1]) <= 4
    assert "InitiateJob" in timeline
    assert f"BROKEN  {failed.violations[0].promise}" in shown


def _mutation(name: str) -> Mutation:
    return next(mutation for mutation in MUTATIONS if mutation.name == name)
