"""The file of environments: the one that is shipped, and those with a mistake."""

import pytest
import yaml

from beamtorch_spawner.environments import (
    DEFAULT_ENVIRONMENTS,
    EnvironmentKind,
    EnvironmentsUnreadableError,
    install_environments,
    load_environments,
)

LAB = {"id": "lab", "kind": "lab", "name": {"en": "Lab", "zh": "实验室"}, "summary": {"en": "s", "zh": "s"}}


def test_the_shipped_offers_are_a_lab_and_ct():
    lab, ct = load_environments(DEFAULT_ENVIRONMENTS)
    assert (lab.id, lab.kind, lab.server) == ("lab", EnvironmentKind.LAB, "")
    assert (ct.id, ct.kind, ct.server, ct.app) == ("ct", EnvironmentKind.APP, "ct", "ct/ct.ipynb")


def test_a_first_start_gets_the_shipped_offers_and_a_later_one_keeps_the_facility_s(tmp_path):
    path = tmp_path / "config" / "environments.yaml"
    assert install_environments(path)
    assert path.read_bytes() == DEFAULT_ENVIRONMENTS.read_bytes()
    path.write_text("environments: []\n")
    assert not install_environments(path)
    assert path.read_text() == "environments: []\n"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ([LAB, LAB], "same id: lab"),
        ([{**LAB, "app": "ct/ct.ipynb"}], "kind app names its app"),
        ([{**LAB, "kind": "app"}], "kind app names its app"),
        ([{**LAB, "kind": "app", "app": "../../etc/x.ipynb"}], "app"),
        ([{**LAB, "server": "default"}], "leave the server empty"),
        ([{**LAB, "server": "a--b"}], "server"),
        ([{**LAB, "picture": "x"}], "picture"),
        ([{**LAB, "name": {"en": "Lab"}}], "zh"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_the_file_s_name(tmp_path, mistake, said):
    path = tmp_path / "environments.yaml"
    path.write_text(yaml.safe_dump({"environments": mistake}, allow_unicode=True))
    with pytest.raises(EnvironmentsUnreadableError) as error:
        load_environments(path)
    assert said in error.value.detail.en
    assert str(path) in error.value.detail.en


def test_a_missing_file_is_told_with_its_name(tmp_path):
    with pytest.raises(EnvironmentsUnreadableError, match="nowhere"):
        load_environments(tmp_path / "nowhere.yaml")
