"""What files tell about themselves: real ones where they are there, broken ones made here."""

import bz2
import tarfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from beamtorch_catalogue.extract import picture_of
from beamtorch_catalogue.extract.folder import find_candidates, to_record
from beamtorch_catalogue.extract.picture import draw
from beamtorch_catalogue.wire import DatasetRecord, DatasetState
from beamtorch_facility import DataLayout, Quantity

SHARED = Path(__file__).parents[3] / "shared" / "data"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "BL1" / "202610" / "Data" / "BT-1" / "raw"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def read(tmp_path: Path) -> Callable[[], dict[str, DatasetRecord]]:
    layout = DataLayout(tmp_path)
    return lambda: {c.name: to_record(c, layout) for c in find_candidates(tmp_path, layout)}


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} of the larger real data is not here")
    return path


def link(folder: Path, *sources: Path) -> None:
    folder.mkdir(parents=True)
    for source in sources:
        (folder / source.name).write_bytes(source.read_bytes())


@pytest.mark.shared
def test_the_tooth(raw: Path, read):
    link(raw / "tooth", shared("ct/tooth.h5"))
    record = read()["tooth"]
    assert (record.technique, record.files[0].format, record.sample) == ("tomography", "Data Exchange", "Tooth")
    assert record.parameters["projections"] == Quantity(value=181)
    stop = record.parameters["angle_stop"]
    assert isinstance(stop, Quantity)
    assert (stop.value, stop.unit) == (pytest.approx(179.0055, abs=1e-3), "degrees")


@pytest.mark.shared
def test_a_real_nxtomo_names_its_missing_files(raw: Path, read):
    link(raw / "diad", shared("ct/k11-diad/k11-18014.nxs"))
    link(raw / "diad" / "k11-18014", *sorted(shared("ct/k11-diad/k11-18014").iterdir()))
    record = read()["diad"]
    assert (record.state, record.files[0].format) == (DatasetState.BROKEN, "NXtomo")
    assert {f.name for f in record.files if f.state is DatasetState.MISSING} == {
        "k11-18014-EtherCAT.h5",
        "k11-18014-detectorPanda.h5",
    }
    assert record.problem is not None
    assert "k11-18014-EtherCAT.h5" in record.problem.en
    counts = [record.parameters[name] for name in ("projections", "flats", "darks")]
    assert counts == [Quantity(value=3001), Quantity(value=100), Quantity(value=100)]


@pytest.mark.shared
def test_a_real_sweep_of_cbf_images_is_one_dataset_with_an_energy(raw: Path, read, tmp_path: Path):
    with tarfile.open(shared("mx/l_cysteine-images.tar.xz")) as archive:
        members = [m for m in archive.getmembers() if "_01_0000" in m.name or "_02_0000" in m.name]
        archive.extractall(tmp_path / "unpacked", members=members, filter="data")
    images = sorted((tmp_path / "unpacked").rglob("*.cbf"))
    for image in images:
        (raw / image.name).write_bytes(image.read_bytes())
    records = read()
    assert {name: len(r.files) for name, r in records.items()} == {"l-cyst_01": 9, "l-cyst_02": 9}
    energy = records["l-cyst_01"].parameters["energy"]
    assert energy == Quantity(value=17.9974, unit="keV")
    picture = picture_of(images[0], lambda path: True)  # noqa: ARG005
    assert picture is not None
    assert picture.values.shape == (1679, 1475)
    assert (np.nanmin(picture.values), np.nanmax(picture.values)) == (0, 252)
    assert draw(picture).startswith(PNG)
    (raw / "l-cyst_01_00003.cbf").write_bytes(images[2].read_bytes()[:100_000])
    problem = read()["l-cyst_01"].problem
    assert problem is not None
    assert "l-cyst_01_00003.cbf is truncated" in problem.en


@pytest.mark.shared
def test_every_real_nexus_file_is_read_without_an_error(raw: Path, read):
    for path in sorted(shared("nexus").glob("*/*")):
        link(raw / f"{path.parent.name} {path.stem}", path)
    records = read()
    assert len(records) > 8
    energy = records["APS nexus-example"].parameters["energy"]
    assert isinstance(energy, Quantity)
    assert (energy.value, energy.unit) == (pytest.approx(21, abs=1e-3), "keV")
    assert "538039.hdf" in str(records["DLS 538039"].problem)


