"""Real files of several facilities, through the command, against what reading them by hand shows."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from beamtorch_catalogue import command
from beamtorch_catalogue.testing.world import World
from beamtorch_catalogue.wire import Dataset
from beamtorch_facility import Quantity

NEXUS = Path(__file__).parents[4] / "shared" / "data" / "nexus"
OWN = Path(__file__).parents[3] / "hub" / "beamtorch_hub" / "demo" / "data"


@dataclass(frozen=True)
class Known:
    """What a file says of itself; None: nothing, and the text is part of the reason that must be given."""

    start: str | None
    sample: str | None
    energy: tuple[float, str] | None
    wavelength: tuple[float, str] | None = None
    why: tuple[str, ...] = ()


# Start times without a zone are local; energies of files that give a wavelength only are h c / wavelength.
KNOWN = {
    "AgBehenate_228": Known(
        None, "Glassy carbon C6 fixed", (16.90014329, "keV"), (0.73362836, "A"), ("“start_time” of the file is empty",)
    ),
    "ID34_not_complete": Known(
        None, None, (24.74029863, ""), None, ("no start time", "no name of a sample", "energy 24.7403 has no unit")
    ),
    "nexus-example": Known(
        "2016-06-23T12:02:31-06:00",
        "pinSAXS for IN625AB_775C_240min",
        (20.99996158, "keV"),
        (0.59040224, "Angstroms"),
    ),
    # Its incident_energy, 5.22300042, has no unit; the wavelength has.
    "538039": Known(None, None, (5.223, "keV"), (0.23738117, "nm"), ("no start time", "“Default Sample”")),
    "Therm_6_2": Known(
        "2019-02-14T14:25:57", None, (12.6479, "keV"), (0.9802735610373182, "angstrom"), ("no name of a sample",)
    ),
    "p45-1168": Known(None, None, None, None, ("no start time", "“Unnamed Sample”", "neither energy nor wavelength")),
    "thaumatin_integrated": Known(
        "2013-07-03T09:49:57.347+00:00", None, (12.7, "keV"), (0.97625, "angstrom"), ("“FROM_DIALS”",)
    ),
    "Focus_2021-03-16_051": Known(
        "2021-03-16T12:42:07+01:00", None, (715.00880697, "eV"), None, ("no name of a sample",)
    ),
    "Sample_Line_2021-03-16_096": Known(
        "2021-03-16T15:09:22+01:00", None, (280.0, "eV"), None, ("no name of a sample",)
    ),
    "NXcanSAS": Known(
        None, "SAMPLE-CHAR-DATA", None, (1.0, "NX_WAVELENGTH"), ("no start time", "“NX_WAVELENGTH”, which nobody knows")
    ),
    "NXmx": Known("2021-03-29T15:51:40.027458", "SAMPLE-CHAR-DATA", None, (1.0, "NX_WAVELENGTH"), ("“NX_WAVELENGTH”",)),
    "NXtomo": Known("2021-03-29T15:51:44.650319", "SAMPLE-CHAR-DATA", None, None, ("neither energy nor wavelength",)),
}


@pytest.fixture
def catalogued(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Copy a folder into a beamtime by the command, and return its report and all datasets by name."""
    monkeypatch.setenv("BEAMTORCH_SPOOL", str(tmp_path / "spool"))

    def run(folder: Path) -> tuple[dict[str, object], dict[str, Dataset]]:
        world.folder().mkdir(parents=True, exist_ok=True)
        connection = ["--url", world.url, "--token", world.tokens["ingest"]]
        into = ["--data-root", str(world.layout.root), "--beamtime", "BT-1", "--copy", "--json"]
        assert command.main([*connection, "ingest", str(folder), *into]) == 0
        client = world.client("ingest")
        found = [client.dataset(one.id) for one in client.search("", limit=100).datasets]
        return json.loads(capsys.readouterr().out), {dataset.name: dataset for dataset in found}

    return run


