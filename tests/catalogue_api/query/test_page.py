"""The page about the query language tells the truth: each of its examples goes through the parser."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beamtorch_catalogue.query import FIELDS, LONGEST, MOST_TERMS, QueryError, parse
from beamtorch_catalogue.query.names import Vocabulary

PAGE = (Path(__file__).parents[3] / "docs/reference/query-language.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CODE = re.compile(r"`([^`]+)`")


def table(head: str) -> list[list[str]]:
    """Return the rows of all tables whose first column has this head."""
    rows: list[list[str]] = []
    for part in PAGE.split(f"| {head} |")[1:]:
        lines = part.split("\n\n")[0].splitlines()[2:]
        rows += [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    return rows


UNDERSTOOD = [CODE.findall(row[0])[0] for row in table("query")]
REFUSED = [(CODE.findall(row[0])[0], CODE.findall(row[1])[0], row[2]) for row in table("refused")]


@pytest.mark.parametrize("q", UNDERSTOOD)
def test_an_example_is_understood(q):
    found = parse(q, now=NOW)
    assert found.terms
    assert parse(found.written(), now=NOW) == found


@pytest.mark.parametrize(("q", "code", "because"), REFUSED)
def test_a_refusal_is_as_the_page_says(q, code, because):
    with pytest.raises(QueryError) as refused:
        parse(q, now=NOW)
    assert refused.value.code == code
    if because.startswith("did you mean"):
        assert refused.value.facts["suggestion"] == CODE.findall(because)[0]


def test_what_is_said_to_be_the_same_is():
    for row, before in zip(table("query")[1:], table("query"), strict=False):
        if row[1] == "the same":
            again, first = (parse(CODE.findall(cells[0])[0], now=NOW) for cells in (row, before))
            assert again == first


def test_the_page_has_every_field_with_its_names_and_choices():
    told = {CODE.findall(row[0])[0].removesuffix(":"): row for row in table("field")}
    assert list(told) == list(FIELDS)
    vocabulary = Vocabulary()
    for name, row in told.items():
        assert all(vocabulary.field(alias.removesuffix(":")) == name for alias in CODE.findall(row[1]))
        assert all(f"`{choice}`" in row[2] for choice in FIELDS[name].choices)
    assert f"{LONGEST} characters and {MOST_TERMS} terms" in PAGE


def test_the_examples_in_the_remarks_are_understood_in_their_places():
    remarks = [(row[0], code) for row in table("query") for code in CODE.findall(row[1])]
    whole = [code for _, code in remarks if ":" in code or " " in code]
    assert len(whole) > 4
    for q in whole:
        assert parse(q, now=NOW).terms
    for first, code in remarks:
        if "date:" in first or "日期" in first:
            assert parse(code if ":" in code else f"date:{code}", now=NOW).terms


def test_the_page_shows_enough():
    assert len(UNDERSTOOD) > 35
    assert len(REFUSED) > 12
