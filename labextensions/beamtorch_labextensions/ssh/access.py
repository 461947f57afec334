"""Asks, at each connection, who may come in now, and makes ready what an sshd is told. All of it may block."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from beamtorch_facility.words import Words
from beamtorch_labextensions.ssh.errors import NoSshKeyError, SshNotPossibleError
from beamtorch_labextensions.ssh.here import check_name, find_programs, this_person
from beamtorch_labextensions.ssh.sshd import Keys, Person, Programs, Server, server
from beamtorch_spawner.client import SpawnerClient
from beamtorch_spawner.wire import LeftOutKey


@dataclass(frozen=True)
class Prepared:
    """Everything but the folder."""

    person: Person
    programs: Programs
    keys: Keys

    def server(self, folder: Path, *, environment: Mapping[str, str]) -> Server:
        """Return the sshd whose files will lie in a folder."""
        return server(
            person=self.person, keys=self.keys, programs=self.programs, folder=folder, environment=environment
        )


def prepare(environment: Mapping[str, str]) -> Prepared:
    """Return what an sshd for a new connection needs.

    Raises
    ------
    SshNotPossibleError
        If something is not installed, or the lab belongs to no platform.
    NoSshKeyError
        If nobody could come in.
    SpawnerUnreachableError, SpawnerRefusedError
        If nobody can tell who may.
    """
    programs = find_programs(environment.get("PATH", ""))
    if "BEAMTORCH_SPAWNER_URL" not in environment or "JUPYTERHUB_API_TOKEN" not in environment:
        raise SshNotPossibleError(
            Words(
                en="This lab belongs to no platform that could tell whose keys count. Start it from the hub.",
                zh="此实验室不属于任何平台，无法得知有效的公钥。请从 Hub 启动。",
            )
        )
    with SpawnerClient.from_environment(environment) as client:
        access = client.ssh_access()
    person = this_person(access.username, environment)
    check_name(person, programs)
    if not access.authorized_keys:
        raise _no_key(access.username, access.left_out)
    return Prepared(person, programs, Keys(access.authorized_keys, access.host_key.get_secret_value()))


def _no_key(username: str, left_out: tuple[LeftOutKey, ...]) -> NoSshKeyError:
    en = [f"Key {one.number} ({one.source.en}): {one.reason.en}" for one in left_out]
    zh = [f"公钥 {one.number}（{one.source.zh}）：{one.reason.zh}" for one in left_out]
    return NoSshKeyError(
        Words(
            en=" ".join([f"No ssh key of {username} counts. Have your public key put into the directory.", *en]),
            zh="".join([f"{username} 没有可用的 ssh 公钥。请将您的公钥登记到人员目录。", *zh]),
        )
    )
