"""From the portal, a person with no code finds last week's scan of a sample at 12–13 keV in under five clicks.

The catalogue is the real one over generated data, on a free port; the Hub's look is served from the source tree.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import h5py
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from beamtorch_catalogue.testing.world import World, small_world
from beamtorch_catalogue.wire import DatasetRecord, FacilityRecords, FileRecord
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.look import ASSETS
from beamtorch_facility.proposal import BeamtimeId
from beamtorch_facility.quantity import Quantity

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "artefacts" / "journeys" / "portal"
PATIENCE = 1000 * int(os.environ.get("BEAMTORCH_PATIENCE", "60"))
WIDE, TERMINAL, NARROW = (
    {"width": 1440, "height": 900},
    {"width": 1280, "height": 1024},
    {"width": 360, "height": 740},
)
SAMPLE, NAME = "rice-seed", "rice_seed_031"
SAMPLES = {
    SAMPLE: ("Rice seed, 14 days after flowering", "水稻种子，花后 14 天", None),
    "wheat-root": ("Wheat root in a soil column, drought series", "土柱中的小麦根，干旱系列", None),
    "tooth-A": ("Human molar, section through the enamel", "人类臼齿，釉质切片", "Ca5(PO4)3OH"),
    "amber-ant": ("Ant in amber, holotype", "琥珀蚂蚁，正模标本", None),
    "ceria": ("Ceria, calibration powder", "氧化铈标定粉末", "CeO2"),
    "cathode-7": ("Cathode after 200 cycles", "循环 200 次后的正极", "LiFePO4"),
    "lysozyme": ("Lysozyme, crystal 3", "溶菌酶，晶体 3", None),
    "femur-112": ("Rat femur, week 8, treated", "大鼠股骨，第 8 周，治疗组", None),
    "leaf-edge": ("Leaf edge of a hyperaccumulator", "超积累植物叶缘", "NiO"),
}
BEAMTIMES = {
    "BT-B7": ("BL-B7", "tomography"),
    "BT-A4": ("BL-A4", "crystallography"),
    "BT-C2": ("BL-C2", "fluorescence"),
}
pytestmark = [pytest.mark.browser]
COUNT_CLICKS = "addEventListener('pointerdown', (event) => event.isTrusted && window.clickedByHand(), true)"

STICKING_OUT = """[...document.querySelectorAll("main *")].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.right > innerWidth + 1 && !one.closest(".scroll, .bt-tabs, pre");
}).map((one) => one.outerHTML.slice(0, 90))"""


def facility() -> FacilityRecords:
    names = {"BL-B7": ("Imaging", "成像"), "BL-A4": ("Crystallography", "晶体学"), "BL-C2": ("Microprobe", "微探针")}
    start = (datetime.now(UTC) - timedelta(days=90)).date().isoformat()
    end = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    return FacilityRecords.model_validate(
        {
            "name": {"en": "Demo Light Source", "zh": "示范光源"},
            "instruments": [
                {"beamline": beamline, "name": dict(zip(("en", "zh"), names[beamline], strict=True)), "technique": way}
                for beamline, way in BEAMTIMES.values()
            ],
            "proposals": [
                {
                    "proposal": "P1",
                    "title": {"en": "Seeds, teeth and what they are made of", "zh": "种子与牙齿的结构"},
                    "principal_investigator": "ada",
                }
            ],
            "beamtimes": [
                {"beamtime": beamtime, "proposal": "P1", "beamline": beamline, "start": start, "end": end}
                for beamtime, (beamline, _) in BEAMTIMES.items()
            ],
            "samples": [
                {"sample": sample, "proposal": "P1", "description": {"en": en, "zh": zh}}
                | ({"formula": formula} if formula else {})
                for sample, (en, zh, formula) in SAMPLES.items()
            ],
        }
    )


def records(world: World) -> Iterator[DatasetRecord]:
    """Yield three months of scans; one of them is meant, and others have all but one thing in common with it."""
    now = datetime.now(UTC)
    yield scan(world, NAME, SAMPLE, now - timedelta(days=3, hours=5), Quantity(value=12400, unit="eV"))
    yield scan(world, "rice_seed_030", SAMPLE, now - timedelta(days=3, hours=7), Quantity(value=25, unit="keV"))
    yield scan(world, "rice_seed_009", SAMPLE, now - timedelta(days=40), Quantity(value=12.4, unit="keV"))
    yield scan(world, "amber_ant_002", "amber-ant", now - timedelta(days=2), Quantity(value=12.7, unit="keV"))
    draw = np.random.default_rng(4)
    for number in range(60):
        sample = sorted(SAMPLES)[number % len(SAMPLES)]
        at = now - timedelta(hours=float(draw.uniform(1, 80 * 24)))
        energy = float(draw.choice([8.05, 12.658, 18.0, 25.0, 70.0]))
        if sample == SAMPLE:
            energy = 18.0
        name = f"{sample.replace('-', '_')}_{100 + number}"
        yield scan(world, name, sample, at, Quantity(value=energy, unit="keV"))


def scan(world: World, name: str, sample: str, at: datetime, energy: Quantity) -> DatasetRecord:
    beamtime = {"lysozyme": "BT-A4", "leaf-edge": "BT-C2"}.get(sample, "BT-B7")
    beamline, technique = BEAMTIMES[beamtime]
    month = f"{datetime.now(UTC) - timedelta(days=90):%Y%m}"
    folder = world.layout.root / beamline / month / "Data" / beamtime / "raw" / name
    folder.mkdir(parents=True)
    draw_scan(folder / f"{name}.h5", sum(map(ord, name)))
    others = [folder / f"{name}_{part}.txt" for part in ("log", "motors")]
    for other in others:
        other.write_text("a log\n", encoding="utf-8")
    size = 12_000_000_000 + 97_000_000 * (sum(map(ord, name)) % 89)
    return DatasetRecord(
        source_id=str(folder),
        name=name,
        kind=DatasetKind.RAW,
        beamtime=BeamtimeId(beamtime),
        technique=technique,
        sample=sample,
        measured_at=at,
        files=(
            FileRecord(path=str(folder / f"{name}.h5"), size=size, format="Data Exchange", xxh3="c01f3a9be2d788e4"),
            *(FileRecord(path=str(other), size=48_000, format="log") for other in others),
        ),
        parameters={
            "energy": energy,
            "ring_current": Quantity(value=200.2, unit="mA"),
            "projections": Quantity(value=1800),
            "exposure_time": Quantity(value=120, unit="ms"),
            "detector": "sCMOS 2048",
            "pixel_size": Quantity(value=0.65, unit="um"),
            "rows": Quantity(value=2048),
            "columns": Quantity(value=2048),
            "distance": Quantity(value=42, unit="mm"),
            "monochromator": "Si(111)",
        },
    )


def draw_scan(path: Path, seed: int) -> None:
    """Write projections of an ellipse with a few inclusions, so that pictures look like something."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:96j, -1:1:128j]
    picture = np.full(y.shape, 0.05)
    turn, wide, high = draw.uniform(0, 3), draw.uniform(0.45, 0.75), draw.uniform(0.3, 0.6)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    body = (u / wide) ** 2 + (v / high) ** 2
    picture[body < 1] = 0.75
    picture[body < 0.85] = 0.45
    for _ in range(7):
        a, b = draw.uniform(-0.4, 0.4, 2)
        picture[((u - a) ** 2 + (v - b) ** 2 < draw.uniform(0.003, 0.02)) & (body < 0.8)] = draw.uniform(0.2, 0.9)
    picture += draw.normal(0, 0.02, picture.shape)
    with h5py.File(path, "w") as file:
        file["exchange/data"] = np.repeat((1 - 0.8 * picture)[None].astype(np.float32), 4, axis=0)
        file["exchange/data_white"] = np.ones((2, *picture.shape), dtype=np.float32)
        file["exchange/data_dark"] = np.zeros((2, *picture.shape), dtype=np.float32)
        file["exchange/theta"] = np.linspace(0, 180, 4)


