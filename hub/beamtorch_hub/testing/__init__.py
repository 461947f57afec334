"""A hub of another facility beside a real cluster, for tests and benchmarks."""

from beamtorch_hub.testing.guarded import Guarded
from beamtorch_hub.testing.namespace import Namespace
from beamtorch_hub.testing.other_hub import OtherHub

__all__ = ["Guarded", "Namespace", "OtherHub"]
