"""DataCite XML, schema 4.5 (https://schema.datacite.org/meta/kernel-4.5/)."""

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from beamtorch_catalogue.citing.work import SPDX, Stage, Work, identifier_type
from beamtorch_catalogue.wire.publications import Creator
from beamtorch_facility.words import Words

MEDIA_TYPE = "application/vnd.datacite.datacite+xml"
NAMESPACE = "http://datacite.org/schema/kernel-4"
SUPPRESSED = ":unal"
"""“Unallowed, suppressed intentionally”: DataCite's own word for a mandatory value that is not told."""
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def datacite_xml(work: Work) -> bytes:
    """Return a work as a DataCite record; what is withheld says so in the places that may not be empty."""
    root = ET.Element("resource")
    root.set("xmlns", NAMESPACE)
    root.set("xmlns:xsi", _XSI)
    root.set("xsi:schemaLocation", f"{NAMESPACE} https://schema.datacite.org/meta/kernel-4.5/metadata.xsd")
    _add(root, "identifier", work.pid, identifierType=identifier_type(work.pid))
    creators = _add(root, "creators")
    for creator in work.creators:
        _creator(_add(creators, "creator"), creator)
    if not work.creators:
        _add(_add(creators, "creator"), "creatorName", SUPPRESSED)
    titles = _add(root, "titles")
    if work.title is None:
        _add(titles, "title", SUPPRESSED)
    else:
        _say(titles, "title", work.title, second={"titleType": "TranslatedTitle"})
    _add(root, "publisher", work.publisher.en, **{_LANGUAGE: "en"})
    _add(root, "publicationYear", f"{work.year:04d}")
    general = "Collection" if work.is_collection else "Dataset"
    _add(root, "resourceType", "Experimental data", resourceTypeGeneral=general)
    _optional(root, work)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return document + b"\n"


def _optional(root: ET.Element, work: Work) -> None:
    if work.subjects:
        subjects = _add(root, "subjects")
        for subject in work.subjects:
            _add(subjects, "subject", subject)
    dates = _add(root, "dates")
    if work.measured_at is not None:
        _add(dates, "date", work.measured_at.isoformat(), dateType="Collected")
    if work.available_at is not None:
        _add(dates, "date", f"{work.available_at:%Y-%m-%d}", dateType="Available")
    alternate = _add(root, "alternateIdentifiers")
    _add(alternate, "alternateIdentifier", work.url, alternateIdentifierType="URL")
    if work.local_id is not None:
        _add(alternate, "alternateIdentifier", work.local_id, alternateIdentifierType="Catalogue")
    _related(root, work)
    if work.size is not None and work.file_count is not None:
        sizes = _add(root, "sizes")
        _add(sizes, "size", f"{work.size} bytes")
        _add(sizes, "size", f"{work.file_count} files")
    if work.formats:
        formats = _add(root, "formats")
        for name in work.formats:
            _add(formats, "format", name)
    _rights(root, work)
    if work.abstract is not None:
        descriptions = _add(root, "descriptions")
        _say(
            descriptions,
            "description",
            work.abstract,
            descriptionType="Abstract",
            second={"descriptionType": "Abstract"},
        )


def _related(root: ET.Element, work: Work) -> None:
    if not work.related:
        return
    related = _add(root, "relatedIdentifiers")
    for other in work.related:
        kind = identifier_type(other.pid)
        # The list of DataCite has no name for identifiers of our own; their address has one.
        given, text = (kind, other.pid) if kind != "Local" else ("URL", other.url)
        _add(related, "relatedIdentifier", text, relatedIdentifierType=given, relationType=other.relation.value)


def _rights(root: ET.Element, work: Work) -> None:
    rights = _add(root, "rightsList")
    if work.licence is not None and work.licence_url is not None:
        _add(
            rights,
            "rights",
            work.licence,
            rightsURI=work.licence_url,
            rightsIdentifier=work.licence,
            rightsIdentifierScheme="SPDX",
            schemeURI=SPDX,
        )
    name = {Stage.WITHHELD: "embargoed", Stage.REGISTERED: "restricted", Stage.WORLD: "open"}[work.stage]
    if work.stage is Stage.WITHHELD and work.available_at is None:
        name = "metadata only"
    # The words of COAR's vocabulary of access rights, which harvesters know.
    address = {"embargoed": "c_f1cf", "restricted": "c_16ec", "open": "c_abf2", "metadata only": "c_14cb"}[name]
    _add(rights, "rights", f"{name} access", rightsURI=f"http://purl.org/coar/access_right/{address}")


def _creator(element: ET.Element, creator: Creator) -> None:
    if creator.family_name is not None and creator.given_name is not None:
        _add(element, "creatorName", f"{creator.family_name}, {creator.given_name}", nameType="Personal")
        _add(element, "givenName", creator.given_name)
        _add(element, "familyName", creator.family_name)
    else:
        _add(element, "creatorName", creator.name.en)
    if creator.orcid is not None:
        address = f"https://orcid.org/{creator.orcid}"
        _add(element, "nameIdentifier", address, nameIdentifierScheme="ORCID", schemeURI="https://orcid.org")
    if creator.affiliation is not None:
        _add(element, "affiliation", creator.affiliation.en)


def _say(parent: ET.Element, name: str, words: Words, *, second: dict[str, str], **first: str) -> None:
    for language, text, attributes in _languages(words, first, second):
        _add(parent, name, text, **attributes, **{_LANGUAGE: language})


def _languages(
    words: Words, first: dict[str, str], second: dict[str, str]
) -> Iterable[tuple[str, str, dict[str, str]]]:
    yield "en", words.en, first
    if words.zh != words.en:
        yield "zh", words.zh, second


def _add(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    """Add an element; characters that no XML can hold become a replacement character."""
    element = ET.SubElement(parent, name, {key: _NO_XML.sub("\ufffd", value) for key, value in attributes.items()})
    if text is not None:
        element.text = _NO_XML.sub("\ufffd", text)
    return element
