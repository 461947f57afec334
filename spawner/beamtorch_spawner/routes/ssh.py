"""Doors to what ssh into a lab needs: keys for the lab itself, the host key for its person."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from beamtorch_facility.identity import Username
from beamtorch_spawner.routes.access import Access, Lab
from beamtorch_spawner.services.ssh_access import SshDoor
from beamtorch_spawner.wire import SshAccess, SshHostKey


def ssh_router(*, access: Access, door: SshDoor) -> APIRouter:
    """Return the routes, bound to their service."""
    router = APIRouter(tags=["ssh"])

    @router.get("/ssh/access")
    def who_may_come_in(lab: Annotated[Lab, Depends(access.lab)], response: Response) -> SshAccess:
        """Return who may come into the server whose own token this is, and its private host key."""
        response.headers["Cache-Control"] = "no-store"
        return door.access(lab.username, lab.server)

    @router.get("/ssh/host-key")
    def host_key(person: Annotated[Username, Depends(access.person)]) -> SshHostKey:
        """Return the public key by which one's own labs are known to ssh."""
        return door.host_key(person)

    return router
