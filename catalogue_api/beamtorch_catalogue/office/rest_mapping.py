"""How to ask a user office over REST, and which of its fields is which column: one YAML file."""

from pathlib import Path
from typing import Annotated, Self

import httpx
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from beamtorch_catalogue.office.columns import TABLES
from beamtorch_facility.words import Words

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
FieldPath = Annotated[str, StringConstraints(pattern=r"^\^?[^.\s]+(\.[^.\s]+)*$")]
"""Where a value lies in an item: names with dots between them; after ^, in the item around a list in it."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Paging(_Strict):
    """How the office gives a long list in pages; one of `next`, `link_header`, `page` and `offset`, or none of them."""

    next: FieldPath | None = Field(default=None, description="where an answer holds the address of the next page")
    link_header: bool = Field(default=False, description="the header Link names the next page (RFC 8288)")
    page: str | None = Field(default=None, description="name of the parameter that counts pages")
    offset: str | None = Field(default=None, description="name of the parameter that counts items")
    first: int = Field(default=1, ge=0, description="number of the first page")
    size: str | None = Field(default=None, description="name of the parameter for the number of items in a page")
    items: int = Field(default=200, ge=1, description="that number")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum((self.next is not None, self.link_header, self.page is not None, self.offset is not None)) > 1:
            raise ValueError("one of next, link_header, page and offset")
        return self


class Cell(_Strict):
    """How one column is filled."""

    path: FieldPath | None = None
    constant: str | None = Field(default=None, description="the same for all")
    values: dict[str, str] = Field(default_factory=dict, description="the office's words and ours; others stay")

    @model_validator(mode="after")
    def _path_or_constant(self) -> Self:
        if (self.path is None) == (self.constant is None):
            raise ValueError("either path or constant")
        return self


class Source(_Strict):
    """Where the items of one kind come from."""

    path: str = Field(min_length=1, description="below the office's address, with parameters if it takes some")
    list: FieldPath | None = Field(default=None, description="where an answer holds its items; none: it is the list")
    each: FieldPath | None = Field(default=None, description="a list in each item, whose items are meant")
    paging: Paging | None = Field(default=None, description="none: as everywhere")
    fields: dict[str, FieldPath | Cell] = Field(description="for each column, where its value lies")


class Mapping(_Strict):
    """The whole file."""

    url: str = Field(description="the office's address; https, but for this machine itself")
    token_variable: str | None = Field(default=None, description="environment variable that holds the bearer token")
    ca_file: Path | None = Field(default=None, description="who vouches for the office; none: the system's list")
    seconds: float = Field(default=30, gt=0, le=600, description="patience with one answer")
    tries: int = Field(default=5, ge=1, le=20, description="how often to ask if the office is busy or away")
    name: Words | None = Field(default=None, description="of the facility")
    paging: Paging = Paging()
    sources: dict[str, Source] = Field(min_length=1)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        address = httpx.URL(self.url)
        if not address.host or address.scheme not in {"http", "https"}:
            raise ValueError("url has to be an address such as https://office.example.org/api")
        if address.scheme == "http" and address.host not in LOOPBACK:
            raise ValueError("url has to be https: a token and people's names travel there")
        if address.userinfo or address.query:
            raise ValueError("url may hold no password and no parameters; use token_variable and path")
        for kind, source in self.sources.items():
            if kind not in TABLES:
                raise ValueError(f"sources.{kind} is not known; there are {', '.join(TABLES)}")
            unknown = sorted(source.fields.keys() - set(TABLES[kind].columns))
            if unknown:
                columns = ", ".join(TABLES[kind].columns)
                raise ValueError(f"sources.{kind}.fields.{unknown[0]} is not known; there are {columns}")
        return self
