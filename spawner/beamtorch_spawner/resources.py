"""What a server holds: cores, memory and extended resources by name. Exact numbers, so that sums never drift."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

CORES = "cores"
MEMORY = "memory"
SERVERS = "servers"
GPU_HOURS = "gpu-hours"
"""Per calendar month, all kinds of GPU together."""

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_EXTENDED = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_GPU = re.compile(r"(^|[/.-])(gpu|mig-[^/]*|xpu|npu)(\.shared)?$")


def parse_memory(given: object) -> object:
    """Return bytes for “200G” as KubeSpawner reads it (200 × 1024³); anything else is left for the model to refuse."""
    if isinstance(given, str) and (found := _MEMORY.fullmatch(given.strip())):
        return int(Decimal(found[1]) * _UNITS[found[2].upper()])
    return given


def parse_cores(given: object) -> object:
    """Return cores for “0.5” and for Kubernetes' “500m”; anything else is left for the model to refuse."""
    if isinstance(given, str):
        text = given.strip()
        try:
            return float(Decimal(text[:-1]) / 1000) if text.endswith("m") else float(Decimal(text))
        except InvalidOperation:
            return given
    return given


def _names(extended: dict[str, int]) -> dict[str, int]:
    for name in extended:
        if not _EXTENDED.fullmatch(name):
            raise ValueError(f"“{name[:60]}” is no name of an extended resource, such as nvidia.com/gpu")
    return {name: extended[name] for name in sorted(extended) if extended[name]}


Cores = Annotated[float, BeforeValidator(parse_cores), Field(ge=0, le=100_000, allow_inf_nan=False)]
Memory = Annotated[int, BeforeValidator(parse_memory), Field(ge=0, le=2**60, description="bytes; “200G” is read, too")]
Extended = Annotated[
    dict[str, Annotated[int, Field(ge=0, le=1_000_000)]],
    Field(max_length=20, description="extended resources of Kubernetes by name, e.g. nvidia.com/gpu"),
    AfterValidator(_names),
]


class Resources(BaseModel):
    """What one server holds, or may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cores: Cores = 0
    memory: Memory = 0
    extended: Extended = {}

    @property
    def gpus(self) -> int:
        """GPUs and slices of GPUs, of whatever vendor."""
        return sum(count for name, count in self.extended.items() if is_gpu(name))

    def amounts(self) -> dict[str, int]:
        """Return whole numbers to add and compare: thousandths of a core, bytes, pieces, and one server."""
        return amounts(self.cores, self.memory, self.extended)

    def fits_in(self, most: Self) -> str | None:
        """Return the name of the first resource that exceeds another's, or None."""
        limits = most.amounts()
        return next((name for name, amount in self.amounts().items() if amount > limits.get(name, 0)), None)


def amounts(cores: float, memory: int, extended: Mapping[str, int]) -> dict[str, int]:
    """Return what one server holds, as `Resources.amounts` does."""
    return {CORES: round(cores * 1000), MEMORY: memory, SERVERS: 1, **extended}


def is_gpu(name: str) -> bool:
    """Tell whether an extended resource is a GPU or a part of one."""
    return bool(_GPU.search(name))


def amount_of(resource: str, value: Any) -> int:
    """Return a limit as the whole number that `Resources.amounts` uses: “16” cores → 16000, “200G” → bytes."""
    if resource == CORES:
        return round(float(str(parse_cores(value))) * 1000)
    if resource == MEMORY:
        return int(Decimal(str(parse_memory(value))))
    if resource == GPU_HOURS:
        return round(float(value) * 3600)
    return int(value)
