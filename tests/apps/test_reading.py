"""Scans as beamlines write them, and scans that cannot be used: each has its sentence."""

import shutil

import h5py
import numpy as np
import pytest

from beamtorch_apps.ct import open_scan
from beamtorch_facility.errors import BeamtorchError


@pytest.fixture
def counts(grains):
    """The frames of a known scan, taken apart: projections, flats, darks, angles."""
    with h5py.File(grains) as file:
        key = file["entry/instrument/detector/image_key"][()]
        stack = file["entry/instrument/detector/data"][()]
        angles = file["entry/sample/rotation_angle"][()]
    return stack[key == 0], stack[key == 1], stack[key == 2], angles[key == 0]


def exchange(path, counts, **instead: object):
    projections, flats, darks, angles = counts
    parts = {"data": projections, "data_white": flats, "data_dark": darks, "theta": angles} | instead
    with h5py.File(path, "w") as file:
        for name, value in parts.items():
            if value is not None:
                file[f"exchange/{name}"] = value
    return path


def test_both_layouts_hold_the_same_lines(grains, counts, tmp_path):
    with open_scan(grains) as scan, open_scan(exchange(tmp_path / "same.h5", counts)) as other:
        assert (scan.layout, other.layout) == ("NXtomo", "Data Exchange")
        assert (scan.rows, scan.columns) == (9, 128)
        assert str(scan.energy) == "25 keV"
        assert str(scan.pixel_size) == "1.5 µm"
        assert scan.sample == "grains 7"
        assert other.pixel_size is None
        assert np.array_equal(scan.sinogram(3), other.sinogram(3))
        assert np.array_equal(scan.projection(5)[3], scan.sinogram(3)[5])


def test_both_simulated_layouts_say_the_same(ct, tmp_path):
    known = []
    for name, layout in (("a.nxs", "nxtomo"), ("a.h5", "exchange")):
        words = ("--size", 64, "--rows", 3, "--projections", 60, "--axis", 30.2, "--seed", 5, "--name", "same")
        assert ct("simulate", tmp_path / name, "--layout", layout, *words).code == 0
        known.append(ct("info", tmp_path / name, "--json").facts)
    assert {key: value for key, value in known[0].items() if key not in {"path", "layout"}} == {
        key: value for key, value in known[1].items() if key not in {"path", "layout"}
    }


def test_the_dialect_of_diamond_is_read(counts, tmp_path):
    projections, flats, darks, angles = counts
    with h5py.File(tmp_path / "dls.nxs", "w") as file:
        tomo = file.create_group("entry1/tomo_entry")
        tomo.attrs["NX_class"] = "NXsubentry"
        tomo["definition"] = "NXtomo"
        tomo["data/data"] = np.concatenate((darks, flats, projections, flats))
        tomo["data/rotation_angle"] = np.concatenate((np.zeros(len(darks) + len(flats)), angles, np.zeros(len(flats))))
        key = np.repeat([2, 1, 0, 1], [len(darks), len(flats), len(projections), len(flats)])
        tomo["instrument/detector/image_key"] = key
    with open_scan(tmp_path / "dls.nxs") as scan:
        assert (scan.projections, scan.flats, scan.darks) == (150, 40, 20)
        assert np.allclose(scan.angles, angles)


def test_the_dialect_of_esrf_is_read(counts, tmp_path):
    projections, flats, darks, angles = counts
    with h5py.File(tmp_path / "esrf.nx", "w") as file:
        entry = file.create_group("entry0000")
        entry.attrs["NX_class"] = "NXentry"
        entry["definition"] = "NXtomo"
        entry["instrument/detector/data"] = np.concatenate((flats, projections, darks))
        entry["instrument/detector/image_key"] = np.repeat([1, 0, 2], [len(flats), len(projections), len(darks)])
        entry["instrument/detector/x_pixel_size"] = 1.5e-6
        entry["instrument/detector/x_pixel_size"].attrs["units"] = "m"
        entry["sample/rotation_angle"] = np.concatenate((np.zeros(len(flats)), angles, np.zeros(len(darks))))
    with open_scan(tmp_path / "esrf.nx") as scan:
        assert scan.projections == 150
        assert scan.pixel_size is not None
        assert scan.pixel_size.value == pytest.approx(1.5)


def test_frames_that_are_marked_invalid_are_left_out(grains, tmp_path):
    shutil.copy(grains, tmp_path / "some.nxs")
    with h5py.File(tmp_path / "some.nxs", "r+") as file:
        key = file["entry/instrument/detector/image_key"]
        key[np.flatnonzero(key[()] == 0)[::10]] = 3
    with open_scan(tmp_path / "some.nxs") as scan:
        assert scan.projections == 135
        assert scan.sinogram(0).shape == (135, 128)


def test_angles_in_radians_are_understood(counts, tmp_path):
    exchange(tmp_path / "rad.h5", counts, theta=np.deg2rad(counts[3]))
    with h5py.File(tmp_path / "rad.h5", "r+") as file:
        file["exchange/theta"].attrs["units"] = "rad"
    with open_scan(tmp_path / "rad.h5") as scan:
        assert np.allclose(scan.angles, counts[3])


@pytest.mark.parametrize("value", [0, np.nan])
def test_a_few_dead_pixels_are_filled_from_their_neighbours(counts, tmp_path, value):
    white = counts[1].astype(np.float32)
    white[:, :, 40] = value
    with open_scan(exchange(tmp_path / "dead.h5", counts, data_white=white)) as scan:
        line = scan.sinogram(4)
        assert np.isfinite(line).all()
        assert np.allclose(line[:, 40], 0.5 * (line[:, 39] + line[:, 41]), atol=1e-5)


