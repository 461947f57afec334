"""The questions of the catalogue's benchmark, and what a walk over all records answers to them."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from beamtorch_catalogue.synthetic import MATERIALS, TECHNIQUES, TREATMENTS, Synthetic

EMBARGO_MONTHS = 36
CAP = 10_000
PAGE = 25


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
        word, other = chance.choice(MATERIALS), chance.choice((*TREATMENTS, *TECHNIQUES)).split()[0]
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
class _Seen:
    at: str
    second: datetime
    proposal: int
    words: frozenset[str]
    parameters: dict[str, Any]


class Answers:
    """Walks over all records."""

    def __init__(self, made: Synthetic, datasets: int) -> None:
        self._made, self._datasets = made, datasets

    def compare(self, answered: list[tuple[Question, dict[str, Any]]], count: int, seed: int) -> dict[str, int]:
        """Return how many of some answers are as they should be: the newest, and how many there are."""
        chosen = random.Random(seed).sample(answered, min(count, len(answered)))
        hits: list[list[datetime]] = [[] for _ in chosen]
        totals = [0] * len(chosen)
        for seen in self._all():
            for index, (question, _) in enumerate(chosen):
                if _matches(question, seen) and self._may_read(question.person, seen):
                    totals[index] += 1
                    newest = hits[index]
                    newest.append(seen.second)
                    if len(newest) > 50 * PAGE:
                        newest.sort(reverse=True)
                        del newest[PAGE:]
        agreed = 0
        for (question, answer), newest, total in zip(chosen, hits, totals, strict=True):
            told = [datetime.fromisoformat(one["measured_at"]) for one in answer["datasets"]]
            good = told == sorted(newest, reverse=True)[:PAGE] and answer["total"] == min(total, CAP)
            if not good:
                print(f"    differs: {question.person.name} {question.q!r}: {answer['total']} told, {total} counted")
            agreed += good
        return {"compared": len(chosen), "agreed": agreed}

    def _all(self) -> Iterator[_Seen]:
        shared: dict[int, frozenset[str]] = {}
        for one in self._made.datasets(self._datasets):
            index = int(one["beamtime"].removeprefix("BT-"))
            if index not in shared:
                shared[index] = frozenset(self._words_of_proposal(index))
            own = f"{one['name']} {one['technique']} {one['kind']} {one['sample']} {one['software']}"
            files = " ".join(file["path"].rpartition("/")[2] for file in one["files"])
            texts = " ".join(value for value in one["parameters"].values() if isinstance(value, str))
            words = frozenset(_words(f"{own} {files} {texts}")) | shared[index]
            second = datetime.fromisoformat(one["measured_at"])
            yield _Seen(one["measured_at"], second, index, words, one["parameters"])

    def _words_of_proposal(self, index: int) -> list[str]:
        title = (
            f"Structure of {TREATMENTS[index % len(TREATMENTS)]} {MATERIALS[index * 13 % len(MATERIALS)]} in operando"
        )
        beamline = self._made.beamline(index)
        names = f"{self._made.proposal(index)} {self._made.beamtime(index)} {beamline} Beamline user{index % 3000}"
        return _words(f"{title} {names}")

    def _may_read(self, person: Person, seen: _Seen) -> bool:
        if person.is_admin or seen.proposal in person.proposals:
            return True
        end = self._made.start(seen.proposal) + timedelta(days=4)
        first = end + timedelta(days=1)
        year, month = divmod(first.year * 12 + first.month - 1 + EMBARGO_MONTHS, 12)
        day = min(first.day, 28 if month == 1 else 30 if month in {3, 5, 8, 10} else 31)
        return datetime(year, month + 1, day, tzinfo=UTC) <= datetime.now(UTC)


def _matches(question: Question, seen: _Seen) -> bool:
    for word in question.words:
        if word not in seen.words and (len(word) < 3 or not any(other.startswith(word) for other in seen.words)):
            return False
    if question.limits is None:
        return True
    name, low, high, _ = question.limits
    written = seen.parameters[name]
    value = written["value"] / 1000 if written["unit"] == "eV" else written["value"]
    return bool(low <= value <= high)


def _words(written: str) -> list[str]:
    return re.findall(r"[0-9a-z]+", written.lower())
