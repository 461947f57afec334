"""The cells that read datasets, whole, against golden files.

BEAMTORCH_UPDATE_GOLDEN=1 writes them anew; look at the difference before you commit it.
"""

import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamtorch_catalogue.wire import Dataset
from beamtorch_labextensions.column_text import ColumnHead, read_column_head
from beamtorch_labextensions.loader_code import loader_code, start_of

GOLDEN = Path(__file__).parent / "golden"
FOLDER = PurePosixPath("/data/BL-B7/202611/Data/BT-26-0417/raw/set")
LINK = PurePosixPath("~/datasets/set")

# Name of the golden file: files of the dataset, their format, language, and the head of a column file.
CASES = {
    "data-exchange": (["tooth.h5"], "Data Exchange", "en", None),
    "nxtomo-in-chinese": (["k11.nxs", "pco1.hdf"], "NXtomo", "zh-CN", None),
    "chi": (["Ni.chi"], "chi", "en", ColumnHead(32, "Q / Å⁻¹")),
    "gr-without-head": (["Ni.gr"], "", "en", None),
    "hdf5": (["volume.h5"], "NXtomoproc", "en", None),
    "tiff": (["CeO2.tif", "CeO2.poni"], "", "en", None),
    "picture": (["screen.png"], "", "en", None),
    "cbf": (["sweep_00001.cbf", "sweep_00002.cbf"], "CBF", "en", None),
    "anything": (["notes.docx", "results.ods"], "", "en", None),
}


def cell(dataset, language="en", head=None, folder=LINK):
    return loader_code(dataset, start_of(dataset, folder), language, head)


@pytest.mark.parametrize("name", CASES)
def test_the_cell_is_the_one_of_the_golden_file(name, dataset_of):
    files, file_format, language, head = CASES[name]
    dataset = dataset_of("set", *(FOLDER / file for file in files), format=file_format)
    text = cell(dataset, language, head) + "\n"
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("BEAMTORCH_UPDATE_GOLDEN"):
        path.write_text(text)
    compile(text, name, "exec")
    assert text == path.read_text()


def test_every_golden_file_has_its_case():
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CASES)


@given(
    name=st.text(min_size=1, max_size=200, alphabet=st.characters(exclude_categories=["Cs"])),
    file=st.text(min_size=1, max_size=80, alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="/\0")),
    suffix=st.sampled_from([".h5", ".chi", ".tif", ".cbf", ".png", ""]),
)
def test_no_name_can_break_out_of_the_cell(name, file, suffix):
    dataset = described(name, FOLDER / f"x{file}{suffix}")
    text = cell(dataset)
    assert text.splitlines()[0].startswith("# ")
    tree = compile(text, "cell", "exec")
    assert len(text.splitlines()) == len(text.split("\n")), "an editor would see another line"
    harmless = cell(described("x", FOLDER / f"x{suffix}"))
    assert tree.co_names == compile(harmless, "cell", "exec").co_names, "the name became code"


def test_a_whole_file_goes_before_a_broken_one_and_the_scan_before_its_parts(dataset_of):
    dataset = dataset_of("set", FOLDER / "a.h5", FOLDER / "b.h5", FOLDER / "scan.nxs")
    files = [
        dataset.files[0].model_copy(update={"state": "broken"}),
        dataset.files[1],
        dataset.files[2].model_copy(update={"format": "NXtomo"}),
    ]
    scan = dataset.model_copy(update={"files": tuple(files)})
    parts = dataset.model_copy(update={"files": tuple(files[:2])})
    assert start_of(scan, LINK).path == LINK / "scan.nxs"
    assert start_of(parts, LINK).path == LINK / "b.h5"


def test_a_file_outside_the_folder_keeps_its_own_path(dataset_of):
    dataset = dataset_of("set", FOLDER / "a.h5", "/data/elsewhere/a.nxs")
    only = dataset.model_copy(update={"files": dataset.files[1:]})
    assert start_of(only, LINK).path == PurePosixPath("/data/elsewhere/a.nxs")


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("0.1 2\n0.2 3\n", ColumnHead(0, None)),
        ("# Q(A^-1) I\n0.1, 2\n", ColumnHead(1, "Q / Å⁻¹")),
        ("title\n2-Theta Angle (Degrees)\nIntensity\n   1478\n 1.0E-01  0.0E+00\n", ColumnHead(4, "2θ / °")),
        ("[PDF]\ndataformat = Qnm\n#L r(A)\n0 0\n", ColumnHead(3, "Q / nm⁻¹")),
        ("no numbers\nat all\n", None),
        ("", None),
    ],
)
def test_the_head_of_a_column_file_is_understood(tmp_path, text, head):
    file = tmp_path / "pattern.chi"
    file.write_text(text)
    assert read_column_head(file) == head


def test_a_column_file_that_cannot_be_read_has_no_head(tmp_path):
    assert read_column_head(tmp_path / "gone.chi") is None
    assert read_column_head(tmp_path) is None


def described(name, file):
    fields = {
        "id": "ds-000001",
        "name": name,
        "kind": "raw",
        "technique": "",
        "beamline": "BL-B7",
        "beamline_name": {"en": "B7", "zh": "B7"},
        "proposal": "2026-1417",
        "beamtime": "BT-26-0417",
        "size": 1,
        "file_count": 1,
        "state": "complete",
        "folder": str(FOLDER),
        "files": [{"path": str(file), "size": 1}],
        "parameters": {},
        "proposal_title": {"en": "", "zh": ""},
        "principal_investigator": "emarsh",
        "parents": [],
        "children": [],
        "readers": [],
    }
    nothing = dict.fromkeys(("sample", "sample_description", "measured_at", "energy", "problem", "software"))
    return Dataset.model_validate(fields | nothing)
