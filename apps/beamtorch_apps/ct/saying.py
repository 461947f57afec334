"""What the model knows, in the form and the words that a page shows."""

from typing import Any

from beamtorch_apps.ct.axis import Axis
from beamtorch_apps.ct.data import Scan
from beamtorch_apps.ct.model import View
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words


def error_facts(error: BeamtorchError) -> dict[str, Any]:
    """Return an error card."""
    return {"code": error.code, "title": error.title.model_dump(), "detail": error.detail.model_dump()}


def scan_facts(scan: Scan) -> dict[str, Any]:
    """Return what the first steps show of a scan."""
    return {
        "path": str(scan.path),
        "layout": scan.layout,
        "sample": scan.sample,
        "projections": scan.projections,
        "flats": scan.flats,
        "darks": scan.darks,
        "rows": scan.rows,
        "columns": scan.columns,
        "angle_start": float(scan.angles[0]),
        "angle_stop": float(scan.angles[-1]),
        "energy": str(scan.energy) if scan.energy else None,
        "pixel_size": str(scan.pixel_size) if scan.pixel_size else None,
    }


def axis_facts(axis: Axis) -> dict[str, Any]:
    """Return the axis with its sweep as points."""
    sweep = axis.sweep
    points = [[float(x), float(y)] for x, y in zip(sweep.columns, sweep.entropy, strict=True)] if sweep else None
    return {"column": axis.column, "error": axis.error, "how": axis.how().model_dump(), "sweep": points}


def view_words(view: View) -> Words:
    """Return the line on the picture."""
    at = f"{view.index:,}"
    if view.kind == "slice":
        return Words(en=f"slice {at} · axis {view.axis:.2f}", zh=f"切片 {at} · 转轴 {view.axis:.2f}")
    if view.kind == "sinogram":
        return Words(en=f"sinogram of row {at}", zh=f"第 {at} 行的正弦图")
    return Words(en=f"projection {at}", zh=f"投影 {at}")
