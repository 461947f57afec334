"""What every message is: strict, frozen, typed."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Wire(BaseModel):
    """Base of everything on the wire: unknown members are an error, not a guess."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatasetState(StrEnum):
    """Whether the files of a dataset can be used."""

    COMPLETE = "complete"
    BROKEN = "broken"
    MISSING = "missing"


class Order(StrEnum):
    """In which order datasets are listed, by when they were measured."""

    NEWEST = "newest"
    OLDEST = "oldest"


class Audience(StrEnum):
    """To whom data are open once their embargo is over."""

    NOBODY = "nobody"
    REGISTERED = "registered"
    WORLD = "world"
