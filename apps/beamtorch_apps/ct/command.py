"""Reconstruct tomography scans: info, centre, preview, recon; simulate one with known truth.

The same verbs as the app, for a terminal and for scripts.
"""

import argparse
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from beamtorch_apps.ct.analysis import FILTERS, Axis, preview
from beamtorch_apps.ct.arguments import parser
from beamtorch_apps.ct.catalogued import register
from beamtorch_apps.ct.data import Scan, open_scan
from beamtorch_apps.ct.errors import ResultExistsError, RowsError
from beamtorch_apps.ct.recipe import Recipe
from beamtorch_apps.ct.results import check_room, check_target, part_of, telling_full
from beamtorch_apps.ct.simulate import Scene, write_scan
from beamtorch_apps.ct.units import per_centimetre
from beamtorch_apps.ct.volume import Outcome, Progress, Watcher, axis_of, reconstruct_volume
from beamtorch_apps.kit.png import grey, png, robust_levels
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words

__all__ = ["FILTERS", "main"]


def main(argv: Sequence[str]) -> int:
    """Run one verb."""
    given = parser().parse_args(argv)
    verbs = {"info": _info, "centre": _centre, "preview": _preview, "recon": _recon, "simulate": _simulate}
    return verbs[given.verb](given, ["beamtorch", "ct", *argv])


def _say(given: argparse.Namespace, facts: dict[str, Any], lines: Sequence[str]) -> None:
    print(json.dumps(facts, ensure_ascii=False, default=str) if given.json else "\n".join(lines))


def _info(given: argparse.Namespace, _command: list[str]) -> int:
    with open_scan(given.scan) as scan:
        facts = {
            "path": str(scan.path),
            "layout": scan.layout,
            "sample": scan.sample,
            "projections": scan.projections,
            "rows": scan.rows,
            "columns": scan.columns,
            "flats": scan.flats,
            "darks": scan.darks,
            "angle_start": float(scan.angles[0]),
            "angle_stop": float(scan.angles[-1]),
            "energy": scan.energy.model_dump() if scan.energy else None,
            "pixel_size": scan.pixel_size.model_dump() if scan.pixel_size else None,
            "bytes": scan.size,
            "missing_links": [str(missing.file) for missing in scan.missing_links()],
        }
        lines = [
            f"{scan.path}  {scan.layout}",
            f"  sample       {scan.sample or '–'}",
            f"  projections  {scan.projections:,}, {facts['angle_start']:.3f}° to {facts['angle_stop']:.3f}°",
            f"  images       {scan.rows:,} rows × {scan.columns:,} columns",
            f"  flats, darks {scan.flats}, {scan.darks}",
            f"  energy       {scan.energy or '–'}",
            f"  pixel size   {scan.pixel_size or '–'}",
            *(f"  not there    {missing.file} (not needed for the reconstruction)" for missing in scan.missing_links()),
        ]
    _say(given, facts, lines)
    return 0


def _axis_facts(axis: Axis, row: int) -> dict[str, Any]:
    return {"axis": axis.column, "error": axis.error, "guess": axis.guess, "how": axis.how().en, "row": row}


def _axis_line(axis: Axis) -> str:
    error = f" ± {axis.error:.2f}" if axis.error is not None else ""
    return f"axis of rotation: column {axis.column:.2f}{error} ({axis.how().en})"


def _row_of(given: argparse.Namespace, scan: Scan) -> int:
    row = scan.rows // 2 if given.row is None else int(given.row)
    if not 0 <= row < scan.rows:
        raise RowsError(
            Words(
                en=f"Row {row} is not in the scan, which has rows 0 to {scan.rows - 1}. Choose one of these.",
                zh=f"扫描只有第 0 到 {scan.rows - 1} 行，没有第 {row} 行。请在此范围内选择。",
            )
        )
    return row


def _centre(given: argparse.Namespace, _command: list[str]) -> int:
    with open_scan(given.scan) as scan:
        row = _row_of(given, scan)
        axis = axis_of(scan, None, row)
    _say(given, _axis_facts(axis, row), [f"{_axis_line(axis)}, row {row}"])
    return 0


