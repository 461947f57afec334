"""The build script, in a copy of the tree, with stand-ins for Node that note how they were called."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NODE = "#!/bin/sh\necho v20.1.0\n"
NPM = """#!/bin/sh
echo "$@" >> "$CALLS"
case "$*" in
  ci*) mkdir -p node_modules; if [ -e "$CALLS.no-network" ]; then echo 'request failed: ENOTFOUND'; exit 7; fi ;;
  *build:prod*) mkdir -p lib ../beamtorch_labextensions/labextension
     echo '{}' > ../beamtorch_labextensions/labextension/package.json ;;
esac
"""


@pytest.fixture
def tree(tmp_path):
    """A copy of what the build reads, nothing built."""
    ignored = shutil.ignore_patterns("node_modules", "lib", "generated", "labextension", "__pycache__", ".build.lock")
    shutil.copytree(ROOT / "labextensions", tmp_path / "tree" / "labextensions", ignore=ignored)
    look = Path("facility") / "beamtorch_facility" / "look"
    shutil.copytree(ROOT / look, tmp_path / "tree" / look)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (("node", NODE), ("npm", NPM)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    return tmp_path / "tree"


@pytest.fixture
def build(tree, tmp_path):
    """Run the script; return what it said and which npm commands it ran."""
    calls = tmp_path / "calls"

    def run(*, path=None, python=sys.executable):
        calls.write_text("")
        command = [python, tree / "labextensions" / "build.py", "--prefix", tmp_path / "prefix"]
        usual = f"{tmp_path / 'tools'}:{Path(sys.executable).parent}:/usr/bin:/bin"
        variables = {"PATH": usual if path is None else path, "CALLS": str(calls)}
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        return done, [line.split()[0] for line in calls.read_text().splitlines()]

    return run


def test_it_does_only_what_changed(build, tree, tmp_path):
    done, calls = build()
    assert (done.returncode, calls) == (0, ["ci", "run"]), done.stderr
    assert (tmp_path / "prefix/share/jupyter/labextensions/beamtorch-lab/package.json").is_file()
    assert (tmp_path / "prefix/etc/jupyter/jupyter_server_config.d/beamtorch.json").is_file()

    done, calls = build()
    assert (done.returncode, calls, done.stdout) == (0, [], "")

    source = tree / "labextensions/beamtorch-lab/src/index.ts"
    source.write_text(source.read_text() + "\n")
    assert build()[1] == ["run"]

    tokens = tree / "facility/beamtorch_facility/look/assets/tokens.css"
    tokens.chmod(0o644)
    tokens.write_text(tokens.read_text() + "\n")
    assert build()[1] == ["run"]

    lock = tree / "labextensions/beamtorch-lab/package-lock.json"
    lock.write_text(lock.read_text() + "\n")
    assert build()[1] == ["ci", "run"]


def test_a_damaged_installation_is_put_right_without_building(build, tmp_path):
    build()
    shutil.rmtree(tmp_path / "prefix")
    done, calls = build()
    assert (done.returncode, calls) == (0, [])
    assert (tmp_path / "prefix/share/jupyter/labextensions/beamtorch-lab/package.json").is_file()


def test_without_node_it_says_what_to_install(build, tmp_path):
    (tmp_path / "tools" / "node").write_text("#!/bin/sh\necho v18.0.0\n")
    # The environment of the tests may have a Node from PyPI; the interpreter below it has none.
    bare = f"{sys.base_prefix}/bin/python3"
    done, calls = build(path=f"{tmp_path / 'tools'}:/bin-that-is-not-there", python=bare)
    assert (done.returncode, calls) == (1, [])
    assert "Node.js 20 or newer" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_a_network_it_says_what_npm_said_and_starts_anew_next_time(build, tmp_path):
    (tmp_path / "calls.no-network").touch()
    done, _ = build()
    assert done.returncode == 1
    assert "fetching the npm packages failed" in done.stderr
    assert "ENOTFOUND" in done.stderr
    (tmp_path / "calls.no-network").unlink()
    assert build()[1] == ["ci", "run"]


def test_the_lock_file_names_no_registry():
    text = (ROOT / "labextensions/beamtorch-lab/package-lock.json").read_text()
    assert '"resolved"' not in text
