"""How many event streams a caller may hold open at once: each one costs a connection for as long as it lives."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words

MOST_STREAMS = 20


class TooManyStreamsError(BeamtorchError):
    """One caller listens too often at once."""

    code = "too-many-streams"
    status = 429
    title = Words(en="Too many open streams", zh="打开的事件流过多")


class OpenStreams:
    """Counts the streams that each caller has open."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def check_room(self, caller: str) -> None:
        """Refuse a caller who listens often enough already.

        Raises
        ------
        TooManyStreamsError
            If one more would be too many.
        """
        if self._open[caller] >= MOST_STREAMS:
            raise TooManyStreamsError(
                Words(
                    en=f"You listen {MOST_STREAMS} times already. Close one stream and connect again.",
                    zh=f"您已打开 {MOST_STREAMS} 个事件流。请关闭一个后重新连接。",
                )
            )

    @contextmanager
    def one_of(self, caller: str) -> Iterator[None]:
        """Count one stream of a caller for as long as it is open."""
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]