@pytest.mark.shared
def test_every_real_nexus_file_is_catalogued_with_what_it_says_and_why_not(catalogued):
    if not NEXUS.exists():
        pytest.skip("the larger real data are not here")
    report, datasets = catalogued(NEXUS)
    files = {path.stem for path in NEXUS.glob("*/*")}
    assert (report["created"], report["copied"], report["left"]) == (len(files), len(files), [])
    assert set(datasets) == files == set(KNOWN)
    for name, known in KNOWN.items():
        check(datasets[name], known)


def check(dataset: Dataset, known: Known) -> None:
    name = dataset.name
    start = datetime.fromisoformat(known.start).astimezone() if known.start else None
    assert (name, dataset.measured_at, dataset.sample) == (name, start, known.sample)
    for parameter, expected in (("energy", known.energy), ("wavelength", known.wavelength)):
        value = dataset.parameters.get(parameter)
        if expected is None:
            assert value is None, name
        else:
            assert isinstance(value, Quantity), name
            assert (value.value, value.unit) == (pytest.approx(expected[0], rel=1e-5), expected[1]), name
    reasons = {key: text for key, text in dataset.files[0].metadata.items() if key.startswith("why_no_")}
    said = " ".join(map(str, reasons.values()))
    assert [part for part in known.why if part not in said] == [], name
    missing = {"start_time": start is None, "sample": known.sample is None}
    assert {key for key in reasons if key != "why_no_energy"} == {
        f"why_no_{key}" for key, gone in missing.items() if gone
    }
    assert all("。" in str(text) for text in reasons.values()), name


@pytest.mark.shared
def test_the_facility_of_a_real_file_can_say_more_about_it(catalogued, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if not NEXUS.exists():
        pytest.skip("the larger real data are not here")
    lists = {
        "beamlines": {
            "BL1": {
                "nexus": {
                    "quantities": {"energy": [{"path": "NXsample/incident_energy", "unit": "keV"}]},
                    "texts": {"wire": ["facility_name"]},
                    "statistics": {"ring_current": [{"path": "NXinstrument/rc/rc", "unit": "mA"}]},
                }
            }
        }
    }
    (tmp_path / "lists.yaml").write_text(json.dumps(lists))
    monkeypatch.setenv("BEAMTORCH_EXTRACTION", str(tmp_path / "lists.yaml"))
    (tmp_path / "data").mkdir()
    for name in ("APS/ID34_not_complete.h5", "DLS/538039.nxs"):
        (tmp_path / "data" / Path(name).name).write_bytes((NEXUS / name).read_bytes())
    _, datasets = catalogued(tmp_path / "data")
    energy = datasets["ID34_not_complete"].energy
    assert energy is not None
    assert (round(energy.value, 6), energy.unit) == (24.740299, "keV")
    assert "why_no_energy" not in datasets["ID34_not_complete"].files[0].metadata
    current = datasets["538039"].files[0].metadata["ring_current"]
    assert (current.count, current.unit, round(current.mean, 3)) == (61, "mA", 300.911)


def test_the_project_s_own_real_files_are_catalogued(catalogued):
    report, datasets = catalogued(OWN)
    assert {"tooth", "Ni", "kapton"} <= {name.removeprefix("pdf_") for name in datasets}
    tooth, nickel = datasets["tooth"], datasets["Ni"]
    assert (tooth.sample, tooth.measured_at, tooth.energy) == ("Tooth", None, None)
    assert "The file has no start time" in tooth.files[0].metadata["why_no_start_time"]
    assert "neither energy nor wavelength" in tooth.files[0].metadata["why_no_energy"]
    angles = tooth.files[0].metadata["rotation_angle"]
    assert (angles.count, angles.minimum, round(angles.maximum, 4), angles.unit) == (181, 0, 179.0055, "degrees")
    assert nickel.files[0].metadata["why_no_sample"].startswith("The header has no line")
    assert any(path.endswith("SOURCES.md") for path in report["left"])
