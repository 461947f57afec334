"""The scientist of the other group neither finds nor opens the scan: by catalogue, panel, portal or app."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from beamtorch_catalogue.client import CatalogueRefusedError

pytestmark = [pytest.mark.browser, pytest.mark.platform]


@pytest.fixture
def scan_id(stage):
    """The scan as its own team finds it: so it is there to be found."""
    with stage.catalogue(stage.cast.scientist) as catalogue:
        found = [one for one in catalogue.search(stage.cast.query).datasets if one.name == stage.cast.scan.name]
    assert len(found) == 1
    return found[0].id


def test_the_rest_api_neither_finds_nor_opens_it(stage, scan_id):
    with stage.catalogue(stage.cast.outsider) as catalogue:
        assert stage.cast.scan.name not in [one.name for one in catalogue.search(stage.cast.query).datasets]
        assert stage.cast.hidden.name in [one.name for one in catalogue.search("").datasets]
        with pytest.raises(CatalogueRefusedError) as refused:
            catalogue.dataset(scan_id)
        with pytest.raises(CatalogueRefusedError) as unknown:
            catalogue.dataset(type(scan_id)("0" * len(scan_id)))
    assert refused.value.status == 404
    assert refused.value.detail.en.replace(scan_id, "") == unknown.value.detail.en.replace("0" * len(scan_id), "")


def test_the_command_line_neither_finds_nor_opens_it(stage, scan_id):
    found = stage.run("catalogue", "search", stage.cast.query, "--json", user=stage.cast.outsider)
    assert stage.cast.scan.name not in found.stdout
    shown = stage.run("catalogue", "show", scan_id, user=stage.cast.outsider)
    assert shown.returncode != 0
    assert stage.cast.scan.name not in shown.stdout + shown.stderr


def test_the_portal_neither_finds_nor_opens_it(stage, scan_id, visit):
    visitor = visit(stage.cast.outsider)
    page = visitor.page
    page.goto(f"{stage.url}services/catalogue/?q={stage.cast.scan.name}")
    expect(page.locator("[data-empty]")).to_be_visible()
    assert not page.locator(f'[data-dataset="{scan_id}"]').count()
    answer = page.goto(f"{stage.url}services/catalogue/page/{scan_id}")
    assert answer is not None
    assert answer.status == 404
    assert stage.cast.scan.name not in page.content()
    visitor.picture("portal-not-yours")


def test_the_panel_neither_finds_nor_attaches_it(stage, scan_id, visit):
    visitor = visit(stage.cast.outsider)
    page = visitor.page
    visitor.start("lab")
    panel = visitor.panel()
    panel.locator("input[type=search]").fill(stage.cast.scan.name)
    expect(panel.locator(".bt-empty")).to_be_visible()
    lab = re.match(r".*/user/[^/]+/", page.url)
    assert lab
    answer = page.evaluate(
        """async ([url, id]) => {
            const xsrf = (document.cookie.match(/_xsrf=([^;]+)/) || [])[1] || "";
            const answer = await fetch(url, {method: "POST", headers: {"X-XSRFToken": decodeURIComponent(xsrf),
                "Content-Type": "application/json"}, body: JSON.stringify({dataset: id})});
            return [answer.status, await answer.text()];
        }""",
        [f"{lab.group(0)}beamtorch/attachments", scan_id],
    )
    assert answer[0] == 404
    assert stage.cast.scan.name not in answer[1]
    assert not (stage.home / "homes" / stage.cast.outsider / "datasets" / stage.cast.scan.name).exists()


def test_the_app_neither_lists_nor_opens_it(stage, scan_id, visit):
    visitor = visit(stage.cast.outsider)
    page = visitor.page
    page.goto(f"{stage.url}hub/home?environment=ct&dataset={scan_id}")
    page.click('[data-environment="ct"] button[data-start]')
    expect(page.locator(".bt-ct-error")).to_be_visible(timeout=180_000)
    visitor.picture("ct-not-yours")
    assert stage.cast.scan.name not in page.content()


def test_nobody_at_all_is_asked_to_sign_in(stage, scan_id):
    for path in (f"services/catalogue/datasets/{scan_id}", "services/catalogue/datasets", "services/spawner/leases"):
        answer = httpx.get(stage.url + path)
        assert answer.status_code == 401, path
