"""Log files of a platform: one per process, the last few starts kept."""

from pathlib import Path

from beamtorch_hub.files import writing_in

KEPT = 3


def rotate(log: Path) -> None:
    """Put the log of the last start aside (``hub.log`` → ``hub.log.1``) and forget the oldest."""
    with writing_in(log.parent):
        for number in range(KEPT, 0, -1):
            older = log.with_name(f"{log.name}.{number}")
            newer = log if number == 1 else log.with_name(f"{log.name}.{number - 1}")
            if newer.exists():
                newer.replace(older)
