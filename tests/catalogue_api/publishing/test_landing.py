"""The page behind an identifier: for everybody, and only as much as its release allows, in every form."""

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from beamtorch_catalogue.citing.forms import Form
from beamtorch_catalogue.portal.landing import preferred
from beamtorch_facility.look.reading import Page
from beamtorch_facility.quantity import Quantity

FORMS = ["", "?format=datacite", "?format=jsonld", "?format=citation", "?format=bibtex"]
SECRETS = ("tooth_77", "Old teeth", "古代牙齿", "molar", "human", "Ada", "阿达", "tomography", "12.5", "keV", "BT-1")
SECRETS += ("tooth_77.h5", "P1", "HDF5")


def tooth(archive: Any) -> tuple[str, str]:
    """Catalogue a dataset with everything that could be told of it."""
    parameters = {"energy": Quantity(value=12.5, unit="keV"), "note": "</script><b>bold"}
    dataset = archive.add("tooth_77", technique="tomography", sample="molar", parameters=parameters)
    return dataset, archive.pid(dataset)


def told(archive: Any, pid: str, form: str = "", **more: Any) -> Any:
    answer = archive.ask("nobody", "GET", f"pid/{pid}{form}", **more)
    assert answer.status_code == 200, answer.text
    return answer


def test_before_its_release_an_identifier_tells_that_it_exists_where_and_until_when(archive: Any):
    dataset, pid = tooth(archive)
    for form in FORMS:
        answer = told(archive, pid, form)
        text = re.sub(r"<script.*?</script>", "", answer.text, flags=re.DOTALL) if not form else answer.text
        found = [secret for secret in SECRETS if secret in answer.text]
        assert found == [], (form, found)
        assert dataset not in answer.text
        assert "Test Source" in answer.text
        assert "2029" in text
        assert answer.headers["X-Robots-Tag"] == "noindex"
    page = Page(told(archive, pid).text)
    assert list(page.find("data-stage")) == ["withheld"]
    assert "Under embargo until 2029-10-08" in page.html
    assert "保护期至 2029-10-08" in page.html
    assert "BL1" in page.html
    assert "user office" in page.html


def test_what_is_open_to_registered_people_tells_the_world_what_it_is_but_not_what_it_holds(archive: Any, opens: Any):
    dataset, pid = tooth(archive)
    archive.at(opens)
    answer = told(archive, pid)
    page = Page(answer.text)
    assert list(page.find("data-stage")) == ["registered"]
    for text in (
        "tooth_77: Old teeth",
        "tooth_77：古代牙齿",
        "Ada Okafor",
        "阿达·奥卡福",
        "A human molar",
        "X-ray tomography",
    ):
        assert text in answer.text
    assert f"/services/catalogue/page/{dataset}" in page.addresses
    assert list(page.find("data-file")) == []
    for form in FORMS:
        text = told(archive, pid, form).text
        assert [secret for secret in ("12.5", "tooth_77.h5", "</script><b>") if secret in text] == []
    assert "X-Robots-Tag" not in answer.headers


def test_what_is_open_to_the_world_shows_files_and_parameters_and_no_place_on_the_disk(archive: Any):
    dataset, pid = tooth(archive)
    archive.ask("team", "PUT", f"datasets/{dataset}/release", json={"released_to": "world"}).raise_for_status()
    answer = told(archive, pid)
    page = Page(answer.text)
    assert list(page.find("data-stage")) == ["world"]
    assert list(page.find("data-file")) == ["tooth_77.h5"]
    assert "12.5 keV" in answer.text
    assert "<b>bold" not in answer.text
    assert str(archive.world.layout.root) not in answer.text
    assert Page(answer.text).without_twin == []


def test_what_is_for_nobody_says_so_and_names_no_day(archive: Any):
    dataset, pid = tooth(archive)
    archive.ask("admin", "PUT", f"datasets/{dataset}/release", json={"released_to": "nobody"}).raise_for_status()
    answer = told(archive, pid)
    assert "These data are not open" in answer.text
    assert "9999" not in answer.text
    for form in FORMS[1:]:
        assert "9999" not in told(archive, pid, form).text


def test_a_publication_tells_its_datasets_as_far_as_each_is_open(archive: Any):
    one, two = archive.add("one"), archive.add("two_77")
    body = {
        "title": {"en": "Teeth <of> all", "zh": "牙齿"},
        "abstract": {"en": "First line\nsecond & last", "zh": "第一行"},
        "licence": "CC-BY-4.0",
        "creators": [{"name": {"en": "Ada Okafor", "zh": "阿达·奥卡福"}, "orcid": "0000-0002-1825-0097"}],
        "datasets": [one, two],
        "release": True,
    }
    pid = archive.ask("team", "POST", "publications", json=body).json()["pid"]
    archive.ask("admin", "PUT", f"datasets/{two}/release", json={"released_to": "nobody"}).raise_for_status()
    answer = told(archive, pid)
    page = Page(answer.text)
    assert sorted(page.find("data-part")) == sorted([archive.pid(one), archive.pid(two)])
    assert "two_77" not in answer.text
    assert "one: Old teeth" in answer.text
    assert sorted(page.find("data-stage")) == ["registered", "withheld", "world"]
    assert "https://orcid.org/0000-0002-1825-0097" in page.addresses
    assert "https://creativecommons.org/licenses/by/4.0/" in page.addresses
    assert page.without_twin == []
    assert "Teeth &lt;of&gt; all" in answer.text
    back = told(archive, archive.pid(one))
    assert f"/services/catalogue/pid/{pid}" in Page(back.text).addresses


