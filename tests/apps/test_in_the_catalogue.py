"""CT and the catalogue: a real one runs, with two teams."""

import shutil

import pytest

from beamtorch_apps.ct.finding import Finder
from beamtorch_apps.ct.model import Work, scan_in
from beamtorch_apps.ct.running import Run
from beamtorch_catalogue.client import CatalogueRefusedError
from beamtorch_catalogue.testing.world import small_world
from beamtorch_facility.dataset import DatasetKind


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    place = tmp_path_factory.mktemp("world")
    with small_world(place, f"sqlite:///{place}/catalogue.sqlite") as made:
        yield made


@pytest.fixture
def person(world, tmp_path, monkeypatch):
    """Return a function that makes this process somebody's."""

    def become(role):
        monkeypatch.setenv("BEAMTORCH_CATALOGUE_URL", world.url)
        monkeypatch.setenv("JUPYTERHUB_API_TOKEN", world.tokens[role])
        monkeypatch.setenv("BEAMTORCH_DATA_ROOT", str(world.layout.root))
        monkeypatch.setenv("HOME", str(tmp_path))
        return Finder.from_environment()

    return become


@pytest.fixture(scope="module")
def scan(world, grains):
    """The grains as a catalogued dataset of the first team."""
    folder = world.folder() / "grains"
    folder.mkdir(parents=True)
    shutil.copy(grains, folder)
    record = world.record("grains", technique="tomography", sample="molar")
    file = record.files[0].model_copy(update={"path": str(folder / "grains.nxs"), "size": grains.stat().st_size})
    (folder / "grains.h5").unlink()
    return world.client("ingest").ingest([record.model_copy(update={"files": (file,)})])[0].dataset


def test_the_team_finds_and_attaches_it_and_the_volume_is_catalogued_beside_it(world, person, scan, tmp_path):
    finder = person("team")
    assert [item["name"] for item in finder.search("molar")["items"]] == ["grains"]
    chosen = finder.dataset(scan)
    assert (tmp_path / "datasets/grains").resolve() == chosen.path
    work = Work.on(scan_in(chosen.path), chosen.dataset)
    work.use_axis(61.7)
    work.choose(first_row=2, last_row=4, tiff=True)
    recipe = work.recipe()
    work.close()
    assert recipe.output == world.folder(area="processed") / "grains_recon/grains_recon.h5"
    events = []
    Run(recipe, events.append).wait(60)
    assert events[-1]["state"] == "done", events[-1]
    assert events[-1]["problem"] is None
    result = world.client("team").dataset(events[-1]["dataset"])
    assert result.kind is DatasetKind.PROCESSED
    assert result.parents == (scan,)
    assert result.sample == "molar"
    assert [file.name for file in result.files] == ["grains_recon.h5", "slice_00002.tif", "slice_00003.tif"]
    assert str(result.parameters["pixel_size"]) == "1.5 µm"
    assert "finufft" in (result.software or "")
    assert [item["name"] for item in finder.search("")["items"]] == ["grains"]


def test_the_other_team_neither_finds_nor_opens_it(person, scan):
    finder = person("other team")
    assert finder.search("molar")["items"] == []
    with pytest.raises(CatalogueRefusedError) as raised:
        finder.dataset(scan)
    assert "grains" not in raised.value.detail.en


def test_a_query_with_a_bad_unit_comes_back_with_its_reason(person):
    found = person("team").search("energy 20..30 kev2")
    assert found["items"] == []
    assert "kev2" in found["problem"]["en"]


def test_a_volume_that_the_catalogue_refuses_stays_and_the_exit_code_tells(world, person, scan, ct):
    person("other team")
    target = world.folder(area="processed") / "by-another.h5"
    words = ("--rows", "0", "--axis", 61.7, "-o", target, "--dataset", scan, "--register")
    said = ct("recon", world.folder() / "grains/grains.nxs", *words)
    assert said.code != 0
    assert "is written but not in the catalogue" in said.err
    assert target.exists()


def test_without_a_catalogue_only_paths_can_be_opened(monkeypatch, grains):
    monkeypatch.delenv("BEAMTORCH_CATALOGUE_URL", raising=False)
    assert not Finder.from_environment().has_catalogue
    assert Finder.path(str(grains)).path == grains
