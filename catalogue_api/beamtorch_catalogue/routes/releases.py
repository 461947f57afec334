"""Routes of release: when data open, and to whom."""

from typing import Annotated

from fastapi import APIRouter, Depends

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.routes.asking import PROBLEMS, asking
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.wire.publications import (
    DatasetRelease,
    DatasetReleaseRequest,
    ProposalRelease,
    ProposalReleaseRequest,
)
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.proposal import ProposalId


def router(factory: Factory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["release"], responses=PROBLEMS)
    Asking = Annotated[Reader, Depends(asking(factory))]  # noqa: N806 - a type, made here because it holds the factory
    # What has been open to the world cannot be called back: not by a key that may have been lost.
    Deciding = Annotated[Reader, Depends(asking(factory, keys=False))]  # noqa: N806 - the same

    @routes.get("/proposals/{proposal}/release")
    def of_proposal(reader: Asking, proposal: ProposalId) -> ProposalRelease:
        """Tell how long the data of a proposal stay its own."""
        return factory.publishing.releases.proposal(reader, proposal)

    @routes.put("/proposals/{proposal}/release")
    def change_proposal(reader: Deciding, proposal: ProposalId, request: ProposalReleaseRequest) -> ProposalRelease:
        """Change it for all data without a decision of their own; an investigator can open earlier or wider only."""
        return factory.publishing.releases.change_proposal(reader, proposal, request)

    @routes.put("/datasets/{dataset}/release")
    def change_dataset(reader: Deciding, dataset: DatasetId, request: DatasetReleaseRequest) -> DatasetRelease:
        """Decide for one dataset; it does not follow its proposal any more."""
        return factory.publishing.releases.change_dataset(reader, dataset, request)

    return routes
