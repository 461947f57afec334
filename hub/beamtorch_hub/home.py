"""Where one platform on one machine keeps what it has. The only code that knows these places."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs


def default_home() -> Path:
    """Return ``$BEAMTORCH_HOME``, else the usual place for a program's data."""
    named = os.environ.get("BEAMTORCH_HOME")
    return Path(named).expanduser() if named else Path(platformdirs.user_data_dir("beamtorch"))


@dataclass(frozen=True)
class PlatformHome:
    """The folder of a platform and the names in it."""

    root: Path

    @property
    def directory(self) -> Path:
        """The people (YAML)."""
        return self.root / "config" / "directory.yaml"

    @property
    def environments(self) -> Path:
        """The environments of the start page (YAML)."""
        return self.root / "config" / "environments.yaml"

    @property
    def facility(self) -> Path:
        """The user office's records: instruments, proposals, beamtimes, samples (YAML)."""
        return self.root / "config" / "facility.yaml"

    @property
    def settings(self) -> Path:
        """What the person who runs the platform may choose (YAML)."""
        return self.root / "config" / "platform.yaml"

    @property
    def policy(self) -> Path:
        """Lifetimes, images and trusted proxies (YAML); none: the spawner's defaults."""
        return self.root / "config" / "policy.yaml"

    @property
    def cluster_choices(self) -> Path:
        """What was chosen for labs in a cluster (YAML); none: it never was."""
        return self.root / "config" / "cluster.yaml"

    @property
    def secrets(self) -> Path:
        """Cookie secret, tokens and demo passwords; readable by the owner alone."""
        return self.root / "secrets"

    @property
    def passwords(self) -> Path:
        """The demo facility's passwords (JSON: user name → password)."""
        return self.secrets / "passwords.json"

    @property
    def tokens(self) -> Path:
        """What the processes know each other by (JSON)."""
        return self.secrets / "tokens.json"

    @property
    def cookie_secret(self) -> Path:
        """The Hub's cookie secret (hexadecimal)."""
        return self.secrets / "hub-cookie"

    @property
    def state(self) -> Path:
        """Databases."""
        return self.root / "state"

    @property
    def catalogue(self) -> Path:
        """The catalogue's database and pictures; not below `state`, which is closed to the one that it runs as."""
        return self.root / "catalogue"

    @property
    def models(self) -> Path:
        """The facility's own techniques and metadata models, a file for each."""
        return self.root / "config" / "models"

    @property
    def catalogue_policy(self) -> Path:
        """Embargo, identifiers, webhooks and keys (YAML); none: the catalogue's defaults."""
        return self.root / "config" / "catalogue.yaml"

    @property
    def reader(self) -> Path:
        """Socket of the reader, in a folder that its service alone may enter."""
        return self.root / "reader" / "socket"

    @property
    def data(self) -> Path:
        """Root of the beamtime folders."""
        return self.root / "data"

    @property
    def homes(self) -> Path:
        """Home folders of the people."""
        return self.root / "homes"

    @property
    def logs(self) -> Path:
        """A log per process."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """What runs now: process numbers and ports."""
        return self.root / "run"

    @property
    def ports(self) -> Path:
        """Where each process listens (JSON); kept, so that labs find the Hub again."""
        return self.run / "ports.json"

    @property
    def cluster(self) -> Path:
        """The cluster that labs are in (JSON); none: they are processes of this machine."""
        return self.run / "cluster.json"

    @property
    def separation(self) -> Path:
        """Whether labs run under their people's numbers (JSON)."""
        return self.run / "separation.json"

    @property
    def labs(self) -> Path:
        """A file per running lab, by the spawner (JSON: process number and its start)."""
        return self.run / "labs"

    @property
    def record(self) -> Path:
        """What the supervisor says of itself and its children (JSON)."""
        return self.run / "platform.json"

    @property
    def requests(self) -> Path:
        """What other commands ask of the supervisor."""
        return self.run / "requests"

    @property
    def lock(self) -> Path:
        """Locked by the supervisor as long as it lives."""
        return self.run / "lock"

    def make(self) -> None:
        """Make the folders; what could be used in somebody's name is for the owner alone."""
        for folder in (self.root, self.directory.parent, self.models, self.data, self.homes):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.secrets, self.state, self.logs, self.run, self.labs, self.requests):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
