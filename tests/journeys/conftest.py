"""Stages for the stories: a whole platform on loopback, Chromium before it, and the people of the facility."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_facility.identity import Username
from beamtorch_hub.demo.cast import DemoCast, cast
from beamtorch_hub.demo.spec import DEFAULT, DemoSpec, load_spec

ROOT = Path(__file__).parents[2]
ARTEFACTS = ROOT / "artefacts" / "journeys"
CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
SIZE = {"width": 1440, "height": 900}
PATIENCE = 1000 * int(os.environ.get("BEAMTORCH_PATIENCE", "60"))
"""Milliseconds that a busy machine may take for a step that a person would call immediate."""


@dataclass(frozen=True)
class Stage:
    """A running platform and who is who in it."""

    name: str
    url: str
    home: Path
    spec: DemoSpec
    cast: DemoCast

    def password(self, user: Username) -> str:
        passwords: dict[str, str] = json.loads((self.home / "secrets" / "passwords.json").read_text(encoding="utf-8"))
        return passwords[user]

    def run(self, *arguments: str, user: Username | None = None) -> subprocess.CompletedProcess[str]:
        """Call the `beamtorch` command, as somebody if named."""
        environment = {**os.environ, "BEAMTORCH_HOME": str(self.home)}
        if user:
            environment["JUPYTERHUB_API_TOKEN"] = self.token(user)
            environment["BEAMTORCH_CATALOGUE_URL"] = f"{self.url}services/catalogue/"
        return beamtorch(*arguments, environment=environment)

    def token(self, user: Username) -> str:
        done = beamtorch("token", "--user", user, "--home", str(self.home))
        assert done.returncode == 0, done.stderr
        return done.stdout.split()[-1]

    def catalogue(self, user: Username) -> CatalogueClient:
        return CatalogueClient(f"{self.url}services/catalogue/", self.token(user))


def beamtorch(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "beamtorch_hub", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_stage(name: str, home: Path, description: Path | None) -> Stage:
    port = free_port()
    chosen = ["--demo", str(description)] if description else []
    done = beamtorch("up", "--detach", "--port", str(port), "--home", str(home), *chosen)
    assert done.returncode == 0, done.stdout + done.stderr
    spec = load_spec(description or DEFAULT)
    return Stage(name, f"http://127.0.0.1:{port}/", home, spec, cast(spec))


@pytest.fixture(scope="session", params=["the demo facility", "a facility with other names"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two facilities: nothing in a story may depend on a name, a path or a seed."""
    folder = tmp_path_factory.mktemp("stage")
    description, home = None, folder / "home"
    if request.param != "the demo facility":
        home = folder / "a home with spaces"
        description = folder / "other.yaml"
        seed = os.environ.get("BEAMTORCH_SEED", "7")
        with description.open("w", encoding="utf-8") as out:
            subprocess.run([sys.executable, "-m", "beamtorch_hub.demo.vary", seed], stdout=out, check=True)
    running = start_stage("demo" if description is None else "other", home, description)
    yield running
    shutil.copytree(home / "logs", ARTEFACTS / running.name / "logs", dirs_exist_ok=True)
    assert beamtorch("down", "--home", str(home)).returncode == 0


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; in CI its absence is a failure.

    Its driver keeps an event loop running in this thread, which must have ended before the next asynchronous test.
    """
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed (Debian package “chromium”)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@dataclass(frozen=True)
class Visitor:
    """A person at a browser of their own."""

    stage: Stage
    page: Page

    def sign_in(self, user: Username) -> None:
        self.page.goto(self.stage.url)
        self.page.fill("input[name=username]", user)
        self.page.fill("input[name=password]", self.stage.password(user))
        self.page.click("button[type=submit]")
        self.page.wait_for_selector("[data-environment]")

    def start(self, environment: str, dataset: str | None = None) -> None:
        """Press the start button of an environment's card and wait for the lab or app."""
        chosen = f"?environment={environment}&dataset={dataset}" if dataset else ""
        self.page.goto(f"{self.stage.url}hub/home{chosen}")
        self.page.click(f'[data-environment="{environment}"] button[data-start]')
        self.page.wait_for_url("**/user/**", timeout=2 * PATIENCE)

    def panel(self) -> Locator:
        """Bring the catalogue panel of the lab to the front."""
        panel = self.page.locator(".bt-catalogue")
        self.page.wait_for_selector(".jp-SideBar")
        if not panel.is_visible():
            self.page.locator('.jp-SideBar [data-id*="catalogue"]').first.click()
        expect(panel).to_be_visible()
        return panel

    def picture(self, name: str) -> None:
        """Keep a screenshot among the artefacts, and in the docs when `just pictures` asks for it."""
        path = ARTEFACTS / self.stage.name / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path)
        if self.stage.name == "demo" and os.environ.get("BEAMTORCH_PICTURES") and not name.startswith("last-"):
            shutil.copy(path, ROOT / "docs" / "tutorials" / "images" / path.name)


@pytest.fixture
def visit(request: pytest.FixtureRequest, stage: Stage, chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    """Give each person a browser and sign them in; a script error on any page fails the story."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def visit(user: Username | None, language: str = "en-GB", theme: Literal["light", "dark"] = "light") -> Visitor:
        context = chromium.new_context(viewport=SIZE, locale=language, color_scheme=theme)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        visitor = Visitor(stage, page)
        if user is not None:
            visitor.sign_in(user)
        return visitor

    expect.set_options(timeout=PATIENCE)
    yield visit
    for number, context in enumerate(contexts):
        # What each person saw last: the first thing to look at when a story is red.
        Visitor(stage, context.pages[0]).picture(f"last-{request.node.originalname}-{number}")
        context.close()
    assert not faults
