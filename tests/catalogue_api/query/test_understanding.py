"""What queries mean, term by term."""

from datetime import UTC, datetime
from typing import Any

import pytest

from beamtorch_catalogue.query import (
    Composition,
    Dates,
    Field,
    Phrase,
    Query,
    Range,
    TextField,
    Word,
    normal_name,
    parse,
    possible_names,
)
from beamtorch_catalogue.units import unit

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEV = unit("keV")


def read(q: str, **vocabulary: Any) -> Query:
    return parse(q, now=NOW, **vocabulary)


def one(q: str, **vocabulary: Any):
    (term,) = read(q, **vocabulary).terms
    return term


def limits(q: str, scale: str = "keV", **vocabulary: Any) -> tuple[str, float | None, float | None]:
    found = one(q, **vocabulary)
    assert isinstance(found, Range)
    meaning = unit(scale)

    def back(si):
        return None if si is None else pytest.approx((si - meaning.offset) / meaning.factor, rel=1e-8)

    return found.name, back(found.low), back(found.high)


@pytest.mark.parametrize("q", ["", "  ", "\u3000", '"', "\x00\x1f"])
def test_a_query_without_terms_finds_everything(q):
    assert read(q) == Query()
    assert Query().words == ()
    assert Query().range is None


@pytest.mark.parametrize(
    ("q", "terms"),
    [
        ("tooth 臼齿", (Word("tooth"), Word("臼齿"))),
        ("ＴＯＯＴＨ　０４１７", (Word("TOOTH"), Word("0417"))),
        ("-tooth", (Word("tooth", negated=True),)),
        ("- tooth --dark", (Word("-"), Word("tooth"), Word("--dark"))),
        ('"human  molar"', (Phrase("human molar"),)),
        ('-“human molar”「甲」"a""b"', (Phrase("human molar", negated=True), Phrase("甲"), Phrase('a"b'))),
        ('5" pipe', (Word('5"'), Word("pipe"))),
        ('tooth "', (Word("tooth"),)),
        ("http://a.b/c 12:30 C:\\x std::map", (Word("http://a.b/c"), Word("12:30"), Word("C:\\x"), Word("std::map"))),
        ("doi:10.1/x Study: bone", (Word("doi:10.1/x"), Word("Study:"), Word("bone"))),
        ("../raw T=100K &|!<-> a->b", (Word("../raw"), Word("T=100K"), Word("&|!<->"), Word("a->b"))),
    ],
)
def test_words_and_phrases_are_taken_as_they_are(q, terms):
    assert read(q).terms == terms


@pytest.mark.parametrize(
    ("q", "term"),
    [
        ("sample:tooth", Field("sample", ("tooth",))),
        ("样品：“人类 臼齿”", Field("sample", ("人类 臼齿",))),
        ("Sample: tooth", Field("sample", ("tooth",))),
        ("-person:ada", Field("person", ("ada",), negated=True)),
        (
            'technique:"total scattering", tomography、xrd,xrd',
            Field("technique", ("total scattering", "tomography", "xrd")),
        ),
        ("类型:原始,Processed", Field("kind", ("raw", "processed"))),
        ("状态:损坏", Field("state", ("broken",))),
        ("文件:../raw/a_001.h5", Field("file", ("../raw/a_001.h5",))),
        ("课题:2026-0417", Field("proposal", ("2026-0417",))),
        ("机时:BT-1", Field("beamtime", ("BT-1",))),
        ("线站:b1", Field("beamline", ("b1",))),
        ("软件:tomopy", Field("software", ("tomopy",))),
        ("pid:21.T1/a:b", Field("pid", ("21.T1/a:b",))),
        ("id:ds-0001", Field("id", ("ds-0001",))),
        ('sample:"1..2"', Field("sample", ("1..2",))),
        ("sample:-5", Field("sample", ("-5",))),
        ("方法:tomography", Field("technique", ("tomography",))),
        ("人员:阿达", Field("person", ("阿达",))),
    ],
)
def test_a_field_has_one_of_its_values(q, term):
    assert one(q) == term


def test_a_comma_before_another_field_only_ends_the_first():
    assert read("kind:raw, state:complete").terms == (Field("kind", ("raw",)), Field("state", ("complete",)))


@pytest.mark.parametrize(
    ("q", "elements"),
    [
        ("composition:Ce,O", {"Ce", "O"}),
        ("composition:CeO2", {"Ce", "O"}),
        ("成分：铈、氧", {"Ce", "O"}),
        ("成分:氧化", None),
        ("composition:铈O2", None),
        ("composition:No", {"No"}),
        ('composition:"C12 H22 O11"', {"C", "H", "O"}),
    ],
)
def test_a_composition_is_all_of_its_elements(q, elements):
    if elements is None:
        with pytest.raises(Exception, match="no chemical element"):
            one(q)
    else:
        assert one(q) == Composition(frozenset(elements))


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("energy 12..13 keV", ("energy", 12, 13)),
        ("energy:12..13keV", ("energy", 12, 13)),
        ("Energy: 12000 … 13000 eV", ("energy", 12, 13)),
        ("能量12..13keV", ("energy", 12, 13)),
        ("光子能量 １２．．１３ ｋｅＶ", ("energy", 12, 13)),
        ("12..13 keV", ("energy", 12, 13)),
        ("energy 12.. keV", ("energy", 12, None)),
        ("energy ..13 keV", ("energy", None, 13)),
        ("energy 12..13 keV,", ("energy", 12, 13)),
        ("energy > 12 keV", ("energy", 12, None)),
        ("energy>=12keV", ("energy", 12, None)),
        ("energy< 12 keV", ("energy", None, 12)),
        ("能量≤12keV", ("energy", None, 12)),
        ("<= 12 keV", ("energy", None, 12)),
        ("energy = 12.4 keV", ("energy", 12.35, 12.45)),
        ("energy:12.40 keV", ("energy", 12.395, 12.405)),
        ("energy=1.2e1 keV", ("energy", 11.5, 12.5)),
    ],
)
def test_a_range_is_read_in_every_way_of_writing_it(q, expected):
    assert limits(q) == expected


