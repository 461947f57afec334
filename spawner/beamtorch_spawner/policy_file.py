"""What a facility decides about labs beside the quotas: one strict YAML file, read again whenever it changed.

Lifetimes by role, images, trusted proxies, addresses that never are a terminal. No file means the defaults below.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from beamtorch_facility.words import Words
from beamtorch_spawner.errors import SpawnerError

Network = IPv4Network | IPv6Network
EVERYBODY = "*"
DAY = 86_400
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class PolicyUnreadableError(SpawnerError):
    """The policy file is not what it should be."""

    code = "policy-unreadable"
    status = 503
    title = Words(en="The policy file cannot be read", zh="无法读取策略文件")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Lifetime(_Strict):
    """How long a server may live, for people of one role."""

    role: str = Field(default=EVERYBODY, description="group of the directory; may end in “*”; “*”: everybody")
    first: int = Field(default=DAY, ge=30, description="seconds from running, if nothing shorter is asked for")
    step: int = Field(default=8 * 3600, ge=1, description="seconds that one extension gives at most")
    times: int | None = Field(default=None, ge=0, description="extensions of one server; none: any number")
    ceiling: int = Field(default=7 * DAY, ge=30, description="seconds from running that nothing passes")

    def is_for(self, groups: tuple[str, ...]) -> bool:
        """Tell whether somebody of these groups has the role."""
        if self.role.endswith("*"):
            return self.role == EVERYBODY or any(group.startswith(self.role[:-1]) for group in groups)
        return self.role in groups


class Policy(_Strict):
    """What the facility decides."""

    lifetimes: tuple[Lifetime, ...] = Field(default=(Lifetime(),), description="the first whose role fits counts")
    images: tuple[str, ...] = Field(default=(), description="further images for everybody; “*” stands for anything")
    trusted_proxies: tuple[Network, ...] = Field(
        default=(), description="networks of the proxies before the hub; only they may say where a request came from"
    )
    never_terminals: tuple[Network, ...] = Field(
        default=(), description="networks of pods, services, VPN and NAT: an address in them is never registered"
    )
    most_hops: int = Field(default=5, ge=1, description="a longer chain of proxies counts as unknown")
    orphan_seconds: int = Field(default=300, ge=10, description="after which a pod that nobody can use is ended")
    unheard_seconds: int = Field(default=120, ge=10, description="a start the hub does not know of is over after that")
    terminal_starts_per_minute: int = Field(default=4, ge=1, description="more releases at one address are refused")

    def lifetime(self, groups: tuple[str, ...]) -> Lifetime:
        """Return the lifetime of somebody of these groups; the default where no role fits."""
        return next((one for one in self.lifetimes if one.is_for(groups)), Lifetime())

    def allows_image(self, image: str) -> bool:
        """Tell whether an image is on the facility's own list."""
        return any(fits(pattern, image) for pattern in self.images)


def fits(pattern: str, image: str) -> bool:
    """Tell whether an image fits a pattern; “*” stands for anything but stays within its part between slashes."""
    return re.fullmatch("[^/]*".join(re.escape(part) for part in pattern.split("*")), image) is not None


def load_policy(path: Path | None) -> Policy:
    """Return the policy of a file.

    Raises
    ------
    PolicyUnreadableError
        If the file is not one; a start is then refused, for a guess could be too generous.
    """
    if path is None or not path.exists():
        return Policy()
    try:
        seen = path.stat()
        return _parsed(path, (seen.st_mtime_ns, seen.st_size, seen.st_ino))
    except (OSError, yaml.YAMLError, ValidationError, ValueError) as error:
        raise PolicyUnreadableError(
            Words(
                en=f"{path} cannot be read as a policy: {error}. Mend the file and start again.",
                zh=f"无法将 {path} 读作策略文件：{error}。请修正后重新启动。",
            )
        ) from error


@lru_cache(maxsize=8)
def _parsed(path: Path, version: tuple[int, int, int]) -> Policy:  # noqa: ARG001 - what is remembered is one version's
    return Policy.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
