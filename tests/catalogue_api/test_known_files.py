"""Which files of a folder the catalogue knows, whatever folder they have in common with others."""

import pytest

from beamtorch_catalogue.services import known_files
from beamtorch_catalogue.testing.world import World
from beamtorch_catalogue.wire import DatasetRecord, FileRecord


@pytest.fixture
def filled(world: World) -> World:
    """Datasets in a folder of their own, in one that others share, and across several."""
    raw = world.folder()

    def record(name: str, *paths: str) -> DatasetRecord:
        files = tuple(FileRecord(path=f"{raw}/{path}", size=4) for path in paths)
        return world.record(name).model_copy(update={"files": files})

    records = [
        record("own", "scan/a.h5", "scan/b.h5"),
        record("flat", "c.h5"),
        record("across", "scan/d.h5", "Scan/e.h5", "scan2/f.h5"),
        record("deep", "scan/deep/g_1.h5", "scan/deep/gx1.h5"),
        record("dots", "scan.2/h.h5"),
    ]
    world.client("ingest").ingest(records)
    return world


@pytest.mark.parametrize(
    ("below", "names"),
    [
        ("", ["Scan/e.h5", "c.h5", "scan.2/h.h5", "scan/a.h5", "scan/b.h5", "scan/d.h5", "scan/deep/g_1.h5",
              "scan/deep/gx1.h5", "scan2/f.h5"]),
        ("scan", ["scan/a.h5", "scan/b.h5", "scan/d.h5", "scan/deep/g_1.h5", "scan/deep/gx1.h5"]),
        ("scan/", ["scan/a.h5", "scan/b.h5", "scan/d.h5", "scan/deep/g_1.h5", "scan/deep/gx1.h5"]),
        ("scan2", ["scan2/f.h5"]),
        ("scan/deep", ["scan/deep/g_1.h5", "scan/deep/gx1.h5"]),
        ("scan/deep/g_1.h5", ["scan/deep/g_1.h5"]),
        ("sca", []),
        ("scan/%", []),
        ("nothing", []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("per_page", [1, 2, 5000])
def test_a_folder_s_files_are_told_page_by_page_and_each_once(
    filled: World, monkeypatch: pytest.MonkeyPatch, below: str, names: list[str], per_page: int
):
    monkeypatch.setattr(known_files, "FILES_PER_PAGE", per_page)
    client, raw = filled.client("ingest"), filled.folder()
    found: list[str] = []
    after = None
    while True:
        page = client.known_files(f"{raw}/{below}", after=after)
        assert len(page.files) <= per_page
        found += [file.path.removeprefix(f"{raw}/") for file in page.files]
        after = page.next
        if after is None:
            break
    assert sorted(found) == names


def test_everything_lies_below_the_root(filled: World):
    assert len(filled.client("ingest").known_files("/").files) == 9
