"""All metadata models of a facility, and what search, facets and pages need to know about them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from beamtorch_catalogue.query import TextField
from beamtorch_catalogue.vocabulary.fields import BooleanField, ChoiceField, IntegerField, NumberField
from beamtorch_catalogue.vocabulary.metadata_model import MetadataModel
from beamtorch_catalogue.vocabulary.techniques import Techniques
from beamtorch_facility.words import Words

YES_OR_NO = {"true": Words(en="yes", zh="是"), "false": Words(en="no", zh="否")}


@dataclass(frozen=True)
class ModelFacet:
    """A field by whose values results may be narrowed down."""

    parameter: str
    """Name in the table of parameters; its values are in the column of texts."""
    model: str
    label: Words
    choices: Mapping[str, Words]
    """Labels of the values, in the order of the form; empty for free texts."""


class Models:
    """The models by name."""

    def __init__(self, models: Iterable[MetadataModel] = (), *, techniques: Techniques | None = None) -> None:
        self._models = {model.name: model for model in sorted(models, key=lambda one: one.name)}
        self._techniques = techniques or Techniques(())

    def all(self) -> tuple[MetadataModel, ...]:
        """Return all models, by name."""
        return tuple(self._models.values())

    def get(self, name: str) -> MetadataModel | None:
        """Return the model of a name."""
        return self._models.get(name)

    def for_technique(self, technique: str) -> tuple[MetadataModel, ...]:
        """Return the models that fit a technique: those made for it or for a broader one."""
        return tuple(
            model
            for model in self._models.values()
            if any(technique in self._techniques.narrower(one) for one in model.file.techniques)
        )

    def parameters(self) -> Mapping[str, frozenset[str]]:
        """Return the parameters that ranges may ask for, with their dimensions: what a query may name."""
        return self._parameters

    @cached_property
    def _parameters(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for model in self._models.values():
            for field in model.fields.values():
                if isinstance(field, NumberField) and not field.is_list:
                    found[model.parameter(field.name)] = frozenset({field.meaning.dimension})
                elif isinstance(field, IntegerField) and not field.is_list:
                    found[model.parameter(field.name)] = frozenset({""})
        return found

    def aliases(self) -> Mapping[str, str]:
        """Return what parameters are also called: their labels in both languages and the bare name of the field.

        A label that two fields share leads to neither; with the model's label before it, it leads to one.
        """
        return self._aliases

    @cached_property
    def _aliases(self) -> Mapping[str, str]:
        plain: dict[str, str] = {}
        shared: Counter[str] = Counter()
        qualified: dict[str, str] = {}
        for model in self._models.values():
            for field in model.fields.values():
                parameter = model.parameter(field.name)
                names = {one.strip().lower() for one in (field.label.en, field.label.zh, field.name)}
                shared.update(names)
                plain |= dict.fromkeys(names, parameter)
                of_model, own = model.file.label, field.label
                qualified[f"{of_model.en} {own.en}".lower()] = parameter
                qualified[of_model.zh + own.zh] = parameter
        return {name: parameter for name, parameter in plain.items() if shared[name] == 1} | qualified

    def text_fields(self) -> Mapping[str, TextField]:
        """Return the fields of text that a query may ask for by name, with the labels of their choices."""
        return self._text_fields

    @cached_property
    def _text_fields(self) -> Mapping[str, TextField]:
        return {
            facet.parameter: TextField(
                choices=tuple(facet.choices),
                labels={label: value for value, words in facet.choices.items() for label in (words.en, words.zh)},
            )
            for facet in self.facets()
        }

    def facets(self) -> tuple[ModelFacet, ...]:
        """Return the facets of all models."""
        return tuple(
            ModelFacet(model.parameter(field.name), model.name, field.label, self._choices_of(field))
            for model in self._models.values()
            for field in model.fields.values()
            if field.facet
        )

    def label(self, parameter: str) -> Words | None:
        """Return what a parameter of a model is called, None for one that is nobody's."""
        return self._labels.get(parameter)

    def written(self, parameter: str, value: str) -> Words | None:
        """Return the label of a value that was chosen from a list, None for a text of nobody's list."""
        return self._choices.get(parameter, {}).get(value)

    def groups(self) -> tuple[tuple[Words, Mapping[str, Words]], ...]:
        """Return the models as groups of a dataset's page: label, and labels by parameter in the order of the form."""
        return tuple(
            (model.file.label, {model.parameter(field.name): field.label for field in model.fields.values()})
            for model in self._models.values()
        )

    @cached_property
    def _labels(self) -> Mapping[str, Words]:
        return {name: label for _, fields in self.groups() for name, label in fields.items()}

    @cached_property
    def _choices(self) -> Mapping[str, Mapping[str, Words]]:
        return {
            model.parameter(field.name): self._choices_of(field)
            for model in self._models.values()
            for field in model.fields.values()
        }

    @staticmethod
    def _choices_of(field: object) -> Mapping[str, Words]:
        if isinstance(field, ChoiceField):
            return field.labels()
        return YES_OR_NO if isinstance(field, BooleanField) else {}
