"""Corrections by people: who may, what is kept of the old, and two who correct at once."""

import httpx
import pytest

from beamtorch_catalogue.client import CatalogueRefusedError
from beamtorch_catalogue.testing.world import World, energy
from beamtorch_catalogue.wire import DatasetEdit
from beamtorch_facility import Quantity


@pytest.fixture
def scan(world: World) -> str:
    (done,) = world.client("ingest").ingest([world.record("scan", parameters=energy(12.5))])
    return str(done.dataset)


def test_a_correction_changes_what_it_names_and_the_search_follows(world: World, scan: str):
    team = world.client("team")
    change = DatasetEdit(
        sample="incisor", parameters={"energy": Quantity(value=13.5, unit="keV"), "note": "upside down"}
    )
    edited = team.edit(scan, change)
    assert (edited.sample, edited.name, edited.version) == ("incisor", "scan", 2)
    assert edited.parameters == {"energy": Quantity(value=13.5, unit="keV"), "note": "upside down"}
    for q in ("incisor", "upside", "energy 13..14 keV", "sample:incisor"):
        assert [found.id for found in team.search(q).datasets] == [scan], q
    assert team.search("energy 12..13 keV").total == 0
    assert team.edit(scan, DatasetEdit(sample=None, parameters={"note": None})).sample is None


def test_a_correction_that_changes_nothing_is_no_new_version_and_no_line_of_history(world: World, scan: str):
    team = world.client("team")
    team.edit(scan, DatasetEdit(name="scan", parameters={"energy": Quantity(value=12.5, unit="keV")}))
    assert team.dataset(scan).version == 1
    assert [change.action for change in team.history(scan).changes] == ["created"]


def test_the_history_keeps_the_old_values_with_who_and_when(world: World, scan: str):
    team = world.client("team")
    team.edit(scan, DatasetEdit(name="better", parameters={"energy": Quantity(value=13, unit="keV")}))
    last = max(team.history(scan).changes, key=lambda change: change.id)
    assert (last.action, last.by, last.version) == ("edited", "ada", 2)
    assert last.before == {"name": "scan", "parameters": {"energy": "12.5 keV"}}
    assert last.after == {"name": "better", "parameters": {"energy": "13 keV"}}


def test_of_two_writers_the_second_learns_the_present_version(world: World, scan: str):
    team = world.client("team")
    team.edit(scan, DatasetEdit(name="first"), version=1)
    with pytest.raises(CatalogueRefusedError) as refused:
        team.edit(scan, DatasetEdit(name="second"), version=1)
    assert (refused.value.status, refused.value.code, refused.value.facts["version"]) == (409, "stale-version", 2)
    assert team.dataset(scan).name == "first"
    with httpx.Client(
        timeout=60, base_url=world.url, headers={"Authorization": f"token {world.tokens['team']}"}
    ) as http:
        assert http.get(f"datasets/{scan}").headers["ETag"] == '"2"'


def test_a_correction_stays_when_the_same_record_comes_again(world: World, scan: str):
    world.client("team").edit(scan, DatasetEdit(sample="incisor"))
    (again,) = world.client("ingest").ingest([world.record("scan", parameters=energy(12.5))])
    assert again.outcome == "unchanged"
    assert world.client("team").dataset(scan).sample == "incisor"
