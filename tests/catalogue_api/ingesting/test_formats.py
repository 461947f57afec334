"""What each format tells: small files made here, as the programs of beamlines write them."""

from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from beamtorch_catalogue.extract.moments import moment
from beamtorch_catalogue.wire import DatasetState, Statistics
from beamtorch_facility import Quantity

MINI = """###CBF: VERSION 1.5, CBFlib v0.7.8 - PILATUS detectors
data_scan
_array_data.header_contents
;
# Detector: PILATUS 2M, S/N 24-0107
# {moment}
# Pixel_size 172e-6 m x 172e-6 m
# Exposure_time 0.0964000 s
# Wavelength 0.68890 A
# Detector_distance 0.16000 m
# Beam_xy (730.00, 865.00) pixels
# Start_angle {angle:.4f} deg.
# Angle_increment 0.1000 deg.
;
"""
FULL = """###CBF: VERSION 1.5
data_scan
_diffrn_scan_frame.date 2026-10-05T10:00:00+08:00
_diffrn_radiation_wavelength.wavelength 0.9795
_diffrn_measurement.sample_detector_distance 250.5
"""


def cbf(path: Path, header: str, *, missing: int = 0) -> None:
    body = b"\x00" * 100
    lines = "X-Binary-Size: 100\nX-Binary-Size-Fastest-Dimension: 10\nX-Binary-Size-Second-Dimension: 10\n\n"
    path.write_bytes((header + lines).encode() + b"\x0c\x1a\x04\xd5" + body[: 100 - missing])


CLASSES = {
    "entry": "NXentry",
    "instrument": "NXinstrument",
    "detector": "NXdetector",
    "detectorSpecific": "NXcollection",
    "sample": "NXsample",
    "beam": "NXbeam",
    "source": "NXsource",
    "transformations": "NXtransformations",
    "data": "NXdata",
}


