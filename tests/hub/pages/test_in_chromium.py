"""What only a browser shows: language and theme, focus, the whole card as a button, narrow screens."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def window() -> Iterator[Callable[..., Page]]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed (Debian package “chromium”)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)

        def open_window(**options: Any) -> Page:
            return chromium.new_context(**options).new_page()

        yield open_window
        chromium.close()


def sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/hub/login")
    page.fill("input[name=username]", "lin.qiao")
    page.keyboard.press("Tab")
    page.keyboard.type("right")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-environment]")


def test_language_and_theme_stay_as_chosen(window: Callable[..., Page], hub_url: str):
    page = window(locale="en-GB", color_scheme="dark")
    page.goto(f"{hub_url}/hub/login")
    expect(page.locator("h1")).to_have_text("Sign in")
    page.click("[data-set-lang=zh]")
    expect(page.locator("h1")).to_have_text("登录")
    expect(page.locator("#password")).to_have_attribute("type", "password")
    page.click("[data-reveal]")
    expect(page.locator("#password")).to_have_attribute("type", "text")
    expect(page.locator("[data-reveal]")).to_have_attribute("aria-label", "隐藏密码")
    page.click("[data-set-theme]")
    page.reload()
    expect(page.locator("h1")).to_have_text("登录")
    expect(page.locator("html")).to_have_attribute("data-theme", "contrast")
    assert page.title() == "登录 · Beamtorch"


def test_the_whole_card_starts_and_stopping_asks_first(window: Callable[..., Page], hub_url: str, browser: Any):
    page = window(locale="en-GB", viewport={"width": 1280, "height": 1024})
    sign_in(page, hub_url)
    page.click("[data-set-lang=en]")
    page.locator('[data-environment="lab"] .pic').click(force=True)
    page.wait_for_url(re.compile("/user/lin.qiao|/spawn-pending/"), wait_until="commit")
    page.goto(f"{hub_url}/hub/home")
    page.click('[data-server=""] [data-stop]')
    expect(page.locator("dialog[open] [data-close]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert list(browser.servers()) == [""]
    page.click('[data-server=""] [data-stop]')
    page.click("dialog[open] [data-stop-now]")
    expect(page.locator('[data-environment="lab"] button[data-start]')).to_be_visible()
    assert browser.servers() == {}


@pytest.mark.parametrize("path", ["/hub/login", "/hub/home", "/hub/token", "/hub/nowhere"])
def test_no_page_is_wider_than_a_telephone(window: Callable[..., Page], hub_url: str, path: str):
    page = window(locale="zh-CN", viewport={"width": 420, "height": 800})
    if path != "/hub/login":
        sign_in(page, hub_url)
    page.goto(f"{hub_url}{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
