"""The house rules complain about what they forbid, and about nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pytest

from tools.house_rules import Complaint, Source, complaints, read_tree

LONG_BODY = "    x = 1\n"


def tree(**files: str) -> list[Source]:
    """Sources by path; `__` stands for a slash and files are Python."""
    return [Source(PurePosixPath(f"{name.replace('__', '/')}.py"), text) for name, text in files.items()]


def one(found: Iterable[Complaint]) -> str:
    (complaint,) = found
    return str(complaint)


def test_a_short_clear_file_is_no_reason_to_complain():
    assert complaints(tree(src__say="def speak(text):\n    return text\n")) == []


def test_a_file_of_401_lines_is_too_long():
    found = complaints([*tree(src__say="x = 1\n" * 401), *tree(**{f"src__s{n}": "x = 1\n" for n in range(2)})])

    assert one(found).startswith("src/say.py: 401 lines, at most 400")


def test_a_test_file_may_have_600_lines_and_no_more():
    assert complaints(tree(tests__test_say="x = 1\n" * 600)) == []
    assert "601 lines" in one(complaints(tree(tests__test_say="x = 1\n" * 601)))


def test_the_median_file_is_short_and_empty_files_do_not_help():
    found = complaints(tree(src__one="x = 1\n" * 130, src__two="x = 1\n" * 140, src__empty="", src__blank="\n"))

    assert "the median file has 135 lines" in one(found)


def test_a_function_of_81_lines_is_too_long():
    found = complaints(tree(tools__say="def speak():\n" + LONG_BODY * 80))

    assert one(found) == "tools/say.py:1: speak has 81 lines, at most 80; split it"


def test_at_most_five_in_a_hundred_functions_are_longer_than_40_lines():
    short = "def short():\n" + LONG_BODY
    long = "def long():\n" + LONG_BODY * 40
    enough = {f"src__s{n}": short * 5 for n in range(4)}

    assert complaints(tree(**enough, src__long=long)) == []
    assert "2 of 22 functions have more than 40 lines" in one(complaints(tree(**enough, src__long=long * 2)))


def test_seven_parameters_are_too_many_and_self_is_none_of_them():
    method = "class Voice:\n    def speak(self, a, b, c, d, e, *, f):\n        pass\n"

    assert complaints(tree(src__say=method)) == []
    assert "takes 7 parameters" in one(complaints(tree(src__say="def speak(a, b, c, d, e, f, g):\n    pass\n")))


@pytest.mark.parametrize("name", ["src__utils__x", "src__helpers", "src___base", "tests__common"])
def test_names_that_say_nothing_are_refused(name: str):
    assert "says nothing" in one(complaints(tree(**{name: "x = 1\n"})))


def test_a_function_named_process_is_refused():
    assert "'process' says nothing" in one(complaints(tree(src__say="def process(x):\n    return x\n")))


@pytest.mark.parametrize(
    "call", ["Mock()", "mock.patch('x')", "patch.object(a, 'b')", "monkeypatch.setattr(a, 'b', 1)", "MagicMock(spec=a)"]
)
def test_a_mock_in_a_small_suite_is_one_too_many(call: str):
    assert "1 mock or patch calls in 1 tests" in one(complaints(tree(tests__test_say=f"def test_it():\n    {call}\n")))


def test_changing_the_environment_of_a_test_is_no_mock():
    text = "def test_it(monkeypatch):\n    monkeypatch.setenv('A', 'b')\n    setattr(a, 'b', 1)\n"

    assert complaints(tree(tests__test_say=text)) == []


def test_three_mocks_in_a_hundred_tests_are_allowed():
    tests = "".join(f"def test_{n}():\n    pass\n" for n in range(100))

    assert complaints(tree(tests__test_say=tests + "Mock()\n" * 3)) == []
    assert "4 mock or patch calls" in one(complaints(tree(tests__test_say=tests + "Mock()\n" * 4)))


@pytest.mark.parametrize("caught", ["Exception", "BaseException", "(ValueError, Exception)"])
def test_catching_everything_needs_a_reason_on_its_line(caught: str):
    text = "try:\n    x()\nexcept {}:{}\n    pass\n"

    assert "say why" in one(complaints(tree(src__say=text.format(caught, ""))))
    assert "say why" in one(complaints(tree(src__say=text.format(caught, "  # noqa: BLE001"))))
    assert complaints(tree(src__say=text.format(caught, "  # noqa: BLE001 - the host must not fall"))) == []


def test_a_bare_except_has_no_excuse():
    assert "bare except" in one(complaints(tree(src__say="try:\n    x()\nexcept:  # noqa: BLE001 - why\n    pass\n")))


@pytest.mark.parametrize(
    ("path", "text"),
    [("src/static/app/chart.min.js", "x"), ("src/static/app/x.js", "/*! MIT */"), ("src/static/app/y.mjs", "x" * 501)],
)
def test_other_peoples_javascript_stands_in_the_vendor_folder(path: str, text: str):
    vendored = path.replace("/app/", "/vendor/")

    assert "static/vendor" in one(complaints([Source(PurePosixPath(path), text)]))
    assert complaints([Source(PurePosixPath(vendored), text)]) == []


def test_nobody_needs_npm():
    assert "npm" in one(complaints([Source(PurePosixPath("web/package.json"), "{}")]))


@pytest.mark.parametrize("folder", ["/ho" + "me/ada/", "/ro" + "ot/", "/Us" + "ers/ada/", "C:\\Us" + "ers\\"])
def test_a_path_of_one_machine_is_refused_in_any_file(folder: str):
    note = Source(PurePosixPath("docs/note.md"), f"look in {folder}x")

    assert one(complaints([note])).startswith("docs/note.md:1:")


def test_addresses_and_relative_paths_are_no_machine_paths():
    note = Source(PurePosixPath("docs/note.md"), "http://localhost/root/x ../work/y docs/home/z /homework/ /rooted/")

    assert complaints([note]) == []


def test_a_tree_without_git_is_read_file_by_file(tmp_path: Path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "say.py").write_text("x = 1\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff")

    assert [str(source.path) for source in read_tree(tmp_path)] == ["src/say.py"]
