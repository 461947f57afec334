"""What cannot be understood: where it is, what is wrong with it, and what was probably meant."""

import pytest

from beamtorch_catalogue.query import LONGEST, MOST_TERMS, QueryError, parse

REFUSED = [
    ("smaple:x", "unknown-field", 0, 6, "sample"),
    ("tooth -smaple: x", "unknown-field", 7, 6, "sample"),
    ("foo:bar", "unknown-field", 0, 3, None),
    ("样式:x", "unknown-field", 0, 2, None),
    ("sample:", "bad-query", 0, 7, None),
    ("sample: person:ada", "bad-query", 0, 7, None),
    ("sample:a,", "bad-query", 8, 1, None),
    ("sample:a,,b", "bad-query", 8, 1, None),
    ('sample:""', "bad-query", 7, 2, None),
    ('tooth ""', "bad-query", 6, 2, None),
    ('tooth "human molar', "bad-query", 6, 12, None),
    ("“人类", "bad-query", 0, 3, None),
    ('sample:"a', "bad-query", 7, 2, None),
    ("kind:rwa", "unknown-value", 5, 3, "raw"),
    ("类型：原始,原", "unknown-value", 6, 1, "raw"),
    ("state:gone", "unknown-value", 6, 4, None),
    ("composition:Xx", "unknown-element", 12, 2, None),
    ("composition:Ce,o", "unknown-element", 15, 1, "O"),
    ("成分:水", "unknown-element", 3, 1, None),
    ("sample:1..2", "bad-query", 7, 4, None),
    ("sample 1..2", "bad-query", 0, 6, None),
    ("样品 > 2", "bad-query", 0, 2, None),
    ("file>2", "bad-query", 0, 4, None),
    ("energy:high", "bad-query", 0, 6, None),
    ("energy:", "bad-query", 0, 6, None),
    ("emergy:1..2 keV", "unknown-parameter", 0, 6, "energy"),
    ("emergy>1 keV", "unknown-parameter", 0, 6, "energy"),
    ("emergy > 1 keV", "unknown-parameter", 0, 6, "energy"),
    ("energy > 12 kev", "unknown-unit", 12, 3, "keV"),
    ("energy 12..13ｋｅｖ", "unknown-unit", 13, 3, "keV"),
    ("temperature 1..2 K energy > 12 mm", "wrong-dimension", 31, 2, "keV"),
    ("energy 12..13", "wrong-dimension", 0, 6, "keV"),
    ("energy 12..13 sample:a", "wrong-dimension", 0, 6, "keV"),
    ("energy 12..13, keV", "wrong-dimension", 0, 6, "keV"),
    ("energy 13..12 keV", "bad-query", 9, 2, "12..13"),
    ("energy > 1e999 keV", "bad-query", 7, 1, None),
    ("energy 1..1e308 GeV temperature > 1e308 MK", "bad-query", 32, 1, None),
    ("1..2 mm", "bad-query", 5, 2, None),
    ("> 5", "bad-query", 0, 1, None),
    ("...", "bad-query", 0, 3, None),
]


@pytest.mark.parametrize(("q", "code", "position", "length", "suggestion"), REFUSED)
def test_a_refusal_points_at_the_characters_and_says_what_was_meant(q, code, position, length, suggestion):
    with pytest.raises(QueryError) as refused:
        parse(q)
    facts = refused.value.facts
    assert (refused.value.code, facts["position"], facts["length"], facts.get("suggestion")) == (
        code,
        position,
        length,
        suggestion,
    )
    shown = q[position : position + length]
    assert refused.value.detail.en.startswith(f"At character {position + 1}, “{shown}”: ")
    assert refused.value.detail.zh.startswith(f"第 {position + 1} 个字符处的“{shown}”：")


def test_the_kinds_states_and_fields_are_listed():
    for q, names in (
        ("kind:x", "raw, processed, simulated, calibration"),
        ("state:x", "complete, broken, missing"),
        ("foo:x", "sample, person, file, technique"),
    ):
        with pytest.raises(QueryError) as refused:
            parse(q)
        assert names in refused.value.detail.en
        assert names in refused.value.detail.zh


def test_fifty_terms_are_understood_and_one_more_is_pointed_at():
    many = " ".join(f"w{i:02}" for i in range(MOST_TERMS))
    assert len(parse(many).terms) == MOST_TERMS
    assert len(parse(f"{many} exposure time 1..2 s".removeprefix("w00 ")).terms) == MOST_TERMS
    for surplus in ("more", "sample:a", "energy 1..2 keV and so on and on", "a b c d e f g h"):
        with pytest.raises(QueryError) as refused:
            parse(f"{many} {surplus}")
        assert refused.value.facts["position"] == len(many) + 1
        assert f"at most {MOST_TERMS} conditions" in refused.value.detail.en


@pytest.mark.parametrize("q", ["a " * 10_000, '"' * 100_000, "-" * 1_000_001, "energy 1..2 keV " * 10_000])
def test_a_query_of_ten_thousand_terms_is_refused_politely(q):
    with pytest.raises(QueryError) as refused:
        parse(q)
    assert refused.value.facts["position"] == LONGEST
    assert f"at most {LONGEST} characters" in refused.value.detail.en
    assert len(refused.value.detail.en) < 200
