"""The Hub's REST API as the platform's own commands use it."""

from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx

from beamtorch_facility.identity import Identity
from beamtorch_facility.words import Words
from beamtorch_hub.errors import TokenRefusedError
from beamtorch_hub.settings import PlatformSettings

SECONDS = 10.0


class HubApi:
    """Asks the Hub in the name of the platform; only who can read the platform's tokens can make one."""

    def __init__(self, settings: PlatformSettings) -> None:
        token = settings.tokens.platform.get_secret_value()
        self._client = httpx.Client(
            base_url=settings.hub_api_url,
            headers={"Authorization": f"token {token}"},
            trust_env=False,
            timeout=SECONDS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def new_token(self, person: Identity, *, expires_in: int) -> str:
        """Return a new token with the person's own rights; who never signed in becomes known to the Hub by it."""
        name = person.username
        known = self._ask("GET", f"/users/{name}", known_also=HTTPStatus.NOT_FOUND)
        if known.status_code == HTTPStatus.NOT_FOUND:
            self._ask("POST", f"/users/{name}", json={"admin": person.is_admin})
        elif person.is_admin and not known.json().get("admin"):
            self._ask("PATCH", f"/users/{name}", json={"admin": True})
        answer = self._ask("POST", f"/users/{name}/tokens", json={"note": "beamtorch token", "expires_in": expires_in})
        return str(answer.json()["token"])

    def _ask(self, method: str, path: str, *, known_also: int = HTTPStatus.OK, json: Any = None) -> httpx.Response:
        try:
            answer = self._client.request(method, path, json=json)
        except httpx.HTTPError as error:
            raise TokenRefusedError(
                Words(
                    en="The hub does not answer. “beamtorch status” says how it is; try again in a moment.",
                    zh="登录中心无响应。可用 beamtorch status 查看状态，请稍后重试。",
                )
            ) from error
        if answer.is_success or answer.status_code == known_also:
            return answer
        raise TokenRefusedError(
            Words(
                en=f"The hub refused to make the token (HTTP {answer.status_code}). Its log tells why.",
                zh=f"登录中心拒绝生成令牌（HTTP {answer.status_code}），原因见其日志。",
            )
        )
