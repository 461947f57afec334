"""The facets beside a list of results: each value with its count and the search that it leads to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from beamtorch_catalogue.portal.addresses import FILTERED, link, toggled, without_filter
from beamtorch_catalogue.portal.asking import chosen, toggled_field
from beamtorch_catalogue.query import Query
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.search import Search, Wish
from beamtorch_catalogue.wire import Count, Facet, FacetValue
from beamtorch_facility.words import Words

FIRST_VALUES = 7
"""So many values stand open; the others behind “show more”."""
_ORDER = ("technique", "sample_name", "beamline", "kind", "proposal", "year", "state")
_DULL_ALONE = frozenset({"proposal", "year", "state"})
"""Facets that say nothing with a single value, which all results then have."""
Label = Callable[[str, str], Words]
"""Gives what a value of a filter is called."""


@dataclass(frozen=True)
class Choice:
    """One line of a facet: a link that adds or drops a value."""

    value: str
    label: Words
    is_data: bool
    href: str
    count: str
    is_on: bool


@dataclass(frozen=True)
class Shown:
    """A facet as it is shown."""

    name: str
    label: Words
    choices: tuple[Choice, ...]
    more: tuple[Choice, ...]
    is_capped: bool
    is_cut: bool


def facets(search: Search, reader: Reader, wish: Wish, query: Query, label: Label) -> tuple[tuple[Shown, ...], Count]:
    """Return the facets of a search, and over how many hits they were counted; capped, there are more.

    The values of a facet that is filtered by are counted without that filter, so that a second one can be added.

    Parameters
    ----------
    label
        For values that are filtered by and that no result has.
    """
    first = replace(wish, after=None)
    counted = search.facets(reader, first)
    by_name = {facet.name: facet for facet in counted.facets}
    for name in set(first.filters) & set(by_name):
        others = search.facets(reader, without_filter(first, name))
        by_name |= {facet.name: facet for facet in others.facets if facet.name == name}
    ordered = [*(name for name in _ORDER if name in by_name), *(name for name in by_name if name not in _ORDER)]
    total = Count(total=counted.counted, total_is_capped=any(facet.is_capped for facet in counted.facets))
    shown = (_shown(by_name[name], first, query, label) for name in ordered)
    return tuple(facet for facet in shown if facet is not None), total


def count(number: int, *, is_capped: bool) -> str:
    """Return a count as written, with a plus where counting stopped."""
    return f"{number:,}{'+' if is_capped else ''}"


def _shown(facet: Facet, wish: Wish, query: Query, label: Label) -> Shown | None:
    on = tuple(wish.filters.get(facet.name, ())) if facet.name in FILTERED else chosen(query, facet.name)
    values = [value for value in facet.values if value.value]
    known = {value.value for value in values}
    values += [FacetValue(value=one, label=label(facet.name, one), count=0) for one in on if one not in known]
    if not values or (len(values) == 1 and not on and facet.name in _DULL_ALONE):
        return None
    if facet.name == "year":
        values.sort(key=lambda value: value.value, reverse=True)
    choices = tuple(_choices(facet, values, on, wish, query))
    ahead = [choice for index, choice in enumerate(choices) if index < FIRST_VALUES or choice.is_on]
    return Shown(
        name=facet.name,
        label=facet.label,
        choices=tuple(ahead),
        more=tuple(choice for choice in choices if choice not in ahead),
        is_capped=facet.is_capped,
        is_cut=facet.is_cut,
    )


def _choices(
    facet: Facet, values: Iterable[FacetValue], on: tuple[str, ...], wish: Wish, query: Query
) -> Iterable[Choice]:
    for value in values:
        changed = (
            toggled(wish, facet.name, value.value)
            if facet.name in FILTERED
            else toggled_field(wish, query, facet.name, value.value)
        )
        label = _named(value) if facet.name == "beamline" else value.label
        written = count(value.count, is_capped=facet.is_capped)
        yield Choice(value.value, label, label.en == label.zh, link(changed), written, value.value in on)


def _named(beamline: FacetValue) -> Words:
    """Return a beamline by its short name, which people say, and what it is called."""
    short, label = beamline.value, beamline.label
    return label if label.en == short else Words(en=f"{short} {label.en}", zh=f"{short} {label.zh}")
