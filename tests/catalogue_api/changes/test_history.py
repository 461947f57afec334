"""Who changed what: for those who may read it, with the values that were replaced, and nothing of others."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import delete

from beamtorch_catalogue.client import CatalogueRefusedError
from beamtorch_catalogue.services import history
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import Change
from beamtorch_catalogue.testing.world import World

NOBODY_KNOWN = {"nobody": 401, "unlisted": 403, "without scope": 403, "other service": 403}
READERS = ("team", "staff", "admin", "ingest")


def test_a_dataset_tells_its_history_to_those_who_read_it_and_to_nobody_else(world: World, mine: str, tell):
    tell("dataset", mine, "edited", by="ada", version=2, before={"name": "tooth"}, after={"name": "牙"})
    for role in READERS:
        first = world.client(role).history(mine).changes[0]
        assert (first.by, first.action, first.version) == ("ada", "edited", 2)
        assert (first.before, first.after) == ({"name": "tooth"}, {"name": "牙"})
    for role in ("stranger", "other team"):
        said = []
        for dataset in (mine, "ds-aaaaaaaaaaaaaaaa"):
            with pytest.raises(CatalogueRefusedError) as refused:
                world.client(role).history(dataset)
            assert refused.value.status == 404
            said.append(refused.value.detail.en.replace(dataset, "X"))
        assert said[0] == said[1]


def test_values_name_no_dataset_that_the_reader_may_not_read(world: World, mine: str, theirs: str, tell):
    tell("dataset", mine, "edited", before={"parents": [theirs, mine], "made_from": theirs}, after={"parents": [mine]})
    for role in ("team", "staff"):
        before = world.client(role).history(mine).changes[0].before
        assert before == {"parents": [mine], "made_from": None}
    assert world.client("admin").history(mine).changes[0].before == {"parents": [theirs, mine], "made_from": theirs}


def test_the_audit_is_whole_for_admins_and_of_their_beamlines_for_staff(world: World, mine: str, theirs: str, tell):
    tell("dataset", mine, "edited", beamtime="BT-1")
    tell("dataset", theirs, "edited", beamtime="BT-2")
    tell("proposal", "P1", "edited")
    told = {(c.subject, c.subject_id) for c in world.client("admin").changes(action="edited").changes}
    assert told == {("dataset", mine), ("dataset", theirs), ("proposal", "P1")}
    assert [c.subject_id for c in world.client("staff").changes(action="edited").changes] == [mine]
    assert all(c.beamtime == "BT-1" for c in world.client("staff").changes().changes)
    for role in ("team", "other team", "stranger", "ingest"):
        with pytest.raises(CatalogueRefusedError) as refused:
            world.client(role).changes()
        assert refused.value.status == 403


@pytest.mark.parametrize("role", NOBODY_KNOWN)
def test_who_is_not_known_here_is_told_nothing(world: World, mine: str, role: str):
    headers = {"Authorization": f"token {world.tokens[role]}"}
    for path in (f"datasets/{mine}/history", "changes", "events"):
        assert httpx.get(f"{world.url}{path}", headers=headers).status_code == NOBODY_KNOWN[role]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("examined", [2, 5, 50_000])
def test_pages_hold_every_change_once_however_little_one_page_looks_through(
    world: World, store: Database, tell, monkeypatch: pytest.MonkeyPatch, *, newest_first: bool, examined: int
):
    with store.writing() as session:
        session.execute(delete(Change))
    monkeypatch.setattr(history, "MOST_EXAMINED", examined)
    for number in range(11):
        tell("proposal", f"P{number}", "edited" if number % 3 == 0 else "seen")
    found, after, pages = [], None, 0
    while pages == 0 or after is not None:
        page = world.client("admin").changes(action="edited", limit=2, after=after, newest_first=newest_first)
        found += [change.subject_id for change in page.changes]
        after, pages = page.next, pages + 1
    expected = ["P0", "P3", "P6", "P9"]
    assert found == (expected[::-1] if newest_first else expected)
    assert pages >= 11 // examined


def test_the_audit_is_asked_by_person_subject_and_moment(world: World, mine: str, tell):
    tell("dataset", mine, "edited", by="ada")
    tell("dataset", mine, "edited", by="sam")
    admin = world.client("admin")
    assert [c.by for c in admin.changes(subject="dataset", subject_id=mine, action="edited").changes] == ["ada", "sam"]
    assert [c.by for c in admin.changes(by="ada", action="edited").changes] == ["ada"]
    assert admin.changes(since=datetime.now(UTC) + timedelta(hours=1)).changes == ()
    assert len(admin.changes(since=datetime.now(UTC) - timedelta(hours=1), action="edited").changes) == 2
    assert admin.changes(by="nobody").next is None
