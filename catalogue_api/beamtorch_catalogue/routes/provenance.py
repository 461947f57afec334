"""The route of provenance."""

import json
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from beamtorch_catalogue.citing.prov import prov_json
from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.routes.asking import PROBLEMS, asking
from beamtorch_catalogue.services.provenance import MOST_STEPS, Direction
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.wire.publications import Provenance
from beamtorch_facility.dataset import DatasetId


def router(factory: Factory) -> APIRouter:
    """Return the route."""
    routes = APIRouter(tags=["provenance"], responses=PROBLEMS)
    Asking = Annotated[Reader, Depends(asking(factory))]  # noqa: N806 - a type, made here because it holds the factory

    @routes.get("/datasets/{dataset}/provenance", response_model=Provenance)
    def provenance(
        reader: Asking,
        dataset: DatasetId,
        direction: Direction = Direction.BOTH,
        depth: Annotated[int, Query(ge=1, le=MOST_STEPS)] = 10,
        form: Annotated[Literal["graph", "prov"], Query(alias="format", description="prov: PROV-JSON")] = "graph",
    ) -> Provenance | Response:
        """Tell what a dataset was made from (up) and what was made from it (down)."""
        graph = factory.publishing.provenances.around(reader, dataset, direction, depth)
        if form == "graph":
            return graph
        document = prov_json(graph, pages=f"{factory.settings.catalogue_url}page/")
        return Response(json.dumps(document, ensure_ascii=False, indent=2), media_type="application/json")

    return routes
