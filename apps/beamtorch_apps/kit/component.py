"""Scripts and styles of an app put together: the look, the kit's pieces and the app's own, without a bundler.

Each script is plain JavaScript whose top-level names the later ones use; the last one has the ``export default``.
"""

from pathlib import Path

from beamtorch_facility.look import ASSETS

KIT = Path(__file__).parent / "frontend"


def script(*own: Path) -> str:
    """Return one module of the look's icons, the kit and an app's own scripts, in this order."""
    icons = (ASSETS / "icons.js").read_text(encoding="utf-8").replace("window.ICONS =", "const ICONS =", 1)
    return "\n".join([icons, *(path.read_text(encoding="utf-8") for path in (*sorted(KIT.glob("*.js")), *own))])


def style(*own: Path) -> str:
    """Return one style sheet; the look's components count only inside ``.bt-app``, so that a notebook keeps its own."""
    tokens = (ASSETS / "tokens.css").read_text(encoding="utf-8")
    look = (ASSETS / "look.css").read_text(encoding="utf-8")
    pieces = [path.read_text(encoding="utf-8") for path in (*sorted(KIT.glob("*.css")), *own)]
    return "\n".join([tokens, f"@scope (.bt-app) {{\n{look}\n}}", *pieces])
