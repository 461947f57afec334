"""Who may come into a lab by ssh: asked at each connection, so that a key that was withdrawn opens nothing more."""

from collections.abc import Iterable

from beamtorch_facility.directory import Directory
from beamtorch_facility.identity import Username
from beamtorch_facility.words import Words
from beamtorch_identity.ssh_keys import PublicKey, sort_keys
from beamtorch_spawner.services.ssh_host_key import HostKeys
from beamtorch_spawner.services.wish import Wish
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.wire import LeftOutKey, SshAccess, SshHostKey

IN_DIRECTORY = Words(en="directory", zh="人员目录")
WITH_START = Words(en="given when the server was started", zh="启动服务器时提供")


class SshDoor:
    """Joins the directory's keys and those that came with a server's start."""

    def __init__(self, *, database: Database, directory: Directory | None, host_keys: HostKeys) -> None:
        self._database = database
        self._directory = directory
        self._host_keys = host_keys

    def access(self, username: Username, server: str) -> SshAccess:
        """Return who may come into a server now.

        Raises
        ------
        BeamtorchError
            If the directory does not know the person, or does not answer.
        """
        known = self._directory.person(username).ssh_keys if self._directory is not None else ()
        given = ((IN_DIRECTORY, known), (WITH_START, self._with_start(username, server)))
        keys: dict[PublicKey, None] = {}
        left_out: list[LeftOutKey] = []
        for source, lines in given:
            good, bad = sort_keys(lines)
            keys.update(dict.fromkeys(good))
            left_out += [LeftOutKey(source=source, number=one.number, reason=one.reason) for one in bad]
        return SshAccess(
            username=str(username),
            server=server,
            authorized_keys=tuple(str(key) for key in keys),
            left_out=tuple(left_out),
            host_key=self._host_keys.of(username).private,
        )

    def host_key(self, username: Username) -> SshHostKey:
        """Return by which key a person's labs are known."""
        key = self._host_keys.of(username)
        return SshHostKey(username=str(username), key=key.public, fingerprint=key.fingerprint)

    def _with_start(self, username: Username, server: str) -> Iterable[str]:
        with self._database.reading() as stores:
            row = stores.leases.holder(str(username), server)
        return Wish.model_validate(row.wish or {}).ssh_keys if row is not None else ()
