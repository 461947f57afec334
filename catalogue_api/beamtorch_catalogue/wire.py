"""What travels between the catalogue and its callers. Server and client share these models and nothing else."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from beamtorch_facility.dataset import DatasetId, DatasetKind
from beamtorch_facility.identity import Username
from beamtorch_facility.proposal import BeamlineId, BeamtimeId, ProposalId
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words


class Wire(BaseModel):
    """Base of everything on the wire: unknown members are an error, not a guess."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatasetState(StrEnum):
    """Whether the files of a dataset can be used."""

    COMPLETE = "complete"
    BROKEN = "broken"
    MISSING = "missing"


# -- what the user office knows, imported by `PUT /facility` -------------------------------------


class InstrumentRecord(Wire):
    """A beamline and its instrument."""

    beamline: BeamlineId
    name: Words
    technique: str = Field(description="what is usually measured there, e.g. tomography")


class ProposalRecord(Wire):
    """A proposal; its team is the group ``proposal-<id>`` of the directory."""

    proposal: ProposalId
    title: Words
    principal_investigator: Username


class BeamtimeRecord(Wire):
    """A stay at a beamline."""

    beamtime: BeamtimeId
    proposal: ProposalId
    beamline: BeamlineId
    start: date
    end: date


class SampleRecord(Wire):
    """Something that was in the beam."""

    sample: str = Field(min_length=1, max_length=200, description="name of the sample, unique within its proposal")
    proposal: ProposalId
    description: Words
    formula: str | None = Field(default=None, description="composition, e.g. CeO2")


class FacilityRecords(Wire):
    """What `beamtorch catalogue import` sends; importing it again changes nothing."""

    name: Words
    instruments: tuple[InstrumentRecord, ...] = ()
    proposals: tuple[ProposalRecord, ...] = ()
    beamtimes: tuple[BeamtimeRecord, ...] = ()
    samples: tuple[SampleRecord, ...] = ()


# -- datasets ------------------------------------------------------------------------------------


class FileRecord(Wire):
    """One file of a dataset."""

    path: str = Field(description="absolute path, the same on every machine of the facility")
    size: int = Field(ge=0, lt=2**63)
    format: str = Field(default="", description="e.g. NXtomo, Data Exchange, CBF, chi")
    xxh3: str | None = None
    state: DatasetState = DatasetState.COMPLETE
    problem: Words | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class DatasetRecord(Wire):
    """A dataset on its way into the catalogue; the same ``source_id`` again updates, never doubles."""

    source_id: str = Field(min_length=1, max_length=1000, description="stable name at the source, e.g. the main path")
    name: str = Field(min_length=1, max_length=200)
    kind: DatasetKind
    beamtime: BeamtimeId
    technique: str = Field(default="", description="tomography, total scattering, crystallography, …")
    sample: str | None = None
    measured_at: datetime | None = None
    files: Annotated[tuple[FileRecord, ...], Field(min_length=1)]
    parameters: dict[str, Quantity | str] = Field(default_factory=dict, description="metadata; numbers keep their unit")
    parents: tuple[DatasetId, ...] = Field(default=(), description="the datasets that this one was made from")
    software: str | None = Field(default=None, description="what made it, with version")
    state: DatasetState = DatasetState.COMPLETE
    problem: Words | None = Field(default=None, description="why it is broken, if it is")


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
    attached_at: str | None = Field(default=None, description="path of the caller's own link, if attached")


class Dataset(DatasetSummary):
    """A dataset with everything that the catalogue knows."""

    folder: str = Field(description="absolute path that `attach` links to")
    files: tuple[FileRecord, ...]
    parameters: dict[str, Quantity | str]
    proposal_title: Words
    principal_investigator: Username
    parents: tuple[DatasetId, ...]
    children: tuple[DatasetId, ...]
    software: str | None
    readers: tuple[Words, ...] = Field(description="who can read it, in words")


class DatasetPage(Wire):
    """One page of results, newest first."""

    datasets: tuple[DatasetSummary, ...]
    total: int = Field(description="number of hits, counted up to a cap")
    total_is_capped: bool
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


# -- files, for ingestors ------------------------------------------------------------------------


class KnownFile(Wire):
    """A file that the catalogue knows."""

    dataset: DatasetId
    source_id: str
    path: str
    state: DatasetState


class KnownFilePage(Wire):
    """One page of known files, by path."""

    files: tuple[KnownFile, ...]
    next: str | None = Field(description="pass it as `after` for the next page; none: this is the last")


class FileState(Wire):
    """What an ingestor found in a known file's place."""

    dataset: DatasetId
    path: str
    state: Literal[DatasetState.COMPLETE, DatasetState.MISSING]
