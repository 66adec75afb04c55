"""The house rules that have a number, checked over every file that git knows: `python tools/house_rules.py [FOLDER]`.

What ruff, mypy and import-linter can hold is left to them. Each rule is a function from sources to
complaints; a complaint names the place and what to do.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from statistics import median

MAX_LINES = 400
MAX_TEST_LINES = 600
MAX_MEDIAN_LINES = 120
MAX_FUNCTION_LINES = 80
LONG_FUNCTION_LINES = 40  # at most 5 % of the functions may be longer
LONG_FUNCTIONS_PER_100 = 5
MAX_PARAMETERS = 6
MOCKS_PER_100_TESTS = 3
MAX_SCRIPT_LINE = 500  # longer lines are a minified file from elsewhere

# A package is a place and a function a verb: these names say neither.
BANNED_FILE_NAMES = frozenset({"util", "utils", "helper", "helpers", "common", "base", "manager", "core", "misc"})
BANNED_FUNCTION_NAMES = frozenset({"process", "handle", "data"})

MOCK_CALLS = frozenset(
    {"Mock", "MagicMock", "AsyncMock", "NonCallableMock", "PropertyMock", "create_autospec", "patch", "setattr"}
)
# Of `patch.object(...)`, `mocker.patch(...)` and `monkeypatch.setattr(...)`; the plain builtin `setattr` is no mock.
MOCK_OWNERS = frozenset({"mock", "patch", "mocker", "monkeypatch"})

SCRIPT_SUFFIXES = frozenset({".js", ".mjs", ".cjs", ".ts"})
NPM_FILES = frozenset({"package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"})
LICENCE_BANNER = re.compile(r"/\*!|@license|@preserve", re.IGNORECASE)
# Home folders and build roots that exist on one machine only.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:(?:home|Users)/(?!USER\b|you\b)\w+|root|work|farm)/|\b[A-Z]:\\Users\\")
REASON = re.compile(r"#\s*noqa:[^#]*?\bBLE001\b\s*[-:–]\s*\w+")


@dataclass(frozen=True)
class Source:
    """One text file, its path relative to the tree's root with forward slashes."""

    path: PurePosixPath
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def is_python(self) -> bool:
        return self.path.suffix == ".py"

    @property
    def is_script(self) -> bool:
        return self.path.suffix in SCRIPT_SUFFIXES

    @property
    def is_test(self) -> bool:
        return self.path.parts[0] == "tests"

    @property
    def is_ours(self) -> bool:
        return self.path.parts[0] == "src"

    @property
    def is_vendored(self) -> bool:
        return "/static/vendor/" in f"/{self.path}"


@dataclass(frozen=True, slots=True)
class Complaint:
    """A broken rule: where, and what to do about it."""

    place: str
    advice: str

    def __str__(self) -> str:
        return f"{self.place}: {self.advice}"


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(source: Source) -> Iterator[tuple[Function, bool]]:
    """Every function of a Python file, and whether it is a method that gets its object."""
    for node in ast.walk(source.tree):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                static = any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in child.decorator_list)
                yield child, isinstance(node, ast.ClassDef) and not static


