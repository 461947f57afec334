import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGES = ["/hub/home", "/hub/spawn", "/hub/token", "/hub/nowhere", "/hub/user/lin.qiao/", "/hub/admin"]


def has(page: Any, **wanted: str) -> bool:
    """Tell whether an element with these attributes is on a page."""
    names = {name.replace("_", "-"): value for name, value in wanted.items()}
    return any(names.items() <= attributes.items() for _, attributes in page.elements)


def starts(page: Any) -> list[str]:
    """Return the environments whose cards have a start button, in order."""
    found, card = [], ""
    for _, attributes in page.elements:
        card = attributes.get("data-environment", card)
        if "data-start" in attributes:
            found.append(card)
    return found


# -- signing in --------------------------------------------------------------------------------------


def test_the_login_page_has_a_form_for_keyboard_and_password_managers(stranger: Any):
    stranger.open("/hub/login")
    assert has(stranger.page, name="username", autocomplete="username")
    assert has(stranger.page, name="password", type="password", autocomplete="current-password")
    assert has(stranger.page, type="submit")
    assert stranger.page.without_twin == []


def test_a_wrong_password_is_told_in_both_languages_and_keeps_the_name(stranger: Any):
    answer = stranger.sign_in(password="wrong")
    assert answer.status_code == 403
    assert "User name and password do not match" in answer.text
    assert "用户名与密码不符" in answer.text
    assert has(stranger.page, name="username", value="lin.qiao")
    assert stranger.page.without_twin == []


def test_a_stale_login_form_says_so_instead_of_xsrf(stranger: Any):
    stranger.open("/hub/login")
    answer = stranger.http.post("/hub/login", data={"username": "lin.qiao", "password": "right", "_xsrf": "old"})
    assert answer.status_code == 403
    assert "这个页面" in answer.text or "页面打开时间过长" in answer.text


def test_after_signing_in_the_name_of_the_directory_and_its_language_are_known(browser: Any):
    html = browser.open("/hub/home").text
    assert '<span data-zh="林乔">Lin Qiao</span>' in html
    assert has(browser.page, lang="en", data_language="zh-CN")


def test_signing_out_also_drops_what_the_services_keep_in_the_browser(browser: Any):
    answer = browser.http.get("/hub/logout", follow_redirects=False)
    dropped = [cookie for cookie in answer.headers.get_list("set-cookie") if cookie.startswith("beamtorch-catalogue=")]
    assert len(dropped) == 1
    assert "Path=/services/catalogue/" in dropped[0]
    browser.sign_in()


# -- every page --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_every_text_has_its_chinese_twin_and_nothing_comes_from_outside(browser: Any, path: str):
    browser.open(path)
    assert browser.page.without_twin == []
    assert [address for address in browser.page.addresses if "//" in address] == []
    assert has(browser.page, href="/hub/look/tokens.css")


def test_an_admin_has_the_administration_in_our_frame(stranger: Any):
    stranger.sign_in("mei.chen")
    stranger.open("/hub/admin")
    assert has(stranger.page, id="react-admin-hook")
    assert has(stranger.page, href="/hub/admin", aria_current="page")
    assert stranger.page.without_twin == []


def test_assets_are_kept_a_while_and_lead_nowhere_else(stranger: Any):
    answer = stranger.http.get("/hub/look/tokens.css")
    assert answer.is_success
    assert "max-age=300" in answer.headers["cache-control"]
    assert stranger.http.get("/hub/look/..%2f__init__.py").status_code in {403, 404}
    assert stranger.http.get("/hub/pages/PICTURES.md").status_code == 404


# -- Start -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/hub/home", "/hub/spawn", "/hub/spawn/lin.qiao", "/hub/spawn/lin.qiao/ct"])
def test_every_way_in_leads_to_start(browser: Any, path: str):
    browser.open(path)
    assert starts(browser.page) == ["lab", "other", "ct"]


@pytest.mark.parametrize("query", ["?environment=lab", "?opt-environment=lab", "?environment=lab&next=/hub/home"])
def test_looking_at_a_link_never_starts_anything(browser: Any, query: str):
    browser.open(f"/hub/spawn/lin.qiao{query}")
    assert browser.servers() == {}