@dataclass
class Somebody:
    """A person before a browser, whose clicks are counted."""

    page: Page
    url: str
    language: str
    clicks: int = 0
    faults: list[str] = field(default_factory=list)

    def t(self, en: str, zh: str) -> str:
        return zh if self.language.startswith("zh") else en

    def picture(self, name: str, *, full: bool = False) -> None:
        suffix = "-zh" if self.language.startswith("zh") else ""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_load_state("networkidle")
        self.page.screenshot(path=PICTURES / f"{name}{suffix}.png", full_page=full)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("portal")
    with small_world(folder, f"sqlite:///{folder}/catalogue.sqlite") as running:
        ingestor = running.client("ingest")
        ingestor.import_facility(facility())
        results = ingestor.ingest(list(records(running)))
        assert [result.problem for result in results if result.problem] == []
        yield running


@pytest.fixture
def sit_down(world: World, chromium: Browser) -> Iterator[Callable[..., Somebody]]:
    """Give somebody a browser that the Hub has signed in; a script error or a refused script fails the story."""
    contexts: list[BrowserContext] = []
    sitting: list[Somebody] = []
    expect.set_options(timeout=PATIENCE)

    def sit_down(language: str = "en-GB", theme: Any = "light", size: Any = None, **more: Any) -> Somebody:
        scheme = {"contrast": "more"} if theme == "contrast" else {"color_scheme": theme}
        context = chromium.new_context(viewport=size or WIDE, locale=language, **scheme, **more)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(world.url))
        cookie = {"name": "beamtorch-catalogue", "value": world.tokens["team"], "url": world.url}
        context.add_cookies([cookie])
        context.route(f"{origin}/hub/look/*", serve_look)
        somebody = Somebody(context.new_page(), world.url, language)
        somebody.page.on("pageerror", lambda error: somebody.faults.append(str(error)))
        somebody.page.on("console", lambda said: note(somebody, said))
        somebody.page.expose_function("clickedByHand", lambda: count(somebody))
        somebody.page.add_init_script(COUNT_CLICKS)
        sitting.append(somebody)
        return somebody

    yield sit_down
    for context in contexts:
        context.close()
    assert [fault for somebody in sitting for fault in somebody.faults] == []


