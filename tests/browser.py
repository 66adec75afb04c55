"""Debian's Chromium for tests, and everything that a page must not do while it is watched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Watched:
    """A page, and what it did that no page of ours does."""

    page: Page
    origin: str
    errors: list[str] = field(default_factory=list)  # of scripts, of the console, of the security policy
    elsewhere: list[str] = field(default_factory=list)  # requests to any other origin

    def note_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def note_request(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.elsewhere.append(request.url)


_running: list[Browser] = []  # the one that the tests of a module share, while they do


@contextmanager
def chromium() -> Iterator[Browser]:
    """A fresh browser; the test is skipped where there is no Chromium (`make test` asks for it)."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        pytest.skip("no Chromium here; Debian: apt-get install chromium")
    # Chromium's sandbox refuses to run as root, and a container often has no other user.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def shared_browser() -> Iterator[None]:
    """Pages that are opened meanwhile are of one browser, which takes a second to start.

    Not longer than a module: while Playwright runs, no test of this process could run an event loop of its own.
    """
    with chromium() as browser:
        _running.append(browser)
        try:
            yield
        finally:
            _running.pop()


@contextmanager
def watched_page(origin: str, width: int = 1280, height: int = 900) -> Iterator[Watched]:
    """A new page that shares nothing with any other: no cookie, no cache, no store."""
    with nullcontext(_running[-1]) if _running else chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": height})
        try:
            watched = Watched(page, origin)
            page.on("pageerror", lambda error: watched.errors.append(str(error)))
            page.on("console", watched.note_console)
            page.on("request", watched.note_request)
            yield watched
        finally:
            page.close()
