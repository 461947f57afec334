"""One full run as the app follows it: started from a recipe, counted, timed, ended."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from beamtorch_apps.ct.recipe import Recipe
from beamtorch_apps.ct.results import check_room, check_target, part_of
from beamtorch_apps.kit.process import Job
from beamtorch_facility.words import Words

CANCELLED = Words(en="Cancelled. Nothing was written.", zh="已取消，未写入任何内容。")
DIED = Words(
    en="The job ended without a word, perhaps for want of memory. Nothing was written; the log may tell more.",
    zh="任务意外终止，可能是内存不足。未写入任何内容，详情见日志。",
)
EVERY = 0.25
"""Seconds between two signs of progress to the page."""


class Run:
    """A running reconstruction.

    Parameters
    ----------
    recipe
        What to do.
    follow
        Called with the job's state as the page shows it, from a thread of the job's own.
    """

    def __init__(self, recipe: Recipe, follow: Callable[[dict[str, Any]], None]) -> None:
        check_target(recipe.output, overwrite=recipe.overwrite)
        check_room(recipe.output.parent, 0)
        self._follow = follow
        self._began = time.monotonic()
        self._told = 0.0
        self._folder = recipe.output.parent
        self._state: dict[str, Any] = {
            "name": recipe.output.stem,
            "state": "running",
            "done": 0,
            "rows": (recipe.last_row or 0) - recipe.first_row,
            "rate": 0.0,
            "left": 0.0,
            "log": [],
            "output": str(recipe.output),
            "dataset": None,
            "problem": None,
        }
        with tempfile.NamedTemporaryFile(
            "w", suffix=".json", prefix="ct-recipe-", delete=False, encoding="utf-8"
        ) as file:
            file.write(recipe.model_dump_json(indent=1))
        self._recipe = Path(file.name)
        leftovers = [part_of(place) for place in (recipe.output, recipe.tiff) if place]
        follow(dict(self._state))
        self._job = Job("beamtorch_apps.ct.job", [file.name], follow=self._event, leftovers=leftovers)

    def is_running(self) -> bool:
        """Tell whether it goes on."""
        return self._job.is_running()

    def cancel(self) -> None:
        """Stop it; nothing stays."""
        self._job.cancel()

    def wait(self, timeout: float | None = None) -> None:
        """Wait for the end."""
        self._job.wait(timeout)

    def _event(self, event: dict[str, Any]) -> None:
        kind, state = event["event"], self._state
        if kind == "progress":
            spent = time.monotonic() - self._began
            state |= {"done": event["done"], "rows": event["rows"]}
            if event["done"]:
                state["rate"] = event["done"] / spent
                state["left"] = (event["rows"] - event["done"]) / state["rate"]
            if time.monotonic() - self._told < EVERY and event["done"] < event["rows"]:
                return
        elif kind == "done":
            state |= {"state": "done", "dataset": event["dataset"], "problem": event["problem"]}
        elif kind == "cancelled":
            state |= {"state": "cancelled", "problem": CANCELLED.model_dump()}
        elif kind == "error":
            state |= {"state": "failed", "problem": event["detail"]}
        elif kind == "died":
            state |= {"state": "failed", "problem": DIED.model_dump()}
        self._told = time.monotonic()
        if state["state"] != "running":
            self._tidy()
        self._follow(dict(state) | {"log": list(self._job.log) if hasattr(self, "_job") else []})

    def _tidy(self) -> None:
        self._recipe.unlink(missing_ok=True)
        if self._state["state"] != "done" and self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()
