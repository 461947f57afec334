"""Where a volume comes from: what was read, what was done with which software, and how to do it again."""

import json
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import h5py

from beamtorch_apps.ct.axis import Axis
from beamtorch_apps.ct.data import Scan
from beamtorch_apps.ct.recipe import Recipe
from beamtorch_apps.ct.units import per_centimetre
from beamtorch_facility.quantity import Quantity

PACKAGES = ("beamtorch", "finufft", "numpy", "scipy", "h5py", "tifffile")


def software() -> dict[str, str]:
    """Return the versions that a result depends on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


@dataclass(frozen=True)
class Provenance:
    """What a result says about itself."""

    recipe: Recipe
    axis: Axis
    rows: range
    scan: dict[str, Any]
    pixel_size: Quantity | None
    energy: Quantity | None
    sample: str
    made_at: datetime

    @classmethod
    def of(cls, scan: Scan, recipe: Recipe, axis: Axis, rows: range) -> "Provenance":
        """Return it for one run."""
        stat = scan.path.stat()
        facts = {
            "path": str(scan.path.resolve()),
            "bytes": stat.st_size,
            "modified": datetime.fromtimestamp(stat.st_mtime, UTC).isoformat(timespec="seconds"),
            "layout": scan.layout,
            "projections": scan.projections,
            "flats": scan.flats,
            "darks": scan.darks,
            "angle_start": float(scan.angles[0]),
            "angle_stop": float(scan.angles[-1]),
            "columns": scan.columns,
        }
        return cls(
            recipe,
            axis,
            rows,
            facts,
            scan.pixel_size,
            scan.energy,
            scan.sample,
            datetime.now(UTC).replace(microsecond=0),
        )

    @property
    def factor(self) -> float:
        """What attenuation per pixel is multiplied by."""
        return per_centimetre(self.pixel_size) or 1.0

    @property
    def unit(self) -> str:
        """Unit of the grey values."""
        return "1/cm" if self.pixel_size else "1/pixel"

    @property
    def length(self) -> tuple[float, str]:
        """Width of a voxel with its unit."""
        return (self.pixel_size.value, "um") if self.pixel_size else (1.0, "pixel")

    @property
    def pixels_per_centimetre(self) -> float | None:
        """Resolution for TIFF."""
        return per_centimetre(self.pixel_size)

    def facts(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "program": "beamtorch ct",
            "made_at": self.made_at.isoformat(),
            "scan": self.scan,
            "dataset": self.recipe.dataset,
            "sample": self.sample,
            "rows": [self.rows.start, self.rows.stop],
            "axis": {"column": self.axis.column, "error": self.axis.error, "how": self.axis.how().en},
            "unit": self.unit,
            "pixel_size": self.pixel_size.model_dump() if self.pixel_size else None,
            "energy": self.energy.model_dump() if self.energy else None,
            "software": software(),
            "recipe": self.recipe.model_dump(mode="json") | {"axis": self.axis.column},
            "command": self.recipe.command,
        }

    def write(self, entry: h5py.Group) -> None:
        """Fill an entry as NXtomoproc asks, and beyond."""
        facts = self.facts()
        entry.attrs["NX_class"] = "NXentry"
        entry["definition"] = "NXtomoproc"
        entry["title"] = f"Reconstruction of {self.sample or self.recipe.scan.stem}"
        entry["start_time"] = facts["made_at"]
        sample = _group(entry, "sample", "NXsample")
        sample["name"] = self.sample or "unknown"
        source = _group(_group(entry, "instrument", "NXinstrument"), "source", "NXsource")
        source["type"], source["probe"] = "Synchrotron X-ray Source", "x-ray"
        if self.energy:
            beam = _group(entry["instrument"], "beam", "NXbeam")
            beam["incident_energy"] = self.energy.value
            beam["incident_energy"].attrs["units"] = self.energy.unit
        process = _group(entry, "reconstruction", "NXprocess")
        process["program"], process["version"] = "beamtorch ct", facts["software"]["beamtorch"]
        process["date"] = facts["made_at"]
        parameters = _group(process, "parameters", "NXparameters")
        parameters["raw_file"] = facts["scan"]["path"]
        parameters["dataset"] = str(self.recipe.dataset or "")
        parameters["rotation_axis"] = self.axis.column
        parameters["rotation_axis"].attrs["units"] = "pixel"
        parameters["rotation_axis_method"] = self.axis.how().en
        parameters["filter"] = self.recipe.filter
        parameters["rows"] = [self.rows.start, self.rows.stop]
        parameters["command"] = self.recipe.command
        parameters["recipe"] = _json(facts["recipe"])
        parameters["provenance"] = _json(facts)
        for name, value in facts["software"].items():
            parameters.attrs[f"version_{name}"] = value


def _group(parent: h5py.Group, name: str, nexus_class: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nexus_class
    return group


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