@pytest.mark.shared
def test_curves_of_real_integration_programs(raw: Path, read):
    link(raw / "nickel", shared("pdf/Ni.chi"), shared("pdf/Ni.gr"))
    link(raw / "film", shared("pdf/conventional_films/tio2-ito-glass-250.chi"))
    records = read()
    assert records["nickel"].technique == "total scattering"
    assert records["nickel"].parameters["wavelength"] == Quantity(value=0.1835957, unit="angstrom")
    assert records["nickel"].parameters["composition"] == "Ni"
    assert records["film"].parameters["points"] == Quantity(value=1478)
    cut = raw / "film" / "tio2-ito-glass-250.chi"
    cut.write_text("\n".join(cut.read_text().splitlines()[:700]))
    assert "696 points and should have 1478" in str(read()["film"].problem)


def test_files_that_are_not_what_they_say_are_broken_not_fatal(raw: Path, read):
    (raw / "a").mkdir()
    contents = {"a.h5": b"hello", "b.cbf": b"hello", "c.tif": b"hello", "d.chi": b"hello", "e.gr": b"", "f.h5": b""}
    for name, content in contents.items():
        (raw / name).write_bytes(content)
        (raw / "a" / name).write_bytes(bz2.compress(content))
    records = read()
    assert {record.state for record in records.values()} == {DatasetState.BROKEN}
    for record in records.values():
        assert record.problem is not None
        assert record.files[0].name in record.problem.en
        assert record.files[0].name in record.problem.zh


def test_a_truncated_tiff_is_found_by_its_header(raw: Path, read):
    path = raw / "image.tif"
    tifffile.imwrite(path, np.zeros((64, 64), dtype=np.uint16))
    assert read()["image"].state is DatasetState.COMPLETE
    path.write_bytes(path.read_bytes()[:3000])
    assert read()["image"].state is DatasetState.BROKEN


def test_unfinished_and_hidden_files_do_not_count(raw: Path, read):
    for name in (".hidden.chi", "a.chi.part", "b.chi~", "readme.md"):
        (raw / name).write_text("1 2\n3 4\n")
    (raw / "empty").mkdir()
    assert read() == {}


def test_a_virtual_dataset_needs_its_sources(raw: Path, read):
    (raw / "scan").mkdir()
    layout = h5py.VirtualLayout(shape=(2, 8, 8), dtype="f4")
    layout[0] = h5py.VirtualSource("part-0.h5", "data", shape=(8, 8))
    layout[1] = h5py.VirtualSource("part-1.h5", "data", shape=(8, 8))
    with h5py.File(raw / "scan" / "main.nxs", "w") as file:
        file.create_group("entry").attrs["NX_class"] = "NXentry"
        file.create_virtual_dataset("entry/data", layout)
    with h5py.File(raw / "scan" / "part-0.h5", "w") as file:
        file["data"] = np.zeros((8, 8), dtype=np.float32)
    record = read()["scan"]
    assert record.files[0].name == "main.nxs"
    assert "part-1.h5" in str(record.problem)


def test_links_in_a_circle_end(raw: Path, read):
    (raw / "scan").mkdir()
    for name, other in (("a.h5", "b.h5"), ("b.h5", "a.h5")):
        with h5py.File(raw / "scan" / name, "w") as file:
            file["self"] = h5py.SoftLink("/")
            file["other"] = h5py.ExternalLink(other, "/")
            file["loop"] = file["/"]
    assert read()["scan"].state is DatasetState.COMPLETE


@pytest.mark.parametrize("shape", [(5,), (40, 30), (1, 1), (7, 40, 30), (200, 2, 64), (2, 3, 20, 20), (3, 900, 1300)])
def test_thumbnails_of_any_shape_are_small_pictures(tmp_path: Path, shape: tuple[int, ...]):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        data = entry.create_group("data")
        data.attrs["NX_class"], data.attrs["signal"] = "NXdata", "frames"
        data["frames"] = np.random.default_rng(0).normal(size=shape)
        data["frames"][(0,) * len(shape)] = np.nan
    picture = picture_of(path, lambda other: True)  # noqa: ARG005
    assert picture is not None
    drawn = draw(picture)
    assert drawn.startswith(PNG)
    assert len(drawn) < 200_000
