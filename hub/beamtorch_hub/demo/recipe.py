"""How the files of a demo dataset are made: copied, simulated, or broken in a known way."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

FileName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$", description="name of a file, without a folder")
]
DatasetName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="name of its folder")]


def _absolute_sources(source: str, info: ValidationInfo) -> str:
    """Make ``./x`` a path beside the description; it is kept that way, so that a later start finds it, too."""
    if source.startswith(("./", "../")) and isinstance(info.context, Path):
        return str((info.context / source).resolve())
    return source


Source = Annotated[
    str,
    AfterValidator(_absolute_sources),
    Field(description="a shipped file such as ct/tooth.h5, an absolute path, or ./… beside the description"),
]


class Strict(BaseModel):
    """Base of the parts: a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CopiedFile(Strict):
    """One file taken as it is."""

    source: Source
    name: FileName


class Copied(Strict):
    """Real files, unchanged, under names of this facility."""

    make: Literal["copy"]
    files: Annotated[tuple[CopiedFile, ...], Field(min_length=1)]


class Unpacked(Strict):
    """Real files from a tar archive, all of them."""

    make: Literal["unpack"]
    archive: Source
    stem: str = Field(default="", description="the part of each name that is replaced")
    name: str = Field(default="", pattern=r"^[A-Za-z0-9._-]*$", description="what replaces it")


class SimulatedCt(Strict):
    """A tomography scan of an analytic phantom, so that the truth is known."""

    make: Literal["simulate-ct"]
    file: FileName
    layout: Literal["nxtomo", "exchange"] = "nxtomo"
    columns: int = Field(default=256, ge=16, le=4096)
    rows: int = Field(default=16, ge=1, le=4096)
    projections: int = Field(default=180, ge=4)
    span: Literal[180, 360] = Field(default=180, description="degrees")
    axis: float = Field(description="column of the rotation axis")
    energy: float = Field(gt=0, description="keV")
    pixel_size: float = Field(gt=0, description="micrometres")
    flats: Literal["before", "both"] = Field(default="before", description="when flat fields are taken")


class Truncated(Strict):
    """The beginning of another dataset's first file, as an interrupted copy leaves it."""

    make: Literal["truncated"]
    file: FileName
    of: DatasetName
    keep: float = Field(default=0.6, gt=0, lt=1, description="part of the bytes that is there")


class MissingLink(Strict):
    """A NeXus file whose detector data are in another file, which is not there."""

    make: Literal["missing-link"]
    file: FileName
    absent: FileName = Field(description="the file that the link names")
    columns: int = 256
    rows: int = 24
    projections: int = 180
    energy: float = Field(gt=0, description="keV")


Recipe = Annotated[Copied | Unpacked | SimulatedCt | Truncated | MissingLink, Field(discriminator="make")]
