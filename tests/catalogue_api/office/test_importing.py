"""Taking in the user office's records: whole or not at all; the same again changes nothing; nothing is forgotten."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from beamtorch_catalogue.client import CatalogueRefusedError
from beamtorch_catalogue.stores.models import (
    Beamtime,
    DatasetRow,
    Person,
    Proposal,
    Role,
    Sample,
    SampleElement,
    Station,
)
from beamtorch_catalogue.testing.world import World
from beamtorch_catalogue.wire import FacilityRecords, FacilityReport


def take_in(world: World, document: dict[str, Any], **options: Any) -> FacilityReport:
    return world.client("ingest").import_facility(FacilityRecords.model_validate(document), **options)


def test_everything_is_kept_and_told_and_the_same_again_changes_nothing(world: World, document, rows, changes):
    report = take_in(world, document)
    assert (report.people.created, report.stations.created, report.roles.created) == (3, 1, 2)
    assert (report.proposals.unchanged, report.samples.unchanged, report.beamtimes.updated) == (2, 2, 1)
    assert report.people.created_names == ("ada", "bo", "chen")
    assert [(one.name, one.fields) for one in report.beamtimes.updated_names] == [("BT-1", ("station",))]
    assert rows(select(Station.beamline, Station.name_zh)) == [("BL1", "甲站")]
    assert rows(select(Role.proposal, Role.username, Role.role).order_by(Role.proposal)) == [
        ("P1", "bo", "co-proposer"),
        ("P2", "chen", "principal-investigator"),
    ]
    last = changes()[-1].number
    again = take_in(world, document)
    assert (again.changes, again.people.unchanged, again.roles.unchanged) == (0, 3, 2)
    assert changes(last) == []


def test_a_change_is_noted_with_the_values_before_and_after(world: World, document, changes):
    take_in(world, document)
    last = changes()[-1].number
    document["proposals"][0]["title"]["en"] = "Very old teeth"
    document["beamtimes"][0]["end"] = "2026-10-09"
    take_in(world, document)
    noted = [c for c in changes(last) if c.subject in {"proposal", "beamtime"}]
    told = [(c.subject, c.subject_id, c.action, c.before, c.after, c.beamtime, c.by) for c in noted]
    assert told == [
        ("proposal", "P1", "updated", '{"title_en": "Old teeth"}', '{"title_en": "Very old teeth"}', None, "ingest"),
        ("beamtime", "BT-1", "updated", '{"end": "2026-10-07"}', '{"end": "2026-10-09"}', "BT-1", "ingest"),
    ]


def test_datasets_are_found_by_the_new_words_and_no_longer_by_the_old(world: World, document):
    take_in(world, document)
    world.client("ingest").ingest([world.record("scan", sample="molar")])
    team = world.client("team")
    assert [team.search(q).total for q in ("Lindqvist", "clavicle", "incisor", "Imaging", "Tomograph")] == [
        1,
        0,
        0,
        1,
        1,
    ]
    document["proposals"][0]["title"] = {"en": "Clavicles", "zh": "锁骨"}
    document["samples"][0]["description"] = {"en": "An incisor", "zh": "门牙"}
    document["people"][1]["name"] = {"en": "Bo Sandström", "zh": "桑博"}
    document["instruments"][0]["name"] = {"en": "Pictures", "zh": "影像"}
    take_in(world, document)
    for q, total in (("clavicle", 1), ("锁骨", 1), ("incisor", 1), ("Sandstrom", 1), ("影像", 1)):
        assert team.search(q).total == total, q
    for q in ("teeth", "Lindqvist", "human", "Imaging", "臼齿"):
        assert team.search(q).total == 0, q


def test_what_is_gone_at_the_source_is_told_and_kept(world: World, document):
    take_in(world, document)
    world.client("ingest").ingest([world.record("scan", sample="named by a file alone")])
    some = {"name": None, "instruments": document["instruments"][:1], "proposals": document["proposals"][:1]}
    report = take_in(world, some)
    assert report.changes == 0
    assert (report.proposals.absent_names, report.beamtimes.absent_names) == (("P2",), ("BT-1", "BT-2"))
    assert report.samples.absent_names == ("P1/molar", "P2/cathode")
    assert (report.roles.absent_names, report.facility.absent) == (("P2/chen/principal-investigator",), 0)
    assert [p.proposal for p in world.client("admin").proposals()] == ["P1", "P2"]


def test_a_rehearsal_tells_the_same_and_changes_nothing(world: World, document, rows, changes):
    last = changes()[-1].number
    rehearsed = take_in(world, document, rehearse=True)
    assert rehearsed.is_rehearsal
    assert (changes(last), rows(select(Person.username))) == ([], [])
    real = take_in(world, document)
    assert real.model_copy(update={"is_rehearsal": True}) == rehearsed


@pytest.mark.parametrize(
    ("place", "change", "said"),
    [
        ("beamtimes", {"proposal": "P9"}, "beamtime BT-1 refers to proposal P9"),
        ("beamtimes", {"beamline": "BL9"}, "beamtime BT-1 refers to beamline BL9"),
        ("beamtimes", {"station": "hutch-z"}, "beamtime BT-1 refers to station BL1/hutch-z"),
        ("beamtimes", {"end": "2026-10-01"}, "beamtime BT-1 ends on 2026-10-01, before it starts on 2026-10-05"),
        ("samples", {"proposal": "P9"}, "sample P9/molar refers to proposal P9"),
        (
            "proposals",
            {"people": [{"username": "zoe", "role": "co-proposer"}]},
            "P1/zoe/co-proposer refers to person zoe",
        ),
        ("proposals", {"proposal": "P2"}, "proposal P2 is there twice, with different values"),
    ],
)
def test_records_that_make_no_sense_are_refused_as_a_whole(world: World, document, place, change, said):
    document[place][0] |= change
    with pytest.raises(CatalogueRefusedError) as refused:
        take_in(world, document)
    assert (refused.value.code, refused.value.status) == ("records-refused", 422)
    assert said in refused.value.detail.en
    assert "Nothing was changed" in refused.value.detail.en
    assert refused.value.detail.zh
    assert world.client("admin").people() == []


def test_a_sample_is_known_by_its_elements(world: World, document, rows):
    take_in(world, document)
    elements = (
        select(SampleElement.element)
        .join(Sample, Sample.number == SampleElement.sample)
        .where(Sample.name == "cathode")
    )
    assert sorted(element for (element,) in rows(elements)) == ["Fe", "Li", "O", "P"]
    document["samples"][1]["formula"] = "LiCoO2"
    take_in(world, document)
    assert sorted(element for (element,) in rows(elements)) == ["Co", "Li", "O"]
    document["samples"][1]["formula"] = None
    take_in(world, document)
    assert rows(elements) == []


def test_names_are_folded_for_comparison(world: World, document, rows):
    take_in(world, document)
    assert rows(select(Person.folded).where(Person.username == "chen")) == [(" chen wei 陈伟 伟 ",)]
    assert rows(select(Sample.folded).where(Sample.name == "molar")) == [
        (" molar a human molar 人类 类臼 臼齿 齿样 样品 品 ",)
    ]


def test_a_beamtime_that_moves_to_another_proposal_takes_its_data_along(world: World, document):
    take_in(world, document)
    world.client("ingest").ingest([world.record("scan")])
    assert (world.client("team").search("scan").total, world.client("other team").search("scan").total) == (1, 0)
    document["beamtimes"][0]["proposal"] = "P2"
    take_in(world, document)
    assert (world.client("team").search("scan").total, world.client("other team").search("scan").total) == (0, 1)


def test_the_embargo_of_data_follows_the_records_and_stays_where_they_say_nothing(world: World, document, rows):
    document["proposals"][0] |= {"embargo_months": 12, "released_to": "world"}
    take_in(world, document)
    world.client("ingest").ingest([world.record("scan")])
    opening = select(DatasetRow.released_at, DatasetRow.released_to)
    assert rows(opening) == [(datetime(2027, 10, 8, tzinfo=UTC), "world")]
    document["proposals"][0]["embargo_months"] = 6
    document["beamtimes"][0]["end"] = "2026-10-09"
    take_in(world, document)
    assert rows(opening) == [(datetime(2027, 4, 10, tzinfo=UTC), "world")]
    document["proposals"][0] |= {"embargo_months": None, "released_to": None}
    assert take_in(world, document).changes == 0
    assert rows(opening) == [(datetime(2027, 4, 10, tzinfo=UTC), "world")]
    assert rows(select(Proposal.embargo_months).where(Proposal.proposal == "P1")) == [(6,)]


def test_a_sample_that_only_a_file_knew_gets_its_description(world: World, document, rows):
    world.client("ingest").ingest([world.record("scan", sample="anode")])
    document["samples"].append({"sample": "anode", "proposal": "P1", "description": {"en": "Graphite", "zh": "石墨"}})
    report = take_in(world, document)
    assert [one.name for one in report.samples.updated_names] == ["P1/anode"]
    assert world.client("team").search("graphite").total == 1
    assert rows(select(func.count()).select_from(Sample).where(Sample.name == "anode")) == [(1,)]


def test_two_imports_at_once_end_in_one_state(world: World, document, rows):
    document["samples"] += [
        {"sample": f"s{n}", "proposal": "P1", "description": {"en": f"Sample {n}", "zh": f"样品{n}"}}
        for n in range(300)
    ]
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: take_in(world, document), range(4)))
    assert sorted(report.samples.created for report in reports) == [0, 0, 0, 300]
    assert rows(select(func.count()).select_from(Sample)) == [(302,)]
    assert rows(select(Beamtime.station).where(Beamtime.beamtime == "BT-1")) == [("hutch-a",)]
