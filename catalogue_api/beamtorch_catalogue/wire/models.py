"""Techniques and metadata models, as forms and searches need them."""

from pydantic import Field

from beamtorch_catalogue.wire.base import Wire
from beamtorch_facility.words import Words


class TechniqueCard(Wire):
    """A technique."""

    name: str = Field(description="short name, which datasets carry")
    label: Words
    panet: str | None = Field(description="identifier in the ontology PaNET, if it has the technique")
    iri: str | None = Field(description="address of that term")
    also: tuple[str, ...] = Field(description="other names by which searches find it")
    broader: tuple[str, ...] = Field(description="the techniques that include it")
    icon: str | None


class ChoiceCard(Wire):
    """One value of a choice."""

    value: str
    label: Words


class FieldCard(Wire):
    """A field of a metadata model."""

    name: str = Field(description="member of the document")
    parameter: str = Field(description="name in searches, such as `furnace_ramp 5..10 K/min`")
    type: str = Field(description="number, integer, text, choice, boolean or date-time")
    is_list: bool
    is_required: bool
    is_facet: bool
    unit: str | None = Field(description="of numbers that come without one")
    minimum: float | None
    maximum: float | None
    longest: int | None = Field(description="characters of a text at most")
    choices: tuple[ChoiceCard, ...]
    label: Words
    help: Words | None


class ModelCard(Wire):
    """A metadata model with everything that a form needs."""

    name: str
    version: int
    techniques: tuple[str, ...] = Field(description="the techniques that it was made for")
    label: Words
    description: Words | None
    fields: tuple[FieldCard, ...]
    documents: dict[int, int] | None = Field(
        default=None, description="number of documents by version; told to those who run the facility"
    )
    problems: tuple[Words, ...] = Field(
        default=(), description="why documents of earlier versions stay as they are; told to the same"
    )
