"""Routes of attachments: what the caller linked into their home."""

from typing import Annotated

from fastapi import APIRouter, Depends

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.routes.asking import PROBLEMS, asking
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.wire import Attachment, AttachmentRequest
from beamtorch_facility.dataset import DatasetId


def router(factory: Factory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["attachments"], responses=PROBLEMS)
    Asking = Annotated[Reader, Depends(asking(factory))]  # noqa: N806 - a type, made here because it holds the factory

    @routes.get("/attachments")
    def mine(reader: Asking) -> list[Attachment]:
        """List what the caller attached and may still read, newest first."""
        return factory.attachments.of(reader)

    @routes.post("/attachments")
    def record(reader: Asking, request: AttachmentRequest) -> Attachment:
        """Remember a link that the caller's own process has made."""
        return factory.attachments.record(reader, request)

    @routes.delete("/attachments/{dataset}", status_code=204)
    def forget(reader: Asking, dataset: DatasetId) -> None:
        """Forget a link of the caller; one that is not there is fine."""
        factory.attachments.forget(reader, dataset)

    return routes
