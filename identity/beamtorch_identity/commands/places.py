"""Where these commands find the data and the people unless they are told."""

import argparse
import os
from pathlib import Path

import platformdirs

DATA, DIRECTORY, HOME = "BEAMTORCH_DATA_ROOT", "BEAMTORCH_DIRECTORY", "BEAMTORCH_HOME"


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help=f"root of the beamtime folders (${DATA}, else data/ of ${HOME})"
    )


def add_directory(parser: argparse.ArgumentParser) -> None:
    """Add ``--directory``."""
    parser.add_argument(
        "--directory",
        type=Path,
        metavar="FILE",
        help=f"people, or the LDAP server that knows them (${DIRECTORY}, else config/directory.yaml of ${HOME})",
    )


def data_root(given: Path | None) -> Path:
    """Return the root of the beamtime folders, with links resolved."""
    return _place(given, DATA, Path("data")).resolve()


def directory_file(given: Path | None) -> Path:
    """Return the file that says who the people are."""
    return _place(given, DIRECTORY, Path("config", "directory.yaml"))


def _place(given: Path | None, variable: str, below_home: Path) -> Path:
    if given is not None:
        return given.expanduser()
    named, home = os.environ.get(variable), os.environ.get(HOME)
    if named:
        return Path(named).expanduser()
    return (Path(home).expanduser() if home else Path(platformdirs.user_data_dir("beamtorch"))) / below_home
