"""Reads a rendered page as a person would: which texts lack their Chinese twin, and which addresses it would fetch.

Used by the tests of everything that renders pages, so that "in both languages" and "nothing from outside" are checked
and not believed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_SILENT = frozenset({"script", "style", "noscript"})
_SPOKEN = ("title", "aria-label", "placeholder", "alt")
_FETCHED = ("src", "href", "action")


@dataclass(frozen=True)
class _Open:
    tag: str
    attributes: dict[str, str | None]


@dataclass
class Page(HTMLParser):
    """One page of HTML, read on construction."""

    html: str
    without_twin: list[str] = field(default_factory=list)
    """Texts with letters that stand in one language only and are not marked as data."""
    addresses: list[str] = field(default_factory=list)
    """All links, forms and files that the page names."""
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    """All elements with their attributes, in order."""
    _path: list[_Open] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        self.addresses += [value for name in _FETCHED if (value := attributes.get(name))]
        is_data = self._is_data() or attributes.get("translate") == "no"
        for name in _SPOKEN:
            value = attributes.get(name) or ""
            if _has_letters(value) and f"data-zh-{name}" not in attributes and not is_data and not _is_address(value):
                self.without_twin.append(f"{tag}[{name}]: {value}")
        if tag not in _VOID:
            self._path.append(_Open(tag, attributes))

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        while self._path and self._path.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Judge a text."""
        if not _has_letters(data) or not self._path or self._path[-1].tag in _SILENT or self._is_data():
            return
        if "data-zh" not in self._path[-1].attributes:
            self.without_twin.append(f"{self._path[-1].tag}: {data.strip()}")

    def find(self, name: str) -> Iterator[str]:
        """Yield the values of an attribute, in the order of the page."""
        for _, attributes in self.elements:
            if name in attributes:
                yield attributes[name] or ""

    def _is_data(self) -> bool:
        return any(one.attributes.get("translate") == "no" for one in self._path)


def _has_letters(text: str) -> bool:
    return any(character.isalpha() for character in text)


def _is_address(text: str) -> bool:
    return text.startswith(("/", "~"))
