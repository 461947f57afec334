"""The panel in a real JupyterLab in Chromium, beside a small catalogue."""

import json
import sys
from pathlib import Path

import h5py
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from beamtorch_facility.words import Words
from beamtorch_labextensions.testing.fake_catalogue import UnknownUnitError

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("catalogue", "scans")]

CHROMIUM = "/usr/bin/chromium"
QUIET = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
INSTALLED = Path(sys.prefix) / "share" / "jupyter" / "labextensions" / "beamtorch-lab" / "package.json"
PATIENCE = 20_000


@pytest.fixture(scope="module")
def browser():
    if not INSTALLED.is_file():
        pytest.skip("the extension is not built: python labextensions/build.py")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-sync", *QUIET]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_lab(browser, the_catalogue, tmp_path, start_lab, eventually):
    """Open JupyterLab with the catalogue's panel; return the page and the lab."""
    opened = []

    def open_it(**variables: str):
        running = start_lab(tmp_path / "lab", the_catalogue.environment | variables, eventually, "jupyterlab")
        lab = running.__enter__()
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        opened.append((running, page))
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page.goto(f"{lab.url}lab?token=lab-token")
        page.locator(".jp-LauncherCard:has(.bt-mark)").click(timeout=60_000)
        expect(page.locator(".bt-catalogue input[type=search]")).to_be_focused()
        return page, lab

    yield open_it
    for running, page in opened:
        page.close()
        running.__exit__(None, None, None)


@pytest.fixture
def scans(catalogue, dataset_of, tmp_path):
    """Two catalogued files, real HDF5."""
    for name in ("molar-scan", "ant-scan"):
        path = tmp_path / "raw" / name / f"{name}.h5"
        path.parent.mkdir(parents=True)
        with h5py.File(path, "w") as file:
            file["entry/data"] = [[1, 2, 3], [4, 5, 6]]
        catalogue.add(dataset_of(name, path))


def act(page: Page, name: str) -> None:
    page.locator(f'.bt-catalogue [data-action="{name}"]').click()


def search(page: Page, query: str) -> None:
    box = page.locator(".bt-catalogue input[type=search]")
    box.fill(query)
    box.press("Enter")


def test_a_long_list_stands_there_at_once_and_then_says_how_long_it_is(catalogue, dataset_of, tmp_path, open_lab):
    catalogue.add(*(dataset_of(f"powder {n:02}", tmp_path / str(n) / "p.h5") for n in range(40)))
    page, _ = open_lab()
    search(page, "powder")
    expect(page.locator(".bt-catalogue [role=status]")).to_have_text("40 datasets")
    page.locator(".bt-catalogue .bt-more").click()
    expect(page.locator(".bt-catalogue [role=status]")).to_have_text("40 datasets")


def test_a_scientist_finds_attaches_inserts_and_runs(open_lab, eventually):
    page, lab = open_lab()
    rows = page.locator(".bt-catalogue [data-dataset]")
    expect(rows).to_have_count(2)
    rows.last.click()
    expect(page.locator(".bt-detail h3")).to_be_visible()

    search(page, "molar-scan 24..26 keV")
    expect(rows).to_have_count(1)
    expect(page.locator(".bt-catalogue [role=status]").first).to_have_text("1 dataset")
    expect(rows.locator(".bt-name")).to_have_text("molar-scan")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".bt-detail")).to_contain_text("team 2026-1417")

    act(page, "attach")
    expect(page.locator('[data-action="detach"]')).to_be_visible()
    assert (lab.home / "datasets" / "molar-scan" / "molar-scan.h5").is_file()
    expect(page.locator(".bt-attached li .bt-name")).to_have_text("molar-scan")

    act(page, "insert-loader")
    cell = page.locator(".jp-Notebook .jp-CodeCell.jp-mod-active")
    expect(cell).to_contain_text('Path("~/datasets/molar-scan/molar-scan.h5")')
    page.keyboard.press("Shift+Enter")
    output = page.locator(".jp-Notebook .jp-OutputArea-output")
    expect(output).to_contain_text("entry/data (2, 3)", timeout=60_000)

    drag(page, '.bt-catalogue [data-dataset] .bt-name >> text="molar-scan"', ".jp-Notebook .jp-Cell.jp-mod-active")
    expect(page.locator(".jp-Notebook .jp-CodeCell")).to_have_count(3)
    page.locator(".jp-Notebook .jp-CodeCell").last.locator(".cm-content").click()
    page.keyboard.type("where = ")
    act(page, "insert-path")
    path = lab.home / "datasets" / "molar-scan" / "molar-scan.h5"
    expect(page.locator(".jp-Notebook .jp-CodeCell").last).to_contain_text(f'where = "{path}"')

    page.keyboard.press("Control+s")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    notebook = lab.home / "Untitled.ipynb"
    eventually(lambda: notebook.is_file() and "where" in notebook.read_text())
    marked = [cell["metadata"].get("beamtorch") for cell in json.loads(notebook.read_text())["cells"]]
    assert marked == [{"dataset": "ds-molar-scan"}, {"dataset": "ds-molar-scan"}, None]

    act(page, "detach")
    expect(page.locator(".bt-attached li")).to_have_count(0)
    assert not (lab.home / "datasets" / "molar-scan").is_symlink()


def test_what_goes_wrong_is_said_in_chinese_and_the_panel_goes_on(open_lab, catalogue):
    page, _ = open_lab(BEAMTORCH_LANGUAGE="zh-CN")
    error, rows = page.locator(".bt-catalogue .bt-error"), page.locator(".bt-catalogue [data-dataset]")
    expect(page.locator(".bt-catalogue h2")).to_have_text("数据目录")
    expect(page.locator(".bt-catalogue [role=status]").first).to_have_text("2 个数据集")

    search(page, "24..26 kev")
    expect(error).to_contain_text("您是指 keV 吗")
    expect(error.get_by_role("button")).to_have_count(0)

    search(page, "mammoth 24..26 keV")
    expect(page.locator(".bt-catalogue .bt-empty")).to_contain_text("mammoth")
    page.get_by_role("button", name="显示全部数据集").click()
    expect(rows).to_have_count(2)

    catalogue.trouble = UnknownUnitError(Words(en="Rebuilding.", zh="正在重建索引。"))
    page.get_by_role("button", name="刷新").click()
    expect(error).to_contain_text("正在重建索引。")
    expect(rows).to_have_count(2)
    catalogue.trouble = None
    page.get_by_role("button", name="刷新").click()
    expect(error).to_have_count(0)

    rows.filter(has_text="ant-scan").click()
    gone = Path(catalogue.datasets["ds-ant-scan"].files[0].path)
    gone.unlink()
    act(page, "attach")
    expect(page.locator(".bt-detail .bt-error")).to_contain_text(str(gone))
    page.get_by_role("button", name="仅挂接现有文件").click()
    expect(page.locator('.bt-detail [data-action="detach"]')).to_be_visible()


def drag(page: Page, source: str, target: str) -> None:
    start, end = (page.locator(place).first.bounding_box() for place in (source, target))
    assert start
    assert end
    page.mouse.move(start["x"] + 5, start["y"] + 5)
    page.mouse.down()
    with page.expect_response("**/beamtorch/loader-code**"):
        page.mouse.move(start["x"] + 12, start["y"] + 8, steps=3)
    for way in (0.3, 0.6, 1.0, 1.0):
        x = start["x"] + way * (end["x"] + end["width"] / 2 - start["x"])
        page.mouse.move(x, start["y"] + way * (end["y"] + 4 - start["y"]), steps=4)
    page.mouse.up()
