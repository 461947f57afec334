"""What a search answers beside its datasets: counts by which it can be narrowed, and searches that people keep."""

from datetime import datetime

from pydantic import Field

from beamtorch_catalogue.wire.base import Wire
from beamtorch_facility.words import Words


class FacetValue(Wire):
    """One value by which a search can be narrowed."""

    value: str = Field(description="what the filter of the facet's name takes")
    label: Words
    count: int


class Facet(Wire):
    """The values of one property among the hits, the most frequent first."""

    name: str
    label: Words
    values: tuple[FacetValue, ...]
    is_capped: bool = Field(description="whether only the newest hits were counted")
    is_cut: bool = Field(default=False, description="whether there are further values")


class Facets(Wire):
    """All counts for a search."""

    facets: tuple[Facet, ...]
    counted: int = Field(description="how many hits the capped facets were counted over")


class Count(Wire):
    """How many datasets a search finds."""

    total: int
    total_is_capped: bool = Field(description="whether there are more, which were not counted")


class SavedSearch(Wire):
    """A search that somebody keeps by a name."""

    name: str = Field(min_length=1, max_length=200)
    query: str = Field(max_length=1000)
    saved_at: datetime | None = Field(default=None, description="set by the catalogue")
