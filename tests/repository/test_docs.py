"""The docs name what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PLACE = re.compile(
    r"`((?:facility|service|hub|spawner|catalogue_api|labextensions|apps|docs|tests|benchmarks)/[^`*<>{} ]*)`"
)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_and_link_of_a_page_is_there(page):
    text = page.read_text(encoding="utf-8")
    gone = [name for name in PLACE.findall(text) if not (ROOT / name).exists()]
    gone += [target for target in LINK.findall(text) if not (page.parent / target).exists()]
    assert not gone


def test_every_decision_has_a_status_a_context_and_a_decision():
    decisions = sorted((ROOT / "docs/explanations/decisions").glob("*.md"))
    assert len(decisions) >= 5
    for number, page in enumerate(decisions, start=1):
        text = page.read_text(encoding="utf-8")
        assert page.name.startswith(f"{number:04}-")
        for part in ("**Status**", "**Context**", "**Decision**", "**Consequences**"):
            assert part in text, f"{page.name} lacks {part}"
