"""What the catalogue's own reading finds in the demo files; nothing here was written down by hand for it."""

import pytest

from beamtorch_catalogue.extract.folder import find_candidates, to_record
from beamtorch_catalogue.wire import DatasetState
from beamtorch_facility import Area, DataLayout, DatasetKind, Quantity
from beamtorch_hub.demo import cast


@pytest.fixture(scope="module")
def records(made):
    layout = DataLayout(made.data)
    return {record.name: record for record in (to_record(c, layout) for c in find_candidates(made.data, layout))}


def test_every_dataset_is_found_once_and_nothing_else(records, spec):
    assert sorted(records) == sorted(dataset.name for dataset in spec.datasets)


def test_each_has_the_beamtime_sample_technique_and_kind_of_the_description(records, spec):
    for dataset in spec.datasets:
        record = records[dataset.name]
        by_area = DatasetKind.PROCESSED if dataset.area is Area.PROCESSED else DatasetKind.RAW
        assert record.beamtime == dataset.beamtime
        assert (record.sample, record.technique) == (dataset.sample, dataset.technique)
        assert record.kind == (dataset.kind or by_area)
        assert record.measured_at is not None
        assert record.software == dataset.software


def test_energy_and_projections_come_from_the_files(records, spec):
    for dataset in spec.datasets:
        recipe, parameters = dataset.recipe, records[dataset.name].parameters
        if recipe.make == "simulate-ct":
            assert parameters["energy"] == Quantity(value=recipe.energy, unit="keV")
            assert parameters["projections"] == Quantity(value=recipe.projections)
            assert parameters["pixel_size"].value == pytest.approx(recipe.pixel_size)
    assert records["tooth_0047"].parameters["projections"] == Quantity(value=181)
    assert "energy" not in records["tooth_0047"].parameters
    assert records["nickel_001"].parameters["energy"].value == pytest.approx(67.531, abs=0.001)


def test_the_images_of_a_crystal_are_one_dataset_with_the_time_of_their_header(records, spec):
    crystal = records["l-cyst_01"]
    stay = next(stay for stay in spec.beamtimes if stay.beamtime == crystal.beamtime)
    assert len(crystal.files) == 15
    assert crystal.parameters["energy"].value == pytest.approx(17.997, abs=0.001)
    assert crystal.parameters["exposure_time"].value == pytest.approx(0.0964)
    assert stay.start <= crystal.measured_at.date() <= stay.end


def test_only_what_is_broken_on_purpose_is_broken_and_says_why(records, spec):
    parts = cast(spec)
    broken = {name: record for name, record in records.items() if record.state is not DatasetState.COMPLETE}
    assert broken.keys() == {parts.truncated.name, parts.missing_link.name}
    assert "truncated" in broken[parts.truncated.name].problem.en
    linked = broken[parts.missing_link.name]
    assert parts.missing_link.recipe.absent in linked.problem.en
    assert [file.state for file in linked.files if file.name == parts.missing_link.recipe.absent] == ["missing"]
