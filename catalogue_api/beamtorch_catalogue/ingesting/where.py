"""Where beamtime folders begin, and what to do with data that lie elsewhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_facility.data_layout import DataLayout, OutsideDataError
from beamtorch_facility.words import Words

ROOT_VARIABLE = "BEAMTORCH_DATA_ROOT"
_BEAMLINE_ABOVE_DATA = 2
"""Folders between the root and ``Data`` in a path of a beamtime."""


class NoDataRootError(CatalogueError):
    """Nobody said where the beamtime folders begin, and the path does not tell."""

    code = "no-data-root"
    exit_code = 2
    title = Words(en="Where do the data begin?", zh="未指定数据根目录")


class NotInABeamtimeError(CatalogueError):
    """Data that belong to no beamtime, so that nobody can say who may read them."""

    code = "not-in-a-beamtime"
    exit_code = 2
    title = Words(en="These data lie in no beamtime folder", zh="数据不在机时目录内")


def layout_of(given: Path | None, paths: Sequence[Path], environment: Mapping[str, str]) -> DataLayout:
    """Return the layout: as told, as the environment says, or as the first path shows."""
    if given is not None:
        return DataLayout(given)
    if named := environment.get(ROOT_VARIABLE):
        return DataLayout(Path(named))
    parts = paths[0].absolute().parts if paths else ()
    if "Data" in parts[_BEAMLINE_ABOVE_DATA + 1 :]:
        at = len(parts) - 1 - parts[::-1].index("Data")
        return DataLayout(Path(*parts[: at - _BEAMLINE_ABOVE_DATA]))
    path = paths[0] if paths else Path("PATH")
    raise NoDataRootError(
        Words(
            en=f"Say with --data-root where the beamtime folders begin, or set {ROOT_VARIABLE}. If {path} lies in no "
            f"beamtime folder, add --beamtime BEAMTIME --copy, which copies it into one.",
            zh=f"请用 --data-root 指明机时目录的根目录，或设置 {ROOT_VARIABLE}。如果 {path} 不在机时目录内，"
            "请加 --beamtime 机时号 --copy 将其复制进去。",
        )
    )


def check_inside(layout: DataLayout, path: Path) -> None:
    """Check that a path lies below the data root, or holds it.

    Raises
    ------
    NotInABeamtimeError
        If it does not; the error says which command copies it there.
    OutsideDataError
        If it lies there, and in no part of a beamtime folder.
    """
    real, root = path.resolve(), layout.root.resolve()
    if real == root or real.is_relative_to(root) or not path.exists():
        return
    raise NotInABeamtimeError(
        Words(
            en=f"{path} lies in no beamtime folder below {layout.root}, and the folder decides who may read. Copy it "
            f"into one and catalogue it there: beamtorch catalogue ingest {path} --data-root {layout.root} "
            "--beamtime BEAMTIME --copy",
            zh=f"{path} 不在 {layout.root} 下的任何机时目录内，而目录决定谁可读取。请复制进机时目录并编目："
            f"beamtorch catalogue ingest {path} --data-root {layout.root} --beamtime 机时号 --copy",
        )
    )


def check_beamtime(layout: DataLayout, path: Path, beamtime: str) -> None:
    """Check that a path lies in the folder of a beamtime.

    Raises
    ------
    NotInABeamtimeError
        If it lies elsewhere.
    """
    check_inside(layout, path)
    try:
        folder, _ = layout.locate(path)
    except OutsideDataError:
        below = path.resolve().relative_to(layout.root.resolve()).parts if path.exists() else ()
        if below and below[-1] == beamtime:
            return
    else:
        if folder.beamtime == beamtime:
            return
    raise NotInABeamtimeError(
        Words(
            en=f"{path} does not lie in the folder of beamtime {beamtime}. Name a path there, or leave --beamtime out.",
            zh=f"{path} 不在机时 {beamtime} 的目录内。请给出该目录内的路径，或不加 --beamtime。",
        )
    )
