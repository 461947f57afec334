"""The CT app as a widget: passes messages between the page and the model, and decides nothing itself."""

import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

import anywidget
import numpy as np
import traitlets

from beamtorch_apps.ct.errors import CtError
from beamtorch_apps.ct.finding import Chosen, Finder
from beamtorch_apps.ct.model import View, Work, scan_in
from beamtorch_apps.ct.running import Run
from beamtorch_apps.ct.saying import axis_facts, error_facts, scan_facts, view_words
from beamtorch_apps.kit.component import script, style
from beamtorch_apps.kit.png import grey, robust_levels
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words

HERE = Path(__file__).parent
STEPS = 65535


class CtApp(anywidget.AnyWidget):
    """One person's CT app. Messages are worked off one by one in a thread, so that the kernel stays free."""

    _esm: ClassVar[str] = script(HERE / "ct.js")
    _css: ClassVar[str] = style(HERE / "ct.css")
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, finder: Finder) -> None:
        super().__init__()
        self._finder = finder
        self._work: Work | None = None
        self._run: Run | None = None
        self._facts: dict[str, Any] = {
            "language": os.environ.get("BEAMTORCH_LANGUAGE", ""),
            "catalogue": finder.has_catalogue,
            "home": finder.home_page,
            "dataset": None,
            "rights": None,
            "choices": None,
            "scan": None,
            "axis": None,
            "filter": "ramp",
            "rows": [0, 0],
            "output": {"folder": "", "bytes": 0, "tiff": False},
            "view": {"kind": "slice", "row": 0, "projection": 0},
            "preview": None,
            "busy": None,
            "error": None,
            "job": None,
        }
        self._lock = threading.Lock()
        self._asked: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._last_picture: tuple[dict[str, Any], bytes] | None = None
        self._last_strip: tuple[dict[str, Any], bytes] | None = None
        self.state = dict(self._facts)
        self.on_msg(lambda _widget, message, _buffers: self._asked.put(message))
        threading.Thread(target=self._serve, name="ct app", daemon=True).start()

    def ask(self, **message: Any) -> None:
        """Ask as the page does."""
        self._asked.put(message)

    def _tell(self, **facts: Any) -> None:
        with self._lock:
            self._facts |= facts
            self.state = dict(self._facts)

    def _serve(self) -> None:
        while True:
            message = self._asked.get()
            try:
                self._answer(message)
            except BeamtorchError as error:
                self._tell(error=error_facts(error), busy=None)
            except Exception as error:  # noqa: BLE001 - shown and logged
                # Whatever it is, the person must not sit before a page that does nothing.
                self.log_unexpected(error)

    def log_unexpected(self, error: Exception) -> None:
        """Show a fault of the program itself as one, and put its traceback into the server's log."""
        import traceback  # noqa: PLC0415 - only for this

        traceback.print_exception(error)
        self._tell(
            busy=None,
            error=error_facts(
                CtError(
                    Words(
                        en=f"The app made a mistake ({type(error).__name__}). Tell the beamline what you did; "
                        "the log has more.",
                        zh=f"应用出现内部错误（{type(error).__name__}）。请告知线站您的操作，详情见日志。",
                    )
                )
            ),
        )

    def _answer(self, message: dict[str, Any]) -> None:
        verbs: dict[str, Callable[[dict[str, Any]], None]] = {
            "ready": self._ready,
            "search": lambda said: self._tell(choices=self._finder.search(str(said.get("q", "")))),
            "open": lambda said: self._open(lambda: self._finder.dataset(str(said["dataset"]))),
            "open-path": lambda said: self._open(lambda: Finder.path(str(said["path"]))),
            "view": self._view,
            "find-axis": self._find_axis,
            "use-axis": self._use_axis,
            "filter": lambda said: self._choose(filter=str(said["name"])),
            "rows": lambda said: self._choose(first_row=said["first"], last_row=said["last"]),
            "tiff": lambda said: self._choose(tiff=bool(said["on"])),
            "reconstruct": self._reconstruct,
            "cancel": lambda _: self._run.cancel() if self._run else None,
            "dismiss": lambda _: self._tell(error=None),
        }
        verb = verbs.get(str(message.get("do")))
        if verb is not None:
            verb(message)

    def _ready(self, _said: dict[str, Any]) -> None:
        """Send the pictures again: the page is new, the model may not be."""
        for kept in (self._last_picture, self._last_strip):
            if kept is not None:
                self.send(kept[0], buffers=[kept[1]])

    def _open(self, choose: Callable[[], Chosen]) -> None:
        if self._work is not None:
            self._work.close()
        self._work = self._last_picture = self._last_strip = None
        opening = Words(en="Opening the scan", zh="正在打开扫描").model_dump()
        self._tell(scan=None, axis=None, error=None, preview=None, dataset=None, rights=None, busy=opening)
        chosen = choose()
        path = scan_in(chosen.path) if chosen.path.is_dir() else chosen.path
        self._work = work = Work.on(path, chosen.dataset)
        self._tell(
            dataset=chosen.facts(work.scan),
            rights=chosen.rights.model_dump() if chosen.rights else None,
            scan=scan_facts(work.scan),
            view={"kind": "slice", "row": work.middle, "projection": 0},
            busy=Words(en="Looking for the axis of rotation", zh="正在查找旋转轴").model_dump(),
            **self._chosen(work),
        )
        self._find_axis({})

    @staticmethod
    def _chosen(work: Work) -> dict[str, Any]:
        chosen = work.choices
        return {
            "filter": chosen.filter,
            "rows": [chosen.first_row, chosen.last_row],
            "output": {"folder": str(work.folder), "bytes": work.result_bytes, "tiff": chosen.tiff},
        }

    def _choose(self, **decided: Any) -> None:
        if self._work is None:
            return
        self._work.choose(**decided)
        self._tell(**self._chosen(self._work))
        if "filter" in decided:
            self._show()

    def _find_axis(self, _said: dict[str, Any]) -> None:
        if self._work is None:
            return
        self._tell(busy=Words(en="Looking for the axis of rotation", zh="正在查找旋转轴").model_dump())
        axis = self._work.find_axis(self._facts["view"]["row"])
        self._tell(axis=axis_facts(axis), busy=None, error=None)
        self._show()
        self._strip()

    def _use_axis(self, said: dict[str, Any]) -> None:
        if self._work is None:
            return
        kept = self._facts["axis"] and self._facts["axis"]["sweep"]
        axis = self._work.use_axis(float(said["column"]))
        self._tell(axis=axis_facts(axis) | {"sweep": kept}, error=None)
        self._show()

    def _view(self, said: dict[str, Any]) -> None:
        kind, index = str(said["kind"]), int(said["index"])
        view = self._facts["view"] | {"kind": kind, "projection" if kind == "projection" else "row": index}
        self._tell(view=view)
        self._show()

    def _show(self) -> None:
        work, view = self._work, self._facts["view"]
        if work is None:
            return
        began = time.monotonic()
        if view["kind"] == "projection":
            picture = work.projection_view(view["projection"])
        elif view["kind"] == "sinogram":
            picture = work.sinogram_view(view["row"])
        else:
            picture = work.slice_view(view["row"])
        self._send_picture(picture)
        self._tell(preview={"seconds": time.monotonic() - began})

    def _send_picture(self, view: View) -> None:
        image = view.image
        low, high = float(image.min()), float(image.max())
        steps = ((image - low) * (STEPS / (high - low or 1.0))).astype(np.uint16)
        meta = {
            "kind": view.kind,
            "index": view.index,
            "width": image.shape[1],
            "height": image.shape[0],
            "low": low,
            "high": high,
            "levels": robust_levels(image),
            "mean": float(image.mean()),
            "std": float(image.std()),
            "unit": view.unit,
            "pixel": view.pixel,
            "axis": view.axis,
            "words": view_words(view).model_dump(),
        }
        self._last_picture = ({"type": "image", "meta": meta}, steps.tobytes())
        self.send(self._last_picture[0], buffers=[self._last_picture[1]])

    def _strip(self) -> None:
        """Send small slices about axes near the one in use; all share its levels, or they could not be compared."""
        if self._work is None:
            return
        row = self._facts["view"]["row"]
        columns, images = self._work.candidates(row)
        levels = robust_levels(images[len(images) // 2])
        small = b"".join(grey(image, levels).tobytes() for image in images)
        facts = {
            "type": "candidates",
            "size": len(images[0]),
            "row": row,
            "columns": [float(column) for column in columns],
        }
        self._last_strip = (facts, small)
        self.send(facts, buffers=[small])

    def _reconstruct(self, _said: dict[str, Any]) -> None:
        if self._work is None or (self._run is not None and self._run.is_running()):
            return
        recipe = self._work.recipe()
        self._tell(**self._chosen(self._work))
        self._run = Run(recipe, lambda job: self._tell(job=job))


def app() -> None:
    """Show the app; the dataset of the page's address opens at once, else that of the start."""
    from IPython.display import display  # noqa: PLC0415 - only in a kernel

    widget = CtApp(Finder.from_environment())
    asked = parse_qs(os.environ.get("QUERY_STRING", "")).get("dataset", [""])[0]
    dataset = asked or os.environ.get("BEAMTORCH_DATASET")
    if dataset:
        widget.ask(do="open", dataset=dataset)
    display(widget)
