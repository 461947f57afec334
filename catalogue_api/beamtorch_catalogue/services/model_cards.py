"""What forms need to know about techniques and metadata models."""

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.model_migration import ModelMigration
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import DocumentRow
from beamtorch_catalogue.vocabulary import FacilityVocabulary, MetadataModel
from beamtorch_catalogue.vocabulary.fields import AnyField, ChoiceField, IntegerField, NumberField, TextField
from beamtorch_catalogue.wire import ChoiceCard, FieldCard, ModelCard, TechniqueCard
from beamtorch_facility.words import Words


class NoSuchModelError(CatalogueError):
    """A metadata model that the facility does not have."""

    code = "no-such-model"
    status = 404
    exit_code = 6
    title = Words(en="No such metadata model", zh="没有此元数据模型")

    def __init__(self, name: str) -> None:
        super().__init__(
            Words(
                en=f"There is no metadata model “{name}” here. GET /models lists those that there are.",
                zh=f"没有元数据模型“{name}”。GET /models 可列出全部模型。",
            )
        )


class ModelCards:
    """Describes the facility's vocabulary."""

    def __init__(self, *, database: Database, vocabulary: FacilityVocabulary, migration: ModelMigration) -> None:
        self._database, self._vocabulary, self._migration = database, vocabulary, migration

    def techniques(self, reader: Reader) -> list[TechniqueCard]:  # noqa: ARG002 - open to all who are known
        """Return all techniques."""
        return [
            TechniqueCard(
                name=one.name,
                label=one.label,
                panet=one.panet,
                iri=one.iri,
                also=one.also,
                broader=one.broader,
                icon=one.icon,
            )
            for one in self._vocabulary.techniques.all()
        ]

    def models(self, reader: Reader, technique: str | None) -> list[ModelCard]:
        """Return the models, those for one technique if it is named; what became of documents for who may see all."""
        chosen: Sequence[MetadataModel] = self._vocabulary.models.all()
        if technique:
            short = self._vocabulary.techniques.technique_of(technique) or technique
            chosen = self._vocabulary.models.for_technique(short)
        counts = self._counts() if reader.sees_all else {}
        return [
            _model_card(one).model_copy(
                update={"documents": counts.get(one.name, {}), "problems": self._migration.problems(one.name)}
                if reader.sees_all
                else {}
            )
            for one in chosen
        ]

    def model(self, reader: Reader, name: str) -> MetadataModel:  # noqa: ARG002 - open to all who are known
        """Return a model; raise `NoSuchModelError` for one that is not here."""
        found = self._vocabulary.models.get(name)
        if found is None:
            raise NoSuchModelError(name)
        return found

    def _counts(self) -> Mapping[str, Mapping[int, int]]:
        counts: dict[str, dict[int, int]] = {}
        by_version = select(DocumentRow.model, DocumentRow.version, func.count())
        with self._database.reading() as session:
            for name, version, count in session.execute(
                by_version.group_by(DocumentRow.model, DocumentRow.version).order_by(DocumentRow.version)
            ):
                counts.setdefault(name, {})[version] = count
        return counts


def _model_card(model: MetadataModel) -> ModelCard:
    file = model.file
    return ModelCard(
        name=file.name,
        version=file.version,
        techniques=file.techniques,
        label=file.label,
        description=file.description,
        fields=tuple(_field_card(model, field) for field in file.fields),
    )


def _field_card(model: MetadataModel, field: AnyField) -> FieldCard:
    limited = field if isinstance(field, NumberField | IntegerField) else None
    return FieldCard(
        name=field.name,
        parameter=model.parameter(field.name),
        type=field.type,
        is_list=field.is_list,
        is_required=field.required,
        is_facet=field.facet,
        unit=field.unit if isinstance(field, NumberField) else None,
        minimum=limited.minimum if limited else None,
        maximum=limited.maximum if limited else None,
        longest=field.longest if isinstance(field, TextField) else None,
        choices=tuple(ChoiceCard(value=one.value, label=one.label) for one in field.choices)
        if isinstance(field, ChoiceField)
        else (),
        label=field.label,
        help=field.help,
    )
