"""What can be wrong with a query. Every error points at the characters that it is about."""

from dataclasses import dataclass
from typing import NoReturn

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_facility.words import Words

FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: 0x20,
    0x2212: 0x2D,
    **dict.fromkeys((*range(0x20), 0x7F), 0x20),
    **dict.fromkeys(range(0xD800, 0xE000), 0xFFFD),
}
"""Full-width digits and letters of a Chinese keyboard, one character for one, so that positions stay; and what no
database keeps: control characters become spaces, halves of characters become U+FFFD."""


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


class UnknownFieldError(QueryError):
    """A name before a colon that is no field."""

    code = "unknown-field"
    title = Words(en="Unknown field", zh="未知字段")


class UnknownValueError(QueryError):
    """A value that is not among the few that a field can have."""

    code = "unknown-value"
    title = Words(en="Unknown value", zh="未知取值")


class UnknownElementError(QueryError):
    """A composition that names no chemical element."""

    code = "unknown-element"
    title = Words(en="Unknown element", zh="未知元素")


class BadDateError(QueryError):
    """A date that does not exist or is not written like one."""

    code = "bad-date"
    title = Words(en="This date cannot be understood", zh="无法理解此日期")


@dataclass(frozen=True)
class Spot:
    """Some characters of a query."""

    text: str
    start: int
    end: int

    def plain(self) -> str:
        """Return these characters as they are understood."""
        return self.text[self.start : self.end].translate(FULL_WIDTH)

    def refuse(self, kind: type[QueryError], en: str, zh: str, suggested: str | None = None) -> NoReturn:
        """Raise an error that points at this spot; positions count from 0 on the wire and from 1 in the sentence."""
        shown = self.text[self.start : self.end]
        where, place = f"At character {self.start + 1}, “{shown}”: ", f"第 {self.start + 1} 个字符处的“{shown}”："
        hint = {"suggestion": suggested} if suggested else {}
        raise kind(Words(en=where + en, zh=place + zh), position=self.start, length=self.end - self.start, **hint)
