"""The words by which a dataset is found."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session, joinedload, selectinload

from beamtorch_catalogue.services.documents import Documents, Given
from beamtorch_catalogue.stores.full_text import FullText
from beamtorch_catalogue.stores.models import Beamtime, DatasetRow, DocumentRow, Person, Role, Sample
from beamtorch_catalogue.stores.words import marks, tokens
from beamtorch_facility.identity import Identity

_CHUNK = 500
_REMEMBERED = 500
"""A longer text hardly comes again, and would be kept for nothing."""
NamedSample = Sample | Row[Any]
"""A sample, or the columns of one that its words come from."""


class Describer:
    """Turns what is known of datasets of some proposals into tokens; what many have in common is cut once."""

    def __init__(self, *, session: Session, people: Iterable[Identity], proposals: Iterable[str]) -> None:
        self._named = _names_by_proposal(session, people, sorted(set(proposals)))
        self._beamtimes: dict[str, str] = {}
        self._samples: dict[int, str] = {}

    def tokens(
        self,
        *,
        own: str,
        texts: Iterable[str],
        beamtime: Beamtime,
        sample: NamedSample | None,
    ) -> str:
        """Return all tokens of a dataset, with a space between each; those of its files last, since not all may fit.

        Parameters
        ----------
        own
            What `own_tokens` gives.
        texts
            Its technique, and what its documents say.
        """
        return _joined([self._of_beamtime(beamtime), self._of_sample(sample), *map(_cut, texts), own])

    def _of_sample(self, sample: NamedSample | None) -> str:
        if sample is None:
            return ""
        if sample.number not in self._samples:
            parts = (sample.name, sample.description_en, sample.description_zh, sample.formula)
            self._samples[sample.number] = _cut("\n".join(part for part in parts if part))
        return self._samples[sample.number]

    def _of_beamtime(self, beamtime: Beamtime) -> str:
        if beamtime.beamtime not in self._beamtimes:
            proposal, instrument = beamtime.of_proposal, beamtime.of_instrument
            parts = [proposal.proposal, proposal.title_en, proposal.title_zh, proposal.principal_investigator]
            parts += [beamtime.beamtime, instrument.beamline, instrument.name_en, instrument.name_zh]
            parts += self._named.get(proposal.proposal, ())
            self._beamtimes[beamtime.beamtime] = _joined([_cut("\n".join(parts)), *marks([proposal.proposal])])
        return self._beamtimes[beamtime.beamtime]


def own_tokens(
    name: str, dataset: str, kind: str, software: str | None, *, paths: Iterable[str], texts: Iterable[str]
) -> str:
    """Return the tokens of what a record says of itself, with a space between each; those of its files last.

    Parameters
    ----------
    paths
        Of its files.
    texts
        Those among its parameters.
    """
    said = tokens(f"{name}\n{dataset}\n{kind}\n{software or ''}")
    names = tokens("\n".join(path.rpartition("/")[2] for path in paths))
    return _joined([" ".join(said), *map(_cut, texts), " ".join(names)])


def _joined(parts: Iterable[str]) -> str:
    return " ".join(filter(None, parts))


def _cut(text: str) -> str:
    return _remembered(text) if len(text) <= _REMEMBERED else " ".join(tokens(text))


@lru_cache(maxsize=25_000)
def _remembered(text: str) -> str:
    """Return the tokens of a text that comes again and again, such as the name of a detector or of a beamtime."""
    return " ".join(tokens(text))


def _names_by_proposal(session: Session, people: Iterable[Identity], proposals: Sequence[str]) -> dict[str, list[str]]:
    """Return the names of the people of some proposals, as the directory and the user office have them."""
    named: dict[str, list[str]] = {proposal: [] for proposal in proposals}
    for person in people:
        for proposal in person.proposals:
            if proposal in named:
                named[proposal] += [person.username, person.full_name.en, person.full_name.zh]
    with_roles = select(Role.proposal, Person.username, Person.name_en, Person.name_zh).distinct()
    with_roles = with_roles.join(Person, Role.username == Person.username)
    for start in range(0, len(proposals), _CHUNK):
        for row in session.execute(with_roles.where(Role.proposal.in_(proposals[start : start + _CHUNK]))):
            named[row.proposal] += [row.username, row.name_en, row.name_zh]
    return named


def describe_again(
    session: Session,
    full_text: FullText,
    people: Iterable[Identity],
    numbers: Sequence[int],
    *,
    documents: Documents | None = None,
) -> None:
    """Renew the words of datasets, since those of a proposal, a sample or a person have changed.

    Parameters
    ----------
    documents
        Knows what words documents of metadata models have beside the texts among their parameters.
    """
    people = tuple(people)
    for start in range(0, len(numbers), _CHUNK):
        some = numbers[start : start + _CHUNK]
        held = _documents(session, some) if documents else {}
        rows = session.scalars(
            select(DatasetRow)
            .where(DatasetRow.number.in_(some))
            .options(
                joinedload(DatasetRow.of_beamtime).options(
                    joinedload(Beamtime.of_proposal), joinedload(Beamtime.of_instrument)
                ),
                joinedload(DatasetRow.of_sample),
                selectinload(DatasetRow.files),
                selectinload(DatasetRow.parameters),
            )
        ).all()
        describer = Describer(session=session, people=people, proposals=(row.proposal for row in rows))
        said = {number: documents.current(of_one) for number, of_one in held.items()} if documents else {}
        full_text.put(
            session,
            {row.place: tokens_of(describer, row, documents, said.get(row.number, {})) for row in rows},
        )
        for row in rows:
            session.expunge(row)


def _documents(session: Session, numbers: Sequence[int]) -> dict[int, list[DocumentRow]]:
    found: dict[int, list[DocumentRow]] = defaultdict(list)
    for document in session.scalars(select(DocumentRow).where(DocumentRow.dataset.in_(numbers))):
        found[document.dataset].append(document)
    return found


def tokens_of(describer: Describer, row: DatasetRow, documents: Documents | None, said: Given) -> str:
    """Return the tokens of a dataset that is in the tables, with what its documents say."""
    of_models = {one["name"] for one in documents.rows(row.number, said)} if documents else set()
    texts = [one.text for one in row.parameters if one.text and one.name not in of_models]
    return describer.tokens(
        own=own_tokens(row.name, row.id, row.kind, row.software, paths=[file.path for file in row.files], texts=texts),
        texts=[row.technique, *(documents.words(said) if documents else ())],
        beamtime=row.of_beamtime,
        sample=row.of_sample,
    )
