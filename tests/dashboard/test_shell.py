"""The page itself and its static files."""

import re

import pytest
from starlette.testclient import TestClient

from voxtrace.dashboard import Changes, build_app
from voxtrace.dashboard.assets import STATIC_FOLDER, AssetsMissing, load_assets

MARKUP_FROM_TEXT = (
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function"
)


@pytest.fixture
def browser():
    return TestClient(build_app(object, Changes()), base_url="http://localhost")


def linked(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="(/[^"]+)"', page)


@pytest.mark.parametrize("address", ["/", "/requests", "/requests/4bf9", "/requests/a%2Fb"])
def test_every_page_is_the_same_shell_and_is_checked_for_news_each_time(browser, address):
    answer = browser.get(address)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


def test_all_that_the_shell_links_to_is_there_and_kept_for_ever(browser):
    answers = [browser.get(address) for address in linked(browser.get("/").text)]

    assert len(answers) == 3
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["cache-control"] for answer in answers} == {"public, max-age=31536000, immutable"}


@pytest.mark.parametrize(
    "name", ["../app.py", "%2e%2e/app.py", "/etc/hostname", "app/../../app.py", "app/none.js", "", "index.html"]
)
def test_nothing_outside_the_tree_is_served(browser, name):
    prefix = linked(browser.get("/").text)[0].rpartition("/css/")[0]

    assert browser.get(f"{prefix}/{name}").status_code == 404


def test_a_page_of_an_older_version_gets_no_file_of_this_one(browser):
    assert browser.get("/static/000000000000/app/main.js").status_code == 404


def test_the_folder_of_the_files_changes_when_a_file_does(tmp_path):
    before = load_assets()
    for name, content in before.files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    unchanged = load_assets(tmp_path)
    (tmp_path / "app/main.js").write_bytes(b"// other")

    assert unchanged.digest == before.digest
    assert load_assets(tmp_path).digest != before.digest


def test_a_package_without_its_files_does_not_start(tmp_path):
    with pytest.raises(AssetsMissing, match=r"app/main\.js"):
        load_assets(tmp_path)


def test_a_changed_event_keeps_its_place_and_what_is_too_much_is_counted():
    changes = Changes(remembered=2)
    changes(["a", "b"])
    changes(["b", "c", "d"])

    changed = changes.drain()

    assert (changed.request_ids, changed.more) == (("a", "b"), 2)
    assert changes.drain().request_ids == ()


@pytest.mark.parametrize("script", sorted((STATIC_FOLDER / "app").glob("*.js")), ids=lambda path: path.name)
def test_no_script_of_ours_turns_text_into_markup(script):
    assert re.findall(MARKUP_FROM_TEXT, script.read_text("utf-8"), re.IGNORECASE) == []


def test_the_page_names_no_other_machine(browser):
    ours = [path.read_text("utf-8") for path in (STATIC_FOLDER / "app").glob("*.js")]
    outside = re.findall(r"(?:https?:)?//(?!127\.0\.0\.1)[a-z][\w.-]+\.\w+", browser.get("/").text + "".join(ours))

    assert set(outside) <= {"http://www.w3.org"}  # the name of a vocabulary, which nobody fetches
