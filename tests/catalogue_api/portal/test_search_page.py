"""Narrowing without typing: chips, facets, dates, ranges and pages, all of them links."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from beamtorch_catalogue.portal.addresses import back_to
from beamtorch_catalogue.services import facets as facet_service
from beamtorch_facility.look.reading import Page


def links(html: str, mark: str) -> list[dict[str, str]]:
    return [{k: v or "" for k, v in attributes.items()} for _, attributes in Page(html).elements if mark in attributes]


def order(html: str) -> list[str]:
    return list(Page(html).find("data-dataset"))


def names(html: str) -> set[str]:
    return set(order(html))


async def follow(site: Any, href: str) -> str:
    answer = await site.get(href)
    assert answer.status_code == 200
    return str(answer.text)


async def test_each_condition_is_a_chip_that_takes_itself_alone_off(site: Any):
    html = (await site.get("?q=tooth+energy+20..30+keV&technique=tomography&beamline=BL-B7")).text
    chips = links(html, "data-drop")
    assert [chip["aria-label"] for chip in chips] == [
        "Drop Technique X-ray tomography",
        "Drop Beamline BL-B7 Imaging",
        "Drop tooth",
        "Drop Energy 20–30 keV",
    ]
    without = [parse_qs(urlsplit(chip["href"]).query) for chip in chips]
    assert ["technique" in one for one in without] == [False, True, True, True]
    assert [one["q"] for one in without][2:] == [["energy:20..30 keV"], ["tooth"]]
    for chip in chips:
        assert site.ids["tooth_0047"] in names(await follow(site, chip["href"]))


async def test_chips_speak_both_languages(site: Any):
    html = (await site.get("?q=date:7d+-kind:raw+composition:CeO2+energy:12..+keV&state=broken")).text
    assert 'data-zh="近 7 天">last 7 days' in html
    assert 'data-zh="非类型">not type' in html
    assert 'data-zh="含元素">Contains' in html
    assert "≥ 12 keV" in html
    assert "-54 – -5 deg" in (await site.get("?q=angle_start:-54..-5+deg")).text
    assert 'data-zh="损坏">broken' in html
    assert Page(html).without_twin == []


async def test_a_second_value_of_a_facet_adds_to_the_first_and_counts_stay_true(site: Any):
    html = (await site.get("")).text
    first = next(one for one in links(html, "data-value") if one["data-value"] == "rice-seed")
    html = await follow(site, first["href"])
    assert names(html) == {site.ids["seed_031"]}
    second = next(one for one in links(html, "data-value") if one["data-value"] == "tooth")
    assert "aria-current" not in second
    html = await follow(site, second["href"])
    assert names(html) == {site.ids["seed_031"], site.ids["tooth_0047"]}
    on = [one["data-value"] for one in links(html, "data-value") if "aria-current" in one]
    assert set(on) == {"rice-seed", "tooth"}
    off = next(one for one in links(html, "data-value") if one["data-value"] == "tooth")
    assert names(await follow(site, off["href"])) == {site.ids["seed_031"]}


async def test_a_facet_of_the_facilitys_own_model_narrows_by_a_term_of_the_query(site: Any):
    html = (await site.get("")).text
    assert 'data-zh="气氛">Atmosphere' in html
    argon = next(one for one in links(html, "data-value") if one["data-value"] == "argon")
    html = await follow(site, argon["href"])
    assert names(html) == {site.ids["seed_031"]}
    assert links(html, "data-drop")[0]["aria-label"] == "Drop Atmosphere Argon"
    on = next(one for one in links(html, "data-value") if one["data-value"] == "argon")
    assert len(names(await follow(site, on["href"]))) == 3


@pytest.mark.parametrize("q", ["date:2026", "seed", "energy:1..90 keV", "seed energy:1..90 keV"])
async def test_counts_that_stopped_at_the_cap_say_so(site: Any, monkeypatch: pytest.MonkeyPatch, q: str):
    monkeypatch.setattr(facet_service, "CAP", 2)
    html = (await site.get("?" + urlencode({"q": q, "limit": 1}))).text
    assert ">2+ datasets<" in html
    assert "counted among the newest 2" in html
    assert 'translate="no"' in html
    assert Page(html).without_twin == []


async def test_the_fields_for_energy_become_a_term_and_replace_the_one_before(site: Any):
    answer = await site.get("?q=rice+energy:1..2+keV&energy_low=12000&energy_high=13000&energy_unit=eV&kind=raw")
    assert answer.status_code == 303
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked == {"q": ["rice energy:12000..13000 eV"], "kind": ["raw"]}
    html = (await site.get(f"?{urlsplit(answer.headers['location']).query}")).text
    assert names(html) == {site.ids["seed_031"]}
    fields = {one["name"]: one.get("value") for one in links(html, "inputmode")}
    assert fields == {"energy_low": "12000", "energy_high": "13000"}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("q=rice+energy:1..2+keV&energy_low=&energy_high=", "rice"),
        ("energy_low=12", "energy:12.. keV"),
        ("energy_high=13&energy_low=+&energy_unit=furlong", "energy:..13 keV"),
        ("energy_low=%3Cscript%3E&energy_high=13", "energy:..13 keV"),
        ("q=date:7d&from=2026-11-01&to=2026-11-19", "date:2026-11-01..2026-11-19"),
        ("q=tooth+date:7d&from=&to=", "tooth"),
        ("from=2026-11-01&to=yesterday", "date:2026-11-01.."),
        ("q=energy+1..2+kev&energy_low=3&energy_high=4", "energy 1..2 kev energy:3..4 keV"),
    ],
)
async def test_fields_beside_the_list_are_read_with_care(site: Any, given: str, wanted: str):
    answer = await site.get(f"?{given}")
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.headers["location"]).query)["q"] == [wanted]


async def test_a_usual_span_of_time_is_one_link_and_leads_back(site: Any):
    html = (await site.get("?q=tooth+date:2020")).text
    hrefs = [one["href"] for one in links(html, "data-quick")]
    year = datetime.now(UTC).year
    assert [parse_qs(href[1:])["q"] for href in hrefs] == [
        ["tooth date:today"], ["tooth date:7d"], ["tooth date:30d"], [f"tooth date:{year}"]
    ]  # fmt: skip
    html = (await site.get(hrefs[1])).text
    (chosen,) = [one for one in links(html, "data-quick") if one.get("aria-current")]
    assert parse_qs(chosen["href"][1:])["q"] == ["tooth"]
    days = {one["name"]: one["value"] for one in links(html, "max") if one.get("type") == "date"}
    today = datetime.now(UTC).date()
    assert days == {"from": str(today - timedelta(days=7)), "to": str(today)}


async def test_pages_lead_forth_and_back_again(site: Any):
    html, seen = (await site.get("?limit=1")).text, []
    for _ in range(3):
        seen.append(names(html))
        further = links(html, "data-more")
        html = (await site.get(further[0]["href"])).text if further else html
    assert len(set().union(*seen)) == 3
    for wanted in reversed(seen[:-1]):
        (back,) = links(html, "data-before")
        html = await follow(site, back["href"])
        assert names(html) == wanted
    assert links(html, "data-before") == []


async def test_the_list_can_be_turned_and_stays_so_on_its_further_pages(site: Any):
    html = (await site.get("")).text
    newest = order(html)
    assert 'data-zh="最新优先">Newest first' in html
    (turn,) = links(html, "data-sort")
    html = await follow(site, turn["href"])
    assert order(html) == newest[::-1]
    assert 'data-zh="最早优先">Oldest first' in html
    (turn_back,) = links(html, "data-sort")
    assert order(await follow(site, turn_back["href"])) == newest
    (further,) = links(await follow(site, f"{turn['href']}&limit=1"), "data-more")
    html = await follow(site, further["href"])
    assert order(html) == [newest[-2]]
    assert [one["value"] for one in links(html, "name") if one["name"] == "sort"] == ["oldest"]
    (first,) = links(html, "data-first")
    assert order(await follow(site, first["href"])) == [newest[-1]]


async def test_results_alone_come_without_facets(site: Any):
    html = (await site.get("?alone=1")).text
    assert len(names(html)) == 3
    assert links(html, "data-value") == []


@pytest.mark.parametrize(
    "query",
    [
        "?limit=x&kind=%00&technique=%00&after=", "?trail=a.b&beamline=&year=abc", "?limit=99999999999999999999",
        "?beamline=" + "&beamline=".join("x" * 9 for _ in range(200)), "?sample_name=" + "y" * 5000, "?kind=nonsense",
    ],
)  # fmt: skip
async def test_nonsense_in_an_address_is_no_fault(site: Any, query: str):
    assert (await site.get(query)).status_code == 200


async def test_a_place_that_was_never_given_out_is_a_page_that_says_so(site: Any):
    answer = await site.get("?after=nowhere")
    assert answer.status_code == 422
    assert list(Page(answer.text).find("data-error")) == ["bad-page"]


async def test_filters_stay_when_the_query_is_not_understood(site: Any):
    html = (await site.get("?q=energy+12..13+kev&sample_name=rice-seed&year=2026")).text
    (mended,) = links(html, "data-mended")
    assert parse_qs(mended["href"][1:]) == {
        "q": ["energy 12..13 keV"], "sample_name": ["rice-seed"], "year": ["2026"]
    }  # fmt: skip
    assert len(links(html, "data-drop")) == 2
    assert Page(html).without_twin == []


@pytest.mark.parametrize(
    ("referrer", "wanted"),
    [
        ("http://portal/services/catalogue/?q=a%26b&year=2026", "?q=a%26b&year=2026"),
        ("http://portal/services/catalogue/", ""),
        ("http://elsewhere.example/?q=x", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_the_way_back_leads_to_a_search_and_nowhere_else(referrer: str, wanted: str):
    assert back_to(referrer, "/services/catalogue/") == wanted


async def test_every_example_of_the_help_can_be_searched(site: Any):
    page = Page((await site.get("")).text)
    examples = [address for address in page.addresses if address.startswith("/services/catalogue/?q=")]
    assert len(examples) == 8
    for address in examples:
        assert (await site.get(address.removeprefix("/services/catalogue/"))).status_code == 200, address
