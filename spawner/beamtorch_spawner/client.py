"""The spawner service for those who use it in Python: labs, apps and scripts. Only httpx and the wire models."""

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from beamtorch_facility.words import Words
from beamtorch_spawner.environments import Environment
from beamtorch_spawner.errors import SpawnerRefusedError, SpawnerUnreachableError
from beamtorch_spawner.wire import (
    AuditEntry,
    Extension,
    Lease,
    Quota,
    QuotaScope,
    QuotaUse,
    Reconciliation,
    SshAccess,
    SshHostKey,
    Terminal,
    TerminalInfo,
    UsageRow,
    UserPage,
    UserPodName,
    UserPodRequest,
    UserServer,
)

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

    def leases(self, *, active: bool = False, limit: int = 100, username: str | None = None) -> tuple[Lease, ...]:
        """Return leases, newest first; everybody's for an admin."""
        return self._get("leases", tuple[Lease, ...], active=str(active).lower(), limit=limit, username=username)

    def lease(self, lease: str) -> Lease:
        """Return one lease."""
        return self._get(f"leases/{lease}", Lease)

    def extend(self, lease: str, seconds: int | None = None) -> Lease:
        """Let a server run longer; by as much as policy gives at once if no seconds are named."""
        return self._send("POST", f"leases/{lease}/extend", Lease, Extension(seconds=seconds))

    def end(self, lease: str) -> None:
        """Stop the server of a lease."""
        self._send("DELETE", f"leases/{lease}", None)

    def start(self, request: UserPodRequest, *, key: str | None = None) -> UserServer:
        """Start a server; the same key starts one, however often it is sent."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._send("POST", "userpod/", UserServer, request, headers=headers)

    def stop(self, username: str, podname: str | None = None) -> None:
        """Stop a person's server."""
        self._send("DELETE", "userpod/", None, UserPodName(username=username, podname=podname))

    def servers(self, username: str) -> tuple[UserServer, ...]:
        """Return the servers that a person has now."""
        return self._get(f"userpod/{username}", tuple[UserServer, ...])

    def ssh_access(self) -> SshAccess:
        """Return who may come in by ssh; for a lab with its own token."""
        return self._get("ssh/access", SshAccess)

    def ssh_host_key(self) -> SshHostKey:
        """Return by which key ssh knows one's own labs."""
        return self._get("ssh/host-key", SshHostKey)

    def users(self, *, offset: int = 0, limit: int = 1000) -> UserPage:
        """Return people by name; for admins."""
        return self._get("users/", UserPage, offset=offset, limit=limit)

    def terminals(self) -> tuple[Terminal, ...]:
        """Return the registered addresses with what they hold; for admins."""
        return self._get("uniqueipinfo/", tuple[Terminal, ...])

    def set_terminal(self, info: TerminalInfo) -> Terminal:
        """Register an address, or change what is registered; for admins."""
        return self._send("PUT", "uniqueipinfo/", Terminal, info)

    def remove_terminal(self, ip: str) -> None:
        """Remove an address; for admins."""
        self._send("DELETE", f"uniqueipinfo/{ip}", None)

    def quotas(self, username: str | None = None) -> tuple[QuotaUse, ...]:
        """Return limits and what is used of them: those that count for a person, or all for an admin."""
        return self._get("quotas", tuple[QuotaUse, ...], username=username)

    def set_quota(self, quota: Quota) -> QuotaUse:
        """Set a limit; for admins."""
        return self._send("PUT", "quotas", QuotaUse, quota)

    def lift_quota(self, scope: QuotaScope, subject: str, resource: str) -> None:
        """Lift a limit; for admins."""
        self._send("DELETE", "quotas", None, query={"scope": scope.value, "subject": subject, "resource": resource})

    def usage(self, *, month: str | None = None, by: str = "user") -> tuple[UsageRow, ...]:
        """Return what was held in a month (YYYY-MM, UTC)."""
        return self._get("usage", tuple[UsageRow, ...], month=month, by=by)

    def audit(self, **sought: str | int | None) -> tuple[AuditEntry, ...]:
        """Return who did what, newest first; conditions as in the REST API: username, terminal, since and so on."""
        return self._get("audit", tuple[AuditEntry, ...], **sought)

    def reconcile(self, *, dry_run: bool, ends_pods: bool) -> Reconciliation:
        """Bring the database in line with the cluster; for admins."""
        return self._send(
            "POST" if ends_pods else "GET", "refreshuserspod/", Reconciliation, query={"dry_run": str(dry_run).lower()}
        )

    def _get(self, path: str, kind: type[T], **query: str | int | None) -> T:
        return self._send("GET", path, kind, query=query)

    def _send(
        self,
        method: str,
        path: str,
        kind: type[T] | None,
        body: BaseModel | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str | int | None] | None = None,
    ) -> T:
        said = {name: value for name, value in (query or {}).items() if value is not None}
        content = body.model_dump_json(exclude_none=True) if body is not None else None
        typed = {"Content-Type": "application/json"} if content is not None else {}
        try:
            answer = self._http.request(
                method, path, params=said, content=content, headers={**typed, **(headers or {})}
            )
        except httpx.HTTPError as error:
            raise unreachable() from error
        if kind is None and answer.is_success:
            return cast("T", None)
        return decoded(answer, cast("type[T]", kind or object))


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