def test_a_pixel_without_light_is_opaque_not_infinite(counts, tmp_path):
    dark = counts[0].copy()
    dark[10, 4, 50] = 0
    with open_scan(exchange(tmp_path / "opaque.h5", counts, data=dark)) as scan:
        block = scan.block(4, 5)
        assert block.opaque == 1
        assert block.values[10, 0, 50] == pytest.approx(-np.log(1e-5), rel=1e-3)


def jump(angles):
    wrong = angles.copy()
    wrong[50] = 12.0
    return wrong


def missing(angles):
    wrong = angles.copy()
    wrong[7] = np.nan
    return wrong


BROKEN = {
    "no flats": (lambda _: {"data_white": None}, "has no flat fields"),
    "flats without light": (lambda c: {"data_white": np.zeros_like(c[1])}, "not brighter than the dark field"),
    "flats that are no numbers": (lambda c: {"data_white": np.full(c[1].shape, np.nan)}, "not brighter than the dark"),
    "no angles": (lambda _: {"theta": None}, "has no angles"),
    "too few angles": (lambda c: {"theta": c[3][:-1]}, "149 angles for 150 projections"),
    "an angle that is no number": (lambda c: {"theta": missing(c[3])}, "angle of projection 7 is not a number"),
    "angles that jump back": (lambda c: {"theta": jump(c[3])}, "jumps from 58.800° to 12.000° after projection 49"),
    "angles that stand still": (lambda _: {"theta": np.full(150, 30.0)}, "all angles lie within 0°"),
    "a picture, not a stack": (lambda c: {"data": c[0][0]}, "is not a stack of images"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_with_a_scan_is_said_in_both_languages(what, counts, tmp_path, ct):
    instead, says = BROKEN[what]
    path = exchange(tmp_path / "broken.h5", counts, **instead(counts))
    with pytest.raises(BeamtorchError) as raised, open_scan(path) as scan:
        scan.sinogram(0)
    assert says in raised.value.detail.en
    assert any("\u4e00" <= letter <= "\u9fff" for letter in raised.value.detail.zh)
    said = ct("recon", path, "-o", tmp_path / "out.h5")
    assert said.code != 0
    assert says in said.err
    assert "Traceback" not in said.err
    assert not (tmp_path / "out.h5").exists()


def test_a_truncated_file_is_named_in_the_error(grains, tmp_path, ct):
    (tmp_path / "cut.nxs").write_bytes(grains.read_bytes()[:100_000])
    said = ct("info", tmp_path / "cut.nxs")
    assert said.code != 0
    assert "cut.nxs ends early, after 100,000 bytes" in said.err


@pytest.mark.parametrize(
    ("content", "says"), [(b"hello", "is not an HDF5 file"), (b"", "ends early"), (None, "does not exist")]
)
def test_another_file_is_named_in_the_error(tmp_path, ct, content, says):
    if content is not None:
        (tmp_path / "other.h5").write_bytes(content)
    said = ct("info", tmp_path / "other.h5")
    assert said.code != 0
    assert "other.h5" in said.err
    assert says in said.err


def test_hdf5_without_a_scan_is_said_to_be_so(tmp_path, ct):
    with h5py.File(tmp_path / "spectra.h5", "w") as file:
        file["entry/data/counts"] = np.arange(10)
    assert "holds no CT scan" in ct("info", tmp_path / "spectra.h5").err


def test_a_missing_linked_file_is_named(grains, tmp_path, ct):
    shutil.copy(grains, tmp_path / "master.nxs")
    with h5py.File(tmp_path / "master.nxs", "r+") as file:
        detector = file["entry/instrument/detector"]
        del detector["data"]
        detector["data"] = h5py.ExternalLink("frames/scan-0001.h5", "/data")
    said = ct("recon", tmp_path / "master.nxs", "-o", tmp_path / "out.h5")
    assert said.code != 0
    assert "frames/scan-0001.h5" in said.err
    assert "Copy it" in said.err


def test_a_virtual_dataset_without_its_source_is_not_read_as_zeros(grains, tmp_path, ct):
    shutil.copy(grains, tmp_path / "virtual.nxs")
    with h5py.File(tmp_path / "virtual.nxs", "r+") as file:
        detector = file["entry/instrument/detector"]
        shape, dtype = detector["data"].shape, detector["data"].dtype
        del detector["data"]
        layout = h5py.VirtualLayout(shape, dtype)
        layout[:] = h5py.VirtualSource("source-17.h5", "data", shape, dtype)
        detector.create_virtual_dataset("data", layout)
    said = ct("info", tmp_path / "virtual.nxs")
    assert said.code != 0
    assert "source-17.h5" in said.err


@pytest.mark.shared
def test_the_diad_scan_names_its_image_file_when_that_is_absent(diad, tmp_path, ct):
    shutil.copy(diad, tmp_path)
    (tmp_path / "k11-18014").mkdir()
    shutil.copy(diad.parent / "k11-18014" / "k11-18014-pcompPanda.h5", tmp_path / "k11-18014")
    said = ct("recon", tmp_path / diad.name, "-o", tmp_path / "out.h5")
    assert said.code != 0
    assert "k11-18014-imaging.h5" in said.err
