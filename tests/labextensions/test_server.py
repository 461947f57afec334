"""The doors below /beamtorch/ of a real lab's server, beside a small catalogue."""

import inspect
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words
from beamtorch_labextensions import handlers
from beamtorch_labextensions.handlers import ROUTES
from beamtorch_labextensions.session import Session
from beamtorch_labextensions.testing.fake_catalogue import UnknownUnitError

pytestmark = pytest.mark.usefixtures("catalogue")


@pytest.fixture
def tooth(catalogue, dataset_of, tmp_path):
    """A catalogued scan with its file."""
    file = tmp_path / "raw" / "tooth.h5"
    file.parent.mkdir()
    file.write_bytes(b"scan")
    dataset = dataset_of("tooth", file, format="Data Exchange")
    catalogue.add(dataset)
    return dataset


def test_a_search_finds_by_word_and_energy_and_pages(lab, catalogue, dataset_of, tmp_path):
    catalogue.add(*(dataset_of(f"tooth {n:02}", tmp_path / str(n) / "t.h5") for n in range(5)))
    catalogue.add(dataset_of("ant", tmp_path / "ant.h5"))

    first = lab.ask("GET", "catalogue/datasets", params={"q": "tooth 24..26 keV", "limit": 3}).json()
    rest = lab.ask("GET", "catalogue/datasets", params={"q": "tooth 24..26 keV", "limit": 3, "after": first["next"]})

    assert (first["total"], first["total_is_capped"]) == (3, True)
    assert (rest.json()["total"], rest.json()["total_is_capped"]) == (5, False)
    counted = lab.ask("GET", "catalogue/datasets/count", params={"q": "tooth 24..26 keV"}).json()
    assert counted == {"total": 5, "total_is_capped": False}
    names = [dataset["name"] for dataset in first["datasets"] + rest.json()["datasets"]]
    assert sorted(names) == [f"tooth {n:02}" for n in range(5)]


def test_what_the_catalogue_refuses_reaches_the_page_in_both_languages(lab):
    answer = lab.ask("GET", "catalogue/datasets", params={"q": "24..26 kev"})

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"].endswith("unknown-unit")
    assert "Did you mean keV?" in problem["detail"]
    assert "您是指 keV 吗" in problem["detail_zh"]


def test_a_dataset_of_nobody_or_somebody_else_is_not_found(lab):
    for door in ("catalogue/datasets/ds-other-1", "loader-code?dataset=ds-other-1"):
        answer = lab.ask("GET", door)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:beamtorch:problem:no-such-dataset")
    assert lab.ask("POST", "attachments", json={"dataset": "ds-other-1"}).status_code == 404
    assert not (lab.home / "datasets" / "other").exists()


def test_attaching_links_the_folder_and_detaching_takes_only_the_link(lab, tooth):
    attached = lab.ask("POST", "attachments", json={"dataset": tooth.id})

    assert attached.status_code == 201
    assert attached.json()["path"] == "~/datasets/tooth"
    link = lab.home / "datasets" / "tooth"
    assert (link / "tooth.h5").read_bytes() == b"scan"
    (listed,) = lab.ask("GET", "attachments").json()["attachments"]
    assert (listed["dataset"], listed["problem"]) == (tooth.id, None)
    (found,) = lab.ask("GET", "catalogue/datasets").json()["datasets"]
    assert found["attached_at"] == "~/datasets/tooth"

    assert lab.ask("DELETE", f"attachments/{tooth.id}").status_code == 204

    assert not link.is_symlink()
    assert Path(tooth.files[0].path).read_bytes() == b"scan"
    assert lab.ask("GET", "attachments").json() == {"attachments": []}


def test_attaching_a_dataset_whose_file_is_gone_names_the_file(lab, catalogue, dataset_of, tmp_path):
    gone = dataset_of("gone", tmp_path / "gone.h5")
    catalogue.add(gone)

    answer = lab.ask("POST", "attachments", json={"dataset": gone.id})

    assert answer.status_code == 409
    assert str(tmp_path / "gone.h5") in answer.json()["detail"]
    assert str(tmp_path / "gone.h5") in answer.json()["detail_zh"]
    assert not (lab.home / "datasets" / "gone").is_symlink()

    answer = lab.ask("POST", "attachments", json={"dataset": gone.id, "even_if_incomplete": True})
    assert answer.status_code == 201
    assert (lab.home / "datasets" / "gone").is_symlink()


def test_an_attachment_that_broke_says_how(lab, tooth, tmp_path):
    lab.ask("POST", "attachments", json={"dataset": tooth.id})
    (tmp_path / "raw").rename(tmp_path / "elsewhere")
    (listed,) = lab.ask("GET", "attachments").json()["attachments"]
    assert listed["problem"]["en"].startswith("The files behind ~/datasets/tooth are gone.")

    (lab.home / "datasets" / "tooth").unlink()
    (listed,) = lab.ask("GET", "attachments").json()["attachments"]
    assert listed["problem"]["en"].startswith("The link ~/datasets/tooth is gone")
    assert "~/datasets/tooth" in listed["problem"]["zh"]


