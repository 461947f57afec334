"""Routes of techniques and metadata models; each model of the facility has routes of its own, with its fields."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.routes.asking import PROBLEMS, Plain, asking
from beamtorch_catalogue.services.editions import etag
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.vocabulary import MetadataModel
from beamtorch_catalogue.wire import ModelCard, TechniqueCard
from beamtorch_facility.dataset import DatasetId

Answers = dict[int | str, dict[str, Any]]
_NOT_FOUND: Answers = {404: {"description": "no such dataset for the caller, or no such document (problem document)"}}
_STALE: Answers = {409: {"description": "“If-Match” is not the present `version` (problem document)"}}
IfMatch = Annotated[str | None, Header(max_length=1000, description="the ETag that the change was made of")]


def router(factory: Factory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["models"], responses=PROBLEMS)
    Asking = Annotated[Reader, Depends(asking(factory))]  # noqa: N806 - a type, made here because it holds the factory

    @routes.get("/techniques")
    def techniques(reader: Asking) -> list[TechniqueCard]:
        """List the techniques with their names in both languages and their terms in PaNET."""
        return factory.modelling.cards.techniques(reader)

    @routes.get("/models")
    def models(
        reader: Asking,
        technique: Annotated[Plain | None, Query(description="only models for this one, by any of its names")] = None,
    ) -> list[ModelCard]:
        """List the facility's metadata models with everything that a form needs."""
        return factory.modelling.cards.models(reader, technique)

    @routes.get("/models/{name}/schema", responses={404: {"description": "no such model (problem document)"}})
    def schema(reader: Asking, name: Plain) -> dict[str, Any]:
        """Return the JSON Schema of a model's documents, with labels, units and choices as `x-…`."""
        return factory.modelling.cards.model(reader, name).schema()

    for model in factory.modelling.vocabulary.models.all():
        _add(routes, factory, asking(factory), model)
    return routes


def _add(routes: APIRouter, factory: Factory, asked: Callable[..., Any], model: MetadataModel) -> None:
    Asking = Annotated[Reader, Depends(asked)]  # noqa: N806 - a type, made here because it holds the factory
    path, label = f"/datasets/{{dataset}}/models/{model.name}", model.file.label

    def one(reader: Asking, dataset: DatasetId, response: Response) -> Any:
        held = factory.modelling.edits.one(reader, dataset, model)
        response.headers["ETag"] = etag(held.version)
        return held.content

    def put(
        reader: Asking, dataset: DatasetId, document: BaseModel, response: Response, if_match: IfMatch = None
    ) -> Any:
        held = factory.modelling.edits.put(reader, dataset, model, document, if_match)
        response.headers["ETag"] = etag(held.version)
        return held.content

    def remove(reader: Asking, dataset: DatasetId, response: Response, if_match: IfMatch = None) -> None:
        response.headers["ETag"] = etag(factory.modelling.edits.remove(reader, dataset, model, if_match))

    # The type that this facility's file has made, so that checks and OpenAPI know its fields.
    put.__annotations__["document"] = model.body
    shared: dict[str, Any] = {"response_model": model.body, "response_model_exclude_none": True}
    routes.add_api_route(
        path, one, methods=["GET"], name=f"read_{model.name}", summary=f"Read “{label.en}” ({label.zh})",
        description="Return the document in the present version of the model.", responses=_NOT_FOUND | _STALE, **shared,
    )  # fmt: skip
    routes.add_api_route(
        path, put, methods=["PUT"], name=f"put_{model.name}", summary=f"Write “{label.en}” ({label.zh})",
        description="Set the document, as the team of the proposal or the staff of the beamline; the same again "
        "changes nothing.", responses=_NOT_FOUND | _STALE, **shared,
    )  # fmt: skip
    routes.add_api_route(
        path, remove, methods=["DELETE"], name=f"remove_{model.name}", summary=f"Remove “{label.en}” ({label.zh})",
        description="Take the document away; the history keeps it.", status_code=204, responses=_NOT_FOUND | _STALE,
    )  # fmt: skip
