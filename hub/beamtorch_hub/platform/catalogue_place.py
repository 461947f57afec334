"""The folder of the catalogue: its database and pictures, owned by the one that the catalogue runs as."""

import os
from pathlib import Path

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words
from beamtorch_hub.errors import SettingsUnreadableError
from beamtorch_hub.files import writing_in
from beamtorch_hub.settings import PlatformSettings
from beamtorch_identity.opening import open_directory

_DATABASE = "catalogue.sqlite"


def settle(settings: PlatformSettings) -> None:
    """Give the catalogue its folder, with what an older platform kept elsewhere.

    Raises
    ------
    SettingsUnreadableError
        If the uid that the catalogue is to run as is somebody's.
    """
    home = settings.places
    with writing_in(home.catalogue):
        for folder in (home.catalogue, home.reader.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        for name in (_DATABASE, f"{_DATABASE}-wal", f"{_DATABASE}-shm", "thumbnails"):
            old = home.state / name
            if old.exists() and not (home.catalogue / name).exists():
                old.rename(home.catalogue / name)
        uid = settings.catalogue_uid
        if uid is not None:
            _demand_nobody(settings, uid)
        if os.geteuid() == 0:
            _give(home.catalogue, 0 if uid is None else uid)


def _demand_nobody(settings: PlatformSettings, uid: int) -> None:
    try:
        taken = [
            one.username for one in open_directory(settings.places.directory).people() if uid in {one.uid, one.gid}
        ]
    except BeamtorchError:
        return  # The directory may be away for a while; a number that was free is hardly given to somebody meanwhile.
    if taken:
        raise SettingsUnreadableError(
            Words(
                en=f"The catalogue is to run as uid {uid}, which is {taken[0]}'s in the directory. Choose another "
                f"service_uid in {settings.places.settings}.",
                zh=f"数据目录服务将以 uid {uid} 运行，但它在人员目录中属于 {taken[0]}。请在 "
                f"{settings.places.settings} 中另选 service_uid。",
            )
        )


def _give(folder: Path, uid: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, uid, follow_symlinks=False)
