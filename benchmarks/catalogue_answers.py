"""The questions of the catalogue's benchmark, and what a walk over all records answers to them."""

import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import Any

from beamtorch_catalogue.services.search import COUNT_CAP
from beamtorch_catalogue.synthetic import MATERIALS, TECHNIQUES, TREATMENTS, Synthetic

EMBARGO_MONTHS = 36
PAGE = 25
_PART = 20_000
_SHORTEST_PREFIX = 3


@dataclass(frozen=True)
class Person:
    """Somebody who asks."""

    name: str
    proposals: tuple[int, ...]
    is_admin: bool = False


@dataclass(frozen=True)
class Question:
    """A query, with what it means told once more in plain values."""

    kind: str
    person: Person
    words: tuple[str, ...] = ()
    limits: tuple[str, float, float, str] | None = None

    @property
    def q(self) -> str:
        """The query as somebody types it."""
        parts = list(self.words)
        if self.limits:
            name, low, high, unit = self.limits
            parts.append(f"{name} {low:g}..{high:g} {unit}")
        return " ".join(parts)


def questions(people: list[Person], datasets: int, count: int, seed: int) -> list[Question]:
    """Return questions of all kinds, by everybody in turn."""
    chance = random.Random(seed)
    common = ("structure", "h5", "scan", "beamline", "operando")
    made = []
    for index in range(count):
        person, kind = people[index % len(people)], index // len(people) % 6
        word, other = chance.choice(MATERIALS), re.split("[ -]", chance.choice((*TREATMENTS, *TECHNIQUES)))[0]
        number = f"{chance.randrange(datasets):07}"
        match kind:
            case 0:
                made.append(Question("words", person, (word,)))
            case 1:
                made.append(Question("words", person, (word, other)))
            case 2:
                rare = chance.choice([("nosuchword",), (word, "xyzzy"), (number,), (chance.choice(common),)])
                made.append(Question("words", person, rare))
            case 3:
                made.append(Question("range", person, limits=_limits(chance)))
            case 4:
                made.append(Question("range", person, limits=("energy", 50 + index, 60 + index, "keV")))
            case _:
                made.append(Question("words and range", person, (chance.choice([word, *common]),), _limits(chance)))
    return made


def _limits(chance: random.Random) -> tuple[str, float, float, str]:
    name, low, high, unit = chance.choice(
        [("energy", 5, 40, "keV"), ("temperature", 80, 1500, "K"), ("exposure_time", 0.01, 10, "s")]
    )
    width = (high - low) * chance.choice([0.0005, 0.01, 0.1, 0.5, 1])
    start = chance.uniform(low, high - width)
    return name, round(start, 3), round(start + width, 3), unit


@dataclass(frozen=True)
class Expected:
    """What a walk over all records answers: when the newest were measured, and how many there are."""

    question: Question
    newest: tuple[datetime, ...]
    total: int

    def is_met(self, answer: dict[str, Any]) -> bool:
        """Tell whether an answer says the same; says on the terminal how not."""
        told = tuple(datetime.fromisoformat(one["measured_at"]) for one in answer["datasets"])
        good = told == self.newest and answer["total"] == min(self.total, COUNT_CAP)
        if not good:
            who, q = self.question.person.name, self.question.q
            print(f"    differs: {who} {q!r}: {answer['total']} told, {self.total} counted")
        return good


def walk(made: Synthetic, datasets: int, asked: list[Question]) -> list[Expected]:
    """Answer questions by a look at every record, in all processes that the machine has."""
    jobs = [(made, first, min(_PART, datasets - first), asked) for first in range(0, datasets, _PART)]
    hits: list[list[datetime]] = [[] for _ in asked]
    totals = [0] * len(asked)
    with get_context("spawn").Pool() as pool:
        for part in pool.imap_unordered(_walk_part, jobs):
            for index, (newest, total) in enumerate(part):
                totals[index] += total
                hits[index] = sorted([*hits[index], *newest], reverse=True)[:PAGE]
    return [Expected(*one) for one in zip(asked, map(tuple, hits), totals, strict=True)]


