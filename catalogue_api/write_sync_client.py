"""Write the catalogue's client that waits from the one whose answers are awaited: ``just client``."""

import argparse
import subprocess
import sys
from pathlib import Path

from unasync import Rule, unasync_files

HERE = Path(__file__).parent
CLIENT = HERE / "beamtorch_catalogue" / "client"
REPLACED = {
    "AsyncBaseTransport": "BaseTransport",
    "AsyncCatalogueClient": "CatalogueClient",
    "AsyncClient": "Client",
    "_async": "_sync",
    "aclose": "close",
    "aclosing": "closing",
    "aiter_lines": "iter_lines",
    "aread": "read",
    "asyncio": "time",
}
"""Names beside those of Python itself, which `unasync` knows."""
FIRST_LINE = '"""The client that waits for its answers; `just client` writes it from `_async`: change that."""\n'


def write(target: Path) -> None:
    """Write the package into a folder."""
    source = CLIENT / "_async"
    unasync_files([str(path) for path in source.glob("*.py")], [Rule(str(source), str(target), REPLACED)])
    (target / "__init__.py").write_text(FIRST_LINE, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    style = ["-q", f"--config={HERE.parent / 'pyproject.toml'}", str(target)]
    subprocess.run([*ruff, "check", "--select=I,UP028", "--fix", "--unsafe-fixes", *style], check=True)  # noqa: S603
    subprocess.run([*ruff, "format", *style], check=True)  # noqa: S603


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=CLIENT / "_sync")
    write(parser.parse_args().folder)
