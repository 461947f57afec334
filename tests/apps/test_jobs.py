"""Full runs as the app follows them: done, stopped, killed; whatever happens, nothing half-written stays."""

import os
import signal

import h5py
import numpy as np
import pytest

from beamtorch_apps.ct.model import Work, free_name
from beamtorch_apps.ct.running import Run


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder, and no beamtime."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("BEAMTORCH_DATA_ROOT", raising=False)
    return tmp_path


@pytest.fixture
def tall(grains, tmp_path):
    """A scan that takes a while: the grains, a hundred times on top of each other."""
    path = tmp_path / "tall.nxs"
    with h5py.File(grains) as scan, h5py.File(path, "w") as file:
        scan.copy("entry", file)
        detector = file["entry/instrument/detector"]
        frames = detector["data"][()]
        del detector["data"]
        detector["data"] = np.repeat(frames, 100, axis=1)
    return path


def start(path):
    events = []
    work = Work.on(path)
    work.use_axis(61.7)
    recipe = work.recipe()
    work.close()
    return Run(recipe, events.append), recipe, events


def test_a_run_ends_with_a_volume_and_says_how_far_it_is(grains, home):
    run, recipe, events = start(grains)
    run.wait(60)
    assert [events[0]["state"], events[-1]["state"]] == ["running", "done"]
    assert events[-1]["done"] == events[-1]["rows"] == 9
    assert recipe.output == home / "reconstructions/grains_recon/grains_recon.h5"
    with h5py.File(recipe.output) as file:
        assert file["entry/data/data"].shape == (9, 128, 128)
    assert free_name(home / "reconstructions", "grains_recon") == "grains_recon-2"


def test_a_cancelled_run_leaves_nothing(tall, home, eventually):
    run, recipe, events = start(tall)
    eventually(lambda: events[-1]["done"] > 0, 60)
    run.cancel()
    run.wait(30)
    assert events[-1]["state"] == "cancelled"
    assert events[-1]["problem"]["zh"].startswith("已取消")
    assert not recipe.output.parent.exists()
    assert list(home.glob("reconstructions/*")) == []


def test_a_killed_run_is_reported_and_leaves_nothing(tall, home, eventually):
    run, recipe, events = start(tall)
    eventually(lambda: events[-1]["done"] > 0, 60)
    os.kill(run._job.pid, signal.SIGKILL)
    run.wait(30)
    assert events[-1]["state"] == "failed"
    assert "ended without a word" in events[-1]["problem"]["en"]
    assert not recipe.output.parent.exists()
    assert list(home.glob("reconstructions/*")) == []
