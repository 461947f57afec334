"""The page of a dataset: everything about it in groups with labels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from beamtorch_catalogue.citing.citation import citation
from beamtorch_catalogue.portal import labels
from beamtorch_catalogue.services.datasets import Datasets, NoSuchDatasetError
from beamtorch_catalogue.services.downloads import name_of
from beamtorch_catalogue.services.history import History
from beamtorch_catalogue.services.landings import Landings
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.vocabulary import FacilityVocabulary, MetadataModel, Models
from beamtorch_catalogue.vocabulary.fields import AnyField, IntegerField, NumberField
from beamtorch_catalogue.wire import ChangeRecord, Dataset, FilePage, FileRecord
from beamtorch_facility.dataset import DatasetId, DatasetKind
from beamtorch_facility.look.written import number, quantity
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

FILES = 50
"""Files on one page."""
_MOST_RELATIVES = 6
_MOST_CHANGES = 8


@dataclass(frozen=True)
class Relative:
    """A dataset that another one was made from, or into."""

    id: str
    name: str
    kind: Words
    size: int


@dataclass(frozen=True)
class Row:
    """One line of metadata."""

    label: Words
    value: Words
    help: Words | None = None

    @property
    def is_data(self) -> bool:
        """Whether the value is the same in every language."""
        return self.value.en == self.value.zh


@dataclass(frozen=True)
class Group:
    """Lines of metadata under one title."""

    title: Words
    rows: tuple[Row, ...]
    model: str = ""
    """Name of the facility's metadata model that they are a document of."""


@dataclass(frozen=True)
class Shown:
    """A dataset as its page shows it."""

    dataset: Dataset
    groups: tuple[Group, ...]
    parents: tuple[Relative, ...]
    children: tuple[Relative, ...]

    @property
    def opens_in_ct(self) -> bool:
        """Whether the CT app is for it."""
        return self.dataset.technique == "tomography" and self.dataset.kind is not DatasetKind.PROCESSED

    @property
    def fields(self) -> int:
        """Number of lines of metadata."""
        return sum(len(group.rows) for group in self.groups)

    @property
    def hidden_parents(self) -> int:
        """How many of those that it was made from are not shown."""
        return len(self.dataset.parents) - len(self.parents)

    @property
    def hidden_children(self) -> int:
        """How many of those made from it are not shown."""
        return len(self.dataset.children) - len(self.children)

    def download(self, file: FileRecord) -> str:
        """Return the address of a file of it, relative to the portal."""
        return f"page/{self.dataset.id}/files/{quote(name_of(self.dataset, file.path))}"


@dataclass(frozen=True)
class Around:
    """What the page has beside the dataset itself."""

    files: FilePage
    is_first: bool
    """Whether these are the first files."""
    changes: tuple[ChangeRecord, ...]
    has_more_changes: bool
    citation: Words


@dataclass(frozen=True, kw_only=True)
class Showing:
    """Asks the services for everything on the page of a dataset."""

    datasets: Datasets
    landings: Landings
    history: History
    vocabulary: FacilityVocabulary

    def show(self, reader: Reader, dataset: DatasetId) -> Shown:
        """Return one dataset; raise `NoSuchDatasetError` for one that the reader may not read."""
        found = self.datasets.dataset(reader, dataset)
        return Shown(
            dataset=found,
            groups=tuple(groups(found, self.vocabulary.models)),
            parents=tuple(self._relatives(reader, found.parents)),
            children=tuple(self._relatives(reader, found.children)),
        )

    def around(self, reader: Reader, dataset: DatasetId, files_after: str | None) -> Around:
        """Return what stands around a dataset; raise `NoSuchDatasetError` for one that the reader may not read."""
        history = self.history.of_dataset(reader, dataset, after=None, limit=_MOST_CHANGES)
        work = self.landings.work(reader, dataset)
        return Around(
            files=self.datasets.files(reader, dataset, files_after, FILES),
            is_first=files_after is None,
            changes=history.changes,
            has_more_changes=history.next is not None,
            citation=citation(work, reader.asked_at.date()),
        )

    def _relatives(self, reader: Reader, ids: tuple[DatasetId, ...]) -> Iterable[Relative]:
        for one in ids[:_MOST_RELATIVES]:
            try:
                found = self.datasets.dataset(reader, one)
            except NoSuchDatasetError:
                continue  # withdrawn since
            yield Relative(str(found.id), found.name, labels.KINDS[found.kind], found.size)


def groups(dataset: Dataset, models: Models) -> Iterable[Group]:
    """Yield the metadata of a dataset: the usual groups, documents of the facility's models, and what is left."""
    told = [_document(name, content, models) for name, content in dataset.models.items()]
    left = {name: value for name, value in dataset.parameters.items() if models.label(name) is None}
    for title, names in labels.GROUPS:
        together = tuple(_together(left, names))
        rows = together + tuple(Row(label, _value(left.pop(name))) for name, label in names.items() if name in left)
        if rows:
            yield Group(title, rows)
    yield from (group for group in told if group.rows)
    if left:
        rows = tuple(Row(labels.parameter(name), _value(value)) for name, value in sorted(left.items()))
        yield Group(labels.FURTHER, rows)


def _together(left: dict[str, Quantity | str], names: Mapping[str, Words]) -> Iterable[Row]:
    """Take out what is told in one line: first and last angle, rows and columns of a frame."""
    for first, last, label, sign in labels.PAIRS:
        low, high = left.get(first), left.get(last)
        if first in names and isinstance(low, Quantity) and isinstance(high, Quantity) and low.unit == high.unit:
            del left[first], left[last]
            begin = number(low.value) if sign == "×" or low.unit else quantity(low)
            # A dash right before a minus reads as neither.
            gap = f" {sign} " if sign == "×" or high.value < 0 else sign
            yield Row(label, _data(f"{begin}{gap}{quantity(high)}"))


def _document(name: str, content: Mapping[str, Any], models: Models) -> Group:
    model = models.get(name)
    if model is None:  # its file was taken away; what the document says is still true
        rows = tuple(Row(labels.parameter(key), _plain(value)) for key, value in content.items())
        return Group(labels.parameter(name), rows, name)
    known = [(field, content[key]) for key, field in model.fields.items() if key in content]
    rows = tuple(Row(field.label, _field(model, field, value, models), field.help) for field, value in known)
    return Group(model.file.label, rows, name)


def _field(model: MetadataModel, field: AnyField, value: Any, models: Models) -> Words:
    each = [_single(model, field, one, models) for one in (value if field.is_list else [value])]
    return Words(en=", ".join(one.en for one in each) or "–", zh="、".join(one.zh for one in each) or "–")


def _single(model: MetadataModel, field: AnyField, value: Any, models: Models) -> Words:
    if isinstance(field, NumberField):
        return _data(quantity(Quantity.model_validate(value)))
    if isinstance(field, IntegerField):
        return _data(number(value))
    written = field.written(value)
    return models.written(model.parameter(field.name), written) or _data(written)


def _plain(value: Any) -> Words:
    if isinstance(value, Mapping) and set(value) == {"value", "unit"}:
        return _data(quantity(Quantity.model_validate(value)))
    return _data(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _value(value: Quantity | str) -> Words:
    return _data(quantity(value) if isinstance(value, Quantity) else value)


def _data(text: str) -> Words:
    return Words(en=text, zh=text)