@pytest.mark.parametrize("stage", ["withheld", "registered", "world"])
def test_a_page_speaks_two_languages_fetches_nothing_and_runs_nothing(archive: Any, opens: Any, stage: str):
    dataset, pid = tooth(archive)
    if stage == "registered":
        archive.at(opens)
    if stage == "world":
        archive.ask("team", "PUT", f"datasets/{dataset}/release", json={"released_to": "world"})
    answer = told(archive, pid)
    page = Page(answer.text)
    assert list(page.find("data-stage")) == [stage]
    assert page.without_twin == []
    fetched = [a.get("src") or a.get("href") for tag, a in page.elements if tag in {"script", "link", "img"}]
    assert [address for address in fetched if address and "//" in address] == []
    inline = [a.get("type") for tag, a in page.elements if tag == "script" and not a.get("src")]
    assert inline == ["application/ld+json"]
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-cache"


def test_the_json_ld_in_the_page_is_that_of_the_address_and_cannot_leave_its_element(archive: Any, opens: Any):
    dataset = archive.add("</script><script>alert(1)</script>", sample="molar")
    pid = archive.pid(dataset)
    archive.at(opens)
    html = told(archive, pid).text
    (embedded,) = re.findall(r'<script type="application/ld\+json"[^>]*>(.*?)</script>', html, flags=re.DOTALL)
    assert json.loads(embedded) == told(archive, pid, "?format=jsonld").json()
    assert json.loads(embedded)["name"][0]["@value"].startswith("</script><script>alert(1)")
    assert "<script>alert" not in html


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("*/*", "text/html"),
        ("", "text/html"),
        ("application/ld+json", "application/ld+json"),
        ("application/json", "application/ld+json"),
        ("application/vnd.datacite.datacite+xml, text/html;q=0.5", "application/vnd.datacite.datacite+xml"),
        ("application/x-bibtex", "application/x-bibtex"),
        ("text/x-bibliography; style=apa", "text/x-bibliography"),
        ("application/ld+json;q=0.1, text/html", "text/html"),
    ],
)
def test_programs_get_the_form_that_they_accept(archive: Any, accept: str, media_type: str):
    _, pid = tooth(archive)
    answer = told(archive, pid, headers={"Accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == media_type
    assert answer.headers["Vary"] == "Accept"
    assert f"/pid/{pid}" in answer.headers["Link"]


def test_what_somebody_accepts_is_weighed():
    assert preferred("text/html;q=0, application/ld+json;q=0.2") is Form.JSONLD
    assert preferred("image/png") is None
    assert preferred("application/ld+json;q=oops, */*;q=0.1") is None
    assert preferred(",;,q=") is None


def test_the_datacite_record_of_an_open_dataset_reads_back(archive: Any, opens: Any):
    _, pid = tooth(archive)
    archive.at(opens)
    root = ET.fromstring(told(archive, pid, "?format=datacite").content)
    names = {"d": "http://datacite.org/schema/kernel-4"}
    assert root.findtext("d:identifier", namespaces=names) == pid
    assert root.findtext("d:publicationYear", namespaces=names) == "2029"
    assert root.findtext("d:creators/d:creator/d:creatorName", namespaces=names) == "Ada Okafor"


@pytest.mark.parametrize(
    "pid",
    ["local/aaaaaaaaaaaaaaaa", "10.1/x", "local", "local/..x", "x" * 500, "local/%00", "%E4%B8%AD/x", "local/a b"],
)
def test_an_identifier_that_was_never_given_is_a_page_for_people_and_a_problem_for_programs(archive: Any, pid: str):
    page = archive.ask("nobody", "GET", f"pid/{pid}")
    assert page.status_code == 404
    assert "text/html" in page.headers["content-type"]
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert Page(page.text).without_twin == []
    program = archive.ask("nobody", "GET", f"pid/{pid}", headers={"Accept": "application/ld+json"})
    assert (program.status_code, program.headers["content-type"]) == (404, "application/problem+json")


def test_the_prefix_of_identifiers_is_the_facilitys_and_old_ones_go_on_resolving(archive: Any):
    dataset, pid = tooth(archive)
    assert pid == f"local/{dataset.removeprefix('ds-')}"
    assert archive.ask("nobody", "HEAD", f"pid/{pid}").status_code == 200
    assert archive.ask("nobody", "POST", f"pid/{pid}").status_code == 405
