"""How people sign in (``sign_in`` of ``config/platform.yaml``), and what JupyterHub is told about it."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from beamtorch_facility.words import Words
from beamtorch_hub.errors import SignInUnavailableError
from beamtorch_hub.files import read_text, write_text
from beamtorch_hub.home import PlatformHome
from beamtorch_identity.opening import ldap_settings

DISCOVERY = "/.well-known/openid-configuration"
DISCOVERY_SECONDS = 5.0


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SignInWay(StrEnum):
    """Who knows whether somebody is who they say."""

    DEMO = "demo"
    """The platform's own file of passwords."""
    LDAP = "ldap"
    """The LDAP server that is the directory."""
    OIDC = "oidc"
    """Another site, by OpenID Connect."""


class OidcSettings(_Strict):
    """The site at which people sign in."""

    issuer: str = Field(pattern=r"^https?://[^?#]+[^/?#]$", description="as the site's own configuration names it")
    client_id: str = Field(min_length=1)
    client_secret_file: Path = Field(description="readable by the platform's owner alone")
    name: str = Field(default="your institute", max_length=60, description="on the button: Sign in with …")
    username_claim: str = Field(default="preferred_username", description="of whoever the directory calls by that name")
    scopes: tuple[str, ...] = ("openid", "profile")


class OidcEndpoints(BaseModel):
    """What a site tells of itself (OpenID Connect Discovery 1.0, 3)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str


class SignInSettings(_Strict):
    """How people sign in."""

    way: SignInWay | None = Field(
        default=None, description="none: by LDAP where that is the directory, else by the platform's own passwords"
    )
    oidc: OidcSettings | None = None

    def settled(self, directory: Path) -> SignInWay:
        """Return the way for a directory."""
        if self.way is not None:
            return self.way
        if self.oidc is not None:
            return SignInWay.OIDC
        return SignInWay.DEMO if ldap_settings(directory) is None else SignInWay.LDAP


def configure_sign_in(c: Any, settings: SignInSettings, places: PlatformHome, public_url: str) -> None:
    """Tell JupyterHub how people sign in.

    Raises
    ------
    SignInUnavailableError
        If another site is to vouch for people, and cannot be found or was never told how.
    """
    way = settings.settled(places.directory)
    c.JupyterHub.authenticator_class = f"beamtorch-{way}"
    c.DirectoryAuthenticator.directory_file = str(places.directory)
    if way is SignInWay.DEMO:
        c.DemoAuthenticator.password_file = str(places.passwords)
    elif way is SignInWay.OIDC:
        _configure_oidc(c.OidcAuthenticator, settings.oidc, places, public_url)


def _configure_oidc(c: Any, site: OidcSettings | None, places: PlatformHome, public_url: str) -> None:
    if site is None:
        raise SignInUnavailableError(
            Words(
                en=f"{places.settings} lets people sign in by oidc and does not say where. Add “oidc:” with issuer, "
                "client_id and client_secret_file.",
                zh=f"{places.settings} 指定用 oidc 登录，但未说明站点。请添加“oidc:”及 issuer、client_id 和 "
                "client_secret_file。",
            )
        )
    found = discover(site, places.state / "oidc.json")
    c.authorize_url, c.token_url, c.userdata_url = (
        found.authorization_endpoint,
        found.token_endpoint,
        found.userinfo_endpoint,
    )
    c.client_id = site.client_id
    c.client_secret = read_text(site.client_secret_file).strip()
    c.oauth_callback_url = f"{public_url}hub/oauth_callback"
    c.scope = list(site.scopes)
    c.username_claim = site.username_claim
    c.login_service = site.name


def discover(site: OidcSettings, kept: Path) -> OidcEndpoints:
    """Return where a site's doors are; what it said last counts while it does not answer.

    Raises
    ------
    SignInUnavailableError
        If it does not answer and never did.
    """
    try:
        # The site may lie beyond a web proxy, unlike our own parts.
        answer = httpx.get(site.issuer + DISCOVERY, timeout=DISCOVERY_SECONDS, follow_redirects=True)
        answer.raise_for_status()
        found = OidcEndpoints.model_validate(answer.json())
    except (httpx.HTTPError, ValidationError, ValueError) as error:
        known = _kept(kept, site)
        if known is None:
            why = f"{type(error).__name__}: {str(error)[:200]}"
            raise SignInUnavailableError(
                Words(
                    en=f"{site.issuer}, where people sign in, does not tell how ({why}). Check the issuer, or start "
                    "again when it answers.",
                    zh=f"登录站点 {site.issuer} 未给出登录方式（{why}）。请检查 issuer，或待其恢复后重新启动。",
                )
            ) from error
        return known
    if found.issuer.rstrip("/") != site.issuer:
        raise SignInUnavailableError(
            Words(
                en=f"{site.issuer} says that it is {found.issuer}. Write that as the issuer if it is the right site.",
                zh=f"{site.issuer} 自称为 {found.issuer}。若确为该站点，请将其写为 issuer。",
            )
        )
    write_text(kept, found.model_dump_json(indent=1))
    return found


def _kept(path: Path, site: OidcSettings) -> OidcEndpoints | None:
    try:
        known = OidcEndpoints.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None
    return known if known.issuer.rstrip("/") == site.issuer else None
