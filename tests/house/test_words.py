"""What the documents say exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.generate_docs import error_classes
from voxtrace.analysis.definitions import DEFINITIONS
from voxtrace.cli.main import COMMANDS
from voxtrace.config import SETTINGS
from voxtrace.events import STAGES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?voxtrace ([a-z]+)|`(?:\.venv/bin/)?voxtrace ([a-z]+)", re.MULTILINE)
TARGET = re.compile(r"`make ([a-z-]+)`|^(?:\$ )?make ([a-z-]+)", re.MULTILINE)


def found(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for match in pattern.finditer(text):
        yield next(group for group in match.groups() if group)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(document: Path):
    links = [link for link in found(LINK, document.read_text("utf-8")) if "://" not in link]

    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_named_exists(document: Path):
    assert set(found(COMMAND, document.read_text("utf-8"))) <= set(COMMANDS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_target_that_is_named_exists(document: Path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))

    assert set(found(TARGET, document.read_text("utf-8"))) <= targets


def test_the_python_of_the_readme_runs():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)

    assert blocks
    for block in blocks:
        exec(block, {})


def test_the_metrics_that_the_readme_names_exist():
    named = set(re.findall(r"`([a-z_]+_(?:ms|count|ratio)|rtf)`", (ROOT / "README.md").read_text("utf-8")))

    assert named <= {each.name for each in DEFINITIONS}


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("cli.md", [f"## voxtrace {name}" for name in COMMANDS]),
        ("metrics.md", [f"`{each.name}`" for each in DEFINITIONS]),
        ("settings.md", [f"`{each.name}`" for each in SETTINGS]),
        ("stages.md", [f"`{each.key}`" for each in STAGES]),
        ("errors.md", [f"`{each.__name__}`" for each in error_classes()]),
    ],
)
def test_nothing_is_missing_in_the_pages_about_it(page: str, names: list[str]):
    text = (ROOT / "docs" / page).read_text("utf-8")

    assert [name for name in names if name not in text] == []


def test_every_setting_is_read_by_something():
    code = "".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py") if path.name != "config.py")

    assert [each.name for each in SETTINGS if f'"{each.name}"' not in code] == []


def test_every_room_stands_in_the_table_of_the_architecture():
    rooms = {folder.name for folder in (ROOT / "src" / "voxtrace").iterdir() if (folder / "__init__.py").exists()}
    listed = set(re.findall(r"^\| `([a-z]+)/`", (ROOT / "ARCHITECTURE.md").read_text("utf-8"), re.MULTILINE))

    assert rooms == listed
