"""Patience with wrong passwords: after a few in a row for a name, each further try waits, a little longer each time."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

FREE = 5
FIRST_SECONDS, MOST_SECONDS = 0.5, 8.0
FORGET_SECONDS = 900.0
NAMES = 1000
"""How many names are remembered; the oldest goes first, so that invented names fill no memory."""


@dataclass
class WrongLogins:
    """Counts tries by name. A try counts when it begins, so that many at once do not slip through together."""

    clock: Callable[[], float] = time.monotonic
    _tries: OrderedDict[str, tuple[int, float]] = field(default_factory=OrderedDict)

    def begin(self, name: str) -> float:
        """Note a try and return how many seconds it has to wait."""
        now = self.clock()
        count, last = self._tries.pop(name, (0, now))
        if now - last > FORGET_SECONDS:
            count = 0
        self._tries[name] = (count + 1, now)
        while len(self._tries) > NAMES:
            self._tries.popitem(last=False)
        return 0.0 if count < FREE else min(FIRST_SECONDS * 2.0 ** min(count - FREE, 10), MOST_SECONDS)

    def forgive(self, name: str) -> None:
        """Forget the tries of somebody who knew the password."""
        self._tries.pop(name, None)
