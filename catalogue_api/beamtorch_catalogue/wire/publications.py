"""Release, publication and provenance on the wire."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator

from beamtorch_catalogue.wire.base import Audience, Wire
from beamtorch_catalogue.wire.office import Orcid
from beamtorch_facility.dataset import DatasetId, DatasetKind
from beamtorch_facility.identity import Username
from beamtorch_facility.proposal import BeamlineId, BeamtimeId, ProposalId
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

MOST_PUBLISHED = 1000
"""Datasets in one publication."""
LONGEST_EMBARGO = 1200
"""Months."""
_LONGEST_TITLE, _LONGEST_ABSTRACT = 500, 20_000
_FIRST_YEAR, _LAST_YEAR = 1900, 9998


def _checked(orcid: str) -> str:
    """Check the last character by ISO 7064 MOD 11-2, as ORCID computes it."""
    total = 0
    for digit in orcid.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    expected = (12 - total % 11) % 11
    if orcid[-1] != ("X" if expected == 10 else str(expected)):  # noqa: PLR2004 - the standard's own
        raise ValueError("the last character of this ORCID iD does not fit the others")
    return orcid


def _said(words: Words) -> Words:
    if not words.en.strip() or not words.zh.strip():
        raise ValueError("both languages have to say something")
    return words


def _bearable(moment: datetime) -> datetime:
    try:
        in_utc = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a moment between 1900 and 9998") from error
    if not _FIRST_YEAR <= in_utc.year <= _LAST_YEAR:
        raise ValueError("a moment between 1900 and 9998")
    return in_utc


CheckedOrcid = Annotated[Orcid, AfterValidator(_checked)]
Said = Annotated[Words, AfterValidator(_said)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Licence = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]{0,99}$")]
"""An identifier of SPDX, such as ``CC-BY-4.0``."""
PID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}(/[A-Za-z0-9._-]{1,79}){1,2}", re.ASCII)
Pid = Annotated[str, StringConstraints(pattern=f"^{PID_PATTERN.pattern}$", max_length=120)]
PidPrefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
Months = Annotated[int, Field(ge=0, le=LONGEST_EMBARGO)]


class Creator(Wire):
    """Somebody who is cited for data. Which part of a name is the family's is said, never guessed."""

    name: Said
    family_name: Name | None = Field(default=None, description="in Latin letters; with given_name, else neither")
    given_name: Name | None = None
    orcid: CheckedOrcid | None = None
    affiliation: Said | None = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> "Creator":
        if (self.family_name is None) != (self.given_name is None):
            raise ValueError("give family_name and given_name, or neither")
        return self


class PublicationRequest(Wire):
    """Datasets to be cited together; the same request again finds the publication that it made."""

    title: Said
    abstract: Said
    licence: Licence = Field(description="identifier of SPDX, e.g. CC-BY-4.0 or CC0-1.0")
    creators: Annotated[tuple[Creator, ...], Field(min_length=1, max_length=500)]
    datasets: Annotated[tuple[DatasetId, ...], Field(min_length=1, max_length=MOST_PUBLISHED)]
    release: bool = Field(default=False, description="open what is not open yet to the world, now")

    @model_validator(mode="after")
    def _of_bearable_length(self) -> "PublicationRequest":
        for words, longest in ((self.title, _LONGEST_TITLE), (self.abstract, _LONGEST_ABSTRACT)):
            if max(len(words.en), len(words.zh)) > longest:
                raise ValueError(f"a title takes {_LONGEST_TITLE} characters, an abstract {_LONGEST_ABSTRACT}")
        return self


class Publication(Wire):
    """Published data."""

    pid: str
    url: str = Field(description="where the identifier resolves")
    title: Words
    abstract: Words
    licence: str
    creators: tuple[Creator, ...]
    proposal: ProposalId
    datasets: tuple[str, ...] = Field(description="persistent identifiers of its datasets")
    published_at: datetime
    citation: Words


class PublicationPage(Wire):
    """One page of publications, newest first."""

    publications: tuple[Publication, ...]
    next: str | None = Field(description="pass it as `after` for the next page; none: this is the last")


class DatasetReleaseRequest(Wire):
    """When a dataset opens, and to whom: a decision of its own, which its proposal's does not change any more."""

    released_to: Audience
    released_at: Annotated[AwareDatetime, AfterValidator(_bearable)] | None = Field(
        default=None, description="none: now (or never, if to nobody)"
    )


class DatasetRelease(Wire):
    """When a dataset opens, and to whom."""

    dataset: DatasetId
    pid: str
    released_at: datetime | None = Field(description="none: never")
    released_to: Audience
    is_released: bool
    is_own: bool = Field(description="decided for this dataset; else by its proposal")
    version: int


class ProposalReleaseRequest(Wire):
    """How long the data of a proposal stay its own, and to whom they open then."""

    embargo_months: Months | None = Field(default=None, description="none: as the facility's policy says")
    released_to: Audience | None = Field(default=None, description="none: as the facility's policy says")


class BeamtimeRelease(Wire):
    """When the data of one beamtime open."""

    beamtime: BeamtimeId
    released_at: datetime | None = Field(description="none: never")
    released_to: Audience
    is_released: bool


class ProposalRelease(Wire):
    """How long the data of a proposal stay its own, and what that means for each beamtime."""

    proposal: ProposalId
    embargo_months: int
    released_to: Audience
    follows_policy: bool = Field(description="whether the facility's policy says so, and not the proposal")
    beamtimes: tuple[BeamtimeRelease, ...]
    changed: int = Field(default=0, description="number of datasets that this request changed")


class ProvenanceNode(Wire):
    """A dataset in the graph of what was made from what."""

    dataset: DatasetId
    pid: str
    name: str
    kind: DatasetKind
    technique: str
    beamline: BeamlineId
    beamtime: BeamtimeId
    sample: str | None
    at: datetime = Field(description="when it was measured, else when it came in")
    by: Username | str = Field(description="who brought it into the catalogue")
    software: str | None = Field(description="what made it, without its version")
    software_version: str | None
    parameters: dict[str, Quantity | str] = Field(description="of what was computed; raw data have none here")
    recipe: str | None
    distance: int = Field(description="steps from the dataset that was asked for")


class ProvenanceEdge(Wire):
    """One dataset was made from another."""

    child: DatasetId
    parent: DatasetId


class Provenance(Wire):
    """What a dataset was made from, and what was made from it, as far as the caller may read."""

    dataset: DatasetId
    nodes: tuple[ProvenanceNode, ...]
    edges: tuple[ProvenanceEdge, ...]
    is_cut: bool = Field(description="there is more: ask with a greater depth, or from a dataset at the rim")
