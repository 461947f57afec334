"""Bringing batches to the catalogue: through the spool if there is one, so that nothing is lost while it is away."""

import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

from beamtorch_catalogue.client import CatalogueClient, CatalogueRefusedError, CatalogueUnreachableError
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.extract.gaps import gaps_of
from beamtorch_catalogue.ingesting.report import IngestReport, Told
from beamtorch_catalogue.spool import Batch, Spool
from beamtorch_catalogue.wire import DatasetRecord, KnownFile
from beamtorch_facility.words import Words

_AGAIN_SECONDS = 5.0
"""How long a catalogue that did not answer is left alone."""
_OF_THE_BATCH = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
)
"""What the catalogue says if something in a batch makes no sense; anything else is about the sender."""
_NAMES = {
    "start_time": ("no start time", "无开始时间"),
    "sample": ("no sample", "无样品"),
    "energy": ("no energy", "无能量"),
}


class Sender:
    """Sends batches and keeps account of what became of them.

    Parameters
    ----------
    client
        The catalogue.
    spool
        Where batches wait; None: they are sent at once, and a catalogue that is away is an error.
    report
        Gets the outcome.
    now
        A clock that only goes forward, in seconds.
    """

    def __init__(
        self,
        client: CatalogueClient,
        spool: Spool | None,
        report: IngestReport,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._spool, self._report, self._now = client, spool, report, now
        self._known: dict[str, list[KnownFile]] = {}
        self._away_until = 0.0
        self._is_away = False

    def known(self, below: str) -> list[KnownFile] | None:
        """Return the files that the catalogue knows at a path; None if it does not answer and there is a spool."""
        if below not in self._known:
            try:
                self._known[below] = self._all_known(below)
            except CatalogueError as error:
                if self._spool is None or not _is_away(error):
                    raise
                self._is_away, self._away_until = True, self._now() + _AGAIN_SECONDS
                return None
        return self._known[below]

    def take(self, batch: Batch) -> None:
        """Send a batch, now or when the catalogue is back."""
        if self._spool is None:
            self._send(batch)
            return
        self._spool.put(batch)
        if not self._is_away or self._now() >= self._away_until:
            self.drain()

    def drain(self) -> None:
        """Send all that wait, oldest first, until the catalogue does not answer.

        Raises
        ------
        CatalogueRefusedError
            If the sender may not do this; the batches stay.
        """
        if self._spool is None:
            return
        with self._spool.sending():
            for path in self._spool.waiting():
                batch = self._spool.read(path)
                if batch is None:
                    continue
                try:
                    self._send(batch)
                except CatalogueError as error:
                    if not _is_away(error):
                        raise
                    self._is_away, self._away_until = True, self._now() + _AGAIN_SECONDS
                    return
                self._spool.remove(path)
        self._is_away = False

    def count_waiting(self) -> None:
        """Tell in the report what waits, and what cannot be sent."""
        if self._spool is None:
            return
        batches = [batch for path in self._spool.waiting() if (batch := self._spool.read(path)) is not None]
        self._report.waiting = sum(len(batch.records) for batch in batches)
        self._report.spool = str(self._spool.folder) if batches else None
        self._report.unreadable += [Told(name=str(path), problem=_NO_BATCH) for path in self._spool.put_aside()]

    def _all_known(self, below: str) -> list[KnownFile]:
        files: list[KnownFile] = []
        after = None
        while True:
            page = self._client.known_files(below, after=after)
            files += page.files
            after = page.next
            if after is None:
                return files

    def _send(self, batch: Batch) -> None:
        known = self._known.get(batch.below)
        if known is None:
            known = self._known[batch.below] = self._all_known(batch.below)
        by_file = {file.path: file.source_id for file in known}
        records = [record for record in batch.records if not _is_registered(record, by_file)]
        self._report.registered += len(batch.records) - len(records)
        if records:
            self._send_records(records)

    def _send_records(self, records: Sequence[DatasetRecord]) -> None:
        """Send records; one that makes no sense must not stop the others, nor those that wait behind it."""
        try:
            results = self._client.ingest(records)
        except CatalogueRefusedError as error:
            if error.status not in _OF_THE_BATCH:
                raise
            if len(records) == 1:
                self._report.refused.append(Told(name=records[0].name, problem=error.detail))
                return
            for half in (records[: len(records) // 2], records[len(records) // 2 :]):
                self._send_records(half)
            return
        for record, result in zip(records, results, strict=True):
            if result.outcome == "refused":
                problem = result.problem or Words(en="The catalogue gave no reason.", zh="未说明原因。")
                self._report.refused.append(Told(name=record.name, problem=problem))
                continue
            setattr(self._report, result.outcome, getattr(self._report, result.outcome) + 1)
            if record.problem is not None:
                self._report.broken.append(Told(name=record.name, problem=record.problem))
            if result.outcome != "unchanged" and (why := gaps_of(record)):
                self._report.untold.append(Told(name=record.name, problem=_together(why)))


def below_of(root: Path, path: Path) -> str:
    """Return a path below the data root as the catalogue writes it, whatever links lead there here."""
    real, real_root = path.resolve(), root.resolve()
    return str(root.absolute() / real.relative_to(real_root)) if real.is_relative_to(real_root) else str(real)


def _is_registered(record: DatasetRecord, by_file: Mapping[str, str]) -> bool:
    """Tell whether somebody has registered these files under another name; their own word is the better one."""
    return any(by_file.get(file.path, record.source_id) != record.source_id for file in record.files)


def _is_away(error: CatalogueError) -> bool:
    """Tell a catalogue that is away, or has lost its hub or database, from one that says no."""
    if isinstance(error, CatalogueUnreachableError):
        return True
    return isinstance(error, CatalogueRefusedError) and error.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _together(why: Mapping[str, Words]) -> Words:
    names = [(_NAMES.get(name, (name, name)), words) for name, words in why.items()]
    return Words(
        en=" ".join(f"{en}: {words.en}" for (en, _), words in names),
        zh="".join(f"{zh}：{words.zh}" for (_, zh), words in names),
    )


_NO_BATCH = Words(
    en="This is no batch that this version understands. Ingest its data again, then remove it.",
    zh="此版本无法理解该批次。请重新采集相应数据，然后删除此文件。",
)
