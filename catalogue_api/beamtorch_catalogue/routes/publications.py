"""Routes of published data, and of citations and exports."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from beamtorch_catalogue.citing.forms import Form, written
from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.routes.asking import PROBLEMS, Plain, asking
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.wire.publications import Pid, Publication, PublicationPage, PublicationRequest
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.proposal import ProposalId

MOST_PER_PAGE = 50
_FORMS = {form.media_type: {"schema": {"type": "string"}} for form in Form}


def router(factory: Factory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["publication"], responses=PROBLEMS)
    publications, landings, clock = factory.publishing.publications, factory.publishing.landings, factory.clock
    Asking = Annotated[Reader, Depends(asking(factory))]  # noqa: N806 - a type, made here because it holds the factory
    Deciding = Annotated[Reader, Depends(asking(factory, keys=False))]  # noqa: N806 - the same

    @routes.get("/publications")
    def published(
        reader: Asking,  # noqa: ARG001 - open to all who are known
        proposal: ProposalId | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST_PER_PAGE)] = 25,
        after: Annotated[Plain | None, Query(description="“next” of the page before")] = None,
    ) -> PublicationPage:
        """List what is published, newest first."""
        return publications.page(proposal, after, limit)

    @routes.post("/publications")
    def publish(reader: Deciding, request: PublicationRequest) -> Publication:
        """Publish datasets of one proposal; the same request again returns what it made."""
        return publications.publish(reader, request)

    @routes.get("/publications/{pid:path}")
    def one(reader: Asking, pid: Pid) -> Publication:  # noqa: ARG001 - open to all who are known
        """Return one publication."""
        return publications.publication(pid)

    @routes.get("/datasets/{dataset}/citation", response_class=Response, responses={200: {"content": dict(_FORMS)}})
    def cite(
        reader: Asking, dataset: DatasetId, form: Annotated[Form, Query(alias="format")] = Form.CITATION
    ) -> Response:
        """Return how a dataset is cited, or its description for other catalogues."""
        return Response(written(landings.work(reader, dataset), form, clock.now().date()), media_type=form.media_type)

    return routes
