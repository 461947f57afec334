"""Who is calling: the Hub is asked about the token, and answers for a short while from memory."""

import hashlib
import time
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identity import Username
from beamtorch_facility.words import Words
from beamtorch_service.settings import HubSettings

REMEMBER_SECONDS = 15.0
"""How long an answer of the Hub counts: short, so that a sign-out or a withdrawn token is noticed."""


class NotSignedInError(BeamtorchError):
    """No token, or one that the Hub does not know."""

    code = "not-signed-in"
    status = 401
    title = Words(en="Not signed in", zh="尚未登录")


class NotYourServiceError(BeamtorchError):
    """A token of somebody who may not use this."""

    code = "not-allowed"
    status = 403
    title = Words(en="Not allowed", zh="无权限")


class HubUnreachableError(BeamtorchError):
    """The Hub cannot be asked."""

    code = "hub-unreachable"
    status = 503
    title = Words(en="The hub does not answer", zh="登录中心无响应")


@dataclass(frozen=True)
class Caller:
    """A user or a service at the Hub, and what its token may do."""

    name: str
    kind: str
    """``user`` or ``service``."""
    is_admin: bool
    scopes: frozenset[str]

    @property
    def username(self) -> Username:
        """The person's name; a service is nobody and gets a refusal."""
        if self.kind != "user":
            raise NotYourServiceError(
                Words(
                    en="This is for people, not for services. Use a person's token.",
                    zh="此操作只供个人使用，请使用个人令牌。",
                )
            )
        return Username(self.name)


@dataclass
class HubDoor:
    """Asks the Hub who owns a token."""

    settings: HubSettings
    client: httpx.AsyncClient
    _remembered: dict[str, tuple[float, Caller]] = field(default_factory=dict)

    async def caller(self, token: str) -> Caller:
        """Return the owner of a token that may use this service.

        Raises
        ------
        NotSignedInError
            If the Hub does not know the token.
        NotYourServiceError
            If its owner has no access to this service.
        HubUnreachableError
            If the Hub does not answer.
        """
        key = hashlib.sha256(token.encode()).hexdigest()
        now = time.monotonic()
        at, caller = self._remembered.get(key, (0.0, None))
        if caller is not None and now - at < REMEMBER_SECONDS:
            return caller
        caller = self._admit(await self._ask(token))
        self._remembered = {k: v for k, v in self._remembered.items() if now - v[0] < REMEMBER_SECONDS}
        self._remembered[key] = (now, caller)
        return caller

    async def _ask(self, token: str) -> Caller:
        try:
            answer = await self.client.get(
                f"{self.settings.api_url.rstrip('/')}/user", headers={"Authorization": f"token {token}"}
            )
        except httpx.HTTPError as error:
            raise HubUnreachableError(
                Words(
                    en="The hub does not answer, so nobody can be recognised. "
                    "It is usually back within a minute; try again.",
                    zh="登录中心无响应，暂时无法识别身份。通常一分钟内恢复，请稍后重试。",
                )
            ) from error
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise HubUnreachableError(
                Words(en="The hub reports a fault. Try again in a minute.", zh="登录中心出现故障，请一分钟后重试。")
            )
        if answer.status_code != HTTPStatus.OK:
            raise NotSignedInError(
                Words(
                    en="This token is unknown or has expired. Sign in again, or make a new token.",
                    zh="令牌无效或已过期。请重新登录，或新建令牌。",
                )
            )
        body = answer.json()
        return Caller(
            name=body["name"],
            kind=body.get("kind", "user"),
            is_admin=bool(body.get("admin", False)),
            scopes=frozenset(body.get("scopes", ())),
        )

    def _admit(self, caller: Caller) -> Caller:
        service = self.settings.service
        if caller.name == service and caller.kind == "service":
            return caller
        if caller.scopes & {"access:services", f"access:services!service={service}"}:
            return caller
        raise NotYourServiceError(
            Words(
                en=f"This token may not use the {service} service. Make one with the scope access:services.",
                zh=f"此令牌无权使用 {service} 服务。请新建带有 access:services 权限的令牌。",
            )
        )
