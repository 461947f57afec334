"""Whatever somebody types: an answer or a refusal inside the text, and a normal form that stays."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from beamtorch_catalogue.formula import LONGEST as LONGEST_FORMULA
from beamtorch_catalogue.formula import SYMBOLS, elements
from beamtorch_catalogue.query import LONGEST, MOST_TERMS, Query, QueryError, TextField, parse, possible_names
from beamtorch_catalogue.query.errors import FULL_WIDTH, Spot
from beamtorch_catalogue.query.fields import quotation
from beamtorch_catalogue.query.ranges import COMPARISON, EQUAL, RANGE
from beamtorch_catalogue.query.terms import Field, Word
from beamtorch_catalogue.units import unit

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PARAMETERS = {
    "flux": frozenset({unit("ph/s").dimension}),
    "beam_energy": frozenset({unit("eV").dimension}),
    "tooth": frozenset({""}),
    "id": frozenset({""}),
    "date": frozenset({""}),
    "a:b": frozenset({""}),
}
MODEL = {
    "aliases": {"几何": "geometry", "Beam": "beam_energy"},
    "fields": {"geometry": TextField(("flat plate", "rod"))},
}
SCRAPS = (
    *(
        "tooth",
        "energy",
        "exposure",
        "time",
        "beam",
        "能量",
        "臼齿",
        "projections",
        "x",
        "s",
        "keV",
        "eV",
        "K",
        "mm",
        "h",
    ),
    *(
        "12",
        "-5",
        "1e3",
        ".5",
        "12.",
        "1e999",
        "..",
        "...",
        "…",
        ">",
        "<",
        ">=",
        "=",
        "≤",
        "->",
        ":",
        "：",
        "-",
        "--",
        "−",
    ),
    *(
        '"',
        '""',
        '"a b"',
        "“",
        "”",
        "「甲」",
        ",",
        "，",
        "、",
        ";",
        "sample:",
        "kind:raw",
        "样品：",
        "date:",
        "composition:",
    ),
    *(
        "id:",
        "geometry:",
        "几何:rod",
        "flux:",
        "7d",
        "today",
        "2026-11",
        "CeO2",
        "铈",
        "http://a",
        "foo:",
        "\\",
        "\u3000",
    ),
    *("\x00", "\ud800", "%", "(", "1/nm", "..13", "12..13", "12..13 keV", "energy>3 eV", "raw", "１２．．１３", "Å"),
)
scraps = st.lists(st.tuples(st.sampled_from(SCRAPS), st.sampled_from(["", " ", " ", "  "])), max_size=14).map(
    lambda parts: "".join(scrap + space for scrap, space in parts)
)
texts = st.one_of(scraps, st.text(max_size=60), st.text('-."“:,<>=1a e能', max_size=80))


def read(q: str) -> Query:
    return parse(q, PARAMETERS, now=NOW, **MODEL)


@given(texts)
@example("12. ..13 keV")
@example(".5.. .5 keV")
@example("beam 12..13 keV")
@example("projections 1..2 -s")
@example("id:=5")
@example('sample:"-"","')
def test_any_text_is_understood_or_refused_inside_and_its_normal_form_stays(q):
    possible_names(q)
    try:
        found = read(q)
    except QueryError as refused:
        position, length = refused.facts["position"], refused.facts["length"]
        assert 0 <= position <= position + length <= len(q)
        assert length > 0
        return
    assert len(found.terms) <= MOST_TERMS
    for term in found.terms:
        assert q[term.position : term.position + len(term.text)] == term.text
        assert term.text.strip() == term.text != ""
    again = read(found.written())
    assert again == found
    assert again.written() == found.written()


@given(texts, st.sampled_from(["technique", "sample", "geometry"]), st.text(min_size=1, max_size=30))
def test_a_facet_is_put_into_any_query_and_taken_out_again(q, name, value):
    try:
        found = read(q)
    except QueryError:
        return
    value = value.translate(FULL_WIDTH).strip() or "rod"
    chosen = Field(name, ("rod" if name == "geometry" else value,))
    more = read(found.with_term(chosen).written())
    assert more == found.with_term(chosen)
    assert more.without(chosen) == found.without(chosen)


@given(st.text('ab "“,、…<>=:.-臼', min_size=1, max_size=20).filter(str.strip))
def test_any_value_survives_its_quotes(value):
    written = Query((Field("sample", (value.strip(),)),)).written()
    assert read(written).terms == (Field("sample", (value.strip(),)),)


@pytest.mark.parametrize(
    "scrap",
    [
        '"',
        "“",
        ".",
        "…",
        "-",
        "1",
        "1.",
        "1e",
        "+",
        ":",
        ",",
        "、",
        "=",
        ">",
        "<=",
        "a",
        "能",
        " ",
        "a:",
        "-a",
        "12..13 ",
        "(",
    ],
)
@pytest.mark.parametrize(
    "head", ["", "energy ", "energy 1..2 ", "sample:", "composition:", "date:", '"', "energy > 1", "x"]
)
def test_thousands_of_the_same_sign_are_read_to_the_end(head, scrap):
    q = (head + scrap * LONGEST)[: LONGEST - 100]  # so that its normal form has room
    assert read(read(q).written()) == read(q) if is_understood(q) else refused_at(q) < len(q)


def is_understood(q: str) -> bool:
    try:
        read(q)
    except QueryError:
        return False
    return True


def refused_at(q: str) -> int:
    with pytest.raises(QueryError) as refused:
        read(q)
    position: int = refused.value.facts["position"]
    return position


def test_the_patterns_go_through_a_text_far_longer_than_a_query_once():
    """A pattern that tried every split of these would not come to its end while anybody waits."""
    for hostile in (
        "1" * 40_000,
        "1." * 20_000,
        "1e" * 20_000,
        "1 " * 20_000,
        "1" + " " * 40_000,
        "1.." + "x" * 40_000 + " ",
    ):
        for pattern in (RANGE, COMPARISON, EQUAL):
            for text in (hostile, f"> {hostile}"):
                found = pattern.match(text)
                assert found is None or found.end() <= len(text)
    inner, end = quotation('"' + '""' * 20_000 + '"', '"' + '""' * 20_000 + '"', 0)
    assert (len(inner), end) == (20_000, 40_002)
    with pytest.raises(QueryError, match="not closed"):
        quotation('"' + '""' * 20_000, '"' + '""' * 20_000, 0)
    assert Spot("ａ", 0, 1).plain() == "a"


@given(st.one_of(st.text(max_size=60), st.text("CeOD0.5()[]{}·+-^xyδ ,/", max_size=60)))
def test_any_text_has_known_elements_or_none(text):
    assert elements(text) <= set(SYMBOLS)


@pytest.mark.parametrize(
    "text", ["(" * 500, "(C)" * 166, "C" * 501, "[(" * 250, "C-" * 250, "1" * 500, "C" + "1." * 249]
)
def test_a_formula_of_brackets_alone_comes_to_an_end(text):
    assert elements(text) <= {"C"}
    assert len(text) > LONGEST_FORMULA - 10


def test_a_word_of_ones_own_goes_in_as_it_is():
    assert Query((Word("tooth"), Word("dark", negated=True))).written() == "tooth -dark"
