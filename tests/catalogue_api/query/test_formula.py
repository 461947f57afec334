"""Which elements a formula names, and what is no formula."""

import pytest

from beamtorch_catalogue.formula import SYMBOLS, elements
from beamtorch_catalogue.query.composition import _BY_NAME


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("CeO2", "Ce O"),
        (" CeO₂ ", "Ce O"),
        ("La0.7Sr0.3MnO3", "La Sr Mn O"),
        ("La1-xSrxMnO3", "La Sr Mn O"),
        ("YBa2Cu3O7-δ", "Y Ba Cu O"),
        ("CuSO4·5H2O", "Cu S O H"),
        ("CuSO4.5H2O", "Cu S O H"),
        ("CuSO4 • 5 H2O", "Cu S O H"),
        ("Ca10(PO4)6(OH)2", "Ca P O H"),
        ("{[Cu(H2O)4](SO4)}", "Cu H O S"),
        ("(Fe,Mg)2SiO4", "Fe Mg Si O"),
        ("[Fe(CN)6]4-", "Fe C N"),
        ("SO4^2-", "S O"),
        ("SO₄²⁻", "S O"),
        ("Fe3+", "Fe"),
        ("C12 H22 O11", "C H O"),
        ("Ti-6Al-4V", "Ti Al V"),
        ("Pt/C", "Pt C"),
        ("Al2O3:Cr", "Al O Cr"),
        ("2H2O", "H O"),
        ("¹³C", "C"),
        ("D2O", "H O"),
        ("SiNx", "Si N"),
        ("Co", "Co"),
        ("CO", "C O"),
        ("Ｃｅ", "Ce"),
    ],
)
def test_a_formula_names_its_elements(formula, expected):
    assert elements(formula) == set(expected.split())


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "human molar",
            "臼齿",
            "人类",
            "Xx",
            "ceo2",
            "CeO2 powder",
            "tooth-0417",
            "Bone",
            "Sample A",
            "unknown",
        ),
        *("UNKNOWN", "YBCO", "NaN", "N/A", "None", "OK", "300 K", "Hex", "Six", "(CeO2", "CeO2)", "(CeO2]", "5", "()"),
        *("+C", "CeO2\nO", "C\x00", "-", ".", "C" * 501, "氧化铈", "α-Fe2O3 (hematite)"),
    ],
)
def test_what_is_no_formula_names_nothing(text):
    assert elements(text) == frozenset()


def test_every_element_is_known_by_symbol_and_by_chinese_name():
    assert len(SYMBOLS) == len(set(SYMBOLS)) == len(_BY_NAME) == 118
    assert all(elements(f"{symbol}2") == {symbol} for symbol in SYMBOLS)
    known = {
        "氢": "H",
        "铁": "Fe",
        "银": "Ag",
        "铈": "Ce",
        "镥": "Lu",
        "金": "Au",
        "氡": "Rn",
        "铀": "U",
        "铹": "Lr",
        "镆": "Mc",
        "鿫": "Og",
    }
    assert {name: _BY_NAME[name] for name in known} == known
