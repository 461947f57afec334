"""Looking things up in an HDF5 file by path; each group is listed once, however many paths lead through it."""

from collections.abc import Iterator
from typing import Any

import h5py

from beamtorch_catalogue.extract.fields import child_of, text_of


class Tree:
    """An open file as a set of places; a part of a path such as ``NXdetector`` stands for every group of that class.

    Parameters
    ----------
    roots
        Where paths begin; the first has precedence.
    """

    def __init__(self, *roots: h5py.Group) -> None:
        self._roots = roots
        self._classes: dict[str, dict[str, list[h5py.Group]]] = {}

    def first(self, *parts: str) -> Any:
        """Return the first dataset, or attribute, at a path; None if there is none."""
        return next(self.all(*parts), None)

    def all(self, *parts: str) -> Iterator[Any]:
        """Yield every dataset, or attribute, at a path."""
        for root in self._roots:
            yield from self._below(root, parts)

    def groups(self, *classes: str) -> Iterator[h5py.Group]:
        """Yield the groups at a path of classes."""
        for root in self._roots:
            yield from self._groups(root, classes)

    def _groups(self, group: h5py.Group, classes: tuple[str, ...]) -> Iterator[h5py.Group]:
        for child in self._of_class(group, classes[0]):
            if len(classes) == 1:
                yield child
            else:
                yield from self._groups(child, classes[1:])

    def _below(self, group: h5py.Group, parts: tuple[str, ...]) -> Iterator[Any]:
        head, *rest = parts
        if head.startswith("@"):
            if (value := group.attrs.get(head[1:])) is not None:
                yield value
            return
        for child in self._of_class(group, head) if head.startswith("NX") else [child_of(group, head)]:
            if not rest and isinstance(child, h5py.Dataset):
                yield child
            elif rest and isinstance(child, h5py.Dataset | h5py.Group) and _leads_on(child, rest[0]):
                yield from self._below(child, tuple(rest))

    def _of_class(self, group: h5py.Group, nexus_class: str) -> list[h5py.Group]:
        if not isinstance(group, h5py.Group):
            return []
        listed = self._classes.get(group.name)
        if listed is None:
            listed = self._classes[group.name] = {}
            for name in group:
                child = child_of(group, name)
                if isinstance(child, h5py.Group) and (named := text_of(child.attrs.get("NX_class"))):
                    listed.setdefault(named, []).append(child)
        return listed.get(nexus_class, [])


def _leads_on(child: h5py.Group | h5py.Dataset, part: str) -> bool:
    return isinstance(child, h5py.Group) or part.startswith("@")
