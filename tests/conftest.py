"""What every test has: a data folder of its own, and golden pages that one flag rewrites."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

# A shell that starts the tests in the background has Ctrl-C ignored, and all that they start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A deadline would judge a duration on the real clock.
settings.register_profile("voxtrace", deadline=None)
settings.load_profile("voxtrace")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-update", action="store_true", help="rewrite the golden pages instead of comparing")


@pytest.fixture(scope="session", autouse=True)
def _away_from_the_users_own_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the data folder, or obeys the settings, of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in [name for name in os.environ if name.startswith("VOXTRACE_") and name != "VOXTRACE_SAMPLES"]:
            patch.delenv(variable)
        patch.setenv("VOXTRACE_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="module")
def one_browser() -> Iterator[None]:
    """All tests of a module open their pages in one browser: `pytest.mark.usefixtures("one_browser")`."""
    from tests.browser import shared_browser  # Playwright is slow to import, and few tests have pages

    with shared_browser():
        yield


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden("page.md", text)`: the text is what `golden/page.md` beside the test says.

    `pytest --golden-update` rewrites the pages; look at the difference before you commit them.
    """
    folder = request.path.parent / "golden"

    def compare(name: str, text: str) -> None:
        page = folder / name
        if request.config.getoption("--golden-update"):
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(text, "utf-8", newline="\n")
        if not page.exists():
            pytest.fail(
                f"there is no golden page {name} yet; write it with: pytest --golden-update {request.path.name}"
            )

        assert text == page.read_text("utf-8"), f"{name} changed; if it is meant: pytest --golden-update"

    return compare
