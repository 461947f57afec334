"""Ranges and comparisons of parameters: numbers with units, as limits in SI."""

import math
import re
import sys
from dataclasses import dataclass
from typing import NoReturn

from beamtorch_catalogue.query.errors import (
    QueryError,
    Spot,
    UnknownParameterError,
    UnknownUnitError,
    WrongDimensionError,
)
from beamtorch_catalogue.query.names import IMPLIED, KNOWN, Vocabulary
from beamtorch_catalogue.query.terms import Range
from beamtorch_catalogue.units import ROUNDING, Unit, dimension_words, suggestion, unit, unit_of_parameter

_NUMBER = r"[+-]?(?:\d+(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_UNIT = r"(?P<unit>[^\s\d.:][^\s]*)?(?!\S)"
RANGE = re.compile(
    rf"(?:(?P<low>{_NUMBER})\s*)?(?P<dots>\.\.+|…)(?:\s*(?P<high>{_NUMBER}))?{_UNIT}"
)  # fmt: skip
COMPARISON = re.compile(rf"(?P<sign>>=|<=|=>|=<|==|[<>=≤≥])\s*(?P<value>{_NUMBER}){_UNIT}")
EQUAL = re.compile(rf"(?P<sign>)(?P<value>{_NUMBER}){_UNIT}")
"""A number straight after a name and a colon."""
_SIGNS = {"≥": ">=", "=>": ">=", "≤": "<=", "=<": "<=", "==": "=", "": "="}
ENERGY = unit("eV")
UNIT_ENDS = ",;"
"""What may close a range, and is no part of its unit."""


@dataclass(frozen=True)
class Limits:
    """A range or comparison as it stands in the text, yet without a name and perhaps without a unit."""

    match: re.Match[str]
    spot: Spot
    """The dots or the sign: what errors about the limits point at."""
    unit_spot: Spot | None
    """The unit that is written onto it."""
    is_closed: bool
    """Whether a comma says that no unit follows."""

    @classmethod
    def read(cls, text: str, match: re.Match[str]) -> "Limits":
        """Take what one of the patterns has found."""
        mark = "dots" if match.re is RANGE else "sign" if match["sign"] else "value"
        written = match["unit"] or ""
        stripped = written.rstrip(UNIT_ENDS)
        start = match.start("unit")
        unit_spot = Spot(text, start, start + len(stripped)) if stripped else None
        return cls(match, Spot(text, *match.span(mark)), unit_spot, is_closed=len(stripped) < len(written))

    @property
    def end(self) -> int:
        """Where the limits end, without a unit."""
        return self.match.start("unit") if self.match["unit"] else self.match.end()

    def is_comparison(self) -> bool:
        """Whether it is one, rather than a range."""
        return self.match.re is not RANGE

    def has_number(self) -> bool:
        """Tell a range from dots inside a word, such as a path ``../raw``."""
        return self.match.re is not RANGE or self.match["low"] is not None or self.match["high"] is not None

    def written(self) -> str:
        """Return the limits without a unit in the normal form."""
        if self.match.re is RANGE:
            return f"{_tidy(self.match['low'])}..{_tidy(self.match['high'])}"
        return f"{_sign(self.match)}{_tidy(self.match['value'])}"

    def in_si(self, meaning: Unit) -> tuple[float | None, float | None]:
        """Return the limits in SI, a hair further out (further in for < and >) because units round."""
        low, high = self._numbers()
        moved = _inwards if self.match.re is not RANGE and _sign(self.match) in "<>" else _outwards
        limits = (
            None if low is None else moved(meaning.to_si(low), -1),
            None if high is None else moved(meaning.to_si(high), +1),
        )
        if any(limit is not None and not math.isfinite(limit) for limit in (low, high, *limits)):
            self.spot.refuse(QueryError, "this number is too large. Use a larger unit.", "数值过大，请使用更大的单位。")
        return limits

    def _numbers(self) -> tuple[float | None, float | None]:
        if self.match.re is RANGE:
            return self._of_range()
        number, sign = float(self.match["value"]), _sign(self.match)
        if sign == "=":
            half = _half_a_digit(self.match["value"])
            return number - half, number + half
        return (number, None) if ">" in sign else (None, number)

    def _of_range(self) -> tuple[float | None, float | None]:
        low, high = (None if self.match[side] is None else float(self.match[side]) for side in ("low", "high"))
        if low is None and high is None:
            self.spot.refuse(
                QueryError, "a range has a number on at least one side, such as 12..13 or 12.. (from 12 on).",
                "范围至少一侧要有数字，例如 12..13 或 12..（12 及以上）。",
            )  # fmt: skip
        if low is not None and high is not None and low > high:
            self.spot.refuse(
                QueryError, f"{low:g} is more than {high:g}. Write {high:g}..{low:g}.",
                f"{low:g} 大于 {high:g}。请写作 {high:g}..{low:g}。", f"{high:g}..{low:g}",
            )  # fmt: skip
        return low, high


