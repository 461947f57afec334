"""`beamtorch ct` on whole scans: what it finds, writes, says about itself and refuses."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile


def test_the_axis_of_the_real_tooth_is_found(ct, tooth):
    said = ct("centre", tooth, "--json")
    assert said.code == 0, said.err
    assert 295.0 <= said.facts["axis"] <= 296.3
    assert "phase correlation" in said.facts["how"]


def test_the_tooth_is_reconstructed_with_its_provenance_inside(ct, tooth, tmp_path):
    said = ct("recon", tooth, "--rows", "0:2", "-o", tmp_path / "out.h5")
    assert said.code == 0, said.err
    assert "axis of rotation: column 29" in said.out
    with h5py.File(tmp_path / "out.h5") as file:
        entry = file["entry"]
        volume = entry["data/data"]
        assert entry["definition"].asstr()[()] == "NXtomoproc"
        assert volume.shape == (2, 640, 640)
        assert volume.attrs["units"] == "1/pixel"
        parameters = entry["reconstruction/parameters"]
        assert parameters["raw_file"].asstr()[()] == str(tooth.resolve())
        assert 295.0 <= parameters["rotation_axis"][()] <= 296.3
        assert "ct recon" in parameters["command"].asstr()[()]
        known = json.loads(parameters["provenance"].asstr()[()])
        assert known["software"]["finufft"]
        assert known["scan"]["projections"] == 181
        image = volume[0]
    # The tooth is bright in the middle, the air around it dark.
    assert image[300:340, 380:420].mean() > 20 * abs(image[20:120, 300:340].mean())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.h5"]


def test_a_recipe_from_a_result_gives_the_same_volume_again(ct, grains, tmp_path):
    assert ct("recon", grains, "--rows", "2:5", "-o", tmp_path / "first.h5").code == 0
    with h5py.File(tmp_path / "first.h5") as file:
        recipe = json.loads(file["entry/reconstruction/parameters/recipe"].asstr()[()])
        first = file["entry/data/data"][()]
    (tmp_path / "recipe.json").write_text(json.dumps(recipe | {"output": str(tmp_path / "again.h5")}), encoding="utf-8")
    line = [sys.executable, "-m", "beamtorch_apps.ct.job", str(tmp_path / "recipe.json")]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events][:2] == ["axis", "progress"]
    assert events[-1] | {"event": "done", "rows": 3} == events[-1]
    with h5py.File(tmp_path / "again.h5") as file:
        assert np.array_equal(file["entry/data/data"][()], first)


def test_a_row_comes_out_the_same_to_the_last_bit_however_it_is_asked_for(ct, grains, tmp_path):
    for name, words in {
        "all": ["--workers", 3],
        "one": ["--rows", "4:7", "--workers", 1],
        "last": ["--rows", "8"],
    }.items():
        assert ct("recon", grains, "--axis", 61.7, "-o", tmp_path / f"{name}.h5", *words).code == 0
    volumes = {}
    for name in ("all", "one", "last"):
        with h5py.File(tmp_path / f"{name}.h5") as file:
            volumes[name] = file["entry/data/data"][()]
    assert np.array_equal(volumes["all"][4:7], volumes["one"])
    assert np.array_equal(volumes["all"][8:], volumes["last"])


def test_the_volume_of_a_simulated_scan_is_its_truth_in_reciprocal_centimetres(ct, grains, tmp_path):
    assert ct("recon", grains, "--rows", "4", "-o", tmp_path / "out.h5").code == 0
    with h5py.File(tmp_path / "out.h5") as file, h5py.File(grains) as scan:
        image, truth = file["entry/data/data"][0], scan["entry/simulation/truth"][4]
        assert file["entry/data/data"].attrs["units"] == "1/cm"
        assert file["entry/data/x"].attrs["units"] == "um"
    y, x = np.mgrid[:128, :128] - 63.5
    inside = np.hypot(x, y) < 60
    assert np.polyfit(truth[inside] * 1e4 / 1.5, image[inside], 1)[0] == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(("place", "is_folder"), [("slices", True), ("stack.tif", False)])
def test_tiff_has_the_same_slices_and_the_same_provenance(ct, grains, tmp_path, place, is_folder):
    words = ("--rows", "2:4", "-o", tmp_path / "out.h5", "--tiff", tmp_path / place)
    assert ct("recon", grains, *words).code == 0
    with h5py.File(tmp_path / "out.h5") as file:
        volume = file["entry/data/data"][()]
    target = tmp_path / place
    files = sorted(target.iterdir()) if is_folder else [target]
    assert [file.name for file in files] == (["slice_00002.tif", "slice_00003.tif"] if is_folder else ["stack.tif"])
    assert np.array_equal(np.stack([tifffile.imread(file) for file in files]).reshape(volume.shape), volume)
    with tifffile.TiffFile(files[0]) as first:
        known = json.loads(first.pages[0].description)
    assert known["scan"]["path"] == str(grains.resolve())
    assert known["rows"] == [2, 4]


def test_what_exists_is_not_replaced_unless_asked(ct, grains, tmp_path):
    target = tmp_path / "out.h5"
    target.write_text("mine", encoding="utf-8")
    said = ct("recon", grains, "--rows", "0", "-o", target)
    assert said.code != 0
    assert "--force" in said.err
    assert target.read_text(encoding="utf-8") == "mine"
    assert ct("recon", grains, "--rows", "0", "-o", target, "--force").code == 0
    assert h5py.is_hdf5(target)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--rows", "5:40"], "has rows 0:9"),
        (["--axis", "400"], "off the detector"),
    ],
)
def test_what_the_scan_does_not_have_is_refused_with_what_it_has(ct, grains, tmp_path, words, says):
    said = ct("recon", grains, "-o", tmp_path / "out.h5", *words)
    assert said.code != 0
    assert says in said.err
    assert not list(tmp_path.iterdir())


def test_a_preview_is_a_picture(ct, grains, tmp_path):
    said = ct("preview", grains, "-o", tmp_path / "look.png", "--size", 64, "--json")
    assert said.code == 0, said.err
    assert said.facts["unit"] == "1/cm"
    head = (tmp_path / "look.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(head[16:20]) == 64


def test_a_disk_that_fills_up_leaves_nothing_half_written(apart, grains, tmp_path):
    limit = 200_000
    done = apart(
        "recon", grains, "-o", tmp_path / "out.h5", "--axis", 61.7,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert done.returncode not in {0, -signal.SIGXFSZ}
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_disk_that_is_too_small_is_told_before_the_work(apart, grains, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        done = apart("recon", grains, "-o", disk / "out.h5")
        assert done.returncode != 0
        assert f"{disk} has" in done.stderr
        assert not list(disk.iterdir())
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_place_that_cannot_be_written_to_is_told_before_the_work(ct, grains, tmp_path):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    said = ct("recon", grains, "-o", tmp_path / "file" / "out.h5")
    assert said.code != 0
    assert "You may not write" in said.err


def test_stopping_leaves_nothing(tmp_path, eventually):
    line = [sys.executable, "-m", "beamtorch_hub", "ct", "simulate", str(tmp_path / "big.nxs")]
    words = ["--size", "512", "--rows", "2", "--projections", "300"]
    assert subprocess.run([*line, *words], check=False).returncode == 0
    with h5py.File(tmp_path / "big.nxs", "r+") as file:
        detector = file["entry/instrument/detector"]
        tall = np.repeat(detector["data"][()], 200, axis=1)
        del detector["data"]
        detector["data"] = tall
    folder = tmp_path / "results"
    line = [sys.executable, "-m", "beamtorch_hub", "ct", "recon", str(tmp_path / "big.nxs"), "--axis", "255"]
    with subprocess.Popen(
        [*line, "-o", str(folder / "out.h5"), "--tiff", str(folder / "slices")], stderr=subprocess.PIPE, text=True
    ) as run:
        eventually(lambda: len(list((folder / "slices.part").glob("*.tif"))) > 3, 60)
        run.terminate()
        _, said = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "Cancelled" in said
    assert not list(folder.iterdir())


@pytest.mark.shared
def test_the_diad_scan_with_linked_files_is_reconstructed(ct, diad, tmp_path):
    said = ct("recon", diad, "-o", tmp_path / "out.h5")
    assert said.code == 0, said.err
    with h5py.File(tmp_path / "out.h5") as file:
        volume = file["entry/data/data"][()]
    assert volume.shape == (22, 26, 26)
    assert np.isfinite(volume).all()
    facts = ct("info", diad, "--json").facts
    assert facts["projections"] == 3001
    assert (facts["flats"], facts["darks"]) == (100, 100)
    assert {Path(name).name for name in facts["missing_links"]} == {
        "k11-18014-EtherCAT.h5",
        "k11-18014-detectorPanda.h5",
    }
