"""The CT app as a person meets it: a page by Voila, in a real browser, nothing from another host."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import httpx
import pytest

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Debian's chromium is not installed"),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, eventually) -> Iterator[tuple[str, Path]]:
    """The app by a plain Jupyter server, with a home of its own and no catalogue."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    words = [f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1", "--ServerApp.open_browser=False"]
    words += ["--IdentityProvider.token=", "--ServerApp.password=", "--ServerApp.allow_root=True"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BEAMTORCH", "JUPYTER"))}
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "beamtorch_apps.kit.serve", "ct/ct.ipynb", *words],
            env=environment | {"HOME": str(home)},
            cwd=home,
            stdout=log,
            stderr=log,
        )

        def answers() -> bool:
            assert server.poll() is None, (home / "server.log").read_text()
            try:
                return httpx.get(f"{url}/api/status").is_success
            except httpx.TransportError:
                return False

        eventually(answers, 60)
        yield url, home
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, served):
    """An open app; afterwards nothing may have come from elsewhere or gone wrong in the page."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(60_000)
    elsewhere, wrong = [], []
    here = re.compile(r"(http|ws)://127\.0\.0\.1|data:|blob:")
    page.on("request", lambda request: here.match(request.url) or elsewhere.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{served[0]}/voila/render/ct.ipynb")
    page.wait_for_selector('[data-testid="bt-ct"]')
    yield page
    context.close()
    assert elsewhere == []
    assert wrong == []


def open_path(page, path):
    page.click(".bt-ct-dataset")
    page.fill("input[name=path]", str(path))
    page.keyboard.press("Enter")


def test_a_scan_is_seen_and_its_volume_saved_without_a_line_of_code(page, served, grains):
    expect = playwright.expect
    expect(page.locator(".bt-ct-reconstruct")).to_be_disabled()
    open_path(page, grains)
    canvas = page.locator("canvas.bt-ct-preview[data-kind=slice]")
    expect(canvas).to_have_attribute("data-width", "128")
    assert float(canvas.get_attribute("data-std")) > 1
    assert float(canvas.get_attribute("data-axis")) == pytest.approx(61.7, abs=0.15)
    expect(page.locator('[data-testid="bt-ct-seconds"]')).to_have_text(re.compile(r"preview \d"))
    assert float(re.search(r"[\d.]+", page.text_content('[data-testid="bt-ct-seconds"]')).group()) < 2
    page.click(".bt-ct-reconstruct")
    result = page.locator(".bt-ct-result")
    expect(result).to_be_visible()
    written = Path(result.get_attribute("data-path"))
    assert written.is_relative_to(served[1])
    with h5py.File(written) as file:
        assert file["entry/data/data"].shape == (9, 128, 128)
        known = json.loads(file["entry/reconstruction/parameters/provenance"].asstr()[()])
    assert known["scan"]["path"] == str(grains)


def test_a_candidate_that_is_clicked_is_the_axis_that_is_used(page, grains):
    open_path(page, grains)
    fourth = page.locator(".strip button").nth(5)
    column = float(fourth.get_attribute("data-column"))
    fourth.click()
    playwright.expect(page.locator("canvas.bt-ct-preview")).to_have_attribute("data-axis", re.compile(f"^{column:.2f}"))
    assert page.text_content('[data-testid="bt-ct-axis"]').startswith(f"{column:.2f}")


def test_every_view_and_both_languages(page, grains):
    expect = playwright.expect
    open_path(page, grains)
    canvas = page.locator("canvas.bt-ct-preview")
    page.click("[data-key=view-projection]")
    expect(canvas).to_have_attribute("data-kind", "projection")
    page.click("[data-key=view-sinogram]")
    expect(canvas).to_have_attribute("data-kind", "sinogram")
    page.click("[data-set-lang=zh]")
    expect(page.locator(".bt-ct-reconstruct")).to_have_text("重建 9 行")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    left = page.inner_text(".bt-steps")
    assert not re.search(r"Data\b|Axis|Output|Flat", left.replace("Data Exchange", ""))


def test_a_file_that_is_no_scan_gets_a_card_and_the_app_goes_on(page, grains, tmp_path):
    expect = playwright.expect
    (tmp_path / "cut.nxs").write_bytes(grains.read_bytes()[:50_000])
    open_path(page, tmp_path / "cut.nxs")
    card = page.locator(".bt-ct-error")
    expect(card).to_contain_text("cut.nxs ends early")
    open_path(page, grains)
    expect(card).to_have_count(0)
    expect(page.locator("canvas.bt-ct-preview")).to_have_attribute("data-width", "128")


def test_the_kernel_ends_when_the_page_is_left(page, served, eventually):
    kernels = f"{served[0]}/api/kernels"
    before = len(httpx.get(kernels).json())
    page.goto(f"{served[0]}/api/status")
    eventually(lambda: len(httpx.get(kernels).json()) < before, 15)
