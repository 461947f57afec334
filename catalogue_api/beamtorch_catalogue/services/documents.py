"""What datasets say in the terms of the facility's models: checked, and taken apart into rows and words. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row

from beamtorch_catalogue.stores.models import DocumentRow
from beamtorch_catalogue.vocabulary import MetadataModel, Models
from beamtorch_catalogue.vocabulary.metadata_model import Content, NotMigratedError, reason_of
from beamtorch_facility.words import Words

Given = Mapping[str, Mapping[str, Any]]
"""Documents by the name of their model, as somebody sent them."""
Values = dict[str, Any]
"""A row of a table by its columns."""


class Documents:
    """Knows the models of the facility."""

    def __init__(self, models: Models) -> None:
        self._models = models

    @property
    def models(self) -> Models:
        """The models."""
        return self._models

    def check(self, given: Given) -> Words | None:
        """Say what is wrong with documents, None if nothing is."""
        for name, content in given.items():
            model = self._models.get(name)
            if model is None:
                return self._no_such_model(name)
            try:
                model.read(dict(content))
            except ValidationError as error:
                reason = reason_of(error)
                return Words(
                    en=f"models.{name}: {reason}. GET /models/{name}/schema tells what this model takes.",
                    zh=f"models.{name}：{reason}。可接受的内容见 GET /models/{name}/schema。",
                )
        return None

    def document_rows(self, dataset: int, given: Given) -> list[Values]:
        """Return documents that `check` lets pass as rows of the table."""
        return [
            {"dataset": dataset, "model": name, "version": model.version, "content": written(content)}
            for name, model, content in self._read(given)
        ]

    def rows(self, dataset: int, given: Given) -> list[Values]:
        """Return the parameters of documents that `check` lets pass; a plain parameter of such a name gives way."""
        return [row for _, model, content in self._read(given) for row in parameters(dataset, model, content)]

    def words(self, given: Given) -> list[str]:
        """Return what full text may find documents by, choices in both languages.

        It takes the place of the texts among their parameters, of which some are not meant to be searched.
        """
        return [word for _, model, content in self._read(given) for word in model.words(content)]

    def current(self, held: Iterable[DocumentRow]) -> dict[str, Content]:
        """Return stored documents in the present version of their models, without those that cannot be in it.

        A record that says nothing about a model leaves its document alone, so parameters and words are made again of
        these and of the record's own together.
        """
        found: dict[str, Content] = {}
        for row in held:
            model = self._models.get(row.model)
            if model is not None:
                with suppress(NotMigratedError):
                    found[row.model] = model.migrated(row.version, json.loads(row.content))
        return found

    def shown(self, row: DocumentRow | Row[Any]) -> Content:
        """Return a stored document in the present version, or as it was kept if it cannot be in that."""
        content: Content = json.loads(row.content)
        model = self._models.get(row.model)
        try:
            return content if model is None else model.migrated(row.version, content)
        except NotMigratedError:
            return content

    def _read(self, given: Given) -> Iterator[tuple[str, MetadataModel, Content]]:
        for name, content in given.items():
            model = self._models.get(name)
            assert model is not None  # noqa: S101 - checked before
            yield name, model, model.read(dict(content))

    def _no_such_model(self, name: str) -> Words:
        known = [model.name for model in self._models.all()]
        known_en = f"There are {', '.join(known)}" if known else "The facility has none"
        known_zh = f"现有：{'、'.join(known)}" if known else "尚未设置任何模型"
        return Words(
            en=f"There is no metadata model “{name}”. {known_en}. Correct the name, or leave the document out.",
            zh=f"没有元数据模型“{name}”。{known_zh}。请更正名称或去掉该文档。",
        )


def parameters(dataset: int, model: MetadataModel, content: Content) -> list[Values]:
    """Return the parameters of one document as it is kept."""
    return [
        {
            "dataset": dataset,
            "name": one.parameter,
            "text": one.text,
            "value": one.value,
            "unit": one.unit,
            "dimension": one.dimension,
            "si": one.si,
        }
        for one in model.values(content)
    ]


def written(content: Content) -> str:
    """Return a document as the table keeps it."""
    return json.dumps(content, ensure_ascii=False)
