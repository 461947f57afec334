"""Options that several commands share."""

import argparse
from pathlib import Path

from beamtorch_hub.home import PlatformHome, default_home


def parser(name: str, doc: str | None) -> argparse.ArgumentParser:
    """Return a parser for one command, with `--home`."""
    made = argparse.ArgumentParser(prog=f"beamtorch {name}", description=(doc or "").partition("\n")[0])
    made.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        help=f"folder of the platform ($BEAMTORCH_HOME, else {default_home()})",
    )
    return made


def home_of(given: Path | None) -> PlatformHome:
    """Return the platform's folder, with links resolved so that each command means the same one."""
    return PlatformHome((given or default_home()).expanduser().resolve())
