"""Embargo and release through the front door, on both databases, by a clock that the tests set."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from beamtorch_catalogue.services.announcing import Announcing
from beamtorch_catalogue.stores.census import kin
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import CensusRow, DatasetRow
from beamtorch_catalogue.testing.world import facility_records

MOMENT = timedelta(microseconds=1)
OPENS_TEXT = "2029-10-08T00:00:00+00:00"


def announce(archive: Any, times: int = 1) -> int:
    """Let another process tell of what has opened."""
    database = Database(archive.world.database)
    announcing = Announcing(database=database, clock=archive.clock)
    with ThreadPoolExecutor(times) as pool:
        noted = sum(pool.map(lambda _: announcing.step(), range(times)))
    database.close()
    return noted


def opens_at(archive: Any, dataset: str) -> tuple[Any, Any]:
    told = archive.ask("ingest", "GET", f"datasets/{dataset}").json()
    return told["released_at"], told["released_to"]


def assert_census_is_right(archive: Any) -> None:
    database = Database(archive.world.database)
    with database.reading() as session:
        counted = {
            (*(getattr(row, name) for name in kin_names()),): (row.datasets, row.size)
            for row in session.scalars(select(CensusRow).where(CensusRow.datasets != 0))
        }
        expected: dict[Any, tuple[int, int]] = {}
        for row in session.scalars(select(DatasetRow)):
            datasets, size = expected.get(tuple(kin(row)), (0, 0))
            expected[tuple(kin(row))] = (datasets + 1, size + row.size)
    database.close()
    assert counted == expected


def kin_names() -> tuple[str, ...]:
    return ("beamtime", "kind", "technique", "state", "year", "released_at", "released_to")


def test_an_embargo_ends_at_its_instant_for_everything_that_somebody_may_ask(archive: Any, opens: Any):
    dataset = archive.add("tooth")
    pid = archive.pid(dataset)
    ways = [f"datasets/{dataset}", f"datasets/{dataset}/files", f"datasets/{dataset}/citation"]
    ways += [
        f"datasets/{dataset}/provenance",
        f"datasets/{dataset}/files/tooth.h5",
        f"datasets/{dataset}/thumbnail.png",
    ]

    def seen(role: str) -> tuple[list[bool], int]:
        answers = [archive.ask(role, "GET", way) for way in ways]
        assert max(answer.status_code for answer in answers) < 500
        hidden = [a.status_code == 404 and a.json()["type"].endswith(":no-such-dataset") for a in answers]
        return hidden, archive.ask(role, "GET", "datasets", params={"q": "tooth"}).json()["total"]

    for moment in (archive.clock.now(), opens - MOMENT):
        archive.at(moment)
        for role in ("stranger", "other team"):
            assert seen(role) == ([True] * len(ways), 0), (role, moment)
        assert seen("team") == ([False] * len(ways), 1)
        assert archive.ask("nobody", "GET", f"pid/{pid}").status_code == 200
    archive.at(opens)
    for role in ("stranger", "other team", "team", "staff", "admin"):
        assert seen(role) == ([False] * len(ways), 1), role
    assert archive.ask("nobody", "GET", f"pid/{pid}").status_code == 200
    assert archive.ask("nobody", "GET", f"datasets/{dataset}").status_code == 401


def test_the_end_is_noted_once_for_a_beamtime_however_many_tell_and_restart(archive: Any, opens: Any):
    for name in ("one", "two", "three"):
        archive.add(name)
    archive.add("theirs", "BT-2")
    announce(archive)
    archive.at(opens - MOMENT)
    announce(archive, 4)
    assert archive.noted("released") == []
    archive.at(opens)
    announce(archive, 4)
    archive.at(opens + timedelta(days=900))
    announce(archive, 4)
    after = {"released_at": OPENS_TEXT, "released_to": "registered"}
    assert archive.noted("released") == [
        ("beamtime", "BT-1", "released", None, after | {"datasets": 3}),
        ("beamtime", "BT-2", "released", None, after | {"datasets": 1}),
    ]


def test_a_process_that_was_away_at_the_instant_tells_when_it_is_back(archive: Any, opens: Any):
    archive.add("one")
    announce(archive)
    archive.at(opens + timedelta(days=30))
    announce(archive)
    assert [one[1] for one in archive.noted("released")] == ["BT-1"]


def test_a_clock_that_is_set_back_tells_nothing_twice(archive: Any, opens: Any):
    archive.add("one")
    announce(archive)
    archive.at(opens)
    announce(archive)
    archive.at(opens - timedelta(days=1))
    announce(archive)
    archive.at(opens + timedelta(days=1))
    announce(archive)
    assert len(archive.noted("released")) == 1


def test_an_investigator_opens_a_proposal_earlier_and_it_is_one_note_for_each_beamtime(archive: Any):
    names = [archive.add(f"scan{n}") for n in range(5)]
    other = archive.add("theirs", "BT-2")
    version = archive.ask("team", "GET", f"datasets/{names[0]}").json()["version"]
    request = {"embargo_months": 3, "released_to": "world"}
    told = archive.ask("team", "PUT", "proposals/P1/release", json=request).json()
    assert (told["embargo_months"], told["released_to"], told["follows_policy"]) == (3, "world", False)
    assert told["changed"] == 5
    assert [(b["beamtime"], b["released_at"]) for b in told["beamtimes"]] == [("BT-1", "2027-01-08T00:00:00Z")]
    assert {opens_at(archive, name) for name in names} == {("2027-01-08T00:00:00Z", "world")}
    assert opens_at(archive, other) == ("2029-10-08T00:00:00Z", "registered")
    assert archive.ask("team", "GET", f"datasets/{names[0]}").json()["version"] == version + 1
    assert_census_is_right(archive)
    assert archive.noted("embargo-changed", "released") == [
        (
            "proposal",
            "P1",
            "embargo-changed",
            {"embargo_months": None, "released_to": None},
            {"embargo_months": 3, "released_to": "world"},
        ),
        (
            "beamtime",
            "BT-1",
            "embargo-changed",
            {"released_at": OPENS_TEXT, "released_to": "registered"},
            {"released_at": "2027-01-08T00:00:00+00:00", "released_to": "world", "datasets": 5},
        ),
    ]
    again = archive.ask("team", "PUT", "proposals/P1/release", json=request).json()
    assert again["changed"] == 0
    assert len(archive.noted("embargo-changed")) == 2
    (new,) = archive.world.client("ingest").ingest([archive.world.record("later")])
    assert opens_at(archive, new.dataset) == ("2027-01-08T00:00:00Z", "world")


def test_what_is_opened_at_once_is_noted_as_released_once(archive: Any):
    dataset = archive.add("tooth")
    announce(archive)
    archive.ask("admin", "PUT", "proposals/P1/release", json={"embargo_months": 0}).raise_for_status()
    assert archive.ask("stranger", "GET", f"datasets/{dataset}").status_code == 200
    for _ in range(3):
        archive.clock.go(60)
        announce(archive)
    assert [one[:3] for one in archive.noted("released")] == [("beamtime", "BT-1", "released")]


@pytest.mark.parametrize("lag", [0, 60])
def test_a_dataset_opened_now_is_noted_as_released_once_wherever_the_tellers_stand(archive: Any, lag: int):
    dataset = archive.add("tooth")
    announce(archive)
    archive.clock.go(lag)
    told = archive.ask("team", "PUT", f"datasets/{dataset}/release", json={"released_to": "world"})
    assert told.json()["is_released"] is True
    for _ in range(3):
        announce(archive)
        archive.clock.go(60)
    assert [one[:3] for one in archive.noted("released")] == [("dataset", dataset, "released")]
    assert_census_is_right(archive)


def test_a_decision_for_one_dataset_outlives_changes_of_its_proposal(archive: Any):
    mine, other = archive.add("mine"), archive.add("other")
    told = archive.ask(
        "team", "PUT", f"datasets/{mine}/release", json={"released_to": "world", "released_at": "2027-03-01T00:00:00Z"}
    ).json()
    assert (told["is_own"], told["is_released"], told["released_at"]) == (True, False, "2027-03-01T00:00:00Z")
    archive.ask("admin", "PUT", "proposals/P1/release", json={"embargo_months": 60}).raise_for_status()
    assert opens_at(archive, mine) == ("2027-03-01T00:00:00Z", "world")
    assert opens_at(archive, other) == ("2031-10-08T00:00:00Z", "registered")
    archive.world.client("ingest").ingest([archive.world.record("mine", technique="tomography, again")])
    assert opens_at(archive, mine) == ("2027-03-01T00:00:00Z", "world")
    assert_census_is_right(archive)


def test_an_investigator_closes_nothing_and_the_facility_may(archive: Any):
    dataset = archive.add("tooth")
    for path, request in [
        ("proposals/P1/release", {"embargo_months": 37}),
        ("proposals/P1/release", {"released_to": "nobody"}),
        (f"datasets/{dataset}/release", {"released_to": "nobody"}),
        (f"datasets/{dataset}/release", {"released_to": "world", "released_at": "2031-01-01T00:00:00Z"}),
    ]:
        refused = archive.ask("team", "PUT", path, json=request)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:beamtorch:problem:longer-embargo")
        assert opens_at(archive, dataset) == ("2029-10-08T00:00:00Z", "registered")
        assert archive.ask("admin", "PUT", path, json=request).status_code == 200
        archive.world.begin_again()
        dataset = archive.add("tooth")


def test_what_is_closed_again_is_gone_for_others_and_its_next_end_is_noted_again(archive: Any, opens: Any):
    dataset = archive.add("tooth")
    announce(archive)
    archive.at(opens)
    announce(archive)
    assert archive.ask("stranger", "GET", f"datasets/{dataset}").status_code == 200
    archive.ask("admin", "PUT", "proposals/P1/release", json={"embargo_months": 48}).raise_for_status()
    assert archive.ask("stranger", "GET", f"datasets/{dataset}").status_code == 404
    archive.at(opens + timedelta(days=366))
    announce(archive)
    assert archive.ask("stranger", "GET", f"datasets/{dataset}").status_code == 200
    assert len(archive.noted("released")) == 2
    assert_census_is_right(archive)


def test_data_for_nobody_never_open_and_nobody_is_told(archive: Any, opens: Any):
    archive.ask("admin", "PUT", "proposals/P1/release", json={"released_to": "nobody"}).raise_for_status()
    dataset = archive.add("secret")
    announce(archive)
    archive.at(opens.replace(year=9000))
    announce(archive)
    assert archive.ask("stranger", "GET", f"datasets/{dataset}").status_code == 404
    assert archive.noted("released") == []
    assert opens_at(archive, dataset) == (None, "nobody")


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2027-01-01T00:00:00", "soon"]
)
def test_a_moment_beyond_any_calendar_or_without_a_zone_is_refused(archive: Any, moment: str):
    dataset = archive.add("tooth")
    answer = archive.ask(
        "admin", "PUT", f"datasets/{dataset}/release", json={"released_to": "world", "released_at": moment}
    )
    assert answer.status_code == 422
    assert opens_at(archive, dataset) == ("2029-10-08T00:00:00Z", "registered")


ROLES = {"nobody": 401, "unlisted": 403, "without scope": 403, "other service": 403}


@pytest.mark.parametrize(
    ("route", "body", "expected"),
    [
        (
            "GET proposals/P1/release",
            None,
            {"stranger": 404, "other team": 404, "team": 200, "staff": 200, "admin": 200, "ingest": 200},
        ),
        (
            "PUT proposals/P1/release",
            {"embargo_months": 12},
            {"stranger": 404, "other team": 404, "staff": 403, "ingest": 403, "team": 200, "admin": 200},
        ),
        (
            "PUT datasets/{dataset}/release",
            {"released_to": "registered"},
            {"stranger": 404, "other team": 404, "staff": 403, "ingest": 403, "team": 200, "admin": 200},
        ),
    ],
)
def test_each_role_decides_exactly_what_is_theirs(archive: Any, route: str, body: Any, expected: dict[str, int]):
    method, path = route.split()
    got = {}
    for role in [*ROLES, *expected]:
        archive.world.begin_again()
        dataset = archive.add("tooth")
        answer = archive.ask(role, method, path.format(dataset=dataset), json=body)
        got[role] = answer.status_code
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert opens_at(archive, dataset) == ("2029-10-08T00:00:00Z", "registered"), role
    assert got == ROLES | expected


def test_what_the_user_office_says_later_moves_the_data_that_follow_it(archive: Any):
    mine, other = archive.add("mine"), archive.add("other")
    told = {"released_to": "world", "released_at": "2027-03-01T00:00:00Z"}
    archive.ask("team", "PUT", f"datasets/{mine}/release", json=told).raise_for_status()
    records = facility_records().model_dump(mode="json")
    records["proposals"][0]["embargo_months"] = 12
    records["beamtimes"][0]["end"] = "2026-10-09"
    archive.ask("ingest", "PUT", "facility", json=records).raise_for_status()
    assert opens_at(archive, other) == ("2027-10-10T00:00:00Z", "registered")
    assert opens_at(archive, mine) == ("2027-03-01T00:00:00Z", "world")
    assert_census_is_right(archive)
    notes = archive.noted("embargo-changed")
    assert [note[:2] for note in notes] == [("dataset", mine), ("beamtime", "BT-1")]
    archive.ask("ingest", "PUT", "facility", json=records).raise_for_status()
    assert archive.noted("embargo-changed") == notes


def test_an_ingest_at_the_same_time_as_a_change_leaves_counts_and_dates_right(archive: Any):
    archive.add("first")
    archive.ask("admin", "GET", "proposals/P1/release")

    def ingest(number: int) -> None:
        archive.world.client("ingest").ingest([archive.world.record(f"scan{number}-{n}") for n in range(20)])

    def change(months: int) -> None:
        archive.ask("admin", "PUT", "proposals/P1/release", json={"embargo_months": months}).raise_for_status()

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(ingest, n) for n in range(6)] + [pool.submit(change, 10 + n) for n in range(6)]
        for job in jobs:
            job.result()
    assert_census_is_right(archive)
    database = Database(archive.world.database)
    with database.reading() as session:
        moments = session.execute(select(DatasetRow.released_at, func.count()).group_by(DatasetRow.released_at)).all()
    database.close()
    assert [count for _, count in moments] == [121]
