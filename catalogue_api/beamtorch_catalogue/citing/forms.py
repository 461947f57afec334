"""The forms in which a work leaves the catalogue, by name and by media type."""

import json
from datetime import date
from enum import StrEnum

from beamtorch_catalogue.citing import citation, datacite, schema_org
from beamtorch_catalogue.citing.work import Work


class Form(StrEnum):
    """A form; its value is what ``?format=`` says."""

    DATACITE = "datacite"
    JSONLD = "jsonld"
    CITATION = "citation"
    BIBTEX = "bibtex"

    @property
    def media_type(self) -> str:
        """The media type by which it can be asked for."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    Form.DATACITE: datacite.MEDIA_TYPE,
    Form.JSONLD: schema_org.MEDIA_TYPE,
    Form.CITATION: citation.TEXT_TYPE,
    Form.BIBTEX: citation.BIBTEX_TYPE,
}


def written(work: Work, form: Form, accessed: date) -> bytes:
    """Return a work in a form; `accessed` is the day that a citation of GB/T 7714 names."""
    if form is Form.DATACITE:
        return datacite.datacite_xml(work)
    if form is Form.JSONLD:
        return json.dumps(schema_org.json_ld(work), ensure_ascii=False, indent=2).encode()
    if form is Form.BIBTEX:
        return citation.bibtex(work).encode()
    both = citation.citation(work, accessed)
    return f"{both.en}\n{both.zh}\n".encode()
