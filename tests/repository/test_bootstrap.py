"""`./beamtorch`: no Python, no network and a half-made environment each get one clear sentence, or are mended."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A bare clone: what the script needs to see before it fetches anything."""
    bare = tmp_path / "a clone with spaces"
    bare.mkdir()
    for name in ("beamtorch", "pyproject.toml", "constraints.txt"):
        shutil.copy2(ROOT / name, bare / name)
    return bare


def run(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_", "VIRTUAL_ENV"))}
    return subprocess.run(
        [str(checkout / "beamtorch"), *arguments],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def without_network() -> dict[str, str]:
    """A registry that refuses every connection."""
    return {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
        "UV_INDEX_URL": "http://127.0.0.1:9/simple",
    }


def test_without_python_it_names_what_is_missing(checkout, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in (
        "sh",
        "cat",
        "cksum",
        "date",
        "dirname",
        "find",
        "grep",
        "head",
        "ln",
        "mkdir",
        "mv",
        "rm",
        "sed",
        "tail",
    ):
        (tools / name).symlink_to(shutil.which(name) or "")
    done = run(checkout, "up", PATH=str(tools))
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "Python 3.11 or newer is needed" in done.stderr


def test_without_network_it_says_so_and_leaves_nothing_that_looks_ready(checkout):
    done = run(checkout, "up", **without_network())
    assert done.returncode == 4
    assert "Is the package registry reachable?" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (checkout / ".venv" / "beamtorch-ready").exists()
    assert not (checkout / ".venv.lock").exists()


def test_a_half_made_environment_is_made_anew(checkout):
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").write_text("not a program")
    done = run(checkout, "up", **without_network())
    assert "broken or half made; making it anew" in done.stderr
    made = subprocess.run([checkout / ".venv/bin/python", "-c", ""], check=False)
    assert made.returncode == 0


def test_a_lock_whose_owner_is_gone_is_taken_over(checkout):
    gone = subprocess.Popen(["true"])
    gone.wait()
    (checkout / ".venv.lock").mkdir()
    (checkout / ".venv.lock" / "pid").write_text(str(gone.pid))
    done = run(checkout, "up", **without_network())
    assert done.returncode == 4