def length(function: Function) -> int:
    """Lines from `def` to the last one; decorators are not counted."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def file_lengths(sources: Sequence[Source]) -> Iterator[Complaint]:
    """Files are short enough to be read at one sitting."""
    for source in sources:
        if not (source.is_python or source.is_script) or source.is_vendored:
            continue
        limit = MAX_TEST_LINES if source.is_test else MAX_LINES
        if len(source.lines) > limit:
            yield Complaint(
                str(source.path), f"{len(source.lines)} lines, at most {limit}; split it by what it is about"
            )
    # Empty package markers would pull the median down without making anything easier to read.
    ours = [len(each.lines) for each in sources if each.is_python and each.is_ours and each.text.strip()]
    if ours and median(ours) > MAX_MEDIAN_LINES:
        yield Complaint(
            "src", f"the median file has {median(ours):g} lines, at most {MAX_MEDIAN_LINES}; split the long ones"
        )


def function_lengths(sources: Sequence[Source]) -> Iterator[Complaint]:
    """Functions fit on a screen."""
    lengths: list[int] = []
    for source in filter(lambda each: each.is_python, sources):
        for function, _ in functions(source):
            lines = length(function)
            if lines > MAX_FUNCTION_LINES:
                place = f"{source.path}:{function.lineno}"
                yield Complaint(place, f"{function.name} has {lines} lines, at most {MAX_FUNCTION_LINES}; split it")
            if source.is_ours:
                lengths.append(lines)
    longer = sum(lines > LONG_FUNCTION_LINES for lines in lengths)
    if longer * 100 > LONG_FUNCTIONS_PER_100 * len(lengths):
        yield Complaint(
            "src",
            f"{longer} of {len(lengths)} functions have more than {LONG_FUNCTION_LINES} lines, "
            f"at most {LONG_FUNCTIONS_PER_100} % may; split the longest",
        )


def parameters(sources: Sequence[Source]) -> Iterator[Complaint]:
    """Many parameters are an options object that nobody has named yet."""
    for source in filter(lambda each: each.is_python and not each.is_test, sources):
        for function, is_method in functions(source):
            given = function.args
            count = len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs) - is_method
            if count > MAX_PARAMETERS:
                place = f"{source.path}:{function.lineno}"
                advice = f"{function.name} takes {count} parameters, at most {MAX_PARAMETERS}; make an options object"
                yield Complaint(place, advice)


def names(sources: Sequence[Source]) -> Iterator[Complaint]:
    """A name says what lives there."""
    for source in sources:
        for part in {*source.path.parts[:-1], source.path.stem}:
            if part.strip("_").lower() in BANNED_FILE_NAMES:
                yield Complaint(str(source.path), f"{part!r} says nothing; name it by what it is about")
        if source.is_python and source.is_ours:
            for function, _ in functions(source):
                if function.name.strip("_") in BANNED_FUNCTION_NAMES:
                    place = f"{source.path}:{function.lineno}"
                    yield Complaint(place, f"{function.name!r} says nothing; a function is a verb with its object")


def mocks(sources: Sequence[Source]) -> Iterator[Complaint]:
    """Tests use the real parts; only time, ids, chance and the far end of the wire are faked."""
    tests, found = 0, []
    for source in filter(lambda each: each.is_python and each.is_test, sources):
        tests += sum(function.name.startswith("test_") for function, _ in functions(source))
        calls = (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))
        found += [f"{source.path}:{call.lineno}" for call in calls if _is_mock(call)]
    if len(found) * 100 > MOCKS_PER_100_TESTS * tests:
        places = ", ".join(found[:5])
        yield Complaint(
            "tests",
            f"{len(found)} mock or patch calls in {tests} tests, at most {MOCKS_PER_100_TESTS} per 100: {places}",
        )


def _is_mock(call: ast.Call) -> bool:
    match call:
        case ast.Call(func=ast.Name(id=name)):
            return name in MOCK_CALLS and name != "setattr"
        case ast.Call(func=ast.Attribute(attr=name, value=owner)):
            owned = ast.unparse(owner).rpartition(".")[2] in MOCK_OWNERS
            return owned and (name in MOCK_CALLS or name in {"object", "dict", "multiple", "setitem"})
    return False


def broad_excepts(sources: Sequence[Source]) -> Iterator[Complaint]:
    """Only the outer edges may catch everything, and they say why."""
    for source in filter(lambda each: each.is_python, sources):
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            place = f"{source.path}:{node.lineno}"
            caught = {ast.unparse(node.type)} if node.type is not None else set()
            if isinstance(node.type, ast.Tuple):
                caught = {ast.unparse(each) for each in node.type.elts}
            if not caught:
                yield Complaint(place, "a bare except swallows even Ctrl-C; name what you expect")
            elif caught & {"Exception", "BaseException"} and not REASON.search(source.lines[node.lineno - 1]):
                yield Complaint(place, "catch what you expect, or say why: `# noqa: BLE001 - REASON` on this line")


def scripts(sources: Sequence[Source]) -> Iterator[Complaint]:
    """Other people's JavaScript stands in static/vendor, and nobody needs npm."""
    for source in sources:
        if source.path.name in NPM_FILES or "node_modules" in source.path.parts:
            yield Complaint(str(source.path), "nobody needs npm to run or to change the dashboard; take it away")
        if not source.is_script or source.is_vendored:
            continue
        foreign = ".min." in source.path.name or any(len(line) > MAX_SCRIPT_LINE for line in source.lines)
        if foreign or LICENCE_BANNER.search(source.text):
            yield Complaint(
                str(source.path), "third-party JavaScript belongs under static/vendor, pinned with its hash"
            )


def machine_paths(sources: Sequence[Source]) -> Iterator[Complaint]:
    """Nothing names a folder that exists on one machine only."""
    for source in sources:
        if source.is_vendored:
            continue
        for number, line in enumerate(source.lines, 1):
            found = MACHINE_PATH.search(line)
            if found:
                yield Complaint(
                    f"{source.path}:{number}", f"{found.group()!r} is a path of one machine; make it relative"
                )


RULES = (file_lengths, function_lengths, parameters, names, mocks, broad_excepts, scripts, machine_paths)


def complaints(sources: Sequence[Source]) -> list[Complaint]:
    """Every broken rule of a tree."""
    return [complaint for rule in RULES for complaint in rule(sources)]


def read_tree(root: Path) -> list[Source]:
    """Every text file of the tree that git knows or would add; of a tree without git, every file."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    paths: Iterable[Path]
    if listed.returncode == 0:
        paths = (root / name for name in listed.stdout.decode().split("\0") if name)
    else:
        paths = (
            path for path in root.rglob("*") if not any(part.startswith(".") for part in path.relative_to(root).parts)
        )
    return [source for path in sorted(set(paths)) if (source := _read(root, path)) is not None]


def _read(root: Path, path: Path) -> Source | None:
    if not path.is_file():
        return None
    try:
        return Source(PurePosixPath(path.relative_to(root).as_posix()), path.read_text("utf-8"))
    except UnicodeDecodeError:  # a picture or a sound
        return None


def main() -> int:
    """Print every complaint; 1 when there is one."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1]
    found = complaints(read_tree(root))
    for complaint in found:
        print(complaint)
    if found:
        print(f"house rules: {len(found)} broken")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
