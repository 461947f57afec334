"""What travels between the panel and the lab's server, beside the catalogue's own models."""

from pydantic import Field

from beamtorch_catalogue.wire import Attachment, Wire
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.words import Words


class AttachRequest(Wire):
    """The wish to attach a dataset."""

    dataset: DatasetId
    even_if_incomplete: bool = Field(default=False, description="also if files of it are gone")


class AttachedDataset(Attachment):
    """An attachment as it is in this home now."""

    problem: Words | None = Field(description="why it cannot be used, if so, and what to do")


class AttachedDatasets(Wire):
    """Everything that the person attached."""

    attachments: tuple[AttachedDataset, ...]


class LoaderCode(Wire):
    """What goes into a notebook for one dataset."""

    code: str = Field(description="text of the code cell")
    path: str = Field(description="absolute path of the file to start with")
    shown_path: str = Field(description="the same path as a person writes it, ~ for the home")
