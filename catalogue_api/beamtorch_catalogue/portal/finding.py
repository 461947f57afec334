"""The search page: results with what belongs around them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from beamtorch_catalogue.portal import labels, narrowing
from beamtorch_catalogue.portal.addresses import FILTERED, Asked, link, toggled, turned
from beamtorch_catalogue.portal.asking import (
    Chip,
    Limits,
    Quick,
    chips,
    dated,
    days_of,
    energies_of,
    in_energies,
    quick_dates,
    without_query,
)
from beamtorch_catalogue.query import QueryError
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.search import Search, Wish
from beamtorch_catalogue.vocabulary import FacilityVocabulary
from beamtorch_catalogue.wire import Count, DatasetPage
from beamtorch_facility.words import Words

_MOST_OFFERS = 5


@dataclass(frozen=True)
class Offer:
    """A search with one condition less that finds something where all of them together do not."""

    chip: Chip
    count: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """A page of results with what belongs around it."""

    page: DatasetPage
    facets: tuple[narrowing.Shown, ...]
    total: str
    """Number of hits as written, as far as the page or the facets know it."""
    is_capped: bool
    """Whether there are more."""
    counted: str
    """Over how many hits capped facets were counted."""
    chips: tuple[Chip, ...]
    offers: tuple[Offer, ...]
    dates: tuple[Quick, ...]
    days: Limits
    energies: Limits
    more: str | None
    before: str | None
    first: str | None
    """Link to the first page, if this is not it."""
    turned: str
    """Link to the same search from its other end."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Asks the search for everything on its page."""

    search: Search
    vocabulary: FacilityVocabulary

    def find(self, reader: Reader, asked: Asked, *, alone: bool = False) -> Found:
        """Search; raise `QueryError` for what cannot be understood.

        Parameters
        ----------
        alone
            Whether only the results are wanted, to go below others.
        """
        wish = asked.wish
        query = self.search.query(reader, wish.q)
        page = self.search.page(reader, wish)
        total = Count(total=page.total, total_is_capped=page.total_is_capped)
        facets, counted = ((), total) if alone else narrowing.facets(self.search, reader, wish, query, self._value)
        total = counted if total.total_is_capped else total
        taken = (*self._filters(asked.first, facets), *chips(wish, query, self.vocabulary.models))
        return Found(
            page=page,
            facets=facets,
            total=narrowing.count(total.total, is_capped=total.total_is_capped),
            is_capped=total.total_is_capped,
            counted=f"{counted.total:,}",
            chips=taken,
            offers=() if page.total else tuple(self._offers(reader, taken)),
            dates=tuple(quick_dates(asked.first, query, reader.asked_at.year)),
            days=days_of(query),
            energies=energies_of(query),
            more=asked.next(page.next) if page.next else None,
            before=asked.before(),
            first=link(asked.first) if wish.after else None,
            turned=link(turned(wish)),
        )

    def chips_of_filters(self, asked: Asked) -> tuple[Chip, ...]:
        """Return what can be taken off although nobody understands the query."""
        return tuple(self._filters(asked.first, ()))

    def composed(self, reader: Reader, wish: Wish, *, energy: str | None, dates: str | None) -> Wish:
        """Return a search with what the fields beside the list say, instead of what the query said about it.

        Parameters
        ----------
        energy, dates
            A range and a span as terms have them; empty: any; None: as the query has it.
        """
        try:
            query = self.search.query(reader, wish.q)
        except QueryError:
            return without_query(wish, energy=energy or "", dates=dates or "")
        if energy is not None:
            wish = in_energies(wish, query, energy)
            query = self.search.query(reader, wish.q)
        return wish if dates is None else dated(wish, query, dates)

    def _filters(self, wish: Wish, facets: Iterable[narrowing.Shown]) -> Iterable[Chip]:
        known = {(facet.name, choice.value): choice.label for facet in facets for choice in facet.choices}
        for name in FILTERED:
            for value in wish.filters.get(name, ()):
                said = known.get((name, value)) or self._value(name, value)
                yield Chip(labels.FIELDS[name], said, said.en == said.zh, "", toggled(wish, name, value))

    def _value(self, name: str, value: str) -> Words:
        if name == "technique":
            return self.vocabulary.techniques.label(value)
        return labels.value_of(name, value, self.vocabulary.models)

    def _offers(self, reader: Reader, taken: Iterable[Chip]) -> Iterable[Offer]:
        held = list(taken)
        for chip in held[:_MOST_OFFERS] if len(held) > 1 else ():
            found = self.search.count(reader, chip.less)
            if found.total:
                yield Offer(chip, narrowing.count(found.total, is_capped=found.total_is_capped))


def mended(asked: Asked, error: QueryError) -> tuple[str, str] | None:
    """Return the query with what was probably meant, and its address."""
    meant, position = error.facts.get("suggestion"), error.facts.get("position")
    if not meant or position is None:
        return None
    given = asked.wish.q
    q = given[:position] + str(meant) + given[position + int(error.facts.get("length", 0)) :]
    return q, link(replace(asked.first, q=q))
