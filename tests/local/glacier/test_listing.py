from __future__ import annotations

from typing import Any

import pytest

from .conftest import VAULT, World


def _ids(page: dict[str, Any]) -> list[str]:
    return [job["JobId"] for job in page["JobList"]]


def _started(world: World, count: int) -> list[str]:
    archive_id = world.upload()
    started = []
    for _ in range(count):
        started.append(world.start(ArchiveId=archive_id))
        world.wait(seconds=1)
    return started


def test_pages_of_fifty_repeat_the_job_their_marker_names(world: World) -> None:
    started = _started(world, 120)
    page = world.client.list_jobs(vaultName=VAULT)
    assert _ids(page) == started[:50]
    assert page["Marker"] == started[49]
    page = world.client.list_jobs(vaultName=VAULT, marker=page["Marker"])
    assert _ids(page) == started[49:99]
    page = world.client.list_jobs(vaultName=VAULT, marker=page["Marker"])
    assert (_ids(page), page.get("Marker")) == (started[98:], None)


@pytest.mark.parametrize("repeats", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 50])
def test_botocores_paginator_comes_to_an_end(world: World, repeats: bool, limit: int) -> None:
    world.settings.marker_repeats = repeats
    started = _started(world, 7)
    paginator = world.client.get_paginator("list_jobs")
    listed = []
    for page in paginator.paginate(vaultName=VAULT, PaginationConfig={"PageSize": limit}):
        listed += _ids(page)
    assert list(dict.fromkeys(listed)) == started
    assert (len(listed) == len(started)) is (not repeats or limit != 2)


def test_filters(world: World) -> None:
    done, under_way = _started(world, 2)
    failed = world.upload()
    world.client.delete_archive(vaultName=VAULT, archiveId=failed)
    failed = world.start(ArchiveId=failed)
    world.service.vault(VAULT).job(done, world.now).complete(world.now, None)
    world.service.vault(VAULT).job(failed, world.now).complete(world.now, None)

    def listed(**filters: str) -> list[str]:
        return _ids(world.client.list_jobs(vaultName=VAULT, **filters))

    assert listed(completed="true") == [done, failed]
    assert listed(completed="false") == listed(statuscode="InProgress") == [under_way]
    assert listed(statuscode="Succeeded") == listed(statuscode="Succeeded", completed="true") == [done]
    assert listed(statuscode="Failed") == [failed]
    assert listed(statuscode="Failed", completed="false") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": "51"},
        {"limit": "0"},
        {"limit": "x"},
        {"marker": "x"},
        {"statuscode": "finished"},
        {"completed": "yes"},
    ],
)
def test_what_listing_does_not_take(world: World, wrong: dict[str, str]) -> None:
    refused = world.refusal("list_jobs", vaultName=VAULT, **wrong)
    assert refused == ("InvalidParameterValueException", 400)


def test_a_marker_holds_when_its_job_has_completed_meanwhile(world: World) -> None:
    started = _started(world, 4)
    page = world.client.list_jobs(vaultName=VAULT, completed="false", limit="2")
    world.service.vault(VAULT).job(started[1], world.now).complete(world.now, None)
    rest = world.client.list_jobs(vaultName=VAULT, completed="false", marker=page["Marker"])
    assert _ids(rest) == started[2:]


def test_the_order_and_the_lag_are_settings(world: World) -> None:
    started = _started(world, 3)
    world.settings.newest_jobs_first = True
    assert _ids(world.client.list_jobs(vaultName=VAULT)) == started[::-1]
    world.settings.listing_lag_seconds = 2.5
    assert _ids(world.client.list_jobs(vaultName=VAULT)) == [started[0]]
    assert world.job(started[2])["JobId"] == started[2]
