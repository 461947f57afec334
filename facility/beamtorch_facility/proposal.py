"""Proposals and the beamtimes that they are given, at a beamline."""

import re

from beamtorch_facility.identifier import Identifier
from beamtorch_facility.words import Words

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class ProposalId(Identifier):
    """The user office's number of a proposal, such as ``2026-1417``."""

    __slots__ = ()
    kind = Words(en="proposal number", zh="课题编号")
    pattern = _NAME


class BeamlineId(Identifier):
    """The short name of a beamline, such as ``BL-B7``."""

    __slots__ = ()
    kind = Words(en="beamline name", zh="线站名")
    pattern = _NAME


class BeamtimeId(Identifier):
    """The number of one stay at a beamline, such as ``BT-26-0417``."""

    __slots__ = ()
    kind = Words(en="beamtime number", zh="实验机时编号")
    pattern = _NAME
