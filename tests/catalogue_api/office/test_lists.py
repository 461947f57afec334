"""Lists of the user office's records: pages that neither lose nor double, one proposal whole, and finding people."""

import httpx
import pytest

from beamtorch_catalogue.client import CatalogueRefusedError
from beamtorch_catalogue.client.asking import PER_PAGE
from beamtorch_catalogue.testing.world import World
from beamtorch_catalogue.wire import FacilityRecords


def many(count: int) -> FacilityRecords:
    return FacilityRecords.model_validate(
        {
            "people": [{"username": f"u{n:04}", "name": {"en": f"Person {n}", "zh": f"人{n}"}} for n in range(count)],
            "proposals": [
                {"proposal": f"Q{n}", "title": {"en": f"T{n}", "zh": f"题{n}"}, "principal_investigator": f"u{n:04}"}
                for n in range(count)
            ],
            "beamtimes": [
                {
                    "beamtime": f"B{n}",
                    "proposal": f"Q{n}",
                    "beamline": "BL1",
                    "start": f"2026-{n % 12 + 1:02}-01",
                    "end": f"2026-{n % 12 + 1:02}-03",
                }
                for n in range(count)
            ],
            "samples": [
                {"sample": f"s {n}", "proposal": f"Q{n % 7}", "description": {"en": f"S{n}", "zh": f"样{n}"}}
                for n in range(count)
            ],
        }
    )


def test_pages_of_any_size_give_the_whole_list_in_one_order(world: World):
    world.client("ingest").import_facility(many(60))
    with httpx.Client(
        timeout=60, base_url=world.url, headers={"Authorization": f"token {world.tokens['admin']}"}
    ) as http:
        for path in ("proposals", "beamtimes", "samples", "people"):
            whole = http.get(path, params={"limit": 1000}).json()
            assert whole["next"] is None
            assert len(whole[path]) == {"people": 60}.get(path, 62)
            for limit in (1, 7, 31):
                got, after = [], None
                while True:
                    page = http.get(path, params={"limit": limit} | ({"after": after} if after else {})).json()
                    assert len(page[path]) <= limit
                    got += page[path]
                    after = page["next"]
                    if after is None:
                        break
                assert got == whole[path], (path, limit)
    starts = [b.start for b in world.client("admin").beamtimes()]
    assert starts == sorted(starts, reverse=True)


def test_the_client_follows_all_pages(world: World):
    count = PER_PAGE + 5
    world.client("ingest").import_facility(many(count))
    admin = world.client("admin")
    assert len({p.proposal for p in admin.proposals()}) == count + 2
    assert len({b.beamtime for b in admin.beamtimes()}) == count + 2
    assert len({(s.proposal, s.sample) for s in admin.samples()}) == count + 2
    assert len({p.username for p in admin.people()}) == count


@pytest.mark.parametrize("path", ["proposals", "beamtimes", "samples", "people"])
@pytest.mark.parametrize("after", ["nonsense", "WyIiLDBd", "WyJcdWQ4MDAiLDBd", "WyJ4Iiw5OTk5OTk5OTk5OTk5XQ", "W10"])
def test_a_place_that_was_never_given_out_is_no_fault_of_ours(light_world: World, path: str, after: str):
    headers = {"Authorization": f"token {light_world.tokens['admin']}"}
    with httpx.Client(timeout=60, base_url=light_world.url, headers=headers) as http:
        assert http.get(path, params={"after": after}).status_code in {200, 422}


def test_a_proposal_comes_with_its_people_beamtimes_and_counts(world: World, document):
    world.client("ingest").import_facility(FacilityRecords.model_validate(document))
    world.client("ingest").ingest([world.record("one", sample="molar"), world.record("two", sample="molar")])
    found = world.client("team").proposal("P1")
    assert found.record.title.zh == "古代牙齿"
    assert [(one.username, one.roles) for one in found.people] == [
        ("ada", ("principal-investigator",)),
        ("bo", ("co-proposer",)),
    ]
    assert (found.people[0].orcid, found.people[1].affiliation and found.people[1].affiliation.zh) == (
        "0000-0002-1825-0097",
        "隆德",
    )
    assert [(b.beamtime, b.station) for b in found.beamtimes] == [("BT-1", "hutch-a")]
    assert (found.beamtime_count, found.sample_count, found.dataset_count) == (1, 1, 2)


def test_an_investigator_whom_the_office_told_nothing_of_has_the_name_of_the_directory(world: World):
    (ada,) = world.client("team").proposal("P1").people
    assert (ada.name.zh, ada.roles) == ("阿达·奥卡福", ("principal-investigator",))


def test_a_beamline_s_staff_see_of_a_proposal_what_was_at_their_beamline(world: World, document):
    document["beamtimes"].append(document["beamtimes"][0] | {"beamtime": "BT-3", "beamline": "BL2", "station": None})
    world.client("ingest").import_facility(FacilityRecords.model_validate(document))
    staff, team = (world.client(role).proposal("P1") for role in ("staff", "team"))
    assert ([b.beamtime for b in staff.beamtimes], staff.beamtime_count) == (["BT-1"], 1)
    assert ([b.beamtime for b in team.beamtimes], team.beamtime_count) == (["BT-1", "BT-3"], 2)


def test_instruments_come_with_their_stations(world: World, document):
    world.client("ingest").import_facility(FacilityRecords.model_validate(document))
    first, second = world.client("stranger").instruments()
    assert [(s.station, s.name.zh) for s in first.stations] == [("hutch-a", "甲站")]
    assert second.stations == ()


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("okaf", ["ada"]),
        ("OKAFOR ada", ["ada"]),
        ("陈", ["chen"]),
        ("伟", ["chen"]),
        ("陈伟", ["chen"]),
        ("wei che", ["chen"]),
        ("bo", ["bo"]),
        ("lindqvist", ["bo"]),
        ("qvist", []),
        ("***", []),
        ("%", []),
        ("_", []),
        ("", ["ada", "bo", "chen"]),
    ],
)
def test_people_are_found_by_beginnings_of_their_names(world: World, document, search: str, found: list[str]):
    world.client("ingest").import_facility(FacilityRecords.model_validate(document))
    assert [p.username for p in world.client("admin").people(search)] == found


def test_a_proposal_that_is_not_to_be_seen_is_refused_in_words(world: World):
    with pytest.raises(CatalogueRefusedError) as refused:
        world.client("stranger").proposal("P1")
    assert (refused.value.code, refused.value.status) == ("no-such-proposal", 404)
