"""An app of the facility's own, for Voila: reads or writes the file that the page names, and says how it went."""

import hashlib
from pathlib import Path

import ipywidgets


def app() -> ipywidgets.Widget:
    """Return the page: a line to write “NUMBER VERB PATH” in, and the answer below."""
    asked = ipywidgets.Text(placeholder="1 read /data/…", continuous_update=False)
    said = ipywidgets.HTML()

    def answer(change: dict[str, str]) -> None:
        number, verb, path = change["new"].split(" ", 2)
        try:
            word = VERBS[verb](Path(path))
        except OSError as error:
            word = error.strerror
        said.value = f'<output data-to="{number}" style="white-space: pre">{word}</output>'

    asked.observe(answer, "value")
    return ipywidgets.VBox([asked, said])


def read(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(path: Path) -> str:
    """Make a file as an analysis makes its result."""
    path.write_bytes(b"result")
    return "written"


def status(path: Path) -> str:
    """Return the kernel's own account of a process, such as of ``/proc/self/status``."""
    return path.read_text(encoding="ascii")


VERBS = {"read": read, "write": write, "status": status}
