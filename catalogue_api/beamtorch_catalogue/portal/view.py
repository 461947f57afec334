"""From what the services answer to what the pages show. Blocking, so the doors call it in a thread."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from beamtorch_catalogue.portal import labels
from beamtorch_catalogue.services.datasets import Datasets, NoSuchDatasetError
from beamtorch_catalogue.services.downloads import Downloads, name_of
from beamtorch_catalogue.services.facility import FacilityOffice
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.search import Search, Wish
from beamtorch_catalogue.wire import Dataset, DatasetPage, FileRecord
from beamtorch_facility.dataset import DatasetId, DatasetKind
from beamtorch_facility.look.written import quantity
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

PAGE = 25
"""How many results a page shows if nobody asks for more."""
_MOST_RELATIVES = 6
_QUOTED = re.compile(r"“(.+?)”")


@dataclass(frozen=True)
class Choice:
    """One line of a facet: a link that sets or drops a filter."""

    label: Words
    href: str
    count: str
    is_on: bool


@dataclass(frozen=True)
class Offer:
    """A search that finds something where this one does not."""

    dropped: str
    """What was left out, as it was typed; empty for a filter."""
    filter: Words | None
    href: str
    count: str


@dataclass(frozen=True)
class Found:
    """A page of results with what belongs around it."""

    wish: Wish
    page: DatasetPage
    kinds: tuple[Choice, ...]
    techniques: tuple[Choice, ...]
    offers: tuple[Offer, ...]
    more: str | None
    newest: str | None
    """Link to the first page, if this is not it."""

    @property
    def total(self) -> str:
        """Number of hits as written."""
        return written_total(self.page)


@dataclass(frozen=True)
class Relative:
    """A dataset that another one was made from, or into."""

    id: str
    name: str
    kind: Words
    size: int


@dataclass(frozen=True)
class Shown:
    """A dataset as its page shows it."""

    dataset: Dataset
    groups: tuple[tuple[Words, tuple[tuple[Words, str], ...]], ...]
    parents: tuple[Relative, ...]
    children: tuple[Relative, ...]

    @property
    def opens_in_ct(self) -> bool:
        """Whether the CT app is for it."""
        return self.dataset.technique == "tomography" and self.dataset.kind is not DatasetKind.PROCESSED

    def download(self, file: FileRecord) -> str:
        """Return the address of a file of it, relative to the portal."""
        return f"page/{self.dataset.id}/files/{quote(name_of(self.dataset, file.path))}"


@dataclass(frozen=True, kw_only=True)
class Portal:
    """What the pages ask; every answer comes from the services, so that nothing passes by the access function."""

    search: Search
    datasets: Datasets
    facility: FacilityOffice
    downloads: Downloads

    def find(self, reader: Reader, wish: Wish) -> Found:
        """Search, and tell which filters would leave how much; raise `QueryError` for what cannot be understood."""
        page = self.search.page(reader, wish)
        first = replace(wish, after=None)
        seen = {dataset.technique for dataset in page.datasets} | {wish.technique or ""}
        usual = {instrument.technique for instrument in self.facility.instruments(reader)}
        return Found(
            wish=wish,
            page=page,
            kinds=tuple(self._kinds(reader, first)),
            techniques=tuple(self._techniques(reader, first, sorted((seen | usual) - {""}))),
            offers=tuple(self._offers(reader, first, page)) if not page.total else (),
            more=link(replace(wish, after=page.next)) if page.next else None,
            newest=link(first) if wish.after else None,
        )

    def show(self, reader: Reader, dataset: DatasetId) -> Shown:
        """Return one dataset; raise `NoSuchDatasetError` for one that the reader may not read."""
        found = self.datasets.dataset(reader, dataset)
        return Shown(
            dataset=found,
            groups=tuple(_groups(found)),
            parents=tuple(self._relatives(reader, found.parents)),
            children=tuple(self._relatives(reader, found.children)),
        )

    def _count(self, reader: Reader, wish: Wish) -> DatasetPage:
        return self.search.page(reader, replace(wish, limit=1, after=None))

    def _kinds(self, reader: Reader, wish: Wish) -> Iterable[Choice]:
        for kind, label in labels.KINDS.items():
            is_on = wish.kind is kind
            page = self._count(reader, replace(wish, kind=kind))
            if page.total or is_on:
                yield Choice(label, link(replace(wish, kind=None if is_on else kind)), written_total(page), is_on)

    def _techniques(self, reader: Reader, wish: Wish, names: list[str]) -> Iterable[Choice]:
        for name in names:
            is_on = wish.technique == name
            page = self._count(reader, replace(wish, technique=name))
            if not page.total and not is_on:
                continue
            href = link(replace(wish, technique=None if is_on else name))
            yield Choice(labels.technique(name), href, written_total(page), is_on)

    def _offers(self, reader: Reader, wish: Wish, page: DatasetPage) -> Iterable[Offer]:
        """Yield the searches with one condition less that find something."""
        for part in _QUOTED.findall(page.advice.en) if page.advice else ():
            if part in wish.q:
                less = replace(wish, q=" ".join(wish.q.replace(part, " ", 1).split()))
                yield Offer(part, None, link(less), written_total(self._count(reader, less)))
        filters = []
        if wish.kind is not None:
            filters.append((labels.KINDS[wish.kind], replace(wish, kind=None)))
        if wish.technique:
            filters.append((labels.technique(wish.technique), replace(wish, technique=None)))
        for label, less in filters:
            counted = self._count(reader, less)
            if counted.total:
                yield Offer("", label, link(less), written_total(counted))

    def _relatives(self, reader: Reader, ids: tuple[DatasetId, ...]) -> Iterable[Relative]:
        for one in ids[:_MOST_RELATIVES]:
            try:
                found = self.datasets.dataset(reader, one)
            except NoSuchDatasetError:
                continue  # withdrawn since
            yield Relative(str(found.id), found.name, labels.KINDS[found.kind], found.size)


def link(wish: Wish) -> str:
    """Return the address of a search, relative to the portal."""
    asked = {
        "q": wish.q,
        "kind": wish.kind.value if wish.kind else "",
        "technique": wish.technique,
        "after": wish.after,
    }
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"?{query}" if query else "?"


def written_total(page: DatasetPage) -> str:
    """Return a number of hits, with a plus where counting stopped."""
    return f"{page.total:,}{'+' if page.total_is_capped else ''}"


def _groups(dataset: Dataset) -> Iterable[tuple[Words, tuple[tuple[Words, str], ...]]]:
    left = dict(dataset.parameters)
    for title, names in labels.GROUPS:
        rows = tuple((label, _written(left.pop(name))) for name, label in names.items() if name in left)
        if rows:
            yield title, rows
    if left:
        yield labels.FURTHER, tuple((labels.parameter(name), _written(value)) for name, value in sorted(left.items()))


def _written(value: Quantity | str) -> str:
    return quantity(value) if isinstance(value, Quantity) else value
