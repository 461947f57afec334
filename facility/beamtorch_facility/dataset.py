"""Datasets: what the catalogue finds and a session attaches."""

import re
from enum import StrEnum

from beamtorch_facility.identifier import Identifier
from beamtorch_facility.words import Words


class DatasetId(Identifier):
    """The catalogue's own, stable name of a dataset."""

    __slots__ = ()
    kind = Words(en="dataset identifier", zh="数据集标识")
    pattern = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{5,63}")


class DatasetKind(StrEnum):
    """How a dataset came to be; rules of its life go by this."""

    RAW = "raw"
    PROCESSED = "processed"
    SIMULATED = "simulated"
    CALIBRATION = "calibration"
