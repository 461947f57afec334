"""``dataset.yaml``: what a person adds to a folder because no file in it tells."""

import re
from datetime import datetime
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.units import unit
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

NAME = "dataset.yaml"
_WRITTEN = re.compile(r"\s*([-+]?\d*\.?\d+(?:[eE][-+]?\d+)?)\s*(\S.*?)?\s*")


class SidecarError(CatalogueError):
    """A ``dataset.yaml`` that cannot be understood."""

    code = "bad-sidecar"
    status = 422
    title = Words(en="dataset.yaml cannot be understood", zh="无法理解 dataset.yaml")


class Sidecar(BaseModel):
    """The members of ``dataset.yaml``; all may be left out, none may be misspelt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = Field(default=None, min_length=1, max_length=200)
    sample: str | None = Field(default=None, min_length=1, max_length=200)
    technique: str | None = None
    kind: DatasetKind | None = None
    measured_at: datetime | None = None
    software: str | None = None
    parameters: dict[str, Quantity | float | str] = Field(default_factory=dict)

    def quantities(self) -> dict[str, Quantity | str]:
        """Return the parameters; ``12.4 keV`` is a number with a unit, whatever else is text stays text."""
        return {name: _quantity(value) for name, value in self.parameters.items()}


def read_sidecar(folder: Path) -> Sidecar:
    """Read a folder's sidecar; an empty one if there is none.

    Raises
    ------
    SidecarError
        If it cannot be understood; the error says where.
    """
    path = folder / NAME
    try:
        return Sidecar.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except FileNotFoundError:
        return Sidecar()
    except ValidationError as error:
        first = error.errors()[0]
        raise _refused(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _refused(path, str(error).partition("\n")[0]) from error


def _quantity(value: Quantity | float | str) -> Quantity | str:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, int | float):
        return Quantity(value=float(value))
    found = _WRITTEN.fullmatch(value)
    if found and unit(found[2] or "") is not None:
        return Quantity(value=float(found[1]), unit=found[2] or "")
    return value


def _refused(path: Path, reason: str) -> SidecarError:
    return SidecarError(
        Words(
            en=f"{path} cannot be understood ({reason}). Mend it, then ingest again.",
            zh=f"无法理解 {path}（{reason}）。请修正后重新采集。",
        ),
        path=str(path),
    )
