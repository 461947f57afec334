"""The page of a dataset: metadata with labels, files by the page, who may see it, how to cite it, what happened."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from beamtorch_catalogue.wire import Audience, DatasetRecord, FileRecord
from beamtorch_catalogue.wire.publications import DatasetReleaseRequest
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.look.reading import Page
from beamtorch_facility.proposal import BeamtimeId
from beamtorch_facility.quantity import Quantity


def record(site: Any, name: str, **changes: Any) -> DatasetRecord:
    folder = f"{site.factory.settings.data_root}/BL-B7/202611/Data/BT-26-0417/processed/{name}"
    given = {
        "source_id": folder,
        "name": name,
        "kind": DatasetKind.PROCESSED,
        "beamtime": BeamtimeId("BT-26-0417"),
        "files": (FileRecord(path=f"{folder}/volume.h5", size=7),),
    }
    return DatasetRecord(**(given | changes))


async def test_documents_of_the_facilitys_models_have_labels_units_and_choices(site: Any):
    html = (await site.get(f"page/{site.ids['seed_031']}")).text
    page = Page(html)
    assert list(page.find("data-model")) == ["furnace"]
    for text in (
        'data-zh="原位加热炉">In-situ furnace', 'data-zh="升温速率">Ramp rate', "5 K/min", "300 °C, 650.5 °C",
        'data-zh="氩气">Argon', 'data-zh="是">yes', "1,200", 'title="As set at the controller"',
    ):  # fmt: skip
        assert text in html
    assert html.count("Ramp rate") == 1
    assert page.without_twin == []


async def test_what_files_say_of_themselves_has_names_in_both_languages_and_what_nobody_knows_its_own(site: Any):
    said = {"rotation_angle_min": Quantity(value=0, unit="deg"), "scan_command": "ascan", "foo_count": "3"}
    (dataset,) = site.take_in(record(site, "said", parameters=said))
    html = (await site.get(f"page/{dataset}")).text
    for text in (
        'data-zh="旋转角（最小值）">Rotation angle, lowest', 'data-zh="扫描命令">Scan command',
        ">Foo count<",
    ):  # fmt: skip
        assert text in html


async def test_files_come_by_the_page(site: Any):
    folder = f"{site.factory.settings.data_root}/BL-B7/202611/Data/BT-26-0417/processed/series"
    files = tuple(FileRecord(path=f"{folder}/{n:04}.tif", size=5, xxh3="0123456789abcdef") for n in range(120))
    (dataset,) = site.take_in(record(site, "series", files=files))
    address, seen = f"page/{dataset}", []
    for _ in range(3):
        page = Page((await site.get(address)).text)
        seen += list(page.find("data-file"))
        further = [a["href"] for _, a in page.elements if "data-files-next" in a]
        address = str(further[0]).removeprefix("/services/catalogue/").partition("#")[0] if further else address
    assert seen == [f"{n:04}.tif" for n in range(120)]
    assert not further
    assert [a for _, a in page.elements if "data-files-first" in a]


async def test_the_page_says_what_was_made_from_it_and_by_what(site: Any):
    parent = site.ids["tooth_0047"]
    (child,) = site.take_in(
        record(site, "volume", parents=(parent,), software="beamtorch-ct 0.9", recipe="/data/recipes/tooth.yaml")
    )
    assert f'href="/services/catalogue/page/{child}"' in (await site.get(f"page/{parent}")).text
    html = (await site.get(f"page/{child}")).text
    assert f'href="/services/catalogue/page/{parent}"' in html
    assert "beamtorch-ct 0.9" in html
    assert "/data/recipes/tooth.yaml" in html
    assert f"/services/catalogue/datasets/{child}/provenance?format=prov" in Page(html).addresses


@pytest.mark.parametrize(
    ("audience", "at", "mark"),
    [
        (Audience.WORLD, datetime(2026, 11, 20, tzinfo=UTC), "world"),
        (Audience.REGISTERED, datetime(2026, 11, 20, tzinfo=UTC), "registered"),
        (Audience.REGISTERED, datetime(2199, 1, 1, tzinfo=UTC), "embargo"),
        (Audience.NOBODY, None, "closed"),
    ],
)
async def test_for_whom_it_is_open_stands_on_the_page_and_in_the_list(
    site: Any, audience: Audience, at: datetime | None, mark: str
):
    dataset = site.ids["tooth_0047"]
    releases = site.factory.publishing.releases
    person = site.reader().identity.model_copy(update={"groups": ("facility-admin",)})
    admin = replace(site.reader(), identity=person, sees_all=True)
    releases.change_dataset(admin, dataset, DatasetReleaseRequest(released_to=audience, released_at=at))
    for path in (f"page/{dataset}", f"quick/{dataset}", "?q=tooth_0047"):
        page = Page((await site.get(path)).text)
        assert set(page.find("data-release")) == {mark}
        assert page.without_twin == []
    html = (await site.get(f"page/{dataset}")).text
    assert "embargo-changed" in Page(html).find("data-change")


async def test_the_citation_and_the_identifier_can_be_copied_in_both_languages(site: Any):
    html = (await site.get(f"page/{site.ids['tooth_0047']}")).text
    page = Page(html)
    pid = site.factory.datasets.dataset(site.reader(), site.ids["tooth_0047"]).pid
    assert f"/services/catalogue/pid/{pid}" in page.addresses
    assert pid in page.find("data-copy")
    (chinese,) = page.find("data-zh-data-copy")
    assert "[DS/OL]" in chinese
    assert any("[Data set]" in text for text in page.find("data-copy"))


async def test_the_history_names_what_happened_and_who_did_it(site: Any):
    page = Page((await site.get(f"page/{site.ids['tooth_0047']}")).text)
    assert list(page.find("data-change")) == ["created"]
    assert 'data-zh="录入目录">came into the catalogue' in page.html


async def test_the_way_back_to_the_results_keeps_the_search(site: Any):
    path = f"page/{site.ids['tooth_0047']}"
    html = (await site.get(path, referrer="http://portal/services/catalogue/?q=tooth&year=2026")).text
    assert 'href="/services/catalogue/?q=tooth&amp;year=2026" data-back' in html
    html = (await site.get(path, referrer="http://elsewhere.example/services/catalogue/page/x")).text
    assert 'href="/services/catalogue/" data-back' in html


async def test_a_page_of_files_that_was_never_given_out_is_a_page_that_says_so(site: Any):
    answer = await site.get(f"page/{site.ids['tooth_0047']}?files=nowhere")
    assert answer.status_code == 422
    assert list(Page(answer.text).find("data-error")) == ["bad-page"]
