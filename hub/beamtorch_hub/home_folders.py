"""Home folders on this machine for people whose labs run under their own numbers."""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identity import Identity, Username
from beamtorch_identity.opening import open_directory


class HomeFolders:
    """Makes each person's home theirs, if we may: only root gives files away."""

    def __init__(self, directory: Path, homes: Path) -> None:
        self._directory = directory
        self._homes = homes

    async def before_start(self, spawner: Any) -> None:
        """Prepare the home of somebody whose server is about to start; for JupyterHub's ``pre_spawn_hook``."""
        try:
            await asyncio.to_thread(self._prepare_named, spawner.user.name)
        except (BeamtorchError, OSError) as error:
            # The start itself refuses whom nobody knows, in better words; a home that is not there shows in the lab.
            spawner.log.warning("The home of %s was not prepared: %s", spawner.user.name, error)

    def _prepare_named(self, username: str) -> None:
        self.prepare(open_directory(self._directory).person(Username(username)))

    def prepare(self, person: Identity) -> None:
        """Make the home, owned by its person; one whose owner is right is left as it is.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        if person.home is not None:
            return  # The directory names one, which is the facility's to make.
        home = self._homes / person.username
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0 and os.lstat(home).st_uid != person.uid:
            for path in _below(home):
                os.lchown(path, person.uid, person.gid)


def _below(home: Path) -> Iterable[Path]:
    """Return what is in a home, the home itself last: an interrupted change of owner is taken up again."""
    for folder, folders, files in os.walk(home, topdown=False):
        yield from (Path(folder, name) for name in (*files, *folders))
    yield home
