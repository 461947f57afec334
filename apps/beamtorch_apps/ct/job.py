"""A full run in a process of its own: a recipe in, JSON lines out, whole results or none.

The app starts it, follows its lines and may stop it with SIGTERM. One line each: ``{"event": "axis", …}``,
``{"event": "progress", "done": 12, "rows": 2048}``, at last ``{"event": "done", …}`` or ``{"event": "error", …}``.
"""

import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from beamtorch_apps.ct.catalogued import register
from beamtorch_apps.ct.errors import CancelledError, CtError
from beamtorch_apps.ct.recipe import Recipe
from beamtorch_apps.ct.volume import Outcome, Watcher, reconstruct_volume
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words


class RecipeUnreadableError(CtError):
    """A recipe that cannot be read."""

    code = "ct-recipe-unreadable"
    status = 422
    exit_code = 2
    title = Words(en="The recipe cannot be read", zh="无法读取配方")


def tell(event: str, **facts: Any) -> None:
    """Write one line to whoever follows."""
    print(json.dumps({"event": event, **facts}, ensure_ascii=False), flush=True)  # noqa: T201 - the protocol


def main(argv: Sequence[str]) -> int:
    """Run the recipe in a file and tell about it."""
    stopped = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    watcher = Watcher(
        axis=lambda axis: tell("axis", column=axis.column, error=axis.error, how=axis.how().model_dump()),
        progress=lambda now: tell("progress", done=now.done, rows=now.rows),
        is_cancelled=lambda: stopped,
    )
    try:
        outcome = reconstruct_volume(read_recipe(Path(argv[0])), watcher)
        _told(outcome)
    except BeamtorchError as error:
        event = "cancelled" if isinstance(error, CancelledError) else "error"
        tell(event, code=error.code, title=error.title.model_dump(), detail=error.detail.model_dump())
        return error.exit_code
    return 0


def _told(outcome: Outcome) -> None:
    """Register a result where that was asked; a catalogue that says no does not undo the result."""
    dataset, problem = None, None
    if outcome.provenance.recipe.register_result:
        try:
            dataset = register(outcome)
        except BeamtorchError as error:
            problem = error.detail.model_dump()
    tell(
        "done",
        output=str(outcome.output),
        tiff=str(outcome.tiff) if outcome.tiff else None,
        bytes=outcome.output.stat().st_size,
        rows=len(outcome.provenance.rows),
        axis=outcome.axis.column,
        dataset=dataset,
        problem=problem,
    )


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises
    ------
    RecipeUnreadableError
        If it is not one.
    """
    try:
        return Recipe.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise RecipeUnreadableError(
            Words(
                en=f"{path} is not a recipe: {error}. Save it again from the app.",
                zh=f"{path} 不是有效的配方：{error}。请在应用中重新保存。",
            )
        ) from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