def test_limits_belong_to_a_range_but_not_to_more_and_less():
    twelve = KEV.to_si(12.0)
    assert one("energy >= 12 keV").low < twelve < one("energy > 12 keV").low
    assert one("energy < 12 keV").high < twelve < one("energy <= 12 keV").high
    assert one("energy 12..12 keV").low < twelve < one("energy 12..12 keV").high
    assert one("energy > 0 keV").low > 0
    assert one("energy >= 0 keV").low == 0


def test_as_many_ranges_as_wanted_stand_beside_words():
    found = read("hard energy 12..13 keV temperature 80..120 K -exposure time > 1 s projections = 1800 tooth")
    assert [type(term).__name__ for term in found.terms] == ["Word", "Range", "Range", "Range", "Range", "Word"]
    assert [term.name for term in found.terms[1:5]] == ["energy", "temperature", "exposure_time", "projections"]
    assert [term.negated for term in found.terms[1:5]] == [False, False, True, False]
    assert found.terms[4].low == pytest.approx(1799.5)
    assert found.words == ("hard", "tooth")
    assert found.range == found.terms[1]


def test_every_term_knows_its_place_in_the_text():
    q = '  tooth -"dark field" 样品：“臼 齿”， 类型:raw  能量 12..13 keV, -exposure time > 1 s'
    texts = [term.text for term in read(q).terms]
    assert texts == ["tooth", '-"dark field"', "样品：“臼 齿”", "类型:raw", "能量 12..13 keV", "-exposure time > 1 s"]
    assert all(q[term.position :].startswith(term.text) for term in read(q).terms)


def test_a_facility_brings_parameters_labels_and_fields_of_its_own():
    brought = {
        "parameters": {"beam_energy": frozenset({unit("eV").dimension}), "id": frozenset({""})},
        "aliases": {"Detector to sample distance": "distance", "束能": "beam_energy", "几何": "geometry"},
        "fields": {"geometry": TextField(("capillary", "flat plate"), {"毛细管": "capillary"})},
    }
    assert limits("beam energy 1..2 keV", **brought) == ("beam_energy", 1, 2)
    assert limits("束能>1keV", **brought) == ("beam_energy", 1, None)
    assert limits("detector to sample distance 1..2 m", "m", **brought) == ("distance", 1, 2)
    assert one("几何:毛细管", **brought) == Field("geometry", ("capillary",))
    assert one('geometry:"Flat Plate"', **brought) == Field("geometry", ("flat plate",))
    assert one("id:5", **brought) == Field("id", ("5",))
    assert limits("id:5..6", "", **brought) == ("id", 5, 6)
    for q in ("geometry 1..2", "geometry > 3", "geometry:1..2"):
        with pytest.raises(Exception, match="geometry is a text"):
            one(q, **brought)
    with pytest.raises(Exception, match="geometry is one of capillary, flat plate"):
        one("geometry:sphere", **brought)


@pytest.mark.parametrize(
    ("q", "name"),
    [
        ("flux 1..2 ph/s", "flux"),
        ("tooth -flux>1 ph/s", "flux"),
        ("flux:5 ph/s", "flux"),
        ("flux: > 5", "flux"),
        ("x ray beam energy 1..2 keV", "x_ray_beam_energy"),
        ("beam-energy:1..2", "beam_energy"),
    ],
)
def test_names_that_a_query_may_need_are_told_beforehand(q, name):
    assert name in possible_names(q)
    assert normal_name(name) == name


@pytest.mark.parametrize("q", ["", "flux", "sample:tooth kind:raw", "http://a", "tooth " * 400])
def test_a_query_without_numbers_to_compare_needs_no_names(q):
    assert possible_names(q) == frozenset()


def test_terms_are_put_in_and_taken_out():
    found = read("tooth sample:a energy 12..13 keV")
    assert found.without(Word("tooth")).written() == "sample:a energy:12..13 keV"
    assert found.with_term(Word("tooth")) is found
    more = found.with_term(Field("sample", ('a, "b"', "c")))
    assert more.written() == 'tooth sample:a energy:12..13 keV sample:"a, ""b""",c'
    assert read(more.written()) == more
    assert read("projections 1..2").with_term(Word("s")).written() == "projections:1..2, s"


def test_a_date_stays_as_it_was_asked_for_in_the_normal_form():
    found = read("日期:近7天")
    assert found.written() == "date:7d"
    later = parse(found.written(), now=datetime(2027, 1, 8, tzinfo=UTC)).terms[0]
    assert isinstance(later, Dates)
    assert later.low == datetime(2027, 1, 1, tzinfo=UTC)
