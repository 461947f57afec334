"""What `./beamtorch test` runs: style, types, import contracts, every test. Fetches Debian packages where it may."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
SYSTEM_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
_DEEP_SECONDS = 4 * 3600
"""A campaign may take so long; what CI runs has its limit in pyproject.toml."""
DEBIAN = {
    "acl": lambda: shutil.which("setfacl") is not None,
    "chromium": lambda: shutil.which("chromium") is not None,
    "curl": lambda: shutil.which("curl") is not None,
    "fonts-noto-cjk": lambda: any(Path("/usr/share/fonts").glob("opentype/noto/NotoSansCJK*")),
    "iproute2": lambda: shutil.which("ip", path=SYSTEM_PATH) is not None,
    "libnss-wrapper": lambda: any(Path("/usr/lib").glob("*/libnss_wrapper.so")),
    "nginx-light": lambda: shutil.which("nginx", path=SYSTEM_PATH) is not None,
    "openssh-client": lambda: shutil.which("ssh") is not None,
    "openssh-server": lambda: shutil.which("sshd", path=SYSTEM_PATH) is not None,
    "postgresql": lambda: any(Path("/usr/lib/postgresql").glob("*/bin/initdb")),
    "rsync": lambda: shutil.which("rsync") is not None,
    "slapd": lambda: shutil.which("slapd", path=SYSTEM_PATH) is not None,
}


def main(arguments: Sequence[str]) -> int:
    """Run all checks; the last lines are pytest's."""
    parser = argparse.ArgumentParser(prog="./beamtorch test", description=__doc__)
    parser.add_argument("--deep", action="store_true", help="long campaigns in full; results go to benchmarks/results")
    parser.add_argument("--no-apt", action="store_true", help="do not install Debian packages, even as root")
    parser.add_argument("pytest", nargs="*", help="a part of the tests; style and types are then left out")
    options, more = parser.parse_known_args(arguments)
    os.chdir(ROOT)
    if not options.no_apt:
        install_debian_packages()
    if options.deep:
        os.environ["BEAMTORCH_DEEP"] = "1"
        more = ["--timeout", str(_DEEP_SECONDS), *more]
    checks = [] if options.pytest else style_types_and_contracts()
    failed = [name for name, command in checks if not run(name, command)]
    side_by_side = [] if options.pytest else ["-n2", "--no-loadscope-reorder"]
    tests = run("tests", [sys.executable, "-m", "pytest", *side_by_side, *more, *options.pytest])
    if failed:
        print(f"\nfailed before the tests: {', '.join(failed)}")
    return 0 if tests and not failed else 1


def style_types_and_contracts() -> list[tuple[str, list[str]]]:
    """Return the checks that need no test runner."""
    return [
        ("style", [str(BIN / "ruff"), "check", "."]),
        ("format", [str(BIN / "ruff"), "format", "--check", "."]),
        ("types", [str(BIN / "mypy")]),
        ("imports", [str(BIN / "lint-imports"), "--no-cache"]),
    ]


def run(name: str, command: list[str]) -> bool:
    """Run one check with its output, and say how long it took."""
    print(f"== {name}", flush=True)
    started = time.monotonic()
    good = subprocess.run(command, check=False).returncode == 0
    print(f"== {name}: {'good' if good else 'FAILED'} ({time.monotonic() - started:.0f} s)", flush=True)
    return good


def install_debian_packages() -> None:
    """Install what the tests drive and this machine lacks; without root or apt they will be skipped or fail by name."""
    missing = [package for package, present in DEBIAN.items() if not present()]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"not installed, so some tests are left out: {', '.join(missing)} (as root on Debian they are fetched)")
        return
    print(f"== Debian packages: {', '.join(missing)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", *missing]):
        done = subprocess.run(["apt-get", *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stdout[-2000:], done.stderr[-2000:], sep="\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
