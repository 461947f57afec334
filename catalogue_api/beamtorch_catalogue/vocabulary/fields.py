"""The kinds of fields that a metadata model may have: what their values are, and what becomes of them."""

from collections.abc import Mapping
from functools import cached_property
from types import GenericAlias
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from beamtorch_catalogue.units import ROUNDING, Unit, dimension_words, suggestion, unit, unit_of_parameter
from beamtorch_catalogue.vocabulary.techniques import Label

MOST_ITEMS = 1000
LONGEST_TEXT = 10_000
_SAFE = 2**53
"""Beyond this a number of JSON is not the same everywhere."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
PlainText = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=LONGEST_TEXT, strict=True)]
ChoiceValue = Annotated[str, StringConstraints(pattern=r"^[^\s\x00](?:[^\x00]{0,98}[^\s\x00])?$", strict=True)]


class Amount(BaseModel):
    """A number with its unit, as it was written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Annotated[float, Field(strict=True, allow_inf_nan=False)]
    unit: Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=100, strict=True)] = ""

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}".rstrip()


class _Field(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: Name
    label: Label
    help: Label | None = None
    required: bool = Field(default=False, strict=True)
    is_list: bool = Field(default=False, alias="list", strict=True, description="several values instead of one")

    can_be_facet: ClassVar[bool] = False
    facet: bool = Field(default=False, strict=True)

    @model_validator(mode="after")
    def _demand_one_value(self) -> Self:
        if self.facet and not self.can_be_facet:
            raise ValueError("only texts, choices and yes-or-no fields can be facets; take “facet” out")
        if self.facet and self.is_list:
            raise ValueError("a list cannot be a facet; take “facet” or “list” out")
        return self

    def single(self) -> Any:
        """Return the annotation of one value."""
        raise NotImplementedError

    def annotation(self) -> Any:
        """Return the annotation of a field of the generated model."""
        one = self.single()
        return Annotated[GenericAlias(tuple, (one, ...)), Field(max_length=MOST_ITEMS)] if self.is_list else one

    def extension(self) -> dict[str, Any]:
        """Return what JSON Schema does not know and a form wants."""
        told: dict[str, Any] = {"x-label": self.label.model_dump()}
        if self.help:
            told["x-help"] = self.help.model_dump()
        if self.facet:
            told["x-facet"] = True
        return told

    def words(self, value: Any) -> tuple[str, ...]:  # noqa: ARG002 - what most kinds give to the full text
        """Return what full text may find a value by."""
        return ()

    def written(self, value: Any) -> str:
        """Return one value as a text of the table of parameters."""
        return str(value)


class NumberField(_Field):
    """A number, mostly with a unit; ``{value: 5, unit: K/min}`` or ``5`` in the field's own unit."""

    type: Literal["number"]
    unit: str = ""
    minimum: float | None = Field(default=None, allow_inf_nan=False)
    maximum: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _demand_sense(self) -> Self:
        if unit(self.unit) is None:
            near = suggestion(self.unit)
            raise ValueError(
                f"“{self.unit}” is not a unit; {f'did you mean {near}?' if near else 'write one, as K/min'}"
            )
        _demand_order(self.minimum, self.maximum)
        return self

    @cached_property
    def meaning(self) -> Unit:
        """What the field's own unit means."""
        found = self.unit_of(self.unit)
        assert found is not None  # noqa: S101 - refused when the field was read
        return found

    def unit_of(self, text: str) -> Unit | None:
        """Return what a unit means here: an ``A`` is an ångström where a length is meant, a ``C`` a degree."""
        plain = unit(text)
        if text == self.unit:
            return plain
        meanings = (plain, unit_of_parameter("wavelength", text), unit_of_parameter("temperature", text))
        fitting = (one for one in meanings if one is not None and one.dimension == self.meaning.dimension)
        return next(fitting, plain)

    def single(self) -> Any:
        """Return a number of the field's unit, or one with a unit of its own."""
        bare = Annotated[float, Field(strict=True, allow_inf_nan=False, json_schema_extra=self._limits())]
        both = Annotated[
            Annotated[bare, Tag("number")] | Annotated[Amount, Tag("amount")],
            Discriminator(lambda given: "amount" if isinstance(given, dict | Amount) else "number"),
        ]
        return Annotated[both, AfterValidator(self._checked)]

    def _limits(self) -> dict[str, Any]:
        given = {"minimum": self.minimum, "maximum": self.maximum}
        return {name: limit for name, limit in given.items() if limit is not None}

    def _checked(self, given: float | Amount) -> Amount:
        amount = given if isinstance(given, Amount) else Amount(value=given, unit=self.unit)
        meaning = self.unit_of(amount.unit)
        if meaning is None:
            return amount  # nobody knows this unit: its text is kept, and nothing can be compared
        if meaning.dimension != self.meaning.dimension:
            right, wrong = dimension_words(self.meaning.dimension), dimension_words(meaning.dimension)
            raise PydanticCustomError(
                "dimension",
                "this is {right}, such as {usual}, but “{given}” is {wrong}",
                {"right": right.en, "usual": self.unit or "2.5", "given": amount.unit or "no unit", "wrong": wrong.en},
            )
        si = meaning.to_si(amount.value)
        low, high = (None if one is None else self.meaning.to_si(one) for one in (self.minimum, self.maximum))
        if low is not None and si < low - ROUNDING * abs(low):
            raise self._beyond("less", amount, self.minimum)
        if high is not None and si > high + ROUNDING * abs(high):
            raise self._beyond("more", amount, self.maximum)
        return amount

    def _beyond(self, how: str, amount: Amount, limit: float | None) -> PydanticCustomError:
        facts = {"amount": str(amount), "how": how, "limit": str(Amount(value=limit or 0.0, unit=self.unit))}
        return PydanticCustomError("limit", "{amount} is {how} than {limit}", facts)

    def extension(self) -> dict[str, Any]:
        """Return labels and the unit."""
        return super().extension() | ({"x-unit": self.unit} if self.unit else {})

    def written(self, value: Any) -> str:
        """Return value and unit."""
        return str(Amount.model_validate(value))


class IntegerField(_Field):
    """A whole number."""

    type: Literal["integer"]
    minimum: int | None = Field(default=None, strict=True)
    maximum: int | None = Field(default=None, strict=True)

    @model_validator(mode="after")
    def _demand_sense(self) -> Self:
        _demand_order(self.minimum, self.maximum)
        return self

    def single(self) -> Any:
        """Return a whole number within the limits."""
        low = -_SAFE if self.minimum is None else self.minimum
        high = _SAFE if self.maximum is None else self.maximum
        return Annotated[int, Field(strict=True, ge=low, le=high)]


class TextField(_Field):
    """A text."""

    type: Literal["text"]
    longest: int = Field(default=2000, ge=1, le=LONGEST_TEXT, strict=True)
    search: bool = Field(default=True, strict=True, description="whether full text finds its words")
    can_be_facet: ClassVar[bool] = True

    def single(self) -> Any:
        """Return a text that is not too long."""
        return Annotated[PlainText, Field(min_length=1, max_length=self.longest)]

    def words(self, value: Any) -> tuple[str, ...]:
        """Return the text, unless it is not to be searched."""
        return (str(value),) if self.search else ()


class Choice(BaseModel):
    """One value of a choice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: ChoiceValue
    label: Label


class ChoiceField(_Field):
    """One of a list."""

    type: Literal["choice"]
    choices: Annotated[tuple[Choice, ...], Field(min_length=1, max_length=500)]
    search: bool = Field(default=True, strict=True, description="whether full text finds its labels")
    can_be_facet: ClassVar[bool] = True

    @model_validator(mode="after")
    def _demand_sense(self) -> Self:
        values = [one.value for one in self.choices]
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise ValueError(f"the choice “{twice[0]}” is there twice; take one out")
        return self

    def labels(self) -> Mapping[str, Label]:
        """Return the labels by value."""
        return {one.value: one.label for one in self.choices}

    def single(self) -> Any:
        """Return one of the values."""
        return Literal[tuple(one.value for one in self.choices)]

    def extension(self) -> dict[str, Any]:
        """Return labels, those of the choices, too."""
        return super().extension() | {"x-choices": {one.value: one.label.model_dump() for one in self.choices}}

    def words(self, value: Any) -> tuple[str, ...]:
        """Return the value and its labels."""
        label = self.labels().get(value)
        return (str(value), label.en, label.zh) if self.search and label else ()


class BooleanField(_Field):
    """Yes or no."""

    type: Literal["boolean"]
    can_be_facet: ClassVar[bool] = True

    def single(self) -> Any:
        """Return a truth value."""
        return Annotated[bool, Field(strict=True)]

    def written(self, value: Any) -> str:
        """Return ``true`` or ``false``."""
        return "true" if value else "false"


class MomentField(_Field):
    """Date and time with time zone."""

    type: Literal["date-time"]

    def single(self) -> Any:
        """Return a moment that says its time zone."""
        return Annotated[AwareDatetime, BeforeValidator(_demand_text)]


def _demand_text(given: Any) -> Any:
    # A number would be taken for seconds since 1970.
    if not isinstance(given, str):
        raise PydanticCustomError("moment", "write date and time as a text, such as 2026-10-05T14:30:00+08:00")
    return given


def _demand_order(minimum: float | None, maximum: float | None) -> None:
    if minimum is not None and maximum is not None and minimum > maximum:
        raise ValueError("“minimum” is more than “maximum”; change one of them")


AnyField = Annotated[
    NumberField | IntegerField | TextField | ChoiceField | BooleanField | MomentField, Field(discriminator="type")
]
