"""Path lists: a facility's own come first, per beamline, and mistakes in them are said."""

from datetime import datetime
from pathlib import Path

import h5py
import pytest
import yaml

from beamtorch_catalogue import command
from beamtorch_catalogue.extract.path_lists import Extraction, PathListsError, load_path_lists, shipped
from beamtorch_catalogue.testing.world import World
from beamtorch_facility import Quantity
from beamtorch_facility.proposal import BeamlineId


@pytest.fixture
def scan(raw: Path) -> Path:
    path = raw / "scan.nxs"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["start_time"] = "2026-10-05T10:00:00"
        entry["hutch/furnace/setpoint"] = 1100.0
        entry["hutch/what"] = "steel"
        entry["hutch"].attrs["shift"] = "night"
        sample = entry.create_group("sample")
        sample.attrs["NX_class"] = "NXsample"
        sample["name"], sample["temperature"] = "Default Sample", 300.0
    return path


def lists(**beamline: object) -> Extraction:
    return Extraction.model_validate({"beamlines": {"BL1": {"nexus": beamline}}})


def test_a_beamline_s_own_paths_come_before_the_common_ones(scan: Path, read):
    own = lists(
        quantities={"temperature": [{"path": "hutch/furnace/setpoint", "unit": "degC"}], "dwell": ["nowhere/at/all"]},
        texts={"shift": ["hutch/@shift"]},
        sample=["hutch/what"],
        time_zone="Asia/Shanghai",
    )
    before, record = read()[scan.stem], read(own)[scan.stem]
    assert (before.parameters["temperature"], before.sample) == (Quantity(value=300), None)
    assert record.parameters["temperature"] == Quantity(value=1100, unit="degC")
    assert (record.sample, record.parameters["shift"]) == ("steel", "night")
    assert "dwell" not in record.parameters
    assert record.measured_at == datetime.fromisoformat("2026-10-05T10:00:00+08:00")


def test_another_beamline_keeps_the_common_ones(scan: Path, read):
    own = Extraction.model_validate({"beamlines": {"BL2": {"nexus": {"sample": ["hutch/what"]}}}})
    assert read(own)[scan.stem].sample is None


def test_what_the_facility_says_for_all_beamlines_comes_after_the_beamline_s_own():
    own = Extraction.model_validate(
        {"nexus": {"sample": ["b"]}, "beamlines": {"BL1": {"nexus": {"sample": ["a"]}}}},
    )
    assert [place.path for place in own.of(BeamlineId("BL1")).nexus.sample][:3] == ["a", "b", "NXsample/name"]
    assert [place.path for place in own.of(BeamlineId("BL2")).nexus.sample][:2] == ["b", "NXsample/name"]


def test_an_empty_list_takes_a_name_away(scan: Path, read):
    assert "temperature" not in read(lists(quantities={"temperature": []}))[scan.stem].parameters


def test_a_definition_of_the_facility_has_its_technique_and_its_paths(scan: Path, read):
    with h5py.File(scan, "a") as file:
        file["entry/definition"] = "NXfurnace"
    own = lists(
        definitions={"NXfurnace": {"technique": "annealing", "quantities": {"setpoint": ["hutch/furnace/setpoint"]}}}
    )
    record = read(own)[scan.stem]
    assert (record.technique, record.files[0].format) == ("annealing", "NXfurnace")
    assert record.parameters["setpoint"] == Quantity(value=1100)


def test_the_shipped_lists_are_understood_and_know_the_common_definitions():
    assert {"NXtomo", "NXmx", "NXsas", "NXstxm"} <= set(shipped().nexus.definitions)
    assert "energy" in shipped().data_exchange.quantities


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("nexus: {quantites: {}}", "nexus.quantites"),
        ("nexus: {quantities: {Energy: [a]}}", "Energy"),
        ("nexus: {sample: ['/absolute']}", "nexus.sample.0"),
        ("beamlines: {'BL 1': {}}", "BL 1"),
        ("nexus:\n  sample: [", "line 2"),
        ("- a", "cannot be understood"),
    ],
)
def test_a_mistake_in_a_facility_s_lists_is_said_with_its_place(tmp_path: Path, written: str, says: str):
    path = tmp_path / "lists.yaml"
    path.write_text(written)
    with pytest.raises(PathListsError) as error:
        load_path_lists(path, {})
    assert str(path) in error.value.detail.en
    assert says in error.value.detail.en


def test_the_command_takes_the_lists_as_told_or_from_the_environment(
    light_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    light_world.begin_again()
    monkeypatch.setenv("BEAMTORCH_SPOOL", str(tmp_path / "spool"))
    folder = light_world.scan("tooth")
    with h5py.File(folder / "tooth.h5", "a") as file:
        file["hutch/valve"] = "open"
    listed = tmp_path / "lists.yaml"
    connection = ["--url", light_world.url, "--token", light_world.tokens["ingest"], "ingest", str(folder)]
    for name, arguments, environment in (
        ("valve", ["--paths", str(listed)], ""),
        ("flap", [], str(listed)),
    ):
        listed.write_text(yaml.safe_dump({"data_exchange": {"texts": {name: ["hutch/valve"]}}}))
        monkeypatch.setenv("BEAMTORCH_EXTRACTION", environment)
        assert command.main([*connection, *arguments]) == 0
        (found,) = light_world.client("ingest").search("tooth").datasets
        assert light_world.client("ingest").dataset(found.id).parameters[name] == "open"
    capsys.readouterr()
