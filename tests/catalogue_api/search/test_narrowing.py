"""Counts and filters: what a search can be narrowed by, exactly where the census knows."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import CensusRow, DatasetRow
from beamtorch_catalogue.testing.world import World, energy
from beamtorch_catalogue.wire import DatasetEdit, DatasetState, FileState
from beamtorch_facility.dataset import DatasetKind


def values(facets, name):
    (facet,) = (one for one in facets.facets if one.name == name)
    return {value.value: value.count for value in facet.values}


@pytest.fixture
def filled(world: World) -> World:
    moment = datetime(2026, 10, 5, 10, tzinfo=UTC)
    records = [
        *(world.record(f"scan-{n}", sample="molar", measured_at=moment, parameters=energy(10 + n)) for n in range(4)),
        world.record("old", measured_at=moment.replace(year=2024), technique="ptychography"),
        world.record("flat", kind=DatasetKind.CALIBRATION, measured_at=moment),
        world.record("cell", "BT-2", sample="cathode", measured_at=moment),
    ]
    world.client("ingest").ingest(records)
    return world


def test_facets_count_what_the_asker_may_read_and_nothing_else(filled: World):
    everything = filled.client("admin").facets()
    assert values(everything, "kind") == {"raw": 6, "calibration": 1}
    assert values(everything, "technique") == {"tomography": 5, "ptychography": 1, "total scattering": 1}
    assert values(everything, "beamline") == {"BL1": 6, "BL2": 1}
    assert values(everything, "year") == {"2026": 6, "2024": 1}
    assert values(everything, "sample_name") == {"molar": 4, "cathode": 1}
    assert values(filled.client("other team").facets(), "beamline") == {"BL2": 1}
    assert all(not facet.values for facet in filled.client("stranger").facets().facets)


def test_facets_follow_words_ranges_and_filters_and_have_names_in_both_languages(filled: World):
    client = filled.client("team")
    assert values(client.facets("scan"), "kind") == {"raw": 4}
    assert values(client.facets("energy 11..12 keV"), "sample_name") == {"molar": 2}
    assert values(client.facets(filters={"year": ["2024"]}), "technique") == {"ptychography": 1}
    (kind,) = (one for one in client.facets().facets if one.name == "kind")
    assert (kind.label.zh, {value.label.zh for value in kind.values}) == ("类型", {"原始", "标定"})


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"year": ["2024"]}, ["old"]),
        ({"beamline": ["bl2"]}, ["cell"]),
        ({"beamtime": ["BT-2"], "year": ["2024"]}, []),
        ({"proposal": ["P2", "P1"], "state": ["complete"]}, ["cell", "flat", "old", *(f"scan-{n}" for n in range(4))]),
        ({"sample_name": ["molar"]}, [f"scan-{n}" for n in range(4)]),
        ({"state": ["missing"]}, []),
        ({"year": ["0", "99999", "soon"]}, []),
    ],
)
def test_filters_narrow_and_of_several_values_one_is_enough(filled: World, filters, names):
    client = filled.client("admin")
    page = client.search(filters=filters)
    assert sorted(dataset.name for dataset in page.datasets) == names
    assert (page.total, page.total_is_capped) == (len(names), False)
    assert client.count(filters=filters).total == len(names)


def test_the_census_is_what_a_count_of_all_datasets_gives_after_every_kind_of_change(filled: World):
    ingest, admin = filled.client("ingest"), filled.client("admin")
    (scan,) = admin.search("scan-1").datasets
    file = admin.dataset(scan.id).files[0]
    ingest.ingest(
        [filled.record("old", technique="fluorescence"), filled.record("scan-0", kind=DatasetKind.CALIBRATION)]
    )
    ingest.report_files([FileState(dataset=scan.id, path=file.path, state=DatasetState.MISSING)])
    admin.edit(scan.id, DatasetEdit(technique="ptychography"))
    database = Database(filled.database)
    with database.reading() as session:
        counted = session.execute(
            select(CensusRow.beamtime, CensusRow.kind, CensusRow.technique, CensusRow.state, CensusRow.datasets).where(
                CensusRow.datasets != 0
            )
        ).all()
        rows = session.execute(
            select(DatasetRow.beamtime, DatasetRow.kind, DatasetRow.technique, DatasetRow.state, func.count()).group_by(
                DatasetRow.beamtime, DatasetRow.kind, DatasetRow.technique, DatasetRow.state
            )
        ).all()
        size = session.scalar(select(func.sum(CensusRow.size)))
        assert size == session.scalar(select(func.sum(DatasetRow.size)))
    database.close()
    summed: dict[tuple[str, ...], int] = {}
    for *key, count in counted:
        summed[tuple(key)] = summed.get(tuple(key), 0) + count
    assert summed == {tuple(key): count for *key, count in rows}
