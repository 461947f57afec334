"""How long a server has and how much somebody may hold: the Start page says it before it matters."""

import shutil
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect, sync_playwright

from beamtorch_spawner.resources import Resources
from beamtorch_spawner.wire import Lease, LeaseState, QuotaScope, QuotaUse

GIB = 1024**3


def lease(left: float, *, lived: float = 7200, can_go_on: bool = True) -> Lease:
    now = datetime.now(UTC)
    end = now + timedelta(seconds=left)
    return Lease(
        id="abc",
        username="lin.qiao",
        server="",
        environment="lab",
        dataset=None,
        state=LeaseState.RUNNING,
        reason=None,
        resources=Resources(cores=2),
        source_ip=None,
        requested_at=now - timedelta(seconds=lived),
        running_at=now - timedelta(seconds=lived),
        changed_at=now,
        expires_at=end,
        latest_end=end + timedelta(hours=1 if can_go_on else 0),
        ended_at=None,
    )


def quota(resource: str, limit: float, used: float, scope: QuotaScope = QuotaScope.USER) -> QuotaUse:
    subject = {QuotaScope.USER: "lin.qiao", QuotaScope.GROUP: "proposal-2026-1417"}.get(scope, "")
    return QuotaUse(scope=scope, subject=subject, resource=resource, limit=limit, used=used)


def notice(page: Any) -> bool:
    return any("data-notice" in found and "hidden" not in found for _, found in page.elements)


@pytest.mark.parametrize(
    ("left", "how", "said"),
    [
        (3000, {}, None),
        (1700, {}, "Ends within 30 min. Extend it, or save your work."),
        (500, {}, "Ends within 10 min. Extend it, or save your work."),
        (100, {"can_go_on": False}, "Ends within 3 min and cannot be extended. Save your work."),
        # Whoever starts something for ten minutes knows.
        (500, {"lived": 60}, None),
    ],
)
def test_an_end_that_comes_near_is_told_with_what_helps(browser: Any, spawner_api: Any, left, how, said):
    browser.start("lab")
    spawner_api.leases = (lease(left, **how),)
    text = browser.open("/hub/home").text
    assert notice(browser.page) == (said is not None)
    assert said is None or said in text
    assert browser.page.without_twin == []


def test_quotas_are_meters_with_what_a_start_adds(browser: Any, spawner_api: Any):
    spawner_api.quotas = (
        quota("memory", 16 * GIB, 12 * GIB),
        quota("cores", 8, 7),
        quota("nvidia.com/gpu", 6, 6, QuotaScope.GROUP),
        quota("servers", 40, 3, QuotaScope.FACILITY),
    )
    text = browser.open("/hub/home?environment=ct").text
    assert "12 GiB of 16 GiB" in text
    assert "+4 GiB" in text
    assert "GPUs, group proposal-2026-1417" in text
    assert "This start takes the last of the memory (you)." in text
    assert "There is no room for this start now: 7 of 8 cores are in use (you)." in text
    assert "3 of 40" in text
    assert browser.page.without_twin == []


def test_without_quotas_there_are_no_meters(browser: Any):
    assert "data-quotas" not in browser.open("/hub/home").text


@pytest.mark.browser
def test_a_page_that_stays_open_tells_the_moment_and_speaks_the_chosen_language(
    hub_url: str, browser: Any, spawner_api: Any
):
    browser.start("lab")
    spawner_api.leases = (lease(900),)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_context(locale="en-GB").new_page()
        page.clock.install()
        page.goto(f"{hub_url}/hub/login?next=/hub/home")
        page.fill("input[name=username]", "lin.qiao")
        page.fill("input[name=password]", "right")
        page.keyboard.press("Enter")
        page.click("[data-set-lang=en]")
        told = page.locator("[data-notice]")
        expect(told).to_have_text("Ends within 30 min. Extend it, or save your work.")
        page.clock.fast_forward(400_000)
        expect(told).to_have_text("Ends within 10 min. Extend it, or save your work.")
        page.click("[data-set-lang=zh]")
        expect(told).to_have_text("将在 10 分内结束。请延长，或保存工作。")
        page.clock.fast_forward(400_000)
        expect(told).to_have_text("将在 3 分内结束。请延长，或保存工作。")
        expect(told).to_have_class("bt-notice bad")
        chromium.close()
