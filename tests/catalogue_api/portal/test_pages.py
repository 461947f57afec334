import re
from typing import Any

import pytest

from beamtorch_facility.look.reading import Page

PAGES = [
    "",
    "?q=tooth",
    "?q=walrus",
    "?q=energy+12..13+kev",
    "?q=ceria&kind=raw",
    "page/{tooth_0047}",
    "page/{ceria_001}",
    "page/{seed_031}",
    "quick/{seed_031}",
    "?q=-kind:raw+energy:12..13+keV+date:2026-11..&sample_name=rice-seed&year=2026",
    "?limit=1",
]


async def test_the_list_shows_what_the_team_measured_and_nothing_else(site: Any):
    page = Page((await site.get("")).text)
    assert set(page.find("data-dataset")) == {site.ids[name] for name in ("tooth_0047", "seed_031", "ceria_001")}
    assert "secret" not in page.html


async def test_a_name_leads_to_the_dataset_page(site: Any):
    html = (await site.get("?q=tooth")).text
    assert re.search(rf'class="name[^"]*" href="/services/catalogue/page/{site.ids["tooth_0047"]}"', html)
    assert list(Page(html).find("data-dataset")) == [site.ids["tooth_0047"]]


@pytest.mark.parametrize("path", PAGES)
async def test_every_text_has_its_chinese_twin(site: Any, path: str):
    page = Page((await site.get(path.format(**site.ids))).text)
    assert page.without_twin == []


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_fetches_nothing_from_outside_and_runs_no_inline_script(site: Any, path: str):
    answer = await site.get(path.format(**site.ids))
    page = Page(answer.text)
    assert [address for address in page.addresses if "//" in address] == []
    assert [attributes for tag, attributes in page.elements if tag == "script" and not attributes.get("src")] == []
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


async def test_an_empty_result_names_the_condition_and_offers_the_search_without_it(site: Any):
    html = (await site.get("?q=tooth+energy+12..13+keV")).text
    page = Page(html)
    assert list(page.find("data-empty")) == [""]
    assert "Without “energy 12..13 keV” there are 1." in html
    offered = [attributes["href"] for _, attributes in page.elements if "data-without" in attributes]
    assert "?q=tooth" in offered
    assert site.ids["tooth_0047"] in (await site.get("?q=tooth")).text


async def test_a_filter_that_empties_the_list_is_offered_for_dropping(site: Any):
    page = Page((await site.get("?q=tooth&kind=processed")).text)
    assert "?q=tooth" in [attributes["href"] for _, attributes in page.elements if "data-without" in attributes]


async def test_a_bad_unit_is_pointed_at_and_its_mended_search_is_one_click_away(site: Any):
    answer = await site.get("?q=energy+12..13+kev+tooth")
    page = Page(answer.text)
    assert answer.status_code == 422
    assert list(page.find("data-error")) == ["unknown-unit"]
    assert "energy 12..13 <mark>kev</mark> tooth" in answer.text
    (mended,) = [attributes["href"] for _, attributes in page.elements if "data-mended" in attributes]
    assert (await site.get(str(mended))).status_code == 200


async def test_a_second_page_goes_on_where_the_first_ended(site: Any):
    first = Page((await site.get("?limit=2")).text)
    (more,) = [attributes["href"] for _, attributes in first.elements if "data-more" in attributes]
    second = Page((await site.get(str(more))).text)
    seen = [*first.find("data-dataset"), *second.find("data-dataset")]
    assert sorted(seen) == sorted(site.ids[name] for name in ("tooth_0047", "seed_031", "ceria_001"))
    assert not [1 for _, attributes in second.elements if "data-more" in attributes]


async def test_a_broken_dataset_says_why_in_the_list_and_on_its_page(site: Any):
    for path in ("?q=ceria", f"page/{site.ids['ceria_001']}"):
        html = (await site.get(path)).text
        assert 'data-zh="文件不完整：共 9 帧，第 3 帧后缺失。">The file ends early: frame 3 of 9.' in html


async def test_a_dataset_page_tells_files_readers_parameters_and_where_to_go(site: Any):
    dataset = site.ids["tooth_0047"]
    html = (await site.get(f"page/{dataset}")).text
    page = Page(html)
    assert list(page.find("data-file")) == ["tooth_0047.h5"]
    assert f"/hub/home?environment=ct&dataset={dataset}" in page.addresses
    assert f"/hub/home?environment=lab&dataset={dataset}" in page.addresses
    for text in ("25 keV", "1,800", "0.65 µm", "1.5 MB", "Lin Qiao", "after &lt;lunch&gt; &amp; tea"):
        assert text in html


async def test_only_tomography_opens_in_ct(site: Any):
    page = Page((await site.get(f"page/{site.ids['ceria_001']}")).text)
    assert not [1 for _, attributes in page.elements if "data-open-ct" in attributes]


@pytest.mark.parametrize("place", ["page", "quick"])
async def test_somebody_elses_dataset_looks_like_one_that_does_not_exist(site: Any, place: str):
    hidden = site.ids["secret_001"]
    theirs = await site.get(f"{place}/{hidden}")
    nowhere = await site.get(f"{place}/{hidden[:-1]}_")
    assert theirs.status_code == nowhere.status_code == 404
    assert theirs.text.replace(hidden, "X") == nowhere.text.replace(f"{hidden[:-1]}_", "X")
    assert "ask the principal investigator" in theirs.text
    assert Page(theirs.text).without_twin == []


async def test_an_address_that_is_no_identifier_is_a_page_and_no_fault(site: Any):
    answer = await site.get("page/%3Cscript%3E")
    assert answer.status_code == 404
    assert "<script>" not in answer.text.partition("<body")[2]


async def test_a_browser_that_nobody_knows_is_sent_to_the_hub_and_comes_back_to_its_search(site: Any):
    answer = await site.get("?q=tooth", user=None)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/hub/api/oauth2/authorize?client_id=service-catalogue")


async def test_somebody_without_a_proposal_reads_why_the_list_is_empty(site: Any):
    html = (await site.get("", user="nobody.yet")).text
    assert "No data for you yet" in html
    assert Page(html).without_twin == []


async def test_a_query_is_shown_again_and_never_becomes_markup(site: Any):
    for query in (
        "%22%3E%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
        "%22%3Cimg%20src%22&sample_name=%22%3E%3Cimg%20src",
    ):
        answer = await site.get(f"?q={query}")
        assert "<img src" not in answer.text.partition("data-results")[0]
        assert "&lt;img src" in answer.text
        assert answer.status_code in {200, 422}
