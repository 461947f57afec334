"""What an ingest tells when it is done."""

from pydantic import BaseModel, Field

from beamtorch_facility.words import Words


class Told(BaseModel):
    """Something about a dataset that a person should read."""

    name: str
    problem: Words


class IngestReport(BaseModel):
    """What an ingest did."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    registered: int = Field(default=0, description="results that an app or a person has registered already")
    copied: int = Field(default=0, description="files that were copied into the beamtime's folder")
    there: int = Field(default=0, description="files that should be copied and were there already")
    walked: int = Field(default=0, description="datasets whose files were walked through")
    waiting: int = Field(default=0, description="datasets that wait in the spool since the catalogue does not answer")
    spool: str | None = Field(default=None, description="where they wait")
    broken: list[Told] = []
    refused: list[Told] = []
    unreadable: list[Told] = []
    untold: list[Told] = Field(default=[], description="why start time, sample or energy are not known")
    left: list[str] = Field(default=[], description="files of unknown format that were not copied")
    missing: list[str] = Field(default=[], description="catalogued files that are gone")
    returned: list[str] = Field(default=[], description="files that were gone and are back")
