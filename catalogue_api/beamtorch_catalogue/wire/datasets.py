"""Datasets and their files, on their way in and out."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from beamtorch_catalogue.wire.base import Audience, DatasetState, Wire
from beamtorch_facility.dataset import DatasetId, DatasetKind
from beamtorch_facility.identity import Username
from beamtorch_facility.proposal import BeamlineId, BeamtimeId, ProposalId
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

HashName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,20}$")]
ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Statistics(Wire):
    """What many values of one key come to, such as the rotation angles of a scan."""

    count: int = Field(ge=0)
    minimum: float
    maximum: float
    mean: float
    standard_deviation: float = Field(ge=0, description="of the values themselves (divided by their count)")
    unit: str = ""


FileValue = Quantity | Statistics | str
"""What one key of a file's own metadata holds."""


class FileCopy(Wire):
    """Where else a file lies."""

    tier: str = Field(description="beamline, central or archive")
    path: str
    state: str
    verified_at: datetime | None


class FileRecord(Wire):
    """One file of a dataset."""

    path: str = Field(description="absolute path, the same on every machine of the facility")
    size: int = Field(ge=0, lt=2**63)
    format: str = Field(default="", description="e.g. NXtomo, Data Exchange, CBF, chi")
    xxh3: str | None = None
    state: DatasetState = DatasetState.COMPLETE
    problem: Words | None = None
    hashes: dict[HashName, str] = Field(default_factory=dict, description="further ones, e.g. md5, by algorithm")
    metadata: dict[str, FileValue] = Field(default_factory=dict, description="its own, with statistics of series")
    copies: tuple[FileCopy, ...] = Field(default=(), description="kept by transfers; ignored on the way in")

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class FilePage(Wire):
    """One page of a dataset's files."""

    files: tuple[FileRecord, ...]
    next: str | None = Field(description="pass it as `after` for the next page; none: this is the last")


class DatasetRecord(Wire):
    """A dataset on its way into the catalogue; the same ``source_id`` again updates, never doubles."""

    source_id: str = Field(min_length=1, max_length=1000, description="stable name at the source, e.g. the main path")
    name: str = Field(min_length=1, max_length=200)
    kind: DatasetKind
    beamtime: BeamtimeId
    technique: str = Field(default="", max_length=200, description="tomography, total scattering, crystallography, …")
    sample: str | None = Field(default=None, max_length=200)
    measured_at: datetime | None = None
    files: Annotated[tuple[FileRecord, ...], Field(min_length=1)]
    parameters: dict[str, Quantity | str] = Field(default_factory=dict, description="metadata; numbers keep their unit")
    parents: tuple[DatasetId, ...] = Field(default=(), description="the datasets that this one was made from")
    software: str | None = Field(default=None, description="what made it, with version")
    recipe: str | None = Field(default=None, max_length=2000, description="path or link of the recipe that made it")
    models: dict[ModelName, dict[str, Any]] = Field(
        default_factory=dict, description="documents of the facility's metadata models, by the name of the model"
    )
    state: DatasetState = DatasetState.COMPLETE
    problem: Words | None = Field(default=None, description="why it is broken, if it is")


class DatasetEdit(Wire):
    """What to correct; what is left out stays, and null takes a value away."""

    name: str = Field(default="", min_length=1, max_length=200)
    technique: str = Field(default="", min_length=1, max_length=200)
    sample: str | None = Field(default=None, min_length=1, max_length=200)
    software: str | None = Field(default=None, max_length=1000)
    recipe: str | None = Field(default=None, max_length=2000)
    parameters: dict[Annotated[str, StringConstraints(max_length=200)], Quantity | str | None] = Field(
        default_factory=dict
    )


class IngestResult(Wire):
    """What became of one record of a bulk request, in the order of the request."""

    source_id: str
    dataset: DatasetId | None
    outcome: str = Field(description="created, updated, unchanged or refused")
    problem: Words | None = None


class DatasetSummary(Wire):
    """A dataset in a list of results."""

    id: DatasetId
    name: str
    kind: DatasetKind
    technique: str
    beamline: BeamlineId
    beamline_name: Words
    proposal: ProposalId
    beamtime: BeamtimeId
    sample: str | None
    sample_description: Words | None
    measured_at: datetime | None
    size: int
    file_count: int
    energy: Quantity | None
    state: DatasetState
    problem: Words | None
    pid: str = Field(default="", description="persistent identifier; resolves at pid/…")
    released_at: datetime | None = Field(default=None, description="when others may read it; none: never")
    released_to: Audience = Audience.REGISTERED
    is_released: bool = False
    attached_at: str | None = Field(default=None, description="path of the caller's own link, if attached")


class Dataset(DatasetSummary):
    """A dataset with everything that the catalogue knows."""

    folder: str = Field(description="absolute path that `attach` links to")
    files: tuple[FileRecord, ...] = Field(description="the first ones; `GET …/files` pages through all")
    files_next: str | None = Field(default=None, description="`after` for the files that follow; none: these are all")
    parameters: dict[str, Quantity | str]
    models: dict[str, dict[str, Any]] = Field(default_factory=dict, description="documents by the name of the model")
    version: int = Field(default=1, description="grows with every change; the ETag")
    proposal_title: Words
    principal_investigator: Username
    parents: tuple[DatasetId, ...]
    children: tuple[DatasetId, ...]
    software: str | None
    recipe: str | None = None
    readers: tuple[Words, ...] = Field(description="who can read it, in words")


class DatasetPage(Wire):
    """One page of results, newest first."""

    datasets: tuple[DatasetSummary, ...]
    total: int = Field(description="number of hits, as far as the pages up to this one show it")
    total_is_capped: bool = Field(description="whether there are more; datasets/count counts further")
    next: str | None = Field(description="pass it as `after` for the next page; none: this is the last")
    advice: Words | None = Field(default=None, description="if nothing matches: which part of the query to drop")


class Attachment(Wire):
    """A dataset that a person attached to their home."""

    dataset: DatasetId
    name: str
    path: str = Field(description="the link, e.g. ~/datasets/tooth")
    attached_at: datetime
    state: DatasetState


class AttachmentRequest(Wire):
    """A link that a person's own process has made."""

    dataset: DatasetId
    path: str = Field(pattern=r"^~/datasets/[^/\x00-\x1f]{1,120}$", description="the link, e.g. ~/datasets/tooth")


class KnownFile(Wire):
    """A file that the catalogue knows."""

    dataset: DatasetId
    source_id: str
    path: str
    state: DatasetState


class KnownFilePage(Wire):
    """One page of known files, dataset by dataset."""

    files: tuple[KnownFile, ...]
    next: str | None = Field(description="pass it as `after` for the next page; none: this is the last")


class FileState(Wire):
    """What an ingestor found in a known file's place."""

    dataset: DatasetId
    path: str
    state: Literal[DatasetState.COMPLETE, DatasetState.MISSING]
