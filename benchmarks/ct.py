"""CT: CPU-seconds per slice (2048 columns, 1500 projections) and the error against an analytic phantom.

Run it as ``python benchmarks/ct.py`` or ``just bench ct``. One thread; user and system time of this process, best of
several runs that alternate between the engines, because what else runs on the machine makes all of them slower.
Two rivals run beside it: the same engine on finufft's own transform at a tolerance of 1e-3, padded by half the width
(0.115 CPU-seconds on a machine with Zen 5 cores, which tells how this machine compares), and, where it is installed,
scikit-image's ``iradon`` at an eighth of the width, with the axis where that expects it.
"""

import argparse
import importlib.util
import json
import os
import platform
import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import finufft
import numpy as np

from beamtorch_apps.ct.analysis import find_axis
from beamtorch_apps.ct.phantom import Solid
from beamtorch_apps.ct.provenance import software
from beamtorch_apps.ct.reconstruction import Geometry, Shape

COLUMNS, PROJECTIONS, SEED = 2048, 1500, 1
SMALL = COLUMNS // 8 - 1
"""Odd, because then iradon's middle is the middle."""
MOST_SECONDS, MOST_ERROR = 0.15, 0.008
RESULTS = Path(__file__).parent / "results" / "ct.json"


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Case:
    """A slice of the phantom: its projections, its truth, and how an image agrees with it."""

    def __init__(self, columns: int, projections: int) -> None:
        self.columns = columns
        self.angles = np.arange(projections) * 180.0 / projections
        self.axis = (columns - 1) / 2
        body = Solid(SEED).slice_at(0.0)
        self.lines = body.sinogram(columns, self.angles, self.axis)
        self.truth = body.truth(columns)
        y, x = np.mgrid[:columns, :columns] - self.axis
        self.inside = np.hypot(x, y) < 0.97 * columns / 2
        # "flat": more than 4 pixels from any edge, where only the level counts
        steep = np.zeros_like(self.truth, dtype=bool)
        for axis in (0, 1):
            jump = np.abs(np.diff(self.truth, axis=axis, prepend=0)) > 1e-3
            for shift in range(-4, 5):
                steep |= np.roll(jump, shift, axis=0) | np.roll(jump, shift, axis=1)
        self.flat = self.inside & ~steep

    def agreement(self, image: np.ndarray) -> dict[str, float]:
        wrong = image - self.truth
        return {
            "rmse": float(np.sqrt(np.mean(wrong[self.inside] ** 2))),
            "rmse_flat": float(np.sqrt(np.mean(wrong[self.flat] ** 2))),
            "slope": float(np.polyfit(self.truth[self.inside], image[self.inside], 1)[0]),
        }


def ours(case: Case) -> tuple[Callable[[], np.ndarray], float]:
    began = cpu()
    geometry = Geometry(case.angles, Shape(case.columns, case.columns).about(case.axis))
    return lambda: geometry.pair(case.lines, case.lines, case.axis).real, cpu() - began


def plain(case: Case) -> Callable[[], np.ndarray]:
    geometry = Geometry(case.angles, Shape(case.columns, case.columns))
    transform = finufft.Plan(1, (case.columns,) * 2, eps=1e-3, isign=1, dtype="complex64", nthreads=1, upsampfac=1.25)
    along = 2 * np.pi * np.fft.fftfreq(geometry.spectrum(case.lines, None).shape[1])
    turns = np.deg2rad(case.angles)
    points = [np.outer(f(turns), along).astype(np.float32).ravel() for f in (np.sin, np.cos)]
    transform.setpts(*points)
    geometry._sum, geometry._tail = transform.execute, None  # noqa: SLF001 - the two parts that differ
    return lambda: geometry.pair(case.lines, case.lines, case.axis).real


def iradon(case: Case) -> Callable[[], np.ndarray]:
    from skimage.transform import iradon as rival  # noqa: PLC0415 - an optional rival

    # It turns the other way, and takes the projections as columns.
    return lambda: rival(case.lines.T, theta=-case.angles, output_size=case.columns, circle=True)


