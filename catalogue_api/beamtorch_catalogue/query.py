"""The query language: words that must all match, and at most one range such as ``energy 12..13 keV``.

Parsing is pure; errors point at the character. What a word means is the store's business.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from typing import NoReturn

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.units import ROUNDING, dimension_words, suggestion, unit, unit_of_parameter
from beamtorch_facility.words import Words

LONGEST = 1000
_NUMBER = r"[+-]?(?:\d+(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(
    rf"(?:(?P<name>[^\s:]+):\s*)?(?:(?P<low>{_NUMBER})\s*)?(?P<dots>\.\.+|…)(?:\s*(?P<high>{_NUMBER}))?(?P<unit>[^\s\d.:][^\s]*)?"
)
_TOKEN = re.compile(r"\S+")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
"""Full-width digits and letters of a Chinese keyboard, one character for one, so that positions stay."""

ENERGY = unit("eV")
_KNOWN: Mapping[str, str] = {
    "energy": "keV",
    "pixel_size": "um",
    "exposure_time": "s",
    "temperature": "K",
    "wavelength": "angstrom",
    "distance": "mm",
    "angle_start": "deg",
    "angle_stop": "deg",
    "projections": "",
    "flats": "",
    "darks": "",
}
"""The names that every facility has, with the unit that people usually write."""
_IMPLIED = ("energy", "temperature", "exposure_time")
"""What a unit alone may stand for; a length could be three things."""
_ALIASES: Mapping[str, str] = {
    "能量": "energy",
    "光子能量": "energy",
    "像素尺寸": "pixel_size",
    "像素": "pixel_size",
    "曝光时间": "exposure_time",
    "曝光": "exposure_time",
    "温度": "temperature",
    "波长": "wavelength",
    "距离": "distance",
    "起始角": "angle_start",
    "终止角": "angle_stop",
    "投影数": "projections",
    "pixel": "pixel_size",
    "exposure": "exposure_time",
}


class QueryError(CatalogueError):
    """A query that cannot be understood; `facts` tell where."""

    code = "bad-query"
    status = 422
    exit_code = 2
    title = Words(en="This search cannot be understood", zh="无法理解此搜索")


class UnknownUnitError(QueryError):
    """A unit that nobody knows."""

    code = "unknown-unit"
    title = Words(en="Unknown unit", zh="未知单位")


class WrongDimensionError(QueryError):
    """A unit that cannot belong to the parameter."""

    code = "wrong-dimension"
    title = Words(en="This unit does not fit", zh="单位不匹配")


class UnknownParameterError(QueryError):
    """A name before a range that no dataset has."""

    code = "unknown-parameter"
    title = Words(en="Unknown parameter", zh="未知参数")


@dataclass(frozen=True)
class Range:
    """A range of one parameter, in SI and open where a limit is None; `text` is how it was written."""

    name: str
    dimension: str
    low: float | None
    high: float | None
    text: str


@dataclass(frozen=True)
class Query:
    """What somebody looks for."""

    words: tuple[str, ...] = ()
    range: Range | None = None


@dataclass(frozen=True)
class _Spot:
    text: str
    start: int
    end: int

    def refuse(self, kind: type[QueryError], en: str, zh: str, suggested: str | None = None) -> NoReturn:
        """Raise an error that points at this spot; positions count from 0 on the wire and from 1 in the sentence."""
        shown = self.text[self.start : self.end]
        where, place = f"At character {self.start + 1}, “{shown}”: ", f"第 {self.start + 1} 个字符处的“{shown}”："
        hint = {"suggestion": suggested} if suggested else {}
        raise kind(Words(en=where + en, zh=place + zh), position=self.start, length=self.end - self.start, **hint)


def parse(text: str, parameters: Mapping[str, frozenset[str]] | None = None) -> Query:
    """Understand a query.

    Parameters
    ----------
    text
        What somebody typed, at most `LONGEST` characters.
    parameters
        Further parameter names that the asker can see, with the dimensions that they occur in.

    Raises
    ------
    QueryError
        If it cannot be understood; the error says where, why and what was probably meant.
    """
    if len(text) > LONGEST:
        _Spot(text, LONGEST, LONGEST + 1).refuse(
            QueryError, f"a search has at most {LONGEST} characters; this one has {len(text)}. Shorten it.",
            f"搜索最多 {LONGEST} 个字符，当前 {len(text)} 个。请缩短。",
        )  # fmt: skip
    plain = text.translate(_FULL_WIDTH)
    found = [match for match in _RANGE.finditer(plain) if _stands_alone(plain, match)]
    if len(found) > 1:
        _Spot(text, *found[1].span()).refuse(
            QueryError, "only one range can be searched at a time. Leave one of them out.",
            "一次只能搜索一个范围，请去掉其中一个。",
        )  # fmt: skip
    if not found:
        return Query(words=tuple(plain.split()))
    return _Reader(text, plain, parameters or {}).with_range(found[0])


def _stands_alone(plain: str, match: re.Match[str]) -> bool:
    """Tell a range from dots inside a word, such as a path ``../raw``."""
    before = plain[match.start() - 1] if match.start() else " "
    after = plain[match.end()] if match.end() < len(plain) else " "
    has_number = match["low"] is not None or match["high"] is not None
    return before.isspace() and after.isspace() and (has_number or match["name"] is not None or match["unit"] is None)


class _Reader:
    """Reads one query that has a range."""

    def __init__(self, text: str, plain: str, parameters: Mapping[str, frozenset[str]]) -> None:
        self._text, self._plain = text, plain
        self._names = {name: _dimensions(name) for name in _KNOWN} | dict(parameters)

    def with_range(self, match: re.Match[str]) -> Query:
        before = list(_TOKEN.finditer(self._plain, 0, match.start()))
        after = list(_TOKEN.finditer(self._plain, match.end()))
        spot = _Spot(self._text, match.start("dots"), match.end("dots"))
        name, name_spot = self._name(match, before)
        unit_spot = self._unit_spot(match, after, name)
        written = unit_spot.text[unit_spot.start : unit_spot.end].translate(_FULL_WIDTH) if unit_spot else ""
        meaning = unit(written) if name is None else unit_of_parameter(name, written)
        if unit_spot and meaning is None:
            self._unknown_unit(unit_spot, written)
        assert meaning is not None  # noqa: S101 - an empty unit is always understood
        if name is None:
            name = self._implied(meaning.dimension, unit_spot or spot)
        self._check_dimension(name, meaning.dimension, written, unit_spot or name_spot or spot)
        low, high = self._limits(match, spot)
        words = tuple(token.group() for token in before + after)
        end = unit_spot.end if unit_spot else match.end()
        start = name_spot.start if name_spot else match.start()
        return Query(
            words=words,
            range=Range(
                name=name,
                dimension=meaning.dimension,
                low=None if low is None else _outwards(meaning.to_si(low), -1),
                high=None if high is None else _outwards(meaning.to_si(high), +1),
                text=self._text[start:end],
            ),
        )

    def _name(self, match: re.Match[str], before: list[re.Match[str]]) -> tuple[str | None, _Spot | None]:
        """Return the parameter's name, taking it off the words before the range."""
        if match["name"]:
            spot = _Spot(self._text, *match.span("name"))
            name = self._known(match["name"])
            if name is None:
                self._unknown_name(spot, match["name"])
            return name, spot
        for count in (2, 1):  # “exposure time 0.1..1 s” is one name in two words
            tokens = before[-count:]
            name = self._known("_".join(token.group() for token in tokens)) if len(tokens) == count else None
            if name is not None:
                del before[-count:]
                return name, _Spot(self._text, tokens[0].start(), tokens[-1].end())
        return None, None

    def _known(self, word: str) -> str | None:
        name = normal_name(word)
        name = _ALIASES.get(name, name)
        return name if name in self._names else None

    def _unknown_name(self, spot: _Spot, given: str) -> NoReturn:
        close = get_close_matches(normal_name(given), self._names, n=1, cutoff=0.6)
        usual = ", ".join(close or list(_KNOWN)[:5])
        spot.refuse(
            UnknownParameterError, f"no dataset that you can read has such a parameter. Try {usual}.",
            f"您可读的数据集都没有此参数。可尝试 {usual}。", close[0] if close else None,
        )  # fmt: skip

    def _unit_spot(self, match: re.Match[str], after: list[re.Match[str]], name: str | None) -> _Spot | None:
        """Find the unit: written onto the range, else the next word unless the parameter has none."""
        if match["unit"]:
            return _Spot(self._text, *match.span("unit"))
        if not after:
            return None
        candidate = after[0].group()
        if unit(candidate) is None and name is not None and "" in self._names[name]:
            return None
        token = after.pop(0)
        return _Spot(self._text, token.start(), token.end())

    def _unknown_unit(self, spot: _Spot, written: str) -> NoReturn:
        meant = suggestion(written)
        if meant:
            spot.refuse(
                UnknownUnitError, f"this is not a unit. Did you mean {meant}?", f"不是已知单位。是否指 {meant}？", meant
            )
        spot.refuse(
            UnknownUnitError, "this is not a unit. A unit such as keV, mm, s or K follows the range; put words first.",
            "不是已知单位。范围后应为单位，如 keV、mm、s、K；其他词请放在范围之前。",
        )  # fmt: skip

    def _implied(self, dimension: str, spot: _Spot) -> str:  # noqa: RET503 - refuse() never returns
        fitting = [name for name, dimensions in self._names.items() if dimension in dimensions]
        implied = next((name for name in _IMPLIED if name in fitting), None)
        if implied is not None:
            return implied
        if not dimension:
            spot.refuse(
                QueryError, "say what is meant, with a name before and a unit after it: “energy 12..13 keV”.",
                "请写明参数名和单位，例如“energy 12..13 keV”。",
            )  # fmt: skip
        choice = ", ".join(sorted(fitting)[:5]) or ", ".join(list(_KNOWN)[:5])
        spot.refuse(
            QueryError, f"say which parameter is meant, for example “{choice.partition(',')[0]} 1..2”. "
            f"Fitting names: {choice}.",
            f"请写明参数名，例如“{choice.partition(',')[0]} 1..2”。可用名称：{choice}。",
        )  # fmt: skip

    def _check_dimension(self, name: str, dimension: str, written: str, spot: _Spot) -> None:
        fitting = self._names[name]
        if dimension in fitting or not fitting:
            return
        usual = _KNOWN.get(name, "")
        right, wrong = dimension_words(min(fitting)), dimension_words(dimension)
        example_en, example_zh = (f", for example in {usual}", f"，例如 {usual}") if usual else ("", "")
        given_en, given_zh = (
            (f"{written} is", f"{written} 是") if written else ("a number without a unit is", "无单位的数是")
        )
        spot.refuse(
            WrongDimensionError, f"{name} is {right.en}{example_en}, but {given_en} {wrong.en}. Change one of them.",
            f"{name} 是{right.zh}{example_zh}，而{given_zh}{wrong.zh}。请更改单位或参数名。", usual or None,
        )  # fmt: skip

    def _limits(self, match: re.Match[str], spot: _Spot) -> tuple[float | None, float | None]:
        low, high = (None if match[side] is None else float(match[side]) for side in ("low", "high"))
        if low is None and high is None:
            spot.refuse(
                QueryError, "a range has a number on at least one side, such as 12..13 or 12.. (from 12 on).",
                "范围至少一侧要有数字，例如 12..13 或 12..（12 及以上）。",
            )  # fmt: skip
        if any(value is not None and not math.isfinite(value) for value in (low, high)):
            spot.refuse(QueryError, "this number is too large. Use a larger unit.", "数值过大，请使用更大的单位。")
        if low is not None and high is not None and low > high:
            spot.refuse(
                QueryError, f"{low:g} is more than {high:g}. Write {high:g}..{low:g}.",
                f"{low:g} 大于 {high:g}。请写作 {high:g}..{low:g}。", f"{high:g}..{low:g}",
            )  # fmt: skip
        return low, high


def normal_name(name: str) -> str:
    """Return a parameter's name as it is stored and searched: lower case, words joined by underscores."""
    return re.sub(r"[\s\-.]+", "_", name.strip().lower())


def _dimensions(name: str) -> frozenset[str]:
    meaning = unit(_KNOWN[name])
    return frozenset() if meaning is None else frozenset({meaning.dimension})


def _outwards(value: float, direction: int) -> float:
    return value + direction * ROUNDING * abs(value)


def possible_names(text: str) -> frozenset[str]:
    """Return what could be the name of a parameter in a query; nothing if it has no range."""
    plain = text[:LONGEST].translate(_FULL_WIDTH)
    if ".." not in plain and "…" not in plain:
        return frozenset()
    words = [normal_name(word.partition(":")[0]) for word in plain.split()]
    pairs = [f"{first}_{second}" for first, second in pairwise(words)]
    return frozenset(name for name in (*words, *pairs) if name)
