"""What the Hub's spawner asks of the spawner service: admission before a start, and the reports after it.

It runs in the Hub's event loop, so nothing here blocks, and a report that fails never fails what it reports.
"""

import asyncio
import json
import logging
from datetime import datetime
from http import HTTPStatus

import httpx

from beamtorch_facility.directory import DirectoryError
from beamtorch_facility.words import Words
from beamtorch_identity.errors import LdapSettingsError, LdapUnreachableError
from beamtorch_service.caller import NotSignedInError, NotYourServiceError
from beamtorch_service.tls import trusted
from beamtorch_spawner.client import decoded, unreachable
from beamtorch_spawner.errors import SpawnerRefusedError, SpawnerUnreachableError
from beamtorch_spawner.wire import Admission, AdmissionRequest, Lease, LeaseReport, LeaseState

ADMISSION_SECONDS = 30.0
"""As KubeSpawner has for its cluster: a hub that starts a hundred servers may itself not come to read for ten."""
REPORT_SECONDS = 5.0
REPORT_AGAIN_AFTER = (1.0, 4.0, 15.0, 60.0)


class TorchClient:
    """The spawner service, called in the name of the Hub's spawner."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"token {token}"}

    async def admit(self, request: AdmissionRequest) -> Admission:
        """Return the grant for a start, or the wait for it.

        Raises
        ------
        SpawnerRefusedError
            If the service refuses.
        SpawnerUnreachableError
            If the service does not answer, has a fault, or does not know the Hub's spawner.
        """
        # Options from a form may hold an uploaded file, which JSON cannot say; the service refuses it by its name.
        body = json.dumps(request.model_dump(), default=str)
        answer = await self._send("POST", "admissions", body, ADMISSION_SECONDS)
        return decoded(answer, Admission)

    async def grant(self, lease: str) -> Admission:
        """Return what became of a wait; errors as in `admit`."""
        return decoded(await self._send("GET", f"admissions/{lease}", "", ADMISSION_SECONDS), Admission)

    async def report(self, lease: str, report: LeaseReport) -> None:
        """Tell what became of a lease; errors as in `admit`."""
        answer = await self._send("PATCH", f"leases/{lease}", report.model_dump_json(), REPORT_SECONDS)
        decoded(answer, Lease)

    async def _send(self, method: str, path: str, body: str, seconds: float) -> httpx.Response:
        try:
            async with httpx.AsyncClient(
                headers=self._headers, timeout=seconds, trust_env=False, verify=trusted()
            ) as http:
                answer = await http.request(
                    method, f"{self._url}/{path}", content=body, headers={"Content-Type": "application/json"}
                )
        except httpx.HTTPError as error:
            raise unreachable() from error
        # These are quarrels between the Hub and its service; the person who clicked can only wait or tell somebody.
        code = _problem_code(answer)
        is_refusal = code in _OF_THE_DIRECTORY or not answer.is_server_error
        if not is_refusal or code in {NotSignedInError.code, NotYourServiceError.code}:
            raise _at_odds(answer)
        return answer


def _problem_code(answer: httpx.Response) -> str:
    """Return the code of a refusal; empty if there is none."""
    is_door = answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    if not is_door and not answer.is_server_error:
        return ""
    try:
        return str(answer.json()["type"]).rpartition(":")[2]
    except (ValueError, LookupError, TypeError):
        # Something between us and the service answered in its place.
        return NotYourServiceError.code if is_door else ""


def _at_odds(answer: httpx.Response) -> SpawnerUnreachableError:
    return SpawnerUnreachableError(
        Words(
            en=f"The spawner service cannot decide on a start now (HTTP {answer.status_code}). Running labs go on. "
            "Try again in a minute; if it stays, tell the facility: the service's log says why.",
            zh=f"启动服务暂时无法处理启动请求（HTTP {answer.status_code}），正在运行的实验室不受影响。"
            "请一分钟后重试；若仍失败，请告知设施人员，原因见该服务的日志。",
        )
    )


_OF_THE_DIRECTORY = frozenset({DirectoryError.code, LdapUnreachableError.code, LdapSettingsError.code})
"""The service is well and says that it does not know now who somebody is: its own sentence tells that best."""


class LeaseReports:
    """Reports in the order in which things happened, repeated while the service is away, never awaited."""

    def __init__(self, client: TorchClient, log: logging.Logger) -> None:
        self._client = client
        self._log = log
        self._latest: asyncio.Task[None] | None = None

    def tell(
        self,
        lease: str,
        state: LeaseState,
        reason: Words | None = None,
        *,
        pod: str | None = None,
        pod_uid: str | None = None,
        at: datetime | None = None,
    ) -> None:
        """Send a report as soon as the earlier ones are through."""
        report = LeaseReport(state=state, reason=reason, pod=pod, pod_uid=pod_uid, at=at)
        self._latest = asyncio.create_task(self._deliver(self._latest, lease, report))

    async def all_told(self) -> None:
        """Wait until every report was delivered or given up."""
        if self._latest is not None:
            await asyncio.wait([self._latest])

    async def _deliver(self, earlier: "asyncio.Task[None] | None", lease: str, report: LeaseReport) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        for pause in (0.0, *REPORT_AGAIN_AFTER):
            await asyncio.sleep(pause)
            try:
                await self._client.report(lease, report)
            except SpawnerRefusedError as refusal:
                self._log.warning("The report “%s” on lease %s was refused: %s", report.state, lease, refusal)
                return
            except SpawnerUnreachableError:
                continue
            return
        self._log.warning("The report “%s” on lease %s could not be delivered", report.state, lease)