def write(path: Path, values: dict[str, object], units: dict[str, str] | None = None) -> None:
    """Write a NeXus file from paths; each group gets the class that its name says."""
    with h5py.File(path, "w") as file:
        for name, value in values.items():
            file[f"entry/{name}"] = value
            if name in (units or {}):
                file[f"entry/{name}"].attrs["units"] = (units or {})[name]

        def classify(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                item.attrs["NX_class"] = CLASSES[name.rpartition("/")[2]]

        file.visititems(classify)


def test_a_sweep_of_minicbf_tells_its_angles_once_and_what_differs_in_each_image(raw: Path, read):
    for i in range(4):
        cbf(raw / f"scan_{i:04}.cbf", MINI.format(moment=f"2026-10-05T09:00:0{i}.500", angle=-145 + i / 10))
    (record,) = read().values()
    assert record.measured_at == datetime.fromisoformat("2026-10-05T09:00:00.500").astimezone()
    first, second = record.files[0].metadata, record.files[1].metadata
    assert first["distance"] == Quantity(value=0.16, unit="m")
    assert (first["beam_center_x"], first["beam_center_y"]) == (
        Quantity(value=730, unit="pixel"),
        Quantity(value=865, unit="pixel"),
    )
    moving = first["angle_start_of_series"]
    assert isinstance(moving, Statistics)
    assert (moving.count, moving.minimum, moving.maximum, moving.unit) == (4, -145, -144.7, "deg")
    assert set(second) == {"angle_start", "start_time"}
    assert record.parameters["angle_stop"] == Quantity(value=-144.6, unit="deg")
    assert "no place for the sample" in str(first["why_no_sample"])


def test_a_full_cbf_tells_wavelength_distance_and_start(raw: Path, read):
    cbf(raw / "full.cbf", FULL)
    (record,) = read().values()
    assert record.measured_at == datetime(2026, 10, 5, 2, tzinfo=UTC)
    assert record.parameters["energy"] == Quantity(value=12.6579, unit="keV")
    assert record.parameters["distance"] == Quantity(value=250.5, unit="mm")


def test_one_image_of_a_sweep_that_ends_early_makes_it_broken(raw: Path, read):
    for i in range(3):
        cbf(raw / f"scan_{i}.cbf", MINI.format(moment="2026-10-05T09:00:00", angle=i), missing=i // 2)
    (record,) = read().values()
    assert record.state is DatasetState.BROKEN
    assert "scan_2.cbf is truncated" in str(record.problem)


def test_the_tags_of_imagej_and_of_area_detector_are_read(raw: Path, read):
    image = np.zeros((8, 8), dtype=np.uint16)
    imagej = {"unit": "um"}
    tifffile.imwrite(raw / "imagej.tif", image, imagej=True, resolution=(1 / 0.65, 1 / 0.65), metadata=imagej)
    tags = [
        (65002, "I", 1, 1160200000, True),
        (65003, "I", 1, 250_000_000, True),
        (65010, "s", 0, "RingCurrent:199.8", True),
        (65011, "s", 0, "SampleName:NMC811", True),
    ]
    tifffile.imwrite(raw / "epics.tif", image, extratags=tags)
    tifffile.imwrite(raw / "dated.tif", image, datetime="2026:10:05 11:22:33")
    records = read()
    size = records["imagej"].parameters["pixel_size"]
    assert isinstance(size, Quantity)
    assert (size.value, size.unit) == (pytest.approx(0.65, rel=1e-6), "um")
    assert "no moment" in str(records["imagej"].files[0].metadata["why_no_start_time"])
    epics = records["epics"]
    assert epics.measured_at == datetime.fromtimestamp(631_152_000 + 1160200000.25, tz=UTC)
    assert (epics.sample, epics.parameters["ringcurrent"]) == ("NMC811", Quantity(value=199.8))
    assert records["dated"].measured_at == datetime.fromisoformat("2026-10-05T11:22:33").astimezone()


def test_an_image_of_a_tiff_series_that_is_broken_is_named(raw: Path, read):
    for i in range(3):
        tifffile.imwrite(raw / f"t_{i}.tif", np.zeros((64, 64), dtype=np.uint16))
    (raw / "t_2.tif").write_bytes(b"II*\0")
    (record,) = read().values()
    assert record.state is DatasetState.BROKEN
    assert "t_2.tif" in str(record.problem)


def test_nxmx_tells_beam_centre_distance_and_its_moving_axis(raw: Path, read):
    values = {
        "start_time": "2026-10-05T10:00:00Z",
        "sample/name": "thaumatin 3",
        "sample/transformations/omega": np.linspace(0, 89.9, 900),
        "sample/transformations/chi": np.zeros(900),
        "instrument/beam/incident_wavelength": 0.9763,
        "instrument/detector/detector_distance": 0.2,
        "instrument/detector/beam_center_x": 2048.5,
        "instrument/detector/beam_center_y": 2100.0,
    }
    units = {
        "instrument/beam/incident_wavelength": "angstrom",
        "instrument/detector/detector_distance": "m",
        "sample/transformations/omega": "deg",
    }
    write(raw / "mx.nxs", {"definition": "NXmx", **values}, units)
    (record,) = read().values()
    assert (record.technique, record.sample, record.files[0].format) == ("crystallography", "thaumatin 3", "NXmx")
    assert record.parameters["beam_center_x"] == Quantity(value=2048.5)
    assert record.parameters["energy"] == Quantity(value=12.6994, unit="keV")
    assert record.parameters["angle_stop"] == Quantity(value=89.9, unit="deg")
    assert record.parameters["omega_max"] == Quantity(value=89.9, unit="deg")
    assert "chi_max" not in record.parameters
    assert not [key for key in record.files[0].metadata if key.startswith("why_no")]


def test_an_eiger_master_without_a_definition_is_known_with_its_data_files(raw: Path, read):
    folder = raw / "lysozyme"
    folder.mkdir()
    specific = "instrument/detector/detectorSpecific"
    values = {
        f"{specific}/eiger_fw_version": "release-2020.2.1",
        f"{specific}/data_collection_date": "2026-10-05T18:01:02.123456789+08:00",
        f"{specific}/nimages": 1800,
        f"{specific}/ntrigger": 2,
        f"{specific}/photon_energy": 12398.4,
        "instrument/detector/count_time": 0.01,
        "instrument/detector/beam_center_x": 1550.2,
        "data/x": 0,
    }
    write(folder / "lysozyme_master.h5", values, {"instrument/detector/count_time": "s"})
    with h5py.File(folder / "lysozyme_master.h5", "a") as file:
        for i in (1, 2):
            file[f"entry/data/data_00000{i}"] = h5py.ExternalLink(f"lysozyme_data_00000{i}.h5", "entry/data/data")
    with h5py.File(folder / "lysozyme_data_000001.h5", "w") as file:
        file["entry/data/data"] = np.zeros((2, 4, 4), dtype=np.uint16)
    (record,) = read().values()
    assert (record.files[0].name, record.files[0].format) == ("lysozyme_master.h5", "Eiger")
    assert record.technique == "crystallography"
    assert record.measured_at == datetime(2026, 10, 5, 10, 1, 2, 123456, tzinfo=UTC)
    assert record.parameters["images"] == Quantity(value=3600)
    assert record.parameters["energy"] == Quantity(value=12398.4, unit="eV")
    assert {f.name: f.state for f in record.files} == {
        "lysozyme_master.h5": DatasetState.COMPLETE,
        "lysozyme_data_000001.h5": DatasetState.COMPLETE,
        "lysozyme_data_000002.h5": DatasetState.MISSING,
    }
    assert "lysozyme_data_000002.h5" in str(record.problem)


def test_a_tomography_scan_keeps_the_statistics_of_angle_ring_current_and_temperature(raw: Path, read):
    angles, current = np.linspace(0, 180, 721), 200 - np.arange(721) / 1000
    values = {
        "definition": "NXtomo",
        "start_time": "Mon Oct  5 10:00:00 2026",
        "sample/name": "shale",
        "sample/rotation_angle": angles,
        "sample/temperature": np.full(721, 295.15),
        "instrument/source/current": current,
        "instrument/detector/image_key": np.zeros(721, dtype=np.int32),
    }
    units = {"sample/rotation_angle": "deg", "instrument/source/current": "mA", "sample/temperature": "K"}
    write(raw / "ct.nxs", values, units)
    (record,) = read().values()
    kept = record.files[0].metadata
    assert record.measured_at == datetime.fromisoformat("2026-10-05T10:00:00").astimezone()
    assert kept["temperature"] == Statistics(
        count=721, minimum=295.15, maximum=295.15, mean=295.15, standard_deviation=0, unit="K"
    )
    ring = kept["ring_current"]
    assert isinstance(ring, Statistics)
    assert (ring.count, ring.minimum, ring.maximum) == (721, 199.28, 200)
    assert (ring.mean, ring.standard_deviation) == (pytest.approx(current.mean()), pytest.approx(current.std()))
    assert record.parameters["ring_current"] == Quantity(value=200, unit="mA")
    assert record.parameters["ring_current_min"] == Quantity(value=199.28, unit="mA")


def test_data_exchange_tells_its_start_and_its_energy(raw: Path, read):
    with h5py.File(raw / "aps.h5", "w") as file:
        file["exchange/data"] = np.zeros((4, 2, 3), dtype=np.uint16)
        file["process/acquisition/start_date"] = "2026-10-05T10:00:00-0500"
        file["measurement/sample/name"] = "mouse brain"
        file["measurement/instrument/monochromator/energy"] = 27.4
        file["measurement/instrument/monochromator/energy"].attrs["units"] = "keV"
    (record,) = read().values()
    assert (record.sample, record.measured_at) == ("mouse brain", datetime(2026, 10, 5, 15, tzinfo=UTC))
    assert record.parameters["energy"] == Quantity(value=27.4, unit="keV")


def test_the_header_of_a_curve_tells_sample_start_and_distance(raw: Path, read):
    points = "\n".join(f"{x} {x * x}" for x in range(5))
    instrument = "# Distance Sample to Detector: 0.208 m\n# Wavelength: 4.066e-11 m\n"
    (raw / "powder.xy").write_text(f"{instrument}# sample = CeO2\n# date = 2026-10-05 10:00:00\n{points}")
    (record,) = read().values()
    assert (record.sample, record.measured_at) == ("CeO2", moment("2026-10-05 10:00:00"))
    assert record.parameters["distance"] == Quantity(value=0.208, unit="m")
    assert record.parameters["energy"] == Quantity(value=30.4929, unit="keV")
    column = record.files[0].metadata["y"]
    assert isinstance(column, Statistics)
    assert (column.count, column.maximum, column.mean) == (5, 16, 6)


def test_what_no_file_tells_a_person_can_say_and_then_no_reason_is_kept(raw: Path, read):
    (raw / "scan").mkdir()
    (raw / "scan" / "a.xy").write_text("1 2\n3 4\n")
    assert {"why_no_sample", "why_no_energy", "why_no_start_time"} <= set(read()["scan"].files[0].metadata)
    (raw / "scan" / "dataset.yaml").write_text(
        "sample: LaB6\nmeasured_at: 2026-10-05T10:00:00Z\nparameters:\n  energy: 60 keV\n"
    )
    assert not [key for key in read()["scan"].files[0].metadata if key.startswith("why_no")]


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2016-06-23T12:02:31-06:00", "2016-06-23T18:02:31+00:00"),
        ("2009-02-12 14:58:04 -0600", "2009-02-12T20:58:04+00:00"),
        ("2026-10-05T10:00:00.123456789Z", "2026-10-05T10:00:00.123456+00:00"),
        ("2011-Jun-23T14:05:33.123", "2011-06-23T06:05:33+00:00"),
        ("2011/Jun/23 14:05:33.123", "2011-06-23T06:05:33+00:00"),
        ("2026:10:05 10:00:00", "2026-10-05T02:00:00+00:00"),
        ("Mon Oct  5 10:00:00 2026", "2026-10-05T02:00:00+00:00"),
        ("2026-10-05 10:00:00", "2026-10-05T02:00:00+00:00"),
    ],
)
def test_moments_are_read_however_they_are_written(written: str, instant: str):
    assert moment(written, "Asia/Shanghai") == datetime.fromisoformat(instant)


@pytest.mark.parametrize("written", ["", "yesterday", "0000-00-00", "12", "2026-13-01T00:00:00"])
def test_what_is_no_moment_is_none(written: str):
    assert moment(written) is None
