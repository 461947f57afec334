"""A work for search engines: schema.org's Dataset as JSON-LD (https://schema.org/Dataset)."""

from typing import Any

from beamtorch_catalogue.citing.work import Relation, Stage, Work
from beamtorch_catalogue.wire.publications import Creator
from beamtorch_facility.words import Words

MEDIA_TYPE = "application/ld+json"
_MEMBERS = {
    Relation.HAS_PART: "hasPart",
    Relation.IS_PART_OF: "isPartOf",
    Relation.IS_DERIVED_FROM: "isBasedOn",
}


def json_ld(work: Work) -> dict[str, Any]:
    """Return a work as a JSON-LD document; members without a value are left out."""
    document = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": work.url,
        "url": work.url,
        "identifier": {"@type": "PropertyValue", "propertyID": "PID", "value": work.pid},
        "name": _said(work.title),
        "description": _said(work.abstract or work.title),
        "creator": [_person(creator) for creator in work.creators],
        "publisher": {"@type": "Organization", "name": _said(work.publisher)},
        "datePublished": _day(work) or f"{work.year:04d}",
        "temporalCoverage": work.measured_at.isoformat() if work.measured_at else None,
        "keywords": list(work.subjects),
        "license": work.licence_url,
        "encodingFormat": list(work.formats),
        "size": f"{work.size} B" if work.size is not None else None,
        "isAccessibleForFree": work.stage is not Stage.WITHHELD,
        "conditionsOfAccess": _conditions(work),
    }
    for relation, member in _MEMBERS.items():
        document[member] = [
            {"@type": "Dataset", "@id": other.url, "identifier": other.pid}
            for other in work.related
            if other.relation is relation
        ]
    return {name: value for name, value in document.items() if value not in (None, [])}


def _day(work: Work) -> str | None:
    return f"{work.available_at:%Y-%m-%d}" if work.available_at else None


def _conditions(work: Work) -> str:
    if work.stage is Stage.WORLD:
        return "Open to everybody"
    if work.stage is Stage.REGISTERED:
        return "Open to everybody who is registered at the facility"
    day = _day(work)
    return f"Under embargo until {day}" if day else "Closed"


def _person(creator: Creator) -> dict[str, Any]:
    person: dict[str, Any] = {"@type": "Person", "name": _said(creator.name)}
    if creator.family_name is not None:
        person |= {"givenName": creator.given_name, "familyName": creator.family_name}
    if creator.orcid is not None:
        person |= {"@id": f"https://orcid.org/{creator.orcid}"}
    if creator.affiliation is not None:
        person |= {"affiliation": {"@type": "Organization", "name": _said(creator.affiliation)}}
    return person


def _said(words: Words | None) -> Any:
    """Return a text with its languages, or as one text where both are alike."""
    if words is None:
        return None
    if words.en == words.zh:
        return words.en
    return [{"@language": "en", "@value": words.en}, {"@language": "zh", "@value": words.zh}]
