"""The base of everything on the wire."""

from pydantic import BaseModel, ConfigDict


class Wire(BaseModel):
    """Unknown members are an error, not a guess."""

    model_config = ConfigDict(frozen=True, extra="forbid")