def test_a_card_starts_its_environment_under_its_server_name(browser: Any):
    answer = browser.start("ct", "ct", dataset="ds-tooth")
    assert answer.status_code == 302
    assert browser.servers()["ct"]["user_options"] == {"environment": "ct", "dataset": "ds-tooth"}
    browser.open("/hub/home")
    assert has(browser.page, data_server="ct", data_state="runs")
    assert has(browser.page, href="/user/lin.qiao/ct/")
    assert "data-open" in str(browser.page.elements)
    assert starts(browser.page) == ["lab", "other"]


def test_a_start_without_the_forms_seal_is_refused(browser: Any):
    browser.open("/hub/home")
    answer = browser.http.post("/hub/spawn/lin.qiao", data={"environment": "lab"})
    assert answer.status_code == 403
    assert browser.servers() == {}


def test_an_environment_whose_place_is_taken_says_what_to_stop(browser: Any):
    browser.start("lab")
    answer = browser.open("/hub/home")
    assert starts(browser.page) == ["ct"]
    assert 'data-zh="请先停止 环境 lab：两者共用一个位置"' in answer.text


def test_a_refused_start_is_told_in_place_and_the_cards_stay(browser: Any):
    answer = browser.start("lab", dataset="ds-refused")
    assert answer.status_code >= 400
    assert has(browser.page, data_error="quota")
    assert "All 6 of 6 GPUs are &lt;held&gt;." in answer.text
    assert "6/6 块 GPU 已&lt;占用&gt;。" in answer.text
    assert starts(browser.page) == ["lab", "other", "ct"]
    assert browser.page.without_twin == []


def test_an_option_that_nobody_offered_is_told_in_place(browser: Any):
    answer = browser.start("lab", node="all")
    assert has(browser.page, data_error="quota")
    assert "Nobody offered" in answer.text
    assert browser.servers() == {}


def test_a_start_that_fails_later_ends_on_a_page_that_says_why(
    browser: Any, hub_folder: Path, eventually: Callable[..., None]
):
    (hub_folder / "falter").unlink(missing_ok=True)
    answer = browser.start("ct", "ct", dataset="ds-falters")
    assert answer.headers["location"] == "/hub/spawn-pending/lin.qiao/ct"
    waiting = browser.open("/hub/spawn-pending/lin.qiao/ct")
    assert "环境 ct 正在启动" in waiting.text
    assert browser.page.without_twin == []
    browser.open("/hub/home")
    assert has(browser.page, data_server="ct", data_state="starts")
    (hub_folder / "falter").touch()
    eventually(lambda: "6/6 块 GPU" in browser.open("/hub/spawn-pending/lin.qiao/ct").text)
    assert has(browser.page, data_error="start-failed")
    assert browser.page.without_twin == []


def test_without_the_spawner_api_the_page_says_so_and_shows_what_runs(browser: Any, spawner_api: Any):
    browser.start("lab")
    spawner_api.is_silent = True
    answer = browser.open("/hub/home")
    assert answer.status_code == 200
    assert has(browser.page, data_error="spawner-unreachable")
    assert has(browser.page, data_server="", data_state="runs")
    assert starts(browser.page) == []
    assert browser.page.without_twin == []


def test_a_dataset_from_the_portal_goes_along_with_the_start(browser: Any):
    browser.open("/hub/home?environment=ct&dataset=ds-tooth_0047")
    assert has(browser.page, data_with_dataset="ds-tooth_0047")
    assert has(browser.page, type="hidden", name="dataset", value="ds-tooth_0047")
    assert any("data-start-chosen" in attributes for _, attributes in browser.page.elements)
    assert browser.page.without_twin == []


def test_something_that_cannot_be_a_dataset_is_left_out(browser: Any):
    answer = browser.open("/hub/home?dataset=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert answer.status_code == 200
    assert not any("data-with-dataset" in attributes for _, attributes in browser.page.elements)
    assert "alert(1)" not in answer.text


def test_the_stop_dialog_says_what_is_lost_and_first_offers_to_keep_it(browser: Any):
    browser.start("lab")
    html = browser.open("/hub/home").text
    dialog = html.partition("<dialog")[2].partition("</dialog>")[0]
    assert "Variables in open notebooks are lost" in dialog
    assert re.search(r"data-close.*data-stop-now=\"/hub/api/users/lin.qiao/server\"", dialog, re.DOTALL)


def test_somebody_elses_page_and_start_are_not_there(browser: Any):
    assert browser.open("/hub/spawn/mei.chen").status_code in {403, 404}
    assert browser.page.without_twin == []
    browser.open("/hub/home")
    assert browser.send("/hub/spawn/mei.chen", environment="lab").status_code in {403, 404}