def test_the_loader_reads_through_the_link_once_there_is_one(lab, tooth):
    before = lab.ask("GET", "loader-code", params={"dataset": tooth.id}).json()
    lab.ask("POST", "attachments", json={"dataset": tooth.id})
    after = lab.ask("GET", "loader-code", params={"dataset": tooth.id, "language": "zh-CN"}).json()
    lab.ask("DELETE", f"attachments/{tooth.id}")

    assert f'open_scan("{tooth.files[0].path}")' in before["code"]
    assert 'open_scan("~/datasets/tooth/tooth.h5")' in after["code"]
    assert "由数据目录生成" in after["code"]
    assert after["shown_path"] == "~/datasets/tooth/tooth.h5"
    assert after["path"] == str(lab.home / "datasets" / "tooth" / "tooth.h5")


def test_a_column_file_is_read_behind_its_head(lab, catalogue, dataset_of, tmp_path):
    file = tmp_path / "glass.chi"
    file.write_text("/home/xpd/glass\nQ (Inverse Nanometres)\nIntensity\n  2\n 0.1 3.0\n 0.2 4.0\n")
    catalogue.add(dataset_of("glass", file))

    code = lab.ask("GET", "loader-code", params={"dataset": "ds-glass"}).json()["code"]

    assert "skiprows=4, " in code
    assert 'set_xlabel("Q / nm⁻¹")' in code


def test_the_small_picture_is_passed_on(lab, catalogue, tooth):
    catalogue.thumbnails[tooth.id] = b"\x89PNG picture"
    answer = lab.ask("GET", f"catalogue/datasets/{tooth.id}/thumbnail.png")
    assert (answer.content, answer.headers["Content-Type"]) == (b"\x89PNG picture", "image/png")
    assert lab.ask("GET", "catalogue/datasets/ds-other-1/thumbnail.png").status_code == 404


def test_every_door_is_locked(lab):
    doors = [(path.replace("([^/]+)", "ds-tooth").replace("\\", ""), handler) for path, handler in ROUTES]
    asked = 0
    for path, handler in doors:
        for method in ("get", "post", "put", "patch", "delete"):
            if method in vars(handler):
                for token in ("", "wrong"):
                    answer = lab.ask(method.upper(), path.removeprefix("beamtorch/"), token=token)
                    assert answer.status_code == 403, f"{method} {path} is open"
                    asked += 1
    assert asked == 2 * 8


def test_every_handler_is_behind_a_route_and_checks_who_asks():
    routed = {handler for _, handler in ROUTES}
    defined = {
        item
        for _, item in inspect.getmembers(handlers, inspect.isclass)
        if issubclass(item, handlers.BeamtorchHandler) and item is not handlers.BeamtorchHandler
    }
    assert defined == routed
    for handler in routed:
        for method in {"get", "post", "put", "patch", "delete"} & set(vars(handler)):
            source = inspect.getsource(getattr(handler, method))
            assert "@authenticated\n    @authorized\n" in source, f"{handler.__name__}.{method}"


@pytest.mark.parametrize(
    ("method", "path", "how"),
    [
        ("POST", "attachments", {"content": b"{not json"}),
        ("POST", "attachments", {"json": {"dataset": 7}}),
        ("POST", "attachments", {"json": ["ds-tooth"]}),
        ("POST", "attachments", {"json": {"dataset": "../../etc"}}),
        ("GET", "catalogue/datasets/..%2f..%2fetc", {}),
        ("GET", "catalogue/datasets?limit=many", {}),
        ("GET", "catalogue/datasets?limit=0", {}),
        ("GET", "loader-code", {}),
    ],
)
def test_a_request_that_cannot_be_meant_is_a_problem_in_words(lab, method, path, how):
    answer = lab.ask(method, path, **how)
    assert answer.status_code in {400, 422}
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    assert problem["detail_zh"]
    assert "Traceback" not in answer.text


def test_a_slow_catalogue_holds_up_no_notebook(lab, catalogue):
    catalogue.gate.clear()
    with ThreadPoolExecutor() as threads:
        searches = [threads.submit(lab.ask, "GET", "catalogue/datasets") for _ in range(4)]
        asked = [httpx.get(f"{lab.url}api", trust_env=False, timeout=20) for _ in range(20)]
        held = [search.done() for search in searches]
        catalogue.gate.set()
        assert all(answer.is_success for answer in asked)
        assert not any(held)
        assert [search.result().status_code for search in searches] == [200] * 4


def test_a_catalogue_in_trouble_is_told_as_it_told_itself(lab, catalogue):
    catalogue.trouble = UnknownUnitError(Words(en="The index is being rebuilt.", zh="正在重建索引。"))
    assert lab.ask("GET", "attachments").json()["detail"] == "The index is being rebuilt."


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({}, "catalogue-not-configured"),
        ({"BEAMTORCH_CATALOGUE_URL": "http://127.0.0.1:9/"}, "catalogue-not-configured"),
        ({"BEAMTORCH_CATALOGUE_URL": "http://127.0.0.1:9/", "JUPYTERHUB_API_TOKEN": "t"}, "catalogue-unreachable"),
    ],
)
def test_a_lab_without_a_catalogue_says_so(tmp_path, environment, code):
    session = Session(home=tmp_path, environment=environment)
    with pytest.raises(BeamtorchError) as refused:
        session.attached()
    assert refused.value.code == code
    session.close()
