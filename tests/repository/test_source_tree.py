"""The house rules that a linter does not know."""

import re
import subprocess
from importlib import import_module
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path
from pkgutil import walk_packages

import pytest

from beamtorch_facility.errors import BeamtorchError

ROOT = Path(__file__).parents[2]
SOURCES = {".py", ".ts", ".tsx", ".js", ".css", ".html", ".sh"}
TAKEN_OVER = {"tokens.css"}  # comes as one file from the visual language, with every theme in it
STOP = 400


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


def test_no_source_file_is_longer_than_400_lines():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked_files()
        if path.suffix in SOURCES and path.name not in TAKEN_OVER
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > STOP
    }
    assert not long, "split these by concept"


def test_no_module_is_a_drawer():
    drawers = re.compile(r"(^|_)(utils?|common|helpers?|managers?|misc)(_|$)")
    named = [path for path in tracked_files() if path.suffix in SOURCES and drawers.search(path.stem)]
    assert not named


def test_every_error_has_its_own_code_and_a_title_in_both_languages():
    for package in ("facility", "identity", "service", "hub", "spawner", "catalogue", "labextensions", "apps"):
        root = import_module(f"beamtorch_{package}")
        for module in walk_packages(root.__path__, f"{root.__name__}."):
            if not re.search(
                r"error|identifier|directory|data_layout|environments|caller|service|stream|query", module.name
            ):
                continue
            import_module(module.name)
    kinds: dict[str, type[BeamtorchError]] = {}
    waiting = [BeamtorchError]
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        assert kind.title.en
        assert kind.title.zh
        if "code" in vars(kind) and re.match(r"beamtorch_\w+\.(?!testing\.)", kind.__module__):
            assert kinds.setdefault(kind.code, kind) is kind, f"{kind.code} is used twice"
    assert len(kinds) >= 10


def test_every_command_has_a_first_line_for_the_overview_and_a_page_that_names_it():
    page = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    points = entry_points(group="beamtorch.commands")
    assert {point.name for point in points} >= {"up", "down", "status", "restart", "token", "catalogue", "ct"}
    for point in points:
        assert f"`beamtorch {point.name}" in page, f"docs/reference/commands.md does not name {point.name}"


def test_every_recipe_of_the_menu_is_explained():
    lines = (ROOT / "justfile").read_text(encoding="utf-8").splitlines()
    for before, line in pairwise(lines):
        if re.match(r"^[a-z]+[a-z *]*:$", line):
            assert before.startswith("# "), f"“{line}” has no comment"


@pytest.mark.parametrize("word", [f"/{folder}/" for folder in ("work",)] + ["../shared"])
def test_the_product_knows_no_place_of_a_developers_machine(word):
    named = [
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if path.suffix in SOURCES | {".md", ".yaml", ".toml", ".json", ".ipynb"}
        and path.parts[len(ROOT.parts)] not in {"tests", ".ci"}
        and word in path.read_text(encoding="utf-8")
    ]
    assert not named
