"""Data from outside: the command says what to do, and with --copy brings them in without replacing anything."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from beamtorch_catalogue import command
from beamtorch_catalogue.commands.ingest import SOME_BROKEN
from beamtorch_catalogue.testing.world import World, write_scan
from beamtorch_facility.errors import BeamtorchError


@pytest.fixture
def run(light_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("BEAMTORCH_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setenv("BEAMTORCH_DATA_ROOT", str(light_world.layout.root))
    light_world.begin_again()

    def run(*arguments: str) -> tuple[int, str]:
        connection = ["--url", light_world.url, "--token", light_world.tokens["ingest"]]
        code = command.main([*connection, "ingest", *arguments])
        return code, capsys.readouterr().out

    return run


@pytest.fixture
def outside(tmp_path: Path, light_world: World) -> Path:
    folder = tmp_path / "outside"
    (folder / "monday" / "parts").mkdir(parents=True)
    (folder / "tuesday").mkdir()
    write_scan(folder / "monday" / "tooth.h5")
    with h5py.File(folder / "monday" / "parts" / "frames.h5", "w") as file:
        file["data"] = np.arange(4)
    with h5py.File(folder / "monday" / "tooth.h5", "a") as file:
        file["exchange/more"] = h5py.ExternalLink("parts/frames.h5", "/data")
    for i in range(3):
        tifffile.imwrite(folder / "tuesday" / f"t_{i:03}.tif", np.zeros((4, 4), dtype=np.uint16))
    (folder / "tuesday" / "tooth.chi").write_text("1 2\n3 4\n")
    (folder / "tuesday" / "notes.docx").write_text("x")
    light_world.folder().parent.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_folder_outside_is_refused_with_the_command_that_brings_it_in(run, outside: Path, light_world: World):
    with pytest.raises(BeamtorchError) as error:
        run(str(outside))
    said = error.value.detail
    full = f"beamtorch catalogue ingest {outside} --data-root {light_world.layout.root} --beamtime BEAMTIME --copy"
    assert (error.value.code, full in said.en, "机时号 --copy" in said.zh) == ("not-in-a-beamtime", True, True)


def test_that_command_copies_each_measurement_with_what_it_links_to_and_catalogues_it(
    run, outside: Path, light_world: World
):
    code, out = run(str(outside), "--beamtime", "BT-1", "--copy")
    raw = light_world.folder()
    assert (code, "3 created" in out, "6 files copied" in out) == (0, True, True)
    assert f"unknown format: {outside}/tuesday/notes.docx" in out
    assert sorted(str(path.relative_to(raw)) for path in raw.rglob("*") if path.is_file()) == [
        "t/t_000.tif",
        "t/t_001.tif",
        "t/t_002.tif",
        "tooth/parts/frames.h5",
        "tooth/tooth.h5",
        "tuesday_tooth/tooth.chi",
    ]
    found = {one.name: one for one in light_world.client("team").search("").datasets}
    assert {name: (one.state.value, one.file_count) for name, one in found.items()} == {
        "tooth": ("complete", 2),
        "t": ("complete", 3),
        "tuesday_tooth": ("complete", 1),
    }
    original, copy = (folder.stat().st_mtime_ns for folder in (outside / "monday/tooth.h5", raw / "tooth/tooth.h5"))
    assert original == copy


def test_the_same_again_copies_nothing_and_changes_nothing(run, outside: Path):
    run(str(outside), "--beamtime", "BT-1", "--copy")
    code, out = run(str(outside), "--beamtime", "BT-1", "--copy")
    assert (code, "0 created, 0 updated, 3 unchanged" in out, "6 files there already" in out) == (0, True, True)


def test_a_name_that_other_data_have_is_left_alone_and_told(run, outside: Path, light_world: World):
    there = light_world.folder() / "tooth" / "tooth.h5"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"mine")
    code, out = run(str(outside), "--beamtime", "BT-1", "--copy")
    assert (code, there.read_bytes()) == (SOME_BROKEN, b"mine")
    assert f"{there} is there already, with other content" in out
    assert not list(light_world.layout.root.rglob("*.part"))


def test_a_folder_with_a_sidecar_is_copied_as_one_dataset(run, outside: Path, light_world: World):
    (outside / "tuesday" / "dataset.yaml").write_text("name: Tuesday\nsample: molar\n")
    code, out = run(str(outside / "tuesday"), "--beamtime", "BT-1", "--copy")
    assert (code, "1 created" in out) == (0, True)
    (found,) = light_world.client("team").search("Tuesday").datasets
    assert (found.sample, found.file_count) == ("molar", 5)


def test_a_copy_that_was_killed_is_made_anew(run, outside: Path, light_world: World):
    part = light_world.folder() / "tooth" / "tooth.h5.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half")
    code, _ = run(str(outside), "--beamtime", "BT-1", "--copy")
    assert (code, part.exists()) == (0, False)
    assert part.with_suffix("").read_bytes() == (outside / "monday" / "tooth.h5").read_bytes()


def test_a_place_that_cannot_be_written_is_told_and_the_rest_is_copied(run, outside: Path, light_world: World):
    light_world.folder().mkdir()
    (light_world.folder() / "t").write_text("a file where a folder should be")
    code, out = run(str(outside), "--beamtime", "BT-1", "--copy")
    assert (code, "2 created" in out, "t_000.tif: It could not be copied" in out) == (SOME_BROKEN, True, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--beamtime", "BT-99", "--copy"], "knows no beamtime BT-99"),
        (["--beamtime", "BT-2", "--copy"], "beamtorch beamtime create BL2 BT-2 --proposal P2 --start 2026-10-05"),
        (["--copy"], "--beamtime"),
        (["--beamtime", "BT-1"], "--beamtime BEAMTIME --copy"),
        (["--send"], "leave the paths out"),
    ],
)
def test_what_is_missing_for_a_copy_is_said(run, outside: Path, arguments: list[str], says: str):
    with pytest.raises(BeamtorchError) as error:
        run(str(outside), *arguments)
    assert (error.value.exit_code, says in error.value.detail.en) == (2, True)


def test_neither_a_path_nor_send_is_said(run):
    with pytest.raises(BeamtorchError) as error:
        run()
    assert "--send" in error.value.detail.en


def test_data_in_the_folder_of_the_named_beamtime_are_taken_and_others_are_not(run, light_world: World):
    folder = light_world.scan("tooth")
    for path in (folder, folder.parent.parent):
        assert run(str(path), "--beamtime", "BT-1")[0] == 0
    with pytest.raises(BeamtorchError) as error:
        run(str(folder), "--beamtime", "BT-2")
    assert error.value.code == "not-in-a-beamtime"