def _preview(given: argparse.Namespace, _command: list[str]) -> int:
    output = Path(given.output)
    check_target(output, overwrite=given.force)
    with open_scan(given.scan) as scan:
        row = _row_of(given, scan)
        axis = axis_of(scan, given.axis, row)
        image = preview(scan.sinogram(row), scan.angles, axis.column, size=given.size, filter_name=given.filter)
        image *= per_centimetre(scan.pixel_size) or 1.0
        unit = "1/cm" if scan.pixel_size else "1/pixel"
    levels = robust_levels(image)
    part = part_of(output)
    with telling_full(output.parent):
        try:
            part.write_bytes(png(grey(image, levels)))
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)
    facts = _axis_facts(axis, row) | {"output": str(output), "size": len(image), "levels": levels, "unit": unit}
    grey_line = f"{output}: row {row}, {len(image)} × {len(image)}, black {levels[0]:.4g}, white {levels[1]:.4g} {unit}"
    _say(given, facts, [_axis_line(axis), grey_line])
    return 0


def _recon(given: argparse.Namespace, command: list[str]) -> int:
    recipe = Recipe(
        scan=Path(given.scan).expanduser().resolve(),
        output=Path(given.output).expanduser().resolve(),
        tiff=Path(given.tiff).expanduser().resolve() if given.tiff else None,
        first_row=given.rows[0],
        last_row=given.rows[1],
        axis=given.axis,
        filter=given.filter,
        workers=given.workers,
        overwrite=given.force,
        dataset=given.dataset,
        register_result=given.register,
        command=shlex.join(command),
    )
    bar = _Bar(quiet=given.json)
    with _Stop() as stopped:
        outcome = reconstruct_volume(recipe, Watcher(axis=bar.axis, progress=bar.progress, is_cancelled=stopped))
    facts = outcome.provenance.facts() | {"output": str(outcome.output), "tiff": given.tiff, "dataset_id": None}
    lines = [f"{outcome.output}: {len(outcome.provenance.rows):,} slices, {outcome.provenance.unit}"]
    code = _register(outcome, facts, lines) if given.register else 0
    _say(given, facts, lines)
    return code


def _register(outcome: Outcome, facts: dict[str, Any], lines: list[str]) -> int:
    """Enter the result in the catalogue; if that fails the files stay, and the exit code tells."""
    try:
        facts["dataset_id"] = register(outcome)
    except BeamtorchError as error:
        print(f"beamtorch ct: the volume is written but not in the catalogue. {error.detail.en}", file=sys.stderr)
        return error.exit_code
    lines.append(f"in the catalogue as {facts['dataset_id']}")
    return 0


class _Stop:
    """Turns Ctrl-C and SIGTERM into a wish to stop, so that nothing half-written stays."""

    def __init__(self) -> None:
        self._asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_raised: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, _signal: int, _frame: object) -> None:
        self._asked = True

    def __call__(self) -> bool:
        return self._asked


class _Bar:
    """Progress for a person at a terminal; a pipe gets the axis alone."""

    WIDTH = 30

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._is_terminal = sys.stderr.isatty() and not quiet
        self._began = time.monotonic()

    def axis(self, axis: Axis) -> None:
        if not self._quiet:
            print(_axis_line(axis), flush=True)

    def progress(self, now: Progress) -> None:
        if not self._is_terminal:
            return
        full = self.WIDTH * now.done // now.rows
        spent = time.monotonic() - self._began
        left = f"{spent / now.done * (now.rows - now.done):.0f} s left" if now.done else ""
        end = "\n" if now.done == now.rows else ""
        bar = "█" * full + "░" * (self.WIDTH - full)
        print(f"\r{bar} {now.done:,} of {now.rows:,} rows  {left:<14}", end=end, file=sys.stderr, flush=True)


def _simulate(given: argparse.Namespace, _command: list[str]) -> int:
    output = Path(given.output)
    if output.exists() and not given.force:
        raise ResultExistsError(
            Words(
                en=f"{output} exists. Choose another name, or replace it with --force.",
                zh=f"{output} 已存在。请换一个名称，或使用 --force 覆盖。",
            )
        )
    check_target(output, overwrite=given.force)
    check_room(output.parent, given.rows * given.size * (2 * given.projections + 4 * given.size))
    scene = Scene(
        name=given.name or output.stem,
        seed=given.seed,
        size=given.size,
        rows=given.rows,
        projections=given.projections,
        span=given.span,
        axis=(given.size - 1) / 2 if given.axis is None else given.axis,
        energy=given.energy,
        pixel_size=given.pixel_size,
        layout=given.layout,
        flats=given.flats,
    )
    write_scan(output, scene)
    _say(given, {"output": str(output), "axis": scene.axis, "seed": scene.seed}, [f"{output}: axis at {scene.axis:g}"])
    return os.EX_OK