class Meaning:
    """Finds out which parameter and unit a range is about."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._names = vocabulary.parameters
        self._vocabulary = vocabulary

    def is_without_unit(self, name: str | None, candidate: str) -> bool:
        """Whether the word after a range is none of its business, because the parameter is a plain number."""
        return name is not None and "" in self._names[name] and unit(candidate) is None

    def range(self, limits: Limits, name: str | None, name_spot: Spot | None, unit_spot: Spot | None) -> Range:
        """Return the range; the parameter is guessed from the unit if nobody named it."""
        written = unit_spot.plain() if unit_spot else ""
        meaning = unit(written) if name is None else unit_of_parameter(name, written)
        if meaning is None:
            self._unknown_unit(unit_spot or limits.spot, written)
        if name is None:
            name = self._implied(meaning.dimension, unit_spot or limits.spot)
        self._check_dimension(name, meaning.dimension, written, unit_spot or name_spot or limits.spot)
        low, high = limits.in_si(meaning)
        shown = f"{limits.written()} {written}".rstrip()
        return Range(name, meaning.dimension, low, high, limits=shown, has_unit=bool(written))

    def unknown_name(self, spot: Spot, given: str) -> NoReturn:
        """Refuse a name before a range."""
        close = self._vocabulary.close_parameter(given)
        usual = close or ", ".join(list(KNOWN)[:5])
        spot.refuse(
            UnknownParameterError, f"no dataset that you can read has such a parameter. Try {usual}.",
            f"您可读的数据集都没有此参数。可尝试 {usual}。", close,
        )  # fmt: skip

    @staticmethod
    def _unknown_unit(spot: Spot, written: str) -> NoReturn:
        meant = suggestion(written)
        if meant:
            spot.refuse(
                UnknownUnitError, f"this is not a unit. Did you mean {meant}?", f"不是已知单位。是否指 {meant}？", meant
            )
        spot.refuse(
            UnknownUnitError, "this is not a unit. A unit such as keV, mm, s or K follows the range; put words first.",
            "不是已知单位。范围后应为单位，如 keV、mm、s、K；其他词请放在范围之前。",
        )  # fmt: skip

    def _implied(self, dimension: str, spot: Spot) -> str:  # noqa: RET503 - refuse() never returns
        fitting = [name for name, dimensions in self._names.items() if dimension in dimensions]
        implied = next((name for name in IMPLIED if name in fitting), None)
        if implied is not None:
            return implied
        if not dimension:
            spot.refuse(
                QueryError, "say what is meant, with a name before and a unit after it: “energy 12..13 keV”.",
                "请写明参数名和单位，例如“energy 12..13 keV”。",
            )  # fmt: skip
        choice = ", ".join(sorted(fitting)[:5]) or ", ".join(list(KNOWN)[:5])
        spot.refuse(
            QueryError, f"say which parameter is meant, for example “{choice.partition(',')[0]} 1..2”. "
            f"Fitting names: {choice}.",
            f"请写明参数名，例如“{choice.partition(',')[0]} 1..2”。可用名称：{choice}。",
        )  # fmt: skip

    def _check_dimension(self, name: str, dimension: str, written: str, spot: Spot) -> None:
        fitting = self._names[name]
        if dimension in fitting or not fitting:
            return
        usual = KNOWN.get(name, "")
        right, wrong = dimension_words(min(fitting)), dimension_words(dimension)
        example_en, example_zh = (f", for example in {usual}", f"，例如 {usual}") if usual else ("", "")
        given_en, given_zh = (
            (f"{written} is", f"{written} 是") if written else ("a number without a unit is", "无单位的数是")
        )
        spot.refuse(
            WrongDimensionError, f"{name} is {right.en}{example_en}, but {given_en} {wrong.en}. Change one of them.",
            f"{name} 是{right.zh}{example_zh}，而{given_zh}{wrong.zh}。请更改单位或参数名。", usual or None,
        )  # fmt: skip


def _sign(match: re.Match[str]) -> str:
    return _SIGNS.get(match["sign"], match["sign"])


def _tidy(number: str | None) -> str:
    """Return a number without a point at its ends, which could be one of the dots otherwise."""
    bare = (number or "").removesuffix(".")
    return f"0{bare}" if bare.startswith(".") else bare


def _half_a_digit(number: str) -> float:
    """Return half of the last written digit: 12.4 stands for everything from 12.35 to 12.45."""
    mantissa, _, exponent = number.lower().partition("e")
    last = int(exponent or "0") - len(mantissa.partition(".")[2])
    return 0.5 * 10.0 ** max(-sys.float_info.max_10_exp, min(last, sys.float_info.max_10_exp))


def _outwards(value: float, direction: int) -> float:
    return value + direction * ROUNDING * abs(value)


def _inwards(value: float, direction: int) -> float:
    """Move a limit that does not belong to its range; from nought by the smallest number there is."""
    return value - direction * (ROUNDING * abs(value) or sys.float_info.min)
