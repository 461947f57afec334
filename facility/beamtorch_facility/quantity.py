"""A measured number with its unit, as it was written down."""

from pydantic import BaseModel, ConfigDict


class Quantity(BaseModel):
    """A value and the text of its unit; the catalogue knows which units it understands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}".rstrip()
