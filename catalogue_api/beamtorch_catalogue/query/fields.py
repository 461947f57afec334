"""What stands after the colon of a field: values between commas, each of them perhaps between quotes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from beamtorch_catalogue.query.composition import elements_of
from beamtorch_catalogue.query.dates import Calendar
from beamtorch_catalogue.query.errors import BadDateError, QueryError, Spot, UnknownValueError
from beamtorch_catalogue.query.names import COMPOSITION, DATE, TextField
from beamtorch_catalogue.query.ranges import RANGE
from beamtorch_catalogue.query.terms import Composition, Dates, Field, Term

CLOSES = {'"': '"', "“": "”“", "”": "”“", "„": "”“", "「": "」", "『": "』"}
"""Which quotes end what one of them began; people and input methods mix the curly ones."""
COMMAS = frozenset(",、")
_MOST_SHOWN = 12


@dataclass(frozen=True)
class Value:
    """One value of a field, without its quotes."""

    value: str
    spot: Spot
    is_quoted: bool


def quotation(text: str, plain: str, start: int) -> tuple[str, int]:  # noqa: RET503 - refuse() never returns
    """Return what stands between the quotes that open at `start`, and where it goes on behind them.

    A straight quote that is doubled is one of the text.
    """
    closing = CLOSES[plain[start]]
    is_straight = plain[start] == '"'
    parts: list[str] = []
    begin = start + 1
    for end in range(begin, len(plain)):
        if end < begin or plain[end] not in closing:
            continue
        if is_straight and plain[end : end + 2] == '""':
            parts.append(plain[begin : end + 1])
            begin = end + 2
            continue
        return "".join(parts) + plain[begin:end], end + 1
    Spot(text, start, len(text)).refuse(
        QueryError,
        "these quotes are not closed. Write another quote where they end.",
        "引号没有闭合，请在末尾补上引号。",
    )


def values(
    text: str, plain: str, start: int, *, field: Spot, is_term: Callable[[int], bool]
) -> tuple[list[Value], int]:
    """Return the values from `start` on, and where the query goes on behind them.

    Parameters
    ----------
    text
        The query, and `plain` the same without full-width characters.
    start
        Where the first value has to begin.
    field
        What an error points at if there is no value.
    is_term
        Tells whether another field begins somewhere; a comma before it only ends this one.
    """
    found: list[Value] = []
    position = start
    while True:
        one, position = _value(text, plain, position, field if not found else Spot(text, position - 1, position))
        found.append(one)
        if position >= len(plain) or plain[position] not in COMMAS:
            return found, position
        following = behind_spaces(plain, position + 1)
        if following > position + 1 and is_term(following):
            return found, following
        position = following


def _value(text: str, plain: str, start: int, before: Spot) -> tuple[Value, int]:
    if start < len(plain) and plain[start] in CLOSES:
        inner, end = quotation(text, plain, start)
        spot = Spot(text, start, end)
        if not inner.strip():
            _empty(spot)
        return Value(inner.strip(), spot, is_quoted=True), end
    end = start
    while end < len(plain) and not plain[end].isspace() and plain[end] not in COMMAS:
        end += 1
    if end == start:
        _empty(before)
    return Value(plain[start:end], Spot(text, start, end), is_quoted=False), end


def _empty(spot: Spot) -> NoReturn:
    spot.refuse(
        QueryError, "a value is missing here, such as sample:tooth. Write one, or leave this out.",
        "此处缺少取值，例如 样品:tooth。请补上或删去。",
    )  # fmt: skip


def behind_spaces(plain: str, position: int) -> int:
    """Return the place of the next character that is no space."""
    while position < len(plain) and plain[position].isspace():
        position += 1
    return position


def field_term(name: str, meaning: TextField, given: Sequence[Value], calendar: Calendar) -> Term:
    """Return the term that a field with values is.

    Raises
    ------
    QueryError
        If a value cannot belong to the field.
    """
    if name == DATE:
        return _dates(given, calendar)
    if name == COMPOSITION:
        every = [elements_of(one.value, one.spot) for one in given]
        return Composition(frozenset().union(*every))
    for one in given:
        range_ = None if one.is_quoted else RANGE.fullmatch(one.value)
        if range_ and (range_["low"] or range_["high"]):
            refuse_range(name, one.spot)
    return Field(name, tuple(dict.fromkeys(_chosen(name, meaning, one) for one in given)))


def refuse_range(name: str, spot: Spot) -> NoReturn:
    """Refuse a range or a comparison of something that has no order."""
    spot.refuse(
        QueryError, f"{name} is a text and has no range. Write {name}:value, with quotes if dots belong to it.",
        f"{name} 是文本，不能按范围搜索。请写 {name}:取值；若确为文本，请加引号。",
    )  # fmt: skip


def _chosen(name: str, meaning: TextField, one: Value) -> str:
    choice = meaning.choice(one.value)
    if choice is None:
        meant = meaning.close_choice(one.value)
        shown = ", ".join(meaning.choices[:_MOST_SHOWN]) + (", …" if len(meaning.choices) > _MOST_SHOWN else "")
        hint_en, hint_zh = (f" Did you mean {meant}?", f"是否指 {meant}？") if meant else ("", "")
        one.spot.refuse(
            UnknownValueError, f"{name} is one of {shown}.{hint_en}", f"{name} 只能是 {shown}。{hint_zh}", meant
        )
    return choice


def _dates(given: Sequence[Value], calendar: Calendar) -> Dates:
    if len(given) > 1:
        given[1].spot.refuse(
            BadDateError, "one date or one range at a time. Write a range such as 2026-10..2026-11.",
            "一次只能写一个日期或一个范围，例如 2026-10..2026-11。",
        )  # fmt: skip
    span = calendar.span(given[0].value, given[0].spot)
    return Dates(calendar.moment(span.first), calendar.moment(span.end), span=span.written)