def _walk_part(given: tuple[Synthetic, int, int, list[Question]]) -> list[tuple[list[datetime], int]]:
    made, first, count, asked = given
    records = Records(made)
    hits: list[list[datetime]] = [[] for _ in asked]
    totals = [0] * len(asked)
    for one in made.datasets(count, first):
        words, proposal, second = records.seen(one)
        for index, question in enumerate(asked):
            if records.matches(question, one, words, proposal):
                totals[index] += 1
                hits[index].append(second)
    return [(sorted(newest, reverse=True)[:PAGE], total) for newest, total in zip(hits, totals, strict=True)]


class Records:
    """What a record says, looked at without the catalogue."""

    def __init__(self, made: Synthetic) -> None:
        self._made = made
        self._shared: dict[int, frozenset[str]] = {}
        self._in_shared: dict[tuple[str, int], bool] = {}
        self._opens: dict[int, bool] = {}

    def seen(self, one: dict[str, Any]) -> tuple[frozenset[str], int, datetime]:
        """Return the words of a record itself, the number of its proposal, and when it was measured."""
        own = f"{one['name']} {one['technique']} {one['kind']} {one['sample']} {one['software']}"
        files = " ".join(file["path"].rpartition("/")[2] for file in one["files"])
        texts = " ".join(value for value in one["parameters"].values() if isinstance(value, str))
        index = int(one["beamtime"].removeprefix("BT-"))
        return frozenset(_words(f"{own} {files} {texts}")), index, datetime.fromisoformat(one["measured_at"])

    def matches(self, question: Question, one: dict[str, Any], words: frozenset[str], proposal: int) -> bool:
        """Tell whether a person may read a record, and it is what they ask for."""
        if not self._may_read(question.person, proposal):
            return False
        if question.limits is not None:
            name, low, high, _ = question.limits
            written = one["parameters"][name]
            value = written["value"] / 1000 if written["unit"] == "eV" else written["value"]
            if not low <= value <= high:
                return False
        return all(_begins(word, words) or self._is_shared(word, proposal) for word in question.words)

    def _is_shared(self, word: str, proposal: int) -> bool:
        known = self._in_shared.get((word, proposal))
        if known is None:
            if proposal not in self._shared:
                self._shared[proposal] = frozenset(self._words_of_proposal(proposal))
            known = self._in_shared[word, proposal] = _begins(word, self._shared[proposal])
        return known

    def _words_of_proposal(self, index: int) -> list[str]:
        title = (
            f"Structure of {TREATMENTS[index % len(TREATMENTS)]} {MATERIALS[index * 13 % len(MATERIALS)]} in operando"
        )
        beamline = self._made.beamline(index)
        names = f"{self._made.proposal(index)} {self._made.beamtime(index)} {beamline} Beamline user{index % 3000}"
        return _words(f"{title} {names}")

    def _may_read(self, person: Person, proposal: int) -> bool:
        if person.is_admin or proposal in person.proposals:
            return True
        if proposal not in self._opens:
            end = self._made.start(proposal) + timedelta(days=4)
            first = end + timedelta(days=1)
            year, month = divmod(first.year * 12 + first.month - 1 + EMBARGO_MONTHS, 12)
            day = min(first.day, 28 if month == 1 else 30 if month in {3, 5, 8, 10} else 31)
            self._opens[proposal] = datetime(year, month + 1, day, tzinfo=UTC) <= datetime.now(UTC)
        return self._opens[proposal]


def _begins(word: str, words: frozenset[str]) -> bool:
    """Tell whether a word is there, or one of three letters and more begins one that is."""
    return word in words or (len(word) >= _SHORTEST_PREFIX and any(other.startswith(word) for other in words))


def _words(written: str) -> list[str]:
    return re.findall(r"[0-9a-z]+", written.lower())
