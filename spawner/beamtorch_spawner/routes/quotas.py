"""Doors to quotas and usage."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response, status

from beamtorch_spawner.routes.access import Access, Actor
from beamtorch_spawner.services.quota_book import QuotaBook
from beamtorch_spawner.services.usage import UsageReport
from beamtorch_spawner.wire import Quota, QuotaScope, QuotaUse, UsageRow

Subject = Annotated[str, Query(max_length=200)]


def quotas_router(*, access: Access, quotas: QuotaBook, usage: UsageReport) -> APIRouter:
    """Return the routes, bound to their services."""
    router = APIRouter()

    @router.get("/quotas", tags=["quotas"])
    def listed(
        actor: Annotated[Actor, Depends(access.actor)],
        username: Annotated[str | None, Query(max_length=200, description="what counts for this person")] = None,
    ) -> list[QuotaUse]:
        """List limits and what is used of them: all for an admin; else those that count for oneself."""
        if actor.is_admin and username is None:
            return quotas.everything()
        wanted = username or actor.name
        access.check_self_or_admin(actor, wanted)
        return quotas.counting_for(wanted, asker=actor.name, is_admin=actor.is_admin)

    @router.put("/quotas", tags=["quotas"])
    def put(quota: Quota, actor: Annotated[Actor, Depends(access.admin)]) -> QuotaUse:
        """Set a limit; it counts from the next start on and ends nothing."""
        return quotas.put(quota, actor=actor.name)

    @router.delete("/quotas", tags=["quotas"], status_code=status.HTTP_204_NO_CONTENT, response_class=Response)
    def lift(
        actor: Annotated[Actor, Depends(access.admin)],
        scope: QuotaScope,
        resource: Annotated[str, Query(max_length=130)],
        subject: Subject = "",
    ) -> Response:
        """Lift a limit."""
        quotas.lift(scope, subject, resource, actor=actor.name)
        return Response(status_code=status.HTTP_204_NO_CONTENT)

    @router.get("/usage", tags=["usage"])
    def used(
        actor: Annotated[Actor, Depends(access.actor)],
        month: Annotated[
            str | None, Query(pattern=r"^2\d{3}-(0[1-9]|1[0-2])$", description="YYYY-MM; none: this")
        ] = None,
        by: Literal["user", "group", "beamline"] = "user",
        username: Annotated[str | None, Query(max_length=200)] = None,
    ) -> list[UsageRow]:
        """Tell what was held in a month (UTC), exact to each pod's life: one's own; everybody's for an admin."""
        if not actor.is_admin:
            username, by = actor.name, "user"
        return usage.of_month(month or f"{datetime.now(UTC):%Y-%m}", by=by, username=username)

    return router
