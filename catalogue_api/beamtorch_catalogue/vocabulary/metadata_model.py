"""A metadata model at work: it checks documents, takes them apart into parameters and words, and migrates old ones."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from beamtorch_catalogue.units import unit
from beamtorch_catalogue.vocabulary.fields import AnyField, IntegerField, NumberField
from beamtorch_catalogue.vocabulary.model_file import ModelFile, Step

_MISTAKES_TOLD = 5
Content = dict[str, Any]
"""A document as it is kept: plain JSON, numbers with their units."""


class NotMigratedError(ValueError):
    """A document of an earlier version that cannot become one of this version; the text says why."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class FieldValue:
    """One value of a document, as the table of parameters keeps it."""

    parameter: str
    text: str | None = None
    value: float | None = None
    unit: str | None = None
    dimension: str | None = None
    si: float | None = None


@dataclass(frozen=True)
class MetadataModel:
    """One model in its present version."""

    file: ModelFile

    @property
    def name(self) -> str:
        """Name of the model in addresses and parameters."""
        return self.file.name

    @property
    def version(self) -> int:
        """The present version."""
        return self.file.version

    @cached_property
    def fields(self) -> Mapping[str, AnyField]:
        """The fields by name."""
        return {field.name: field for field in self.file.fields}

    @cached_property
    def body(self) -> type[BaseModel]:
        """The pydantic model of a document.

        Its members have names of their own and are called by alias, for a facility may well call a field ``json``.
        """
        members: dict[str, Any] = {
            f"field_{index}": (
                field.annotation() if field.required else field.annotation() | None,
                Field(
                    default=... if field.required else None,
                    alias=field.name,
                    title=field.label.en,
                    description=field.help.en if field.help else None,
                    json_schema_extra=field.extension(),
                ),
            )
            for index, field in enumerate(self.file.fields)
        }
        title = "".join(part.capitalize() for part in self.name.split("_"))
        made: type[BaseModel] = create_model(
            f"{title}Document",
            __base__=_Document,
            __doc__=f"A document of the model “{self.file.label.en}”.",
            **members,
        )
        return made

    def parameter(self, field: str) -> str:
        """Return the name under which a field is a parameter."""
        return parameter_name(self.name, field)

    def read(self, given: Any) -> Content:
        """Return a document as it is kept.

        Raises
        ------
        pydantic.ValidationError
            If it is none of this version.
        """
        document = given if isinstance(given, self.body) else self.body.model_validate(given)
        told: Content = document.model_dump(mode="json", by_alias=True, exclude_none=True)
        return told

    def values(self, content: Content) -> Iterator[FieldValue]:
        """Yield the parameters of a document that `read` has given."""
        for name, value in content.items():
            yield self._value(self.fields[name], value)

    def _value(self, field: AnyField, value: Any) -> FieldValue:
        parameter = self.parameter(field.name)
        if field.is_list:
            return FieldValue(parameter, text=", ".join(field.written(one) for one in value))
        if isinstance(field, NumberField):
            meaning = field.unit_of(value["unit"])
            number = {"value": value["value"], "unit": value["unit"]}
            if meaning is None or not math.isfinite(si := meaning.to_si(value["value"])):
                return FieldValue(parameter, **number)
            return FieldValue(parameter, **number, dimension=meaning.dimension, si=si)
        if isinstance(field, IntegerField):
            return FieldValue(parameter, value=float(value), unit="", dimension="", si=float(value))
        return FieldValue(parameter, text=field.written(value))

    def words(self, content: Content) -> Iterator[str]:
        """Yield what full text may find a document by: its texts, and choices in both languages."""
        yield from (self.file.label.en, self.file.label.zh)
        for name, value in content.items():
            field = self.fields[name]
            for one in value if field.is_list else [value]:
                yield from field.words(one)

    def migrated(self, version: int, content: Content) -> Content:
        """Return a document of some version as one of the present version.

        Raises
        ------
        NotMigratedError
            If it cannot be one.
        """
        if version > self.version:
            raise NotMigratedError(f"it is of version {version}, but the file says {self.version}")
        changed = dict(content)
        for step in (self.file.steps[number] for number in range(version, self.version)):
            changed = _stepped(step, changed)
        try:
            return self.read(changed)
        except ValidationError as error:
            raise NotMigratedError(reason_of(error)) from error

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a document, with labels, units and choices as ``x-…``."""
        told = self.body.model_json_schema(by_alias=True, mode="validation")
        file = self.file
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **told,
            "x-model": file.name,
            "x-version": file.version,
            "x-techniques": list(file.techniques),
            "x-label": file.label.model_dump(),
        }


def parameter_name(model: str, field: str) -> str:
    """Return the name under which a field of a model is a parameter: ``furnace_ramp``.

    With the model in front it can be nothing that a file says, and two models can have a field of one name.
    """
    return f"{model}_{field}"


def reason_of(error: ValidationError) -> str:
    """Say in one line what is wrong with a document, by the names of its fields and without what it said there."""
    told = []
    for one in error.errors(include_input=False, include_url=False):
        place = ".".join(str(part) for part in one["loc"] if part not in {"number", "amount"} or part == one["loc"][0])
        told.append(f"{place}: {one['msg']}" if place else one["msg"])
    more = f"; and {len(told) - _MISTAKES_TOLD} more" if len(told) > _MISTAKES_TOLD else ""
    return "; ".join(told[:_MISTAKES_TOLD]) + more


def _stepped(step: Step, content: Content) -> Content:
    changed = {step.rename.get(name, name): value for name, value in content.items()}
    if len(changed) < len(content):
        raise NotMigratedError("two of its fields would get one name")
    for name, convert in step.convert.items():
        if name in changed:
            value = changed[name]
            if convert.values:
                value = _each(value, lambda one, by=convert.values: by.get(one, one) if isinstance(one, str) else one)
            if convert.unit is not None:
                value = _each(value, lambda one, name=name, to=convert.unit: _in_unit(name, one, to))
            changed[name] = value
    for name, value in step.default.items():
        changed.setdefault(name, value)
    return {name: value for name, value in changed.items() if name not in step.drop}


def _each(value: Any, change: Any) -> Any:
    return [change(one) for one in value] if isinstance(value, list) else change(value)


def _in_unit(name: str, value: Any, to: str) -> Any:
    if not isinstance(value, dict):
        return value  # a whole number: the field's own unit is meant
    old, new = unit(value.get("unit", "")), unit(to)
    if old is None or new is None:
        return value  # nobody knows the unit, so its text is kept
    if old.dimension != new.dimension:
        raise NotMigratedError(f"{name}: “{value['unit']}” cannot become {to}")
    number = (old.to_si(value["value"]) - new.offset) / new.factor
    return {"value": float(f"{number:.12g}"), "unit": to}
