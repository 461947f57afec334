"""The file of one metadata model: its fields, and how documents of its earlier versions become those of this one."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from beamtorch_catalogue.vocabulary.fields import AnyField, Name
from beamtorch_catalogue.vocabulary.techniques import Label

MOST_FIELDS = 200
FIRST = 1


class Convert(BaseModel):
    """What becomes of the values of one field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: str | None = Field(default=None, strict=True, description="write numbers in this unit")
    values: dict[str, str] = Field(default_factory=dict, description="new values of a choice or text, by the old ones")


class Step(BaseModel):
    """How a document becomes one of the next version; in this order: rename, convert, default, drop."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rename: dict[Name, Name] = Field(default_factory=dict, description="new names by the old ones")
    convert: dict[Name, Convert] = Field(default_factory=dict, description="by the new names")
    default: dict[Name, Any] = Field(default_factory=dict, description="values for documents that have none")
    drop: tuple[Name, ...] = Field(default=(), description="fields that are no more; the history keeps what they said")


class ModelFile(BaseModel):
    """A metadata model as a facility writes it."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: Name = Field(alias="model")
    version: int = Field(ge=FIRST, le=10_000, strict=True)
    techniques: Annotated[tuple[str, ...], Field(min_length=1)]
    label: Label
    description: Label | None = None
    fields: Annotated[tuple[AnyField, ...], Field(min_length=1, max_length=MOST_FIELDS)]
    steps: dict[int, Step] = Field(default_factory=dict, description="by the version that they begin with")

    @model_validator(mode="before")
    @classmethod
    def _gather_steps(cls, given: Any) -> Any:
        """Understand ``from_1``, ``from_2``, … as steps."""
        if not isinstance(given, dict):
            return given
        rest, steps = {}, {}
        for key, value in given.items():
            number = key.removeprefix("from_") if isinstance(key, str) and key.startswith("from_") else ""
            if number.isascii() and number.isdigit():
                steps[int(number)] = value
            else:
                rest[key] = value
        if "steps" in rest:
            raise ValueError("“steps” is written as from_1, from_2, …")
        return {**rest, "steps": steps}

    @model_validator(mode="after")
    def _demand_all_steps(self) -> Self:
        for version in range(FIRST, self.version):
            if version not in self.steps:
                raise ValueError(
                    f"version {self.version} has no “from_{version}”, so documents of version {version} would be lost "
                    f"to it. Say from_{version}: {{}} if nothing changes, else rename, convert, default or drop"
                )
        for version in self.steps:
            if not FIRST <= version < self.version:
                raise ValueError(
                    f"“from_{version}” is no step to version {self.version}; raise “version” or take it out"
                )
        return self
