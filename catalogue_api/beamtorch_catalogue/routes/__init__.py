"""The REST API: each route translates a request, asks one service, and hands back its answer."""

from fastapi import APIRouter

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.routes import (
    attachments,
    changes,
    datasets,
    downloads,
    facility,
    files,
    keys,
    models,
    office_book,
    provenance,
    publications,
    releases,
    searches,
    webhooks,
)


def router(factory: Factory) -> APIRouter:
    """Return all routes of the REST API."""
    api = APIRouter()
    for part in (
        datasets,
        downloads,
        files,
        facility,
        office_book,
        attachments,
        changes,
        webhooks,
        keys,
        releases,
        publications,
        provenance,
        models,
        searches,
    ):
        api.include_router(part.router(factory))
    return api