def serve_look(route: Route) -> None:
    route.fulfill(path=ASSETS / urlsplit(route.request.url).path.rpartition("/")[2])


def count(somebody: Somebody) -> None:
    somebody.clicks += 1


def note(somebody: Somebody, said: Any) -> None:
    if said.type == "error" and "Content Security Policy" in said.text:
        somebody.faults.append(said.text)


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_last_weeks_scan_of_a_sample_is_found_in_under_five_clicks(sit_down, language):
    somebody = sit_down(language)
    page = somebody.page
    page.goto(somebody.url)
    somebody.picture("1-everything")

    page.locator("[data-facet=sample_name]").get_by_text(SAMPLE, exact=True).click()
    expect(page.locator("[data-chip]")).to_have_count(1)
    page.get_by_text(somebody.t("Last 7 days", "近 7 天"), exact=True).click()
    expect(page.locator("[data-chip]")).to_have_count(2)
    expect(page.locator("[data-results] .res").nth(1)).to_be_visible()
    page.get_by_label(somebody.t("Lowest energy", "最低能量")).click()
    page.keyboard.type("12")
    page.keyboard.press("Tab")
    page.keyboard.type("13")
    page.keyboard.press("Enter")
    expect(page.locator("[data-results] .res .name")).to_have_text([NAME])
    expect(page.locator("[data-side] h2")).to_have_text(NAME)
    somebody.picture("2-found")

    page.locator("[data-results] .name").click()
    expect(page.locator("h1")).to_have_text(NAME)
    expect(page.locator("#metadata")).to_contain_text("12,400 eV")
    somebody.picture("3-dataset")
    assert 0 < somebody.clicks < 5, f"{somebody.clicks} clicks"


