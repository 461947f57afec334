"""One request to the catalogue and its typed answer: what every part of the client stands on."""

from collections.abc import Mapping
from typing import TypeVar

import httpx

from beamtorch_catalogue.client.asking import Body, Params, answered, request, unreachable
from beamtorch_catalogue.client.errors import refusal

_Answer = TypeVar("_Answer")


class Asking:
    """A connection over which questions go."""

    _http: httpx.AsyncClient

    async def _ask(
        self,
        method: str,
        path: str,
        answer: type[_Answer],
        *,
        params: Params | None = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _Answer:
        return answered(await self._send(method, path, params=params, body=body, headers=headers), answer)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        try:
            response = await self._http.request(**request(method, path, params=params, body=body, headers=headers))
        except httpx.HTTPError as error:
            raise unreachable(self._http.base_url) from error
        if response.is_success:
            return response
        raise refusal(response)