def alternate(engines: dict[str, tuple[Callable[[], np.ndarray], int]], runs: int) -> dict[str, dict[str, Any]]:
    """Time each engine once per round; an engine gives so many slices per call."""
    spent: dict[str, list[float]] = {name: [] for name in engines}
    walls: dict[str, list[float]] = {name: [] for name in engines}
    images = {}
    for _ in range(runs):
        for name, (engine, slices) in engines.items():
            began, clock = cpu(), time.perf_counter()
            images[name] = engine()
            spent[name].append((cpu() - began) / slices)
            walls[name].append((time.perf_counter() - clock) / slices)
    return {
        name: {
            "cpu_seconds": min(spent[name]),
            "cpu_seconds_median": float(np.median(spent[name])),
            "wall_seconds": min(walls[name]),
            "image": images[name],
        }
        for name in engines
    }


def measure(case: Case, runs: int, *, rival: bool) -> tuple[dict[str, Any], float]:
    engine, plan = ours(case)
    engines: dict[str, tuple[Callable[[], np.ndarray], int]] = {"beamtorch": (engine, 2)}
    if not rival:
        engines["finufft alone, 1e-3"] = (plain(case), 2)
    else:
        engines["scikit-image iradon"] = (iradon(case), 1)
    found = alternate(engines, runs)
    return {name: facts | case.agreement(facts.pop("image")) for name, facts in found.items()}, plan


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=16)
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args()
    large = Case(COLUMNS, PROJECTIONS)
    found, plan = measure(large, given.runs, rival=False)
    began = cpu()
    axis = find_axis(large.lines, large.angles)
    seconds = cpu() - began
    report: dict[str, Any] = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu": _cpu_name(),
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0],
            "system": platform.platform(),
        },
        "software": software(),
        "columns": COLUMNS,
        "projections": PROJECTIONS,
        "engines": found,
        "plan_cpu_seconds": plan,
        "axis": {"error_px": axis.column - large.axis, "cpu_seconds": seconds},
        "targets": {"cpu_seconds": MOST_SECONDS, "rmse": MOST_ERROR},
    }
    if importlib.util.find_spec("skimage"):
        small, _ = measure(Case(SMALL, PROJECTIONS // 8), 3, rival=True)
        report["small"] = {"columns": SMALL, "projections": PROJECTIONS // 8, "engines": small}
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    _print(report)
    return 0


def _print(report: dict[str, Any]) -> None:
    us, axis = report["engines"]["beamtorch"], report["axis"]
    seconds, median = us["cpu_seconds"], us["cpu_seconds_median"]
    print(f"{COLUMNS} columns, {PROJECTIONS} projections, one thread, load {report['machine']['load']:.1f}")
    print(f"  CPU-seconds per slice  {seconds:.3f}  (median {median:.3f}, target ≤ {MOST_SECONDS})")
    print(f"  finufft alone, 1e-3    {report['engines']['finufft alone, 1e-3']['cpu_seconds']:.3f}")
    print(f"  RMSE inside 0.97       {us['rmse']:.4f}  (flat {us['rmse_flat']:.4f}, target ≤ {MOST_ERROR})")
    print(f"  slope                  {us['slope']:.4f}")
    print(f"  plan, once             {report['plan_cpu_seconds']:.2f} CPU-s")
    print(f"  axis                   {axis['error_px']:+.3f} px in {axis['cpu_seconds']:.2f} CPU-s")
    for name, facts in report.get("small", {}).get("engines", {}).items():
        errors = f"RMSE {facts['rmse']:.4f}, flat {facts['rmse_flat']:.4f}"
        print(f"  at {SMALL} columns: {name:<20} {facts['cpu_seconds']:.4f} CPU-s, {errors}")
    if "small" not in report:
        print("  scikit-image is not installed; no comparison")


def _machine() -> dict[str, Any]:
    load, _, _ = os.getloadavg()
    return {"cpu": _cpu_name(), "cores": os.cpu_count(), "load": load, "system": platform.platform()}


def _cpu_name() -> str:
    with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
        return next(
            (line.partition(":")[2].strip() for line in file if line.startswith("model name")), platform.processor()
        )


if __name__ == "__main__":
    raise SystemExit(main())
