"""Login, open the CT app, choose a dataset, look at a slice, run the whole volume: the file is there and catalogued."""

import re

import h5py
import numpy as np
import pytest
from playwright.sync_api import expect

from beamtorch_facility import Area, DataLayout, DatasetKind

MINUTE = 60_000
pytestmark = [pytest.mark.browser, pytest.mark.platform]


def test_somebody_without_code_saves_a_volume(stage, visit):
    chosen = stage.cast.simulated
    visitor = visit(stage.cast.scientist)
    visitor.start("ct")
    page = visitor.page
    page.locator(".bt-ct-dataset").click(timeout=2 * MINUTE)
    page.locator('input[type="search"]').first.fill(chosen.name)
    page.locator("[data-dataset]").filter(has_text=chosen.name).first.click()

    canvas = page.locator(".bt-ct-preview")
    expect(canvas).to_have_attribute("data-std", re.compile(r"0*\.?0*[1-9]"), timeout=2 * MINUTE)
    expect(page.locator(".bt-ct-reconstruct")).to_be_enabled(timeout=2 * MINUTE)
    visitor.picture("ct-app")
    page.locator(".bt-ct-reconstruct").click()
    expect(page.locator(".bt-ct-result")).to_be_visible(timeout=3 * MINUTE)
    visitor.picture("ct-result")

    with stage.catalogue(stage.cast.scientist) as catalogue:
        raw = next(one for one in catalogue.search(chosen.name, kind=DatasetKind.SIMULATED).datasets)
        children = [catalogue.dataset(child) for child in catalogue.dataset(raw.id).children]
    assert [child.kind for child in children] == [DatasetKind.PROCESSED]
    volume = next(file.path for file in children[0].files if file.path.endswith((".h5", ".nxs")))
    folder, area = DataLayout(stage.home / "data").locate(stage.home.joinpath(volume))
    assert (folder.beamtime, area) == (chosen.beamtime, Area.PROCESSED)
    with h5py.File(volume) as file:
        found = []
        file.visititems(lambda _, item: found.append(item.shape) if getattr(item, "ndim", 0) == 3 else None)
        assert (chosen.recipe.rows, chosen.recipe.columns, chosen.recipe.columns) in found
        text = str(list(_texts(file)))
    assert raw.id in text, "the volume does not say which dataset it was made from"


def _texts(file: h5py.File) -> list[str]:
    found: list[str] = []

    def visit(_: str, item: h5py.Dataset | h5py.Group) -> None:
        found.extend(str(value) for value in item.attrs.values())
        if isinstance(item, h5py.Dataset) and item.shape == () and item.dtype.kind in "OS":
            found.append(item.asstr()[()])

    file.visititems(visit)
    return found


def test_a_broken_scan_is_explained_and_nothing_is_written(stage, visit):
    broken = stage.cast.missing_link
    assert broken is not None
    with stage.catalogue(stage.cast.scientist) as catalogue:
        dataset = next(one for one in catalogue.search(broken.name).datasets if one.name == broken.name)
    visitor = visit(stage.cast.colleague or stage.cast.staff, "zh-CN", "dark")
    visitor.start("ct", dataset.id)
    error = visitor.page.locator(".bt-ct-error")
    expect(error).to_contain_text(broken.recipe.absent, timeout=2 * MINUTE)
    visitor.picture("ct-missing-file-zh")
    with stage.catalogue(stage.cast.scientist) as catalogue:
        assert catalogue.dataset(dataset.id).children == ()
        other = next(one for one in catalogue.search(stage.cast.query).datasets if one.name == stage.cast.scan.name)

    # The app runs now: another dataset opens in it, without stopping anything.
    visitor.page.goto(f"{stage.url}hub/home?environment=ct&dataset={other.id}")
    visitor.page.click("[data-open-with]")
    canvas = visitor.page.locator(".bt-ct-preview")
    expect(canvas).to_have_attribute("data-std", re.compile(r"0*\.?0*[1-9]"), timeout=2 * MINUTE)
    expect(visitor.page.locator(".bt-ct-dataset")).to_contain_text(other.name)
    assert np.all([not path.name.endswith(".part") for path in (stage.home / "data").rglob("*")])
