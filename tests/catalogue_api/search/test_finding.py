"""Searching: words in both languages, ranges with units, pages."""

from datetime import UTC, datetime, timedelta

import pytest

from beamtorch_catalogue.client import CatalogueClient, CatalogueRefusedError
from beamtorch_catalogue.testing.world import World, energy
from beamtorch_facility import Quantity


def names(world: World, q: str, role: str = "team", **filters: str) -> list[str]:
    return [dataset.name for dataset in world.client(role).search(q, **filters).datasets]


def test_words_find_name_sample_people_technique_and_files_in_both_languages(world: World):
    world.client("ingest").ingest([world.record("tooth_0417", sample="molar"), world.record("jaw", sample="bone")])
    for q in ("tooth", "TOOTH", "toot", "0417", "tooth_0417.h5", "molar", "human", "tooth human", "ds-"):
        assert "tooth_0417" in names(world, q), q
    for q in (
        "臼齿",
        "人类臼齿样品",
        "齿",
        "样品",
        "古代牙齿",
        "阿达",
        "Okafor",
        "ada",
        "成像线站",
        "tomography",
        "BT-1",
    ):
        assert "tooth_0417" in names(world, q), q
    for q in ("tooth cathode", "oth", "齿臼", "chen", "zebra"):
        assert names(world, q) == [], q
    assert names(world, "jaw") == ["jaw"]


def test_a_dataset_of_more_files_than_words_fit_is_found_by_all_but_its_last_files(world: World):
    one = world.record("stitched", sample="molar")
    (only,) = one.files
    files = tuple(only.model_copy(update={"path": f"{only.path}.{number:05}"}) for number in range(9_000))
    world.client("ingest").ingest([one.model_copy(update={"files": files, "parameters": {"comment": "overnight"}})])
    for q in ("stitched", "molar", "ada", "臼齿", "overnight", "tomography", "BT-1", "stitched molar", "00017"):
        assert names(world, q) == ["stitched"], q
    assert names(world, "08999") == []


def test_words_never_break_the_search(world: World):
    world.client("ingest").ingest([world.record("tooth")])
    for q in (
        '"',
        "'",
        "tooth*",
        "NEAR(",
        "a AND",
        "tooth OR jaw",
        ":",
        "&|!<->",
        "\\",
        "%",
        "_",
        "-tooth",
        "^t",
        "()",
    ):
        names(world, q)
    assert names(world, "tooth'); DROP TABLE dataset; --") == []
    assert names(world, "tooth") == ["tooth"]


def test_a_range_reads_every_unit_of_its_dimension(world: World):
    written = {"soft": (930.0, "eV"), "hard": (12.5, "keV"), "harder": (25.0, "keV"), "joule": (4e-15, "J")}
    world.client("ingest").ingest(
        [world.record(name, parameters=energy(value, unit)) for name, (value, unit) in written.items()]
    )
    assert names(world, "energy 12..13 keV") == ["hard"]
    assert names(world, "energy 12000..13000 eV") == ["hard"]
    assert names(world, "energy 1.9e-15..2.1e-15 J") == ["hard"]
    assert sorted(names(world, "24..26 keV")) == ["harder", "joule"]
    assert sorted(names(world, "energy 12.. keV")) == ["hard", "harder", "joule"]
    assert names(world, "能量 ..1 keV") == ["soft"]
    assert names(world, "energy:12.5..12.5keV") == ["hard"]
    assert names(world, "hard energy 24..26 keV") == ["harder"]


def test_a_temperature_in_celsius_is_found_in_kelvin(world: World):
    warm = {"temperature": Quantity(value=25.0, unit="degC"), "flux": Quantity(value=1e9, unit="ph/s")}
    odd = {"temperature": Quantity(value=25.0, unit="NX_TEMPERATURE"), "h": Quantity(value=1.0, unit="r.l.u.")}
    world.client("ingest").ingest([world.record("warm", parameters=warm), world.record("odd", parameters=odd)])
    assert names(world, "temperature 297..299 K") == ["warm"]
    assert names(world, "flux 9e8..2e9 ph/s") == ["warm"]
    assert names(world, "flux 9e8..2e9 Hz") == ["warm"]
    assert names(world, "h 0.5..1.5 r.l.u.") == ["odd"]
    (found,) = world.client("team").search("odd").datasets
    assert world.client("team").dataset(found.id).parameters["temperature"] == odd["temperature"]


