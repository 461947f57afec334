"""The tables, typed."""

from beamtorch_catalogue.stores.models.base import Base, Moment, Number, words
from beamtorch_catalogue.stores.models.changes import ApiKey, Change, Webhook
from beamtorch_catalogue.stores.models.datasets import (
    AttachmentRow,
    CensusRow,
    DatasetRow,
    DocumentRow,
    FileCopy,
    FileRow,
    ParameterRow,
    Parentage,
    SavedSearch,
)
from beamtorch_catalogue.stores.models.office import (
    Beamtime,
    Facility,
    Instrument,
    Person,
    Proposal,
    Role,
    Sample,
    SampleElement,
    Station,
)
from beamtorch_catalogue.stores.models.publications import Publication, PublicationDataset, ReleaseMark

__all__ = [
    "ApiKey",
    "AttachmentRow",
    "Base",
    "Beamtime",
    "CensusRow",
    "Change",
    "DatasetRow",
    "DocumentRow",
    "Facility",
    "FileCopy",
    "FileRow",
    "Instrument",
    "Moment",
    "Number",
    "ParameterRow",
    "Parentage",
    "Person",
    "Proposal",
    "Publication",
    "PublicationDataset",
    "ReleaseMark",
    "Role",
    "Sample",
    "SampleElement",
    "SavedSearch",
    "Station",
    "Webhook",
    "words",
]
