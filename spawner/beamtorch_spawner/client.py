"""The spawner service for those who use it in Python: labs, apps and scripts. Only httpx and the wire models."""

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from beamtorch_facility.words import Words
from beamtorch_spawner.environments import Environment
from beamtorch_spawner.errors import SpawnerRefusedError, SpawnerUnreachableError
from beamtorch_spawner.wire import Lease, UserServer

T = TypeVar("T")
SECONDS = 10.0


class SpawnerClient:
    """Asks the spawner service in the name of a token's owner."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=url.rstrip("/") + "/", headers={"Authorization": f"token {token}"}, timeout=SECONDS
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Return the client of the lab or app that this process belongs to."""
        variables = os.environ if environment is None else environment
        return cls(variables["BEAMTORCH_SPAWNER_URL"], variables["JUPYTERHUB_API_TOKEN"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def environments(self) -> tuple[Environment, ...]:
        """Return what can be started."""
        return self._get("environments", tuple[Environment, ...])

    def leases(self, *, active: bool = False, limit: int = 100) -> tuple[Lease, ...]:
        """Return leases, newest first; everybody's for an admin."""
        return self._get("leases", tuple[Lease, ...], active=str(active).lower(), limit=limit)

    def servers(self, username: str) -> tuple[UserServer, ...]:
        """Return the servers that a person has now."""
        return self._get(f"userpod/{username}", tuple[UserServer, ...])

    def _get(self, path: str, kind: type[T], **query: str | int) -> T:
        try:
            answer = self._http.get(path, params=query)
        except httpx.HTTPError as error:
            raise unreachable() from error
        return decoded(answer, kind)


def decoded(answer: httpx.Response, kind: type[T]) -> T:
    """Return the body of an answer as its type, or raise what the service said.

    Raises
    ------
    SpawnerRefusedError
        If the service refused and said why.
    SpawnerUnreachableError
        If the answer is not one of the spawner service.
    """
    if answer.is_success:
        try:
            return TypeAdapter(kind).validate_json(answer.content)
        except ValidationError as error:
            raise unreachable() from error
    try:
        problem: dict[str, Any] = answer.json()
        title = Words(en=problem.pop("title"), zh=problem.pop("title_zh"))
        said = Words(en=problem.pop("detail"), zh=problem.pop("detail_zh"))
        code = str(problem.pop("type")).rpartition(":")[2]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise unreachable() from error
    problem.pop("status", None)
    raise SpawnerRefusedError(said, title=title, code=code, status=answer.status_code, **problem)


def unreachable() -> SpawnerUnreachableError:
    """Return the error for a service that does not answer as itself."""
    return SpawnerUnreachableError(
        Words(
            en="The spawner service does not answer, so nothing can be started. Running labs go on. "
            "It is usually back within a minute; start again then.",
            zh="启动服务无响应，暂时无法启动；正在运行的实验室不受影响。通常一分钟内恢复，届时请重新启动。",
        )
    )