@pytest.mark.parametrize(
    ("q", "code", "position", "says"),
    [
        ("energy 12..13 kev", "unknown-unit", 14, "keV"),
        ("energy 12..13 zebra", "unknown-unit", 14, "zebra"),
        ("energy 12..13 mm", "wrong-dimension", 14, "an energy"),
        ("energy 13..12 keV", "bad-query", 9, "12..13"),
        ("energy 1..2 keV temperature 3..4 mm", "wrong-dimension", 33, "a temperature"),
        ("smaple:tooth", "unknown-field", 0, "sample"),
        ("emergy:1..2 keV", "unknown-parameter", 0, "energy"),
        ("1..2 mm", "bad-query", 5, "pixel_size"),
        ("x" * 1001, "bad-query", 1000, "1000"),
    ],
)
def test_a_query_that_cannot_be_understood_says_where_and_what_was_meant(
    light_world: World, q: str, code: str, position: int, says: str
):
    with pytest.raises(CatalogueRefusedError) as refused:
        light_world.client("team").search(q)
    assert (refused.value.code, refused.value.status, refused.value.facts["position"]) == (code, 422, position)
    assert says in refused.value.detail.en
    assert f"第 {position + 1} 个字符" in refused.value.detail.zh


def test_pages_give_each_dataset_once_while_new_ones_come_in(world: World):
    ingest = world.client("ingest")
    moment = datetime(2026, 10, 5, 10, tzinfo=UTC)
    records = [world.record(f"scan-{i:03}", measured_at=moment) for i in range(23)]
    ingest.ingest(records)
    seen: list[str] = []
    after = None
    while True:
        page = world.client("team").search("scan", limit=5, after=after)
        seen += [dataset.name for dataset in page.datasets]
        assert (page.total, page.total_is_capped) == (len(seen), page.next is not None)
        if after is None:
            ingest.ingest([world.record("scan-new")])
        after = page.next
        if after is None:
            break
    assert sorted(seen) == [record.name for record in records]


@pytest.mark.parametrize("q", ["", "scan", "energy 5..15 keV", "scan energy 5..15 keV", "scan -scan-04", "kind:raw"])
def test_the_oldest_first_is_the_same_list_from_its_other_end(world: World, q: str):
    first = datetime(2026, 10, 1, tzinfo=UTC)
    records = [
        world.record(f"scan-{n:02}", "BT-2" if n % 3 else "BT-1", measured_at=first + timedelta(hours=n),
                     parameters=energy(n)) for n in range(17)
    ]  # fmt: skip
    world.client("ingest").ingest(records)
    for role in ("team", "other team", "admin"):
        newest, oldest = (listed(world.client(role), q, sort) for sort in ("newest", "oldest"))
        assert newest
        assert oldest == newest[::-1]


def listed(client: CatalogueClient, q: str, sort: str) -> list[str]:
    page = client.search(q, limit=3, sort=sort)
    found = [dataset.name for dataset in page.datasets]
    while page.next is not None:
        page = client.search(q, limit=3, sort=sort, after=page.next)
        found += [dataset.name for dataset in page.datasets]
    return found


@pytest.mark.parametrize("after", ["x", "!!", "W10", "WyJhIiwxXQ", "WyIyMDI2LTAxLTAxIiwgLTFd", "é", "W251bGwsIDFd"])
def test_a_made_up_place_is_refused(light_world: World, after: str):
    with pytest.raises(CatalogueRefusedError) as refused:
        light_world.client("team").search(after=after)
    assert refused.value.code == "bad-page"


def test_a_search_of_nothing_says_what_to_drop(world: World):
    world.client("ingest").ingest([world.record("tooth", parameters=energy(12.5)), world.record("tooth-2")])
    page = world.client("team").search("tooth zebra")
    assert page.total == 0
    assert page.advice is not None
    assert "Without “zebra” there are 2" in page.advice.en
    assert "去掉“zebra”有 2" in page.advice.zh
    page = world.client("team").search("tooth energy 20..30 keV")
    assert page.advice is not None
    assert "Without “energy 20..30 keV” there are 2" in page.advice.en


def test_kind_and_technique_narrow_the_list(world: World):
    world.client("ingest").ingest([world.record("a"), world.record("b", technique="ptychography")])
    world.client("team").register(world.result("c"))
    assert names(world, "", kind="processed") == ["c"]
    assert names(world, "", technique="ptychography") == ["b"]
    assert sorted(names(world, "", technique="tomography")) == ["a", "c"]
