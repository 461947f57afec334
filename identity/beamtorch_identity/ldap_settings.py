"""How a facility's LDAP server is asked: one strict model, with presets for the schemas that are in use."""

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from beamtorch_facility.directory import Floors


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Schema(StrEnum):
    """How people and groups are written down."""

    RFC2307 = "rfc2307"
    """posixAccount and posixGroup; members of a group by name (memberUid)."""
    RFC2307BIS = "rfc2307bis"
    """The same; members by distinguished name (member)."""
    ACTIVE_DIRECTORY = "active-directory"
    """user and group; POSIX numbers from the relative id of the SID, unless uidNumber is there."""


class Attributes(_Strict):
    """Names of attributes; empty: the directory has none."""

    username: str = "uid"
    uid: str = "uidNumber"
    gid: str = "gidNumber"
    home: str = "homeDirectory"
    full_name_en: str = "cn"
    full_name_zh: str = "displayName"
    language: str = "preferredLanguage"
    ssh_key: str = "sshPublicKey"
    sid: str = ""
    locked: str = Field(default="pwdAccountLockedTime", description="anything in it: the account is locked")
    flags: str = Field(default="", description="userAccountControl of Active Directory")
    expires_days: str = Field(default="shadowExpire", description="days since 1970 from which the account is over")
    person_class: str = "posixAccount"
    group_class: str = "posixGroup"
    group_name: str = "cn"
    group_gid: str = "gidNumber"
    member: str = "memberUid"
    member_is_dn: bool = False
    nested: bool = Field(default=False, description="groups in groups, by Active Directory's own rule")


PRESETS = {
    Schema.RFC2307: Attributes(),
    Schema.RFC2307BIS: Attributes(member="member", member_is_dn=True),
    Schema.ACTIVE_DIRECTORY: Attributes(
        username="sAMAccountName",
        home="unixHomeDirectory",
        full_name_en="displayName",
        full_name_zh="",
        sid="objectSid",
        locked="",
        flags="userAccountControl",
        expires_days="",
        person_class="user",
        group_class="group",
        member="member",
        member_is_dn=True,
        nested=True,
    ),
}


class SidRange(_Strict):
    """Active Directory's relative ids as POSIX numbers: number = first + relative id."""

    domain: str = Field(pattern=r"^S-1-5-21-\d+-\d+-\d+$", description="SID of the domain")
    first: int = Field(ge=1000, description="number of the relative id 0")
    size: int = Field(default=200_000, ge=1000, description="how many relative ids fit")

    def number(self, sid: str) -> int | None:
        """Return the POSIX number of a SID; None for one of another domain, or beyond the range."""
        domain, _, rid = sid.rpartition("-")
        return self.first + int(rid) if domain == self.domain and int(rid) < self.size else None

    def sid(self, number: int) -> str | None:
        """Return the SID of a POSIX number; None for one that is not of the range."""
        rid = number - self.first
        return f"{self.domain}-{rid}" if 0 <= rid < self.size else None


class LdapSettings(_Strict):
    """One LDAP server, read-only."""

    url: str = Field(pattern=r"^ldaps?://[^/]+$", description="ldaps://…, or ldap://… which is made safe by StartTLS")
    ca_file: Path | None = Field(default=None, description="who vouches for the server; none: the system's list")
    bind_dn: str | None = Field(default=None, description="who reads; none: anonymous")
    bind_password_file: Path | None = None
    people: str = Field(description="where people are, e.g. ou=people,dc=example,dc=org")
    groups: str = Field(description="where groups are")
    layout: Schema = Field(default=Schema.RFC2307, alias="schema")
    attributes: dict[str, str | bool] = Field(default_factory=dict, description="names that differ from the preset")
    sids: SidRange | None = Field(default=None, description="Active Directory without uidNumber")
    floors: Floors = Field(default=Floors(), description="the lowest numbers that people may have")
    seconds: int = Field(default=5, ge=1, le=60, description="patience with the server")
    cached_seconds: int = Field(
        default=60, ge=0, le=3600, description="how old an answer may be for a page or a search; a start always asks"
    )
    remembered_seconds: int = Field(
        default=0, ge=0, le=86_400, description="how old an answer may be while the server is away; 0: none counts"
    )

    @model_validator(mode="after")
    def _password_goes_with_the_name(self) -> Self:
        if (self.bind_dn is None) != (self.bind_password_file is None):
            raise ValueError("bind_dn and bind_password_file are named together or not at all")
        # Raises for a name that is none.
        _ = self.names
        return self

    @property
    def names(self) -> Attributes:
        """The preset with the facility's own names."""
        return Attributes.model_validate({**PRESETS[self.layout].model_dump(), **self.attributes})
