"""What a person reads of a run."""

import re

from simulation.lives import LIVES
from simulation.run import Run
from simulation.timeline import Timeline
from simulation.world import World


def test_each_happening_is_one_line_after_what_it_follows_from(world: World) -> None:
    """Within one millisecond too: the call, what Glacier did, what is told of it."""
    lines = _lines(world)
    assert all(re.fullmatch(r"\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}  .+", line) for line in lines)
    of_glacier = [line for line in lines if "  Glacier  " in line]
    assert len(of_glacier) == len(set(of_glacier)) == 2
    (job,) = (job.job_id for job in world.cloud.glacier.ledger.jobs)
    told = (
        "InitiateJob Standard",
        f"Glacier     job {job[:6]} of ",
        f"Retrieval Initiated r1 job {job[:6]}",
        f"Glacier     job {job[:6]} Succeeded",
        f"ArchiveRetrieval Succeeded: {job}",
        "in_progress -> succeeded",
        f"Retrieval Succeeded r1 job {job[:6]}",
    )
    places = [next(place for place, line in enumerate(lines) if what in line) for what in told]
    assert places == sorted(places)


def _lines(world: World) -> list[str]:
    run = Run(world, 0, {}, planned=LIVES[0].workload)
    timeline = Timeline(run)
    run.perform()
    return list(timeline.lines())
