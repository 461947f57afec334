"""From a text to a query: one walk from left to right, where each term is recognised by how it begins."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import NoReturn

from beamtorch_catalogue.query.dates import Calendar
from beamtorch_catalogue.query.errors import FULL_WIDTH, BadDateError, QueryError, Spot, UnknownFieldError
from beamtorch_catalogue.query.fields import CLOSES, behind_spaces, field_term, quotation, refuse_range, values
from beamtorch_catalogue.query.names import ALIKE, DATE, FIELDS, KNOWN, LONGEST, MOST_WORDS, TextField, Vocabulary
from beamtorch_catalogue.query.ranges import COMPARISON, EQUAL, RANGE, UNIT_ENDS, Limits, Meaning
from beamtorch_catalogue.query.terms import Phrase, Query, Term, Word
from beamtorch_facility.clock import Clock, SystemClock

MOST_TERMS = 50
_DASH = "-"
_TOKEN = re.compile(r"\S+")
_COLON = re.compile(r"[^\s:<>=≤≥\"“”„「」『』]+:")
_BEFORE_SIGN = re.compile(r"[^\s:<>=≤≥]+(?=\s*[<>=≤≥])")
_CHINESE_NAME = re.compile(r"[\u3400-\u9fff]+")
_LIKE_A_FIELD = re.compile(r"[^\W\d_]+(?:[-_][^\W\d_]+)*")
_NO_VALUE = frozenset("/\\:")
"""After a colon: an address, a path, a name of a program."""
_SCHEMES = frozenset({"ark", "cstr", "doi", "hdl", "mailto", "orcid", "urn"})
"""Names before a colon that are part of an identifier."""
_DATES = re.compile(r"\d{4}-\d{1,2}(?:-\d{1,2})?(?:\.\.+|…)(?:\d{4}(?:-\d{1,2}){0,2})?")
_SURE = 0.75
"""How alike a word before a colon and a space has to be to a field to be a misspelled one."""


def parse(
    text: str,
    parameters: Mapping[str, frozenset[str]] | None = None,
    *,
    aliases: Mapping[str, str] | None = None,
    fields: Mapping[str, TextField] | None = None,
    now: datetime | None = None,
    zone: tzinfo = UTC,
    clock: Clock | None = None,
) -> Query:
    """Understand a query.

    Parameters
    ----------
    text
        What somebody typed, at most `LONGEST` characters and `MOST_TERMS` terms.
    parameters
        Further parameter names that the asker can see, with the dimensions that they occur in.
    aliases
        What else parameters and fields are called, in either language.
    fields
        Further fields of text, by name.
    now
        The moment that ``today`` and ``7d`` are about; by default what `clock` says.
    zone
        Where days begin and end.
    clock
        Asked once, and only if `now` is not given; by default the clock of this machine.

    Raises
    ------
    QueryError
        If it cannot be understood; the error says where, why and what was probably meant.
    """
    if len(text) > LONGEST:
        Spot(text, LONGEST, LONGEST + 1).refuse(
            QueryError, f"a search has at most {LONGEST} characters; this one has {len(text)}. Shorten it.",
            f"搜索最多 {LONGEST} 个字符，当前 {len(text)} 个。请缩短。",
        )  # fmt: skip
    moment = (clock or SystemClock()).now() if now is None else now
    vocabulary = Vocabulary(parameters=parameters, aliases=aliases, fields=fields)
    return _Reader(text, vocabulary, Calendar(moment, zone)).query()


class _Reader:
    """Reads one query."""

    def __init__(self, text: str, vocabulary: Vocabulary, calendar: Calendar) -> None:
        self._text, self._plain = text, text.translate(FULL_WIDTH)
        self._vocabulary, self._calendar = vocabulary, calendar
        self._meaning = Meaning(vocabulary)
        self._terms: list[Term] = []

    def query(self) -> Query:
        position = behind_spaces(self._plain, 0)
        while position < len(self._plain):
            position = behind_spaces(self._plain, self._read(position))
            if len(self._terms) > MOST_TERMS + MOST_WORDS:  # the last words may yet be the name of a range
                break
        if len(self._terms) > MOST_TERMS:
            surplus = self._terms[MOST_TERMS]
            self._spot(surplus.position, surplus.position + len(surplus.text)).refuse(
                QueryError, f"a search has at most {MOST_TERMS} conditions, and this is one more. Leave some out.",
                f"搜索最多 {MOST_TERMS} 个条件，这里已超出。请删去一些。",
            )  # fmt: skip
        return Query(tuple(self._terms))

    def _read(self, start: int) -> int:
        """Read the term that begins here, and return where the next one may begin."""
        limits = self._limits(start)
        if limits is not None:
            return self._nameless(start, limits)
        begin = start + self._is_negated(start)
        if self._plain[begin] in CLOSES:
            return self._phrase(start, begin)
        colon = _COLON.match(self._plain, begin)
        end = None if colon is None else self._named(start, colon)
        if end is None:
            end = self._attached(start, begin)
        return self._word(start, begin) if end is None else end

    def _spot(self, start: int, end: int) -> Spot:
        return Spot(self._text, start, end)

    def _add(self, term: Term, start: int, end: int) -> int:
        negated = term.negated or (self._is_negated(start) and self._limits(start) is None)
        self._terms.append(replace(term, negated=negated, text=self._text[start:end], position=start))
        return end

    def _is_negated(self, start: int) -> bool:
        """Tell a dash before a term from one that stands alone, and from two."""
        following = self._plain[start + 1 : start + 2]
        return self._plain.startswith(_DASH, start) and following not in {"", _DASH} and not following.isspace()

    def _limits(self, start: int, *, is_named: bool = False) -> Limits | None:
        """Read a range or a comparison; dots inside a path such as ``../raw`` are none."""
        match = RANGE.match(self._plain, start) or COMPARISON.match(self._plain, start)
        if match is None:
            return None
        limits = Limits.read(self._text, match)
        return limits if limits.has_number() or is_named or match["unit"] is None else None

    def _phrase(self, start: int, begin: int) -> int:
        if not self._plain[begin + 1 :].strip():
            return len(self._plain)  # somebody is about to type a phrase
        inner, end = quotation(self._text, self._plain, begin)
        words = " ".join(inner.split())
        if not words:
            self._spot(begin, end).refuse(
                QueryError, "there is nothing between these quotes. Write words there, or leave them out.",
                "引号内没有内容，请填写或删去引号。",
            )  # fmt: skip
        return self._add(Phrase(words), start, end)

    def _word(self, start: int, begin: int) -> int:
        token = self._token(begin)
        if _DATES.fullmatch(token.group()):
            meant = f"{DATE}:{token.group()}"
            self._spot(*token.span()).refuse(
                BadDateError, f"dates need their field: {meant}.", f"日期前请写字段名：{meant}。", meant
            )
        return self._add(Word(token.group()), start, token.end())

    def _token(self, start: int) -> re.Match[str]:
        token = _TOKEN.match(self._plain, start)
        assert token is not None  # noqa: S101 - callers stand at a character that is no space
        return token

    def _named(self, start: int, colon: re.Match[str]) -> int | None:
        """Read what has its name before a colon; None if it is a word, such as an address."""
        given, name_spot = colon.group()[:-1], self._spot(colon.start(), colon.end() - 1)
        after = behind_spaces(self._plain, colon.end())
        field, parameter = self._vocabulary.field(given), self._vocabulary.parameter(given)
        limits = self._limits(after, is_named=parameter is not None)
        if limits is not None and parameter is not None and field != DATE:
            return self._range(start, limits, parameter, name_spot)
        if field is not None:
            return self._field(start, field, self._spot(colon.start(), colon.end()), after)
        if parameter is not None:
            number = EQUAL.match(self._plain, after)
            if number is None:
                _no_number(name_spot, parameter)
            return self._range(start, Limits.read(self._text, number), parameter, name_spot)
        if limits is not None and limits.has_number():
            self._meaning.unknown_name(name_spot, given)
        self._refuse_unknown(name_spot, given, colon.end())
        return None

    def _field(self, start: int, name: str, spot: Spot, after: int) -> int:
        if after > spot.end and self._is_named(after):
            after = len(self._plain)  # the value is missing
        given, end = values(self._text, self._plain, after, field=spot, is_term=self._is_named)
        term = field_term(name, self._vocabulary.fields[name], given, self._calendar)
        self._add(term, start, given[-1].spot.end)
        return end

    def _is_named(self, start: int) -> bool:
        """Whether something with a known name and a colon begins here."""
        colon = _COLON.match(self._plain, start + self._is_negated(start))
        name = colon.group()[:-1] if colon else ""
        return bool(name) and (self._vocabulary.field(name) or self._vocabulary.parameter(name)) is not None

    def _refuse_unknown(self, spot: Spot, given: str, after: int) -> None:
        """Refuse a name that looks like a misspelled field; anything else is a word."""
        following = self._plain[after : after + 1]
        is_spaced = not following or following.isspace()
        meant = self._vocabulary.close_name(given, _SURE if is_spaced else ALIKE)
        if not _LIKE_A_FIELD.fullmatch(given) or len(given) == 1 or given.lower() in _SCHEMES:
            return
        if (following and following in _NO_VALUE) or (is_spaced and meant is None):
            return
        known = ", ".join(self._vocabulary.fields if len(self._vocabulary.fields) < MOST_TERMS else FIELDS)
        hint_en, hint_zh = (f" Did you mean {meant}?", f"是否指 {meant}？") if meant else ("", "")
        spot.refuse(
            UnknownFieldError, f"there is no such field.{hint_en} Fields are {known}. Put quotes around a text that "
            "has a colon.",
            f"没有此字段。{hint_zh}可用字段：{known}。含冒号的文本请加引号。", meant,
        )  # fmt: skip

    def _attached(self, start: int, begin: int) -> int | None:
        """Read a name with its comparison (``energy>12 keV``) or range (``能量12..13 keV``) written onto it."""
        name = _BEFORE_SIGN.match(self._plain, begin) or _CHINESE_NAME.match(self._plain, begin)
        limits = self._limits(behind_spaces(self._plain, name.end())) if name else None
        if name is None or limits is None or self._plain[name.end()].isspace():
            return None  # what stands apart is a word until its sign is reached
        parameter, spot = self._name(start, name)
        if parameter is not None and spot is not None:
            return self._range(spot.start, limits, parameter, spot)
        if limits.is_comparison():
            self._refuse_field(name.group(), self._spot(*name.span()))
            if self._vocabulary.close_parameter(name.group()):
                self._meaning.unknown_name(self._spot(*name.span()), name.group())
        return None

    def _nameless(self, start: int, limits: Limits) -> int:
        """Read a range or comparison whose name, if any, is in the words before it."""
        last = self._terms[-1] if self._terms else None
        parameter, spot = self._name(start, None)
        if parameter is None and isinstance(last, Word):
            word_spot = self._spot(last.position, last.position + len(last.text))
            if limits.is_comparison() or self._unit(limits, None)[0] is None:
                self._refuse_field(last.word, word_spot)
            if limits.is_comparison():
                self._meaning.unknown_name(word_spot, last.word)
        return self._range(spot.start if spot else start, limits, parameter, spot)

    def _name(self, start: int, attached: re.Match[str] | None) -> tuple[str | None, Spot | None]:
        """Find a parameter's name in the last words, and take them away: “exposure time 0.1..1 s” has it in two."""
        written = [attached.group()] if attached else []
        for count in range(MOST_WORDS - len(written), -len(written), -1):
            words = [term for term in self._terms[len(self._terms) - count :] if isinstance(term, Word)]
            begins = [*(word.position for word in words), *([start] if attached else [])]
            if len(words) < count or any(self._is_negated(begin) for begin in begins[1:]):
                continue
            parameter = self._vocabulary.parameter("_".join([*(word.word for word in words), *written]))
            if parameter is not None:
                del self._terms[len(self._terms) - count :]
                end = attached.end() if attached else words[-1].position + len(words[-1].text)
                return parameter, self._spot(begins[0], end)
        return None, None

    def _range(self, start: int, limits: Limits, parameter: str | None, name_spot: Spot | None) -> int:
        unit_spot, following = self._unit(limits, parameter)
        term = self._meaning.range(limits, parameter, name_spot, unit_spot)
        self._add(term, start, unit_spot.end if unit_spot else limits.end)
        return following

    def _unit(self, limits: Limits, parameter: str | None) -> tuple[Spot | None, int]:
        """Find the unit, written onto the range or as the next word, and where the query goes on behind it."""
        end = limits.match.end()
        following = behind_spaces(self._plain, end)
        if limits.unit_spot or limits.is_closed or following == len(self._plain) or self._is_term(following):
            return limits.unit_spot, end
        token = self._token(following)
        candidate = token.group().rstrip(UNIT_ENDS)
        if not candidate or self._meaning.is_without_unit(parameter, candidate):
            return None, end
        return self._spot(following, following + len(candidate)), token.end()

    def _is_term(self, start: int) -> bool:
        """Whether something begins here that cannot be a unit."""
        begins = self._is_negated(start) or self._plain[start] in CLOSES or self._limits(start) is not None
        sign = _BEFORE_SIGN.match(self._plain, start)
        return begins or self._is_named(start) or (sign is not None and not self._plain[sign.end()].isspace())

    def _refuse_field(self, word: str, spot: Spot) -> None:
        """Refuse limits after a field that is no number."""
        field = self._vocabulary.field(word)
        if field == DATE:
            spot.refuse(
                BadDateError, "write date:2026-10-01.. for from then on, date:..2026-10-01 for up to then.",
                "请写 日期:2026-10-01..（起）或 日期:..2026-10-01（止）。",
            )  # fmt: skip
        if field is not None:
            refuse_range(field, spot)


def _no_number(spot: Spot, name: str) -> NoReturn:
    usual = f" {KNOWN[name]}" if KNOWN.get(name) else ""
    example = f"{name}:12..13{usual}"
    spot.refuse(
        QueryError, f"{name} is a number. Write a range such as {example}, or a comparison such as {name} > 12{usual}.",
        f"{name} 是数值。请写范围（如 {example}）或比较（如 {name} > 12{usual}）。",
    )  # fmt: skip
