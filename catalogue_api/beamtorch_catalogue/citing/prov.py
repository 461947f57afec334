"""What was made from what as PROV-JSON (W3C Member Submission of 24 April 2013, www.w3.org/submissions/prov-json)."""

from typing import Any

from beamtorch_catalogue.wire.publications import Provenance, ProvenanceNode
from beamtorch_facility.quantity import Quantity

MEDIA_TYPE = "application/json"
_OURS = "urn:beamtorch:prov:"


def prov_json(graph: Provenance, *, pages: str) -> dict[str, Any]:
    """Return a graph as a PROV document.

    Parameters
    ----------
    graph
        What was made from what.
    pages
        Where the page of a dataset is: the namespace of the datasets, so that each name is an address.
    """
    nodes = {node.dataset: node for node in graph.nodes}
    made = _Document(pages)
    for node in graph.nodes:
        made.dataset(node)
    for edge in graph.edges:
        if edge.child in nodes and edge.parent in nodes:
            made.derivation(str(edge.child), str(edge.parent))
    return made.document


class _Document:
    """A PROV document as it grows; relations are numbered in the order in which they come."""

    def __init__(self, pages: str) -> None:
        self.document: dict[str, Any] = {
            "prefix": {
                "dataset": pages,
                "making": f"{_OURS}making:",
                "person": f"{_OURS}person:",
                "software": f"{_OURS}software:",
                "bt": f"{_OURS}term:",
            }
        }
        self._relations = 0

    def dataset(self, node: ProvenanceNode) -> None:
        """Add a dataset, what made it and who answers for that."""
        entity, activity = f"dataset:{node.dataset}", f"making:{node.dataset}"
        self._put(
            "entity",
            entity,
            {
                "prov:label": node.name,
                "prov:type": _name(f"bt:{node.kind.value}"),
                "bt:pid": node.pid,
                "bt:technique": node.technique,
                "bt:beamline": str(node.beamline),
                "bt:beamtime": str(node.beamtime),
                "bt:sample": node.sample,
            },
        )
        self._put("activity", activity, {"prov:endTime": node.at.isoformat()} | _told(node))
        self._relate(
            "wasGeneratedBy", {"prov:entity": entity, "prov:activity": activity, "prov:time": node.at.isoformat()}
        )
        person = f"person:{node.by}"
        self._put("agent", person, {"prov:type": _name("prov:Agent"), "prov:label": str(node.by)})
        self._relate("wasAttributedTo", {"prov:entity": entity, "prov:agent": person})
        self._relate("wasAssociatedWith", {"prov:activity": activity, "prov:agent": person})
        if node.software is not None:
            version = f"/{node.software_version}" if node.software_version else ""
            software = f"software:{_local(node.software)}{version}"
            label = f"{node.software} {node.software_version or ''}".rstrip()
            self._put("agent", software, {"prov:type": _name("prov:SoftwareAgent"), "prov:label": label})
            self._relate("wasAssociatedWith", {"prov:activity": activity, "prov:agent": software})

    def derivation(self, child: str, parent: str) -> None:
        """Add that a dataset was made from another."""
        entity, source, activity = f"dataset:{child}", f"dataset:{parent}", f"making:{child}"
        self._relate("used", {"prov:activity": activity, "prov:entity": source})
        self._relate(
            "wasDerivedFrom",
            {"prov:generatedEntity": entity, "prov:usedEntity": source, "prov:activity": activity},
        )

    def _put(self, kind: str, name: str, values: dict[str, Any]) -> None:
        self.document.setdefault(kind, {})[name] = {key: value for key, value in values.items() if value}

    def _relate(self, kind: str, values: dict[str, Any]) -> None:
        self._relations += 1
        self.document.setdefault(kind, {})[f"_:r{self._relations}"] = values


def _told(node: ProvenanceNode) -> dict[str, Any]:
    told: dict[str, Any] = {f"bt:parameter-{_local(name)}": _exactly(value) for name, value in node.parameters.items()}
    return told | {"bt:recipe": node.recipe}


def _exactly(value: Quantity | str) -> str:
    return value if isinstance(value, str) else f"{value.value!r} {value.unit}".rstrip()


def _name(text: str) -> dict[str, str]:
    return {"$": text, "type": "xsd:QName"}


def _local(text: str) -> str:
    """Return a text as the local part of a qualified name."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in text)
