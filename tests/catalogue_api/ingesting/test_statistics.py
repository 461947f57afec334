"""Statistics of series: the same as of all values at once, whatever the blocks, and never of images."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamtorch_catalogue.extract import statistics
from beamtorch_catalogue.extract.statistics import Gathering, statistics_of, statistics_of_series


@given(st.lists(st.lists(st.floats(-1e6, 1e6), max_size=20), min_size=1, max_size=8))
def test_blocks_come_to_the_same_as_all_values_together(blocks: list[list[float]]):
    gathering = Gathering()
    for block in blocks:
        gathering.take(np.array(block, dtype=np.float64))
    together, parts = statistics_of([v for block in blocks for v in block], "mA"), gathering.statistics("mA")
    if together is None:
        assert parts is None
        return
    assert parts is not None
    assert (parts.count, parts.minimum, parts.maximum) == (together.count, together.minimum, together.maximum)
    assert parts.mean == pytest.approx(together.mean, rel=1e-9, abs=1e-6)
    assert parts.standard_deviation == pytest.approx(together.standard_deviation, rel=1e-6, abs=1e-6)


def test_a_long_series_is_read_in_blocks_and_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    values = np.random.default_rng(4).normal(1e5, 0.1, size=(1000, 3))
    values[17, 1] = np.nan
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["series"] = values
    taken: list[int] = []
    whole = Gathering.take
    monkeypatch.setattr(statistics, "BLOCK", 64)
    monkeypatch.setattr(Gathering, "take", lambda self, block: (taken.append(block.size), whole(self, block)))
    with h5py.File(tmp_path / "x.h5") as file:
        found = statistics_of_series(file["series"], "K")
    assert found is not None
    assert (max(taken), sum(taken), found.count) == (63, 3000, 2999)
    assert found.mean == pytest.approx(np.nanmean(values), rel=1e-12)
    assert found.standard_deviation == pytest.approx(np.nanstd(values), rel=1e-6)


def test_images_single_values_texts_and_virtual_series_have_none(tmp_path: Path):
    layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
    layout[:] = h5py.VirtualSource("gone.h5", "x", shape=(4,))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["images"], file["one"], file["texts"] = np.zeros((3, 4, 5)), [1.0], ["a", "b"]
        file["complex"], file["nothing"], file["empty"] = [1j, 2j], h5py.Empty("f8"), np.zeros(0)
        file.create_virtual_dataset("virtual", layout)
        for name in file:
            if name != "nothing":
                assert statistics_of_series(file[name], "") is None, name


def test_values_that_are_too_large_or_all_missing_have_none():
    assert statistics_of([1e300, -1e300], "") is None
    assert statistics_of([np.nan, np.inf], "") is None


def test_what_stands_still_has_no_deviation():
    found = statistics_of(np.full(721, 295.15), "K")
    assert found is not None
    assert (found.mean, found.standard_deviation) == (295.15, 0)
