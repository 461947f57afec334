"""Build the image of labs and apps from this tree, with whatever OCI builder there is.

``python images/lab/build.py`` makes the build context in ``dist/lab-image`` and builds it; ``--archive FILE`` writes
the image for clusters that load it from a file, ``--context-only DIR`` stops before the builder is called.
"""

# ruff: noqa: INP001, S603, T201 - a build runs what it names, and prints; it is a script, no package
import argparse
import hashlib
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXTRAS = ("lab", "apps")
BUILDERS = ("docker", "podman", "buildah")
OWN = "beamtorch["


class BuildError(Exception):
    """The image cannot be built; the message says why and what to do."""


def main() -> int:
    """Do what is asked, and say so."""
    options = _options()
    try:
        if options.print_tag:
            print(tag_of_tree())
            return 0
        context = options.context_only or ROOT / "dist" / "lab-image"
        make_context(context)
        if options.context_only:
            print(f"beamtorch: the build context is {context}")
            return 0
        tag = options.tag or default_tag()
        _build(_builder(options.builder), tag, context, options)
    except BuildError as error:
        print(f"beamtorch: {error}", file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--builder", choices=BUILDERS, help="which builder (the first of these that is installed)")
    parser.add_argument("--tag", help=f"name of the image ({default_tag()})")
    parser.add_argument("--base", help="base image: Debian 12 or one made from it")
    parser.add_argument("--archive", type=Path, metavar="FILE", help="also write the image to a file")
    parser.add_argument("--context-only", type=Path, metavar="DIR", help="only make the build context there")
    parser.add_argument("--print-tag", action="store_true", help="only print a tag that changes with the tree")
    return parser.parse_args()


def default_tag() -> str:
    """Return the tag that `beamtorch up --cluster` asks for."""
    return f"localhost/beamtorch-lab:{_project()['version']}"


def tag_of_tree() -> str:
    """Return a tag that is another one as soon as anything differs that goes into the image."""
    total = hashlib.sha256()
    packages = [ROOT / folder for folder in _wheel()["packages"]]
    single = [HERE / "Dockerfile", ROOT / "pyproject.toml", ROOT / "constraints.txt"]
    panel = ROOT / "labextensions" / "beamtorch-lab"
    for path in [*single, *(found for folder in packages for found in _sources(folder)), *_sources(panel / "src")]:
        total.update(f"{path.relative_to(ROOT)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return f"localhost/beamtorch-lab:{total.hexdigest()[:16]}"


def _sources(folder: Path) -> list[Path]:
    made = {"__pycache__", "labextension", "generated"}
    return sorted(p for p in folder.rglob("*") if p.is_file() and not made.intersection(p.relative_to(folder).parts))


def make_context(folder: Path) -> None:
    """Put into a folder what the Dockerfile wants: the wheel, its dependencies and their versions.

    Raises
    ------
    BuildError
        If the JupyterLab extension or the wheel cannot be built.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    _run("building the JupyterLab extension", [sys.executable, str(ROOT / "labextensions" / "build.py")])
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    _run("building the wheel", wheel)
    (folder / "requirements.txt").write_text("\n".join(requirements()) + "\n", encoding="utf-8")
    shutil.copyfile(ROOT / "constraints.txt", folder / "constraints.txt")
    shutil.copyfile(HERE / "Dockerfile", folder / "Dockerfile")


def requirements() -> list[str]:
    """Return what a lab needs beside our own code: the dependencies of the extras, each once."""
    project = _project()
    extras: dict[str, list[str]] = project["optional-dependencies"]
    found, waiting = set(project["dependencies"]), list(EXTRAS)
    while waiting:
        for requirement in extras[waiting.pop()]:
            if requirement.startswith(OWN):
                waiting += requirement.removeprefix(OWN).rstrip("]").split(",")
            else:
                found.add(requirement)
    return sorted(found)


def _project() -> dict[str, Any]:
    project: dict[str, Any] = _pyproject()["project"]
    return project


def _wheel() -> dict[str, Any]:
    wheel: dict[str, Any] = _pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]
    return wheel


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _builder(wanted: str | None) -> str:
    for name in (wanted,) if wanted else BUILDERS:
        if found := shutil.which(name):
            return found
    raise BuildError(
        f"{wanted or 'no builder'} {'is not installed' if wanted else 'is installed'}; one of {', '.join(BUILDERS)} "
        "is needed. With another one: --context-only DIR, then build DIR with it."
    )


def _build(builder: str, tag: str, context: Path, options: argparse.Namespace) -> None:
    arguments = ["--build-arg", f"BASE={options.base}"] if options.base else []
    name = Path(builder).name
    layers = ["--layers"] if name == "buildah" else []
    _run(f"building {tag} with {name}", [builder, "build", *layers, *arguments, "-t", tag, str(context)])
    if options.archive:
        options.archive.unlink(missing_ok=True)
        save = ["push", tag, f"docker-archive:{options.archive}:{tag}"] if name == "buildah" else []
        _run(f"writing {options.archive}", [builder, *(save or ["save", "-o", str(options.archive), tag])])


def _run(what: str, command: list[str]) -> None:
    print(f"beamtorch: {what} …", flush=True)
    began = time.monotonic()
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise BuildError(f"{what} failed ({' '.join(command)}); its words are above.")
    print(f"beamtorch: {what}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
