"""The first start of a home: makes the demo facility, then catalogues it with the same commands that a facility uses.

Each step is remembered once it is done, so that a first start that was cut short is taken up again.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from threading import Event

import yaml

from beamtorch_facility.words import Words
from beamtorch_hub import demo
from beamtorch_hub.demo.founding import spec_file_of
from beamtorch_hub.errors import FirstStartError
from beamtorch_hub.files import write_text, writing_in
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform.children import last_lines
from beamtorch_hub.platform.roster import common_environment
from beamtorch_hub.settings import FacilitySettings, PlatformSettings

SAID_LINES = 10
POLL_SECONDS = 0.1


class Stage(StrEnum):
    """What the catalogue has been told so far."""

    NOTHING = "nothing"
    IMPORTED = "imported"
    DONE = "done"


class FirstStart:
    """Brings a new home to the point where there is something to see."""

    def __init__(self, home: PlatformHome, announce: Callable[[str], None]) -> None:
        self._home = home
        self._announce = announce
        self._marker = home.state / "first-start.json"

    @property
    def has_own_facility(self) -> bool:
        """Whether somebody else wrote the people of this home; then nothing is to be made or catalogued by us."""
        return self._home.directory.exists() and not spec_file_of(self._home).exists()

    @property
    def stage(self) -> Stage:
        """How far the catalogue has been filled."""
        if self.has_own_facility:
            return Stage.DONE
        try:
            return Stage(json.loads(self._marker.read_text(encoding="utf-8"))["stage"])
        except (OSError, ValueError, KeyError, TypeError):
            return Stage.NOTHING

    def make(self, spec_file: Path | None) -> None:
        """Write the facility's people, offers, records and data, unless somebody's own are there."""
        if self.has_own_facility:
            if spec_file is not None:
                raise FirstStartError(
                    Words(
                        en=f"{self._home.root} has a facility of its own; --demo counts only for a new folder. "
                        f"Name one with --home.",
                        zh=f"{self._home.root} 中已有设施；--demo 只对新文件夹有效。请用 --home 指定新文件夹。",
                    )
                )
            return
        with writing_in(self._home.root):
            demo.make(self._home, spec_file, say=self._announce)
        if not self._home.settings.exists():
            chosen = FacilitySettings(facility=demo.read_spec(self._home).name).model_dump(
                mode="json", exclude={"sign_in"}
            )
            write_text(self._home.settings, yaml.safe_dump(chosen, allow_unicode=True))

    def catalogue(self, settings: PlatformSettings, surroundings: Mapping[str, str], stopping: Event) -> None:
        """Tell the catalogue of the facility and of its files, by the commands and the token of ingest."""
        steps = (
            (Stage.NOTHING, Stage.IMPORTED, ("import", self._home.facility), "telling the catalogue of the facility"),
            (Stage.IMPORTED, Stage.DONE, ("ingest", self._home.data), "cataloguing the data"),
        )
        environment = {
            **common_environment(settings, surroundings),
            "BEAMTORCH_CATALOGUE_URL": f"{settings.public_url}services/catalogue/",
            "BEAMTORCH_DATA_ROOT": str(self._home.data),
            # Of its own: what another platform at this address left in the user's cache is not for this catalogue.
            "BEAMTORCH_SPOOL": str(self._home.root / "spool"),
            "JUPYTERHUB_API_TOKEN": settings.tokens.ingest.get_secret_value(),
        }
        for before, after, (verb, path), told in steps:
            if self.stage is before and not stopping.is_set():
                self._announce(told)
                if self._run(("catalogue", verb, str(path)), environment, stopping):
                    write_text(self._marker, json.dumps({"stage": after}))

    def _run(self, arguments: tuple[str, ...], environment: Mapping[str, str], stopping: Event) -> bool:
        """Run a `beamtorch` command; False: it was cut short because the platform is to end."""
        log = self._home.logs / "first-start.log"
        with writing_in(log.parent), log.open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                [sys.executable, "-m", "beamtorch_hub", *arguments],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while (status := process.poll()) is None:
            if stopping.wait(POLL_SECONDS):
                process.terminate()
                process.wait()
                return False
        if status:
            command, lines = " ".join(["beamtorch", *arguments[:2]]), "\n".join(last_lines(log, SAID_LINES))
            raise FirstStartError(
                Words(
                    en=f"“{command}” did not work (exit status {status}). Mend what it says and start again; "
                    f"what is done stays done.\n{lines}",
                    zh=f"“{command}”失败（退出状态 {status}）。请按提示修正后重新启动，已完成的步骤会保留。\n{lines}",
                )
            )
        return True
