"""The vocabulary of a light source: people, proposals, beamtimes, datasets, and where data lie. No framework."""

from beamtorch_facility.data_layout import Area, BeamtimeFolder, DataLayout
from beamtorch_facility.dataset import DatasetId, DatasetKind
from beamtorch_facility.directory import Directory, UnknownPersonError, YamlDirectory
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.proposal import BeamlineId, BeamtimeId, ProposalId
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

__all__ = [
    "Area",
    "BeamlineId",
    "BeamtimeFolder",
    "BeamtimeId",
    "BeamtorchError",
    "DataLayout",
    "DatasetId",
    "DatasetKind",
    "Directory",
    "Identity",
    "ProposalId",
    "Quantity",
    "UnknownPersonError",
    "Username",
    "Words",
    "YamlDirectory",
]
