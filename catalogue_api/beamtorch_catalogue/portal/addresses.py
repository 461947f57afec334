"""The addresses of searches: what a query string asks for, and the link that asks for it again."""

from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import QueryParams

from beamtorch_catalogue.services.search import FILTERS, Wish
from beamtorch_catalogue.wire import Order
from beamtorch_facility.dataset import DatasetKind

PAGE = 25
"""How many results a page shows if nobody asks for more."""
_MOST_RESULTS = 100
FILTERED = ("kind", "technique", *FILTERS)
"""What can be filtered by; of several values of one, a dataset has to have one."""
_LONGEST, _MOST_VALUES = 500, 50
_MOST_STEPS = 20
"""So many pages back are remembered; whoever is further down goes to the first."""


@dataclass(frozen=True)
class Asked:
    """A search and the way that somebody took through its pages."""

    wish: Wish
    trail: tuple[str, ...] = ()
    """Where the pages before this one began, without the first."""

    @property
    def first(self) -> Wish:
        """The same search from its first page on."""
        return replace(self.wish, after=None)

    def next(self, place: str) -> str:
        """Return the address of the page that begins at a place."""
        trail = (*self.trail, self.wish.after) if self.wish.after else ()
        return link(replace(self.wish, after=place), trail[-_MOST_STEPS:])

    def before(self) -> str | None:
        """Return the address of the page before this one; None on the first."""
        if not self.wish.after:
            return None
        if not self.trail:
            return link(self.first)
        return link(replace(self.wish, after=self.trail[-1]), self.trail[:-1])


def asked(given: QueryParams) -> Asked:
    """Return what a query string asks for; what is no filter or makes no sense as one is left out."""
    filters = {name: values for name in FILTERED if (values := _values(given, name))}
    limit = given.get("limit", "")
    wish = Wish(
        q=given.get("q", "").strip(),
        filters=filters,
        limit=min(max(int(limit), 1), _MOST_RESULTS) if limit.isascii() and limit[:4].isdigit() else PAGE,
        after=given.get("after", "")[:_LONGEST] or None,
        order=Order.OLDEST if given.get("sort") == Order.OLDEST else Order.NEWEST,
    )
    trail = tuple(filter(None, given.get("trail", "").split(".")))
    return Asked(wish, trail[-_MOST_STEPS:] if wish.after else ())


def link(wish: Wish, trail: tuple[str, ...] = ()) -> str:
    """Return the address of a search, relative to the portal."""
    given: list[tuple[str, str]] = [("q", wish.q)] if wish.q else []
    given += [(name, value) for name, values in wish.filters.items() for value in values]
    if wish.limit != PAGE:
        given.append(("limit", str(wish.limit)))
    if wish.order is not Order.NEWEST:
        given.append(("sort", wish.order.value))
    if wish.after:
        given.append(("after", wish.after))
    if trail:
        given.append(("trail", ".".join(trail)))
    return f"?{urlencode(given)}"


def toggled(wish: Wish, name: str, value: str) -> Wish:
    """Return a search with one value of a filter more, or less if it was there; from its first page on."""
    held = tuple(wish.filters.get(name, ()))
    values = tuple(one for one in held if one != value) if value in held else (*held, value)
    filters = {**wish.filters, name: values}
    return replace(wish, filters={key: some for key, some in filters.items() if some}, after=None)


def turned(wish: Wish) -> Wish:
    """Return the same search from its other end."""
    order = Order.OLDEST if wish.order is Order.NEWEST else Order.NEWEST
    return replace(wish, order=order, after=None)


def without_filter(wish: Wish, name: str) -> Wish:
    """Return a search that does not filter by something; from its first page on."""
    return replace(wish, filters={key: some for key, some in wish.filters.items() if key != name}, after=None)


def back_to(referrer: str, portal: str) -> str:
    """Return the search that somebody comes from, relative to the portal; nothing if they come from elsewhere."""
    try:
        parts = urlsplit(referrer)
    except ValueError:
        return ""
    if parts.path != portal or not parts.query:
        return ""
    return f"?{urlencode(parse_qs(parts.query), doseq=True)}"


def _values(given: QueryParams, name: str) -> tuple[str, ...]:
    found = (value for value in given.getlist(name)[:_MOST_VALUES] if value and value.isprintable())
    known = set(DatasetKind)
    return tuple(dict.fromkeys(value[:_LONGEST] for value in found if name != "kind" or value in known))
