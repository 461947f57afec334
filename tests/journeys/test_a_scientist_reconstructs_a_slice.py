"""Login, start a lab, find the scan, attach it, insert code, run the cell: the right slice is on the page."""

import io
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import expect

MINUTE = 60_000
pytestmark = [pytest.mark.browser, pytest.mark.platform]


def test_a_scientist_reconstructs_a_slice(stage, visit, tmp_path):
    visitor = visit(stage.cast.scientist)
    visitor.picture("start")
    visitor.start("lab")
    page = visitor.page
    page.wait_for_selector("#jp-main-dock-panel .jp-Launcher", timeout=2 * MINUTE)

    panel = visitor.panel()
    panel.locator("input[type=search]").fill(stage.cast.query)
    name = page.locator(".bt-name", has_text=re.compile(rf"^{re.escape(stage.cast.scan.name)}$"))
    panel.locator("[data-dataset]").filter(has=name).first.click()
    panel.locator('[data-action="attach"]').first.click()
    expect(panel.locator('[data-action="detach"]').first).to_be_visible()
    link = stage.home / "homes" / stage.cast.scientist / "datasets" / stage.cast.scan.name
    assert link.is_symlink()
    with stage.catalogue(stage.cast.scientist) as catalogue:
        assert [attached.name for attached in catalogue.attachments()] == [stage.cast.scan.name]

    panel.locator('[data-action="insert-loader"]').first.click()
    cell = page.locator(".jp-Notebook .jp-CodeCell").filter(has_text="beamtorch_apps.ct")
    expect(cell).to_be_visible()
    expect(page.locator("#jp-bottom-panel")).to_contain_text("| Idle", timeout=2 * MINUTE)
    cell.click()
    page.keyboard.press("Shift+Enter")
    shown = page.locator('.jp-OutputArea img[alt^="CT slice"]')
    expect(shown).to_be_visible(timeout=3 * MINUTE)
    visitor.picture("lab-slice")
    assert likeness(shown.screenshot(), middle_slice(link, tmp_path)) > 0.9


def middle_slice(folder: Path, scratch: Path) -> NDArray[np.float64]:
    """Reconstruct the same row in another process, by the command line."""
    scan = next(path for path in sorted(folder.iterdir()) if path.suffix in {".h5", ".nxs"})
    info = subprocess.run(
        [sys.executable, "-m", "beamtorch_hub", "ct", "info", str(scan), "--json"], capture_output=True, check=True
    )
    row = int(re.search(rb'"rows":\s*(\d+)', info.stdout).group(1)) // 2  # type: ignore[union-attr]
    out = scratch / "slice.h5"
    subprocess.run(
        [sys.executable, "-m", "beamtorch_hub", "ct", "recon", str(scan), "--rows", f"{row}:{row + 1}", "-o", str(out)],
        capture_output=True,
        check=True,
    )
    with h5py.File(out) as file:
        found: list[NDArray[np.float64]] = []
        file.visititems(lambda _, item: found.append(np.squeeze(item[()])) if getattr(item, "ndim", 0) == 3 else None)
    return found[0].astype(float)


def likeness(screenshot: bytes, expected: NDArray[np.float64]) -> float:
    """Correlate a picture on the page with an image, both brought to 96 × 96."""
    seen = Image.open(io.BytesIO(screenshot)).convert("L")
    side = min(seen.size)
    seen = seen.crop((0, 0, side, side)).resize((96, 96), Image.Resampling.BOX)
    low, high = np.percentile(expected, [1, 99])
    levels = Image.fromarray((np.clip((expected - low) / (high - low), 0, 1) * 255).astype(np.uint8))
    wanted = levels.resize((96, 96), Image.Resampling.BOX)
    return float(np.corrcoef(np.asarray(seen, float).ravel(), np.asarray(wanted, float).ravel())[0, 1])


def test_the_panel_says_what_emptied_the_result(stage, visit):
    visitor = visit(stage.cast.colleague or stage.cast.scientist, "zh-CN", "dark")
    visitor.start("lab")
    panel = visitor.panel()
    panel.locator("input[type=search]").fill("zzzqqq")
    expect(panel.locator(".bt-empty")).to_contain_text("zzzqqq")
    panel.locator("input[type=search]").fill("energy 12..13 kev")
    expect(panel.locator(".bt-error")).to_contain_text("keV")
