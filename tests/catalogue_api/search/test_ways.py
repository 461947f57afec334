"""Whatever way a search goes, it finds the same: each way of each database is forced upon the same questions."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.services import ways, ways_postgresql, ways_sqlite
from beamtorch_catalogue.services.search import Wish
from beamtorch_catalogue.testing.inside import ada, ingestor, synthetic_catalogue
from beamtorch_catalogue.wire import Order

QUERIES = ("", "bone", "structure", "scan", "nosuchword", "scan -bone", "-bone", "structure energy 5..40 keV",
           "structure energy 8..30 keV temperature 100..900 K", "energy 12..30 keV", "temperature 80..1500 K",
           "structure -bone energy 5..40 keV", "kind:raw energy 5..30 keV", "kind:raw structure", "sample:a",
           "kind:raw structure energy 5..30 keV", "file:scan_0000003", "composition:C structure")  # fmt: skip
Force = Callable[[pytest.MonkeyPatch], None]


def _costing(walk: float, gather: float, *, in_range: float, few: int, looked_up: int = 20, tested: float = 0) -> Force:
    def force(patch: pytest.MonkeyPatch) -> None:
        def cost(part: ways.Part, *_: object) -> ways_postgresql._Cost:
            return ways_postgresql._Cost(walk, gather if part.reason.indexed else math.inf, tested)

        patch.setattr(ways_postgresql, "_WIDE", 0.001)

        patch.setattr(ways_postgresql._Cost, "of", cost)
        patch.setattr(ways_postgresql, "_IN_RANGE", in_range)
        patch.setattr(ways_postgresql, "_MOST_SORTED", few)
        patch.setattr(ways_postgresql, "_LOOKED_UP", looked_up)

    return force


def _deciding(*, range_is_few: bool, strand_is_few: bool, few: int) -> Force:
    def force(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(ways_sqlite, "_is_range_worth_collecting", lambda sought, _: bool(sought.ranges) and range_is_few)
        patch.setattr(ways_sqlite, "_is_strand_worth_collecting", lambda *_: strand_is_few)
        patch.setattr(ways_sqlite, "FEW", few)

    return force


WAYS: dict[str, dict[str, Force]] = {
    "postgresql": {
        "walked, the range collected": _costing(0, math.inf, in_range=0, few=-1),
        "walked, the range looked up": _costing(0, math.inf, in_range=0, few=-1, looked_up=0),
        "walked, tested by the numbers of the range": _costing(0, math.inf, in_range=0, few=-1, tested=math.inf),
        "gathered": _costing(math.inf, 0, in_range=0, few=-1),
        "gathered, tested by the numbers of the range": _costing(math.inf, 0, in_range=0, few=-1, tested=math.inf),
        "along the range": _costing(math.inf, math.inf, in_range=0, few=10**9),
        "along the words": _costing(math.inf, math.inf, in_range=10**9, few=10**9),
        "along the words, the range looked up": _costing(math.inf, math.inf, in_range=10**9, few=10**9, looked_up=0),
    },
    "sqlite": {
        "along the range": _deciding(range_is_few=True, strand_is_few=False, few=10**9),
        "walked, or led with ranges looked up": _deciding(range_is_few=False, strand_is_few=False, few=-1),
        "the strand collected, or led with ranges collected": _deciding(
            range_is_few=False, strand_is_few=True, few=10**9
        ),
    },
}


@pytest.fixture
def factory(database: str, tmp_path: Path) -> Iterator[Factory]:
    with synthetic_catalogue(database, tmp_path, 250) as made:
        yield made


def test_every_way_gives_the_same_pages_and_counts(factory: Factory, monkeypatch: pytest.MonkeyPatch):
    expected = answers(factory)
    assert len({len(found) for found in expected.values()}) > 5, "the questions are too much alike to tell ways apart"
    for way, force in WAYS["sqlite" if factory.database.is_sqlite else "postgresql"].items():
        with monkeypatch.context() as patch:
            force(patch)
            found = answers(factory)
        assert [q for q in expected if found[q] != expected[q]] == [], way


def answers(factory: Factory) -> dict[tuple[str, str, Order], tuple[object, ...]]:
    """Ask everything of everybody, newest and oldest first; return the names in their order, and what was counted."""
    given = {}
    for who in (ada(), ingestor()):
        for q in QUERIES:
            for order in Order:
                names: list[str] = []
                after, totals = None, set()
                count = factory.search.count(who, Wish(q=q, order=order)).total
                while after is not None or not totals:
                    page = factory.search.page(who, Wish(q=q, order=order, limit=90, after=after))
                    names += [str(one.id) for one in page.datasets]
                    if page.total_is_capped:
                        assert page.total == len(names) < count
                    else:
                        totals.add(page.total)
                    after = page.next
                facets = factory.search.facets(who, Wish(q=q, order=order)).counted
                assert totals == {len(names)} == {count} == {facets}
                given[who.name, q, order] = tuple(names)
    return given
