"""Whether a list of angles can be the angles of a scan."""

from pathlib import Path

import numpy as np

from beamtorch_apps.ct.errors import AnglesError
from beamtorch_apps.ct.reconstruction import Float64
from beamtorch_facility.words import Words

FEWEST = 3
LARGE_STEP = 30.0
"""Degrees; such steps visit the directions out of order, and must then be constant."""
LEAST_TURN = 1.0
"""Degrees below which nothing has turned."""


def checked_angles(angles: Float64, projections: int, path: Path) -> Float64:
    """Return the angles if they make sense, else say what is wrong with them.

    Steadily turning angles pass, forwards or backwards, with the jitter of an encoder; so do several turns, turns
    that start again, and a constant step that visits the directions out of order (golden angle).

    Raises
    ------
    AnglesError
        If they are too few or many, not numbers, do not turn, or jump back.
    """
    if len(angles) != projections:
        raise _error(
            path,
            Words(
                en=f"there are {len(angles):,} angles for {projections:,} projections",
                zh=f"{projections:,} 幅投影却有 {len(angles):,} 个角度",
            ),
        )
    if projections < FEWEST:
        raise _error(path, Words(en=f"there are {projections} projections", zh=f"只有 {projections} 幅投影"))
    wrong = np.flatnonzero(~np.isfinite(angles))
    if len(wrong):
        raise _error(
            path,
            Words(
                en=f"the angle of projection {wrong[0]:,} is not a number", zh=f"第 {wrong[0]:,} 幅投影的角度不是数值"
            ),
        )
    if np.ptp(angles) < LEAST_TURN:
        raise _error(
            path,
            Words(en=f"all angles lie within {np.ptp(angles):.3g}°", zh=f"所有角度都在 {np.ptp(angles):.3g}° 以内"),
        )
    back = _jumps_back(angles)
    if back is not None:
        before, after = angles[back], angles[back + 1]
        raise _error(
            path,
            Words(
                en=f"the angle jumps from {before:.3f}° to {after:.3f}° after projection {back:,}",
                zh=f"第 {back:,} 幅投影之后角度从 {before:.3f}° 跳到 {after:.3f}°",
            ),
        )
    return angles


def _jumps_back(angles: Float64) -> int | None:
    """Return the first projection after which the angle goes back without a reason."""
    steps = np.diff(angles)
    usual = float(np.median(steps))
    jitter = max(0.75 * abs(usual), 0.02)
    forward = steps * (np.sign(usual) or 1.0)
    # A direction and its opposite are one: a constant step modulo half a turn, or a new turn, is no jump.
    off = np.abs(np.mod(steps - usual + 90.0, 180.0) - 90.0)
    back = np.flatnonzero(
        (forward < -jitter) & (off > max(3 * abs(usual), 1.0) if abs(usual) < LARGE_STEP else off > jitter)
    )
    return int(back[0]) if len(back) else None


def _error(path: Path, what: Words) -> AnglesError:
    return AnglesError(
        Words(
            en=f"In {path}, {what.en}. Check the angles in the file.",
            zh=f"{path} 中{what.zh}。请检查文件中的角度数据。",
        )
    )
