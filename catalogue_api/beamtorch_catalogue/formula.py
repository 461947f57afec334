"""Chemical formulas: which elements a text such as ``La0.7Sr0.3MnO3`` or ``CuSO4·5H2O`` names. Amounts are not kept."""

import re
import unicodedata

LONGEST = 500
"""Characters; a longer text is no formula."""
_TABLE = """
H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru
Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At
Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
"""
SYMBOLS = tuple(_TABLE.split())
"""The 118 elements by atomic number (IUPAC)."""

_KNOWN = frozenset(SYMBOLS)
_DEUTERIUM = "D"
_NO_FORMULA = frozenset({"NaN", "No", "OFF", "OK", "ON"})
"""What instruments write into a field that has no value, and what could be read as one."""
_PART = re.compile(r"(?P<element>[A-Z][a-z]?)|[()\[\]{}]|[\d.,]+|[xyzδ \t+\-−–^_/*·•∙⋅:±]")
_VARIABLES = frozenset("xyzδ")
_CLOSES = {")": "(", "]": "[", "}": "{"}
_ACRONYM = re.compile(r"[A-Z]{4,}")
"""YBCO and UNKNOWN are spelled with the symbols of elements; formulas of that shape are rare (KSCN)."""
_QUANTITY = re.compile(r"[\d.,]+\s+[A-Z]")
"""“300 K” is a temperature."""


def elements(formula: str) -> frozenset[str]:
    """Return the elements of a formula; none if the text is not a formula from its first to its last character.

    Brackets may be nested; amounts may be decimals or x, y, z, δ; hydrates (``CuSO4·5H2O``), charges (``SO4^2-``),
    alloys (``Ti-6Al-4V``), sums of CIF (``C12 H22 O11``) and sub- and superscripts are understood. Deuterium counts as
    hydrogen.
    """
    plain = unicodedata.normalize("NFKC", formula.strip()) if len(formula) <= LONGEST else ""
    if not plain or plain in _NO_FORMULA or _ACRONYM.fullmatch(plain) or _QUANTITY.fullmatch(plain):
        return frozenset()
    parts = _parts(plain)
    found = {part for part in parts if part in _KNOWN}
    if not found or not _is_balanced(parts) or not _begins_well(parts):
        return frozenset()
    is_word = len(found) == 1 and not _VARIABLES.isdisjoint(parts)  # such as Hex, Six, Ray
    return frozenset() if is_word else frozenset(found)


def _parts(plain: str) -> list[str]:
    """Return symbols, brackets, amounts and what is between them; nothing if something else is there, too."""
    parts: list[str] = []
    position = 0
    while position < len(plain):
        part = _PART.match(plain, position)
        if part is None:
            return []
        text = part.group()
        if part["element"]:
            text = text if text in _KNOWN else text[0]
            if text not in _KNOWN and text != _DEUTERIUM:
                return []
        position += len(text)
        parts.append("H" if text == _DEUTERIUM else text)
    return parts


def _is_balanced(parts: list[str]) -> bool:
    open_ones: list[str] = []
    for part in parts:
        if part in _CLOSES.values():
            open_ones.append(part)
        elif part in _CLOSES and (not open_ones or open_ones.pop() != _CLOSES[part]):
            return False
    return not open_ones


def _begins_well(parts: list[str]) -> bool:
    """Tell a formula from text that begins with a sign or a letter for an amount."""
    return parts[0] in _KNOWN or parts[0] in _CLOSES.values() or parts[0][0].isdecimal()