def test_whoever_types_the_samples_name_needs_three_clicks(sit_down):
    somebody = sit_down()
    page = somebody.page
    page.goto(somebody.url)
    page.keyboard.type("rice seed")
    page.keyboard.press("Enter")
    page.get_by_text("Last 7 days").click()
    page.get_by_label("Lowest energy").click()
    page.keyboard.type("12")
    page.keyboard.press("Tab")
    page.keyboard.type("13")
    page.keyboard.press("Enter")
    page.locator("[data-results] .name").click()
    expect(page.locator("h1")).to_have_text(NAME)
    assert somebody.clicks == 3


def test_the_keyboard_alone_searches_moves_opens_and_comes_back(sit_down):
    somebody = sit_down()
    page = somebody.page
    page.goto(f"{somebody.url}?beamline=BL-B7")
    names = page.locator("[data-results] .name").all_inner_texts()
    focused = page.locator("[data-results] .name:focus")
    page.keyboard.press("ArrowDown")
    expect(focused).to_have_text(names[0])
    page.keyboard.press("j")
    expect(focused).to_have_text(names[1])
    page.keyboard.press("k")
    expect(focused).to_have_text(names[0])
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(focused).to_have_text(names[0])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(names[1])
    page.wait_for_load_state()
    page.keyboard.press("Escape")
    expect(page.locator("[data-chip]")).to_have_count(1)
    assert somebody.clicks == 0


def test_without_scripts_every_step_still_works(sit_down):
    page = (somebody := sit_down(java_script_enabled=False)).page
    page.goto(somebody.url)
    page.locator("[data-facet=sample_name]").get_by_text(SAMPLE, exact=True).click()
    page.get_by_text("Last 7 days").click()
    page.get_by_label("Lowest energy").fill("12")
    page.get_by_label("Highest energy").fill("13")
    page.get_by_label("Search this range of energies").click()
    expect(page.locator("[data-results] .name")).to_have_text([NAME])
    somebody.picture("without-scripts")
    page.locator("[data-results] .name").click()
    page.locator("[data-back]").click()
    expect(page.locator("[data-chip]")).to_have_count(3)
    page.locator("[data-chip] a").last.click()
    expect(page.locator("[data-chip]")).to_have_count(2)


@pytest.mark.parametrize(
    ("name", "language", "theme", "size"),
    [
        ("dark", "en-GB", "dark", WIDE),
        ("contrast", "en-GB", "contrast", WIDE),
        ("narrow", "en-GB", "light", NARROW),
        ("narrow", "zh-CN", "dark", NARROW),
        ("terminal", "zh-CN", "light", TERMINAL),
    ],
)
def test_nothing_sticks_out_whatever_the_screen(sit_down, name, language, theme, size):
    somebody = sit_down(language, theme, size)
    page = somebody.page
    page.goto(f"{somebody.url}?q=rice+date%3A7d+energy%3A12..13+keV&technique=tomography")
    dataset = page.locator("[data-results] .res").get_attribute("data-dataset")
    places = {
        "search": "", "chips": "?q=rice+date%3A7d+energy%3A12..13+keV&technique=tomography", "page": f"page/{dataset}",
        "empty": "?q=rice+energy%3A1..2+keV", "error": "?q=energy+12..13+kev",
    }  # fmt: skip
    for place, address in places.items():
        page.goto(f"{somebody.url}{address}")
        somebody.picture(f"{name}-{place}", full=place == "page")
        wide = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide[0] <= wide[1], f"{place} is {wide[0]} px wide on {wide[1]}: {page.evaluate(STICKING_OUT)}"
