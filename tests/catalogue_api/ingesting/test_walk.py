"""The walk through whole files: bounded, of lower rank, resumable, and never taken away by an ingest without one."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from beamtorch_catalogue.extract.walk import MOST_KEYS, walk
from beamtorch_catalogue.ingesting import Ingesting, ingest
from beamtorch_catalogue.spool import Spool
from beamtorch_catalogue.testing.world import World
from beamtorch_catalogue.wire import Statistics
from beamtorch_facility import Quantity


@pytest.fixture(autouse=True)
def same_priority(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note how much lower the priority becomes, and leave that of the tests alone."""
    asked: list[int] = []
    monkeypatch.setattr(os, "nice", asked.append)
    return asked


def anything(_: Path) -> bool:
    return True


def test_scalars_and_short_series_are_found_with_their_units_and_images_are_not(tmp_path: Path):
    with h5py.File(tmp_path / "x.nxs", "w") as file:
        file["entry/Mono/Pitch"] = 3.25
        file["entry/Mono/Pitch"].attrs["units"] = "mrad"
        file["entry/note"] = "kept at 4 K"
        file["entry/clock"] = np.arange(5.0)
        file["entry/image"] = np.zeros((40, 40))
        file["entry/again"] = h5py.SoftLink("/entry/note")
        file["entry/other"] = h5py.ExternalLink("y.nxs", "/")
    found = walk([tmp_path / "x.nxs"], anything)
    assert found.parameters == {
        "tree/entry/mono/pitch": Quantity(value=3.25, unit="mrad"),
        "tree/entry/note": "kept at 4 K",
    }
    (series,) = found.metadata.values()
    assert isinstance(clock := series["tree/entry/clock"], Statistics)
    assert (set(series), clock.count, clock.mean) == ({"tree/entry/clock"}, 5, 2)


def test_a_file_with_very_many_values_adds_no_more_than_the_bound(tmp_path: Path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for i in range(MOST_KEYS + 50):
            file[f"v{i}"], file[f"s{i}"] = i, np.arange(3)
        file["v" * 300] = 1
    found = walk([tmp_path / "x.h5"], anything)
    assert (len(found.parameters), len(found.metadata[str(tmp_path / "x.h5")])) == (MOST_KEYS, MOST_KEYS)


def test_what_a_link_would_lead_out_to_is_not_walked(tmp_path: Path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["a"] = 1
        file["out"] = h5py.ExternalLink("/elsewhere/secret.h5", "/")
    assert walk([tmp_path / "x.h5"], lambda path: path.is_relative_to(tmp_path)).parameters == {}


def test_a_walk_adds_and_a_later_ingest_without_one_takes_nothing_away(
    light_world: World, tmp_path: Path, same_priority: list[int]
):
    light_world.begin_again()
    folder = light_world.scan("tooth")
    with h5py.File(folder / "tooth.h5", "a") as file:
        file["hutch/pressure"] = 3.0
    spool, client = Spool(tmp_path / "spool"), light_world.client("ingest")
    plain, walking = Ingesting(spool=spool), Ingesting(spool=spool, walks=True)

    def parameters() -> dict[str, object]:
        (found,) = client.search("tooth").datasets
        return dict(client.dataset(found.id).parameters)

    first = ingest(client, light_world.layout, [folder], plain)
    assert (first.created, same_priority) == (1, [])
    assert "tree/hutch/pressure" not in parameters()
    second = ingest(client, light_world.layout, [folder], walking)
    assert (second.unchanged, second.walked, second.updated, same_priority) == (1, 1, 1, [19])
    assert parameters()["tree/hutch/pressure"] == Quantity(value=3)
    for how in (plain, walking):
        again = ingest(client, light_world.layout, [folder], how)
        assert (again.unchanged, again.updated, again.walked) == (1, 0, 0)
    assert client.search("tree/hutch/pressure:2..4").total == 1
    with h5py.File(folder / "tooth.h5", "a") as file:
        file["hutch/pressure"][...] = 5.0
    assert ingest(client, light_world.layout, [folder], walking).walked == 1
    assert parameters()["tree/hutch/pressure"] == Quantity(value=5)


def test_a_walk_that_was_interrupted_goes_on_where_it_was(
    light_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    light_world.begin_again()
    for i in range(5):
        with h5py.File(light_world.scan(f"s{i}") / f"s{i}.h5", "a") as file:
            file["hutch/pressure"] = float(i)
    client, how = light_world.client("ingest"), Ingesting(spool=Spool(tmp_path / "spool"), walks=True)
    walked: list[str] = []

    def two_then_no_more(files: tuple[Path, ...], _: object) -> object:
        if len(walked) == 2:
            raise KeyboardInterrupt
        walked.append(files[0].name)
        return walk(files, anything)

    with monkeypatch.context() as patch:
        patch.setattr("beamtorch_catalogue.ingesting.walk", two_then_no_more)
        with pytest.raises(KeyboardInterrupt):
            ingest(client, light_world.layout, [light_world.layout.root], how)
    report = ingest(client, light_world.layout, [light_world.layout.root], how)
    assert (report.walked, report.updated, report.unchanged) == (3, 5, 3)
    assert client.search("tree/hutch/pressure:0..4").total == 5
