"""Roles and stations, one at a time: set, removed, noted; and what they do not change."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from beamtorch_catalogue.client import CatalogueRefusedError
from beamtorch_catalogue.testing.world import World
from beamtorch_catalogue.wire import FacilityRecords
from beamtorch_facility.words import Words


def test_roles_are_set_as_a_whole_and_each_is_noted(world: World, document, changes):
    world.client("ingest").import_facility(FacilityRecords.model_validate(document))
    last, team = changes()[-1].number, world.client("team")
    member = team.set_roles("P1", "bo", ["local-contact", "data-manager", "local-contact"])
    assert (member.name.en, member.roles) == ("Bo Lindqvist", ("data-manager", "local-contact"))
    noted = [(c.by, c.subject_id, c.action, c.before, c.after) for c in changes(last)]
    assert noted == [
        ("ada", "P1/bo", "removed", '{"role": "co-proposer"}', None),
        ("ada", "P1/bo", "created", None, '{"role": "data-manager"}'),
        ("ada", "P1/bo", "created", None, '{"role": "local-contact"}'),
    ]
    last = changes()[-1].number
    team.set_roles("P1", "bo", ["data-manager", "local-contact"])
    assert changes(last) == []
    team.remove_roles("P1", "bo")
    team.remove_roles("P1", "bo")
    assert [c.action for c in changes(last)] == ["removed", "removed"]
    assert [one.username for one in team.proposal("P1").people] == ["ada"]


def test_somebody_with_a_role_is_a_word_by_which_data_are_found(world: World, document):
    world.client("ingest").import_facility(FacilityRecords.model_validate(document))
    world.client("ingest").ingest([world.record("scan")])
    team = world.client("team")
    assert team.search("chen").total == 0
    team.set_roles("P1", "chen", ["helper"])
    assert team.search("陈伟").total == 1
    team.remove_roles("P1", "chen")
    assert team.search("陈伟").total == 0


def test_somebody_of_the_directory_becomes_known_by_their_name_there(world: World, changes):
    last = changes()[-1].number
    member = world.client("admin").set_roles("P1", "sam", ["local-contact"])
    assert (member.name.zh, member.affiliation) == ("山姆", None)
    assert [(c.subject, c.subject_id) for c in changes(last)] == [("person", "sam"), ("role", "P1/sam")]


def test_nobody_s_name_gets_a_role(world: World, changes):
    last = changes()[-1].number
    with pytest.raises(CatalogueRefusedError) as refused:
        world.client("admin").set_roles("P1", "zoe", ["helper"])
    assert (refused.value.code, changes(last)) == ("unknown-member", [])


def test_stations_are_created_renamed_and_removed(world: World, changes):
    last, staff = changes()[-1].number, world.client("staff")
    for name in ("Hutch B", "Hutch B", "Hutch C"):
        staff.set_station("BL1", "b", Words(en=name, zh="乙站"))
    assert [(s.station, s.name.en) for s in staff.instruments()[0].stations] == [("b", "Hutch C")]
    staff.remove_station("BL1", "b")
    staff.remove_station("BL1", "b")
    assert staff.instruments()[0].stations == ()
    assert [(c.by, c.subject_id, c.action) for c in changes(last)] == [
        ("sam", "BL1/b", "created"),
        ("sam", "BL1/b", "updated"),
        ("sam", "BL1/b", "removed"),
    ]


def test_a_station_of_a_beamtime_stays(world: World, document):
    world.client("ingest").import_facility(FacilityRecords.model_validate(document))
    with pytest.raises(CatalogueRefusedError) as refused:
        world.client("staff").remove_station("BL1", "hutch-a")
    assert (refused.value.code, refused.value.status) == ("station-in-use", 409)
    assert "BT-1" in refused.value.detail.en
    assert len(world.client("staff").instruments()[0].stations) == 1


def test_many_changes_at_once_end_in_one_of_them(world: World, document):
    world.client("ingest").import_facility(FacilityRecords.model_validate(document))
    admin = world.client("admin")

    def change(number: int) -> None:
        admin.set_roles("P1", "chen", ["helper", f"role-{'abcd'[number % 4]}"])
        admin.set_station("BL1", "s", Words(en=f"Station {number % 4}", zh="站"))
        if number % 3 == 0:
            admin.remove_roles("P1", "chen")
            admin.remove_station("BL1", "s")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(change, range(18)))
    admin.set_roles("P1", "chen", ["helper"])
    (chen,) = (one for one in admin.proposal("P1").people if one.username == "chen")
    assert chen.roles == ("helper",)
