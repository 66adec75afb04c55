"""The picture in the README, taken from a real run: `python tools/take_pictures.py`.

Starts `voxtrace up` in a folder of its own, speaks, and photographs the page of the last request.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from voxtrace.clock import sleep
from voxtrace.store import RequestQuery, open_store

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "img"
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
# The first sentences warm everything up; the last one is photographed.
SENTENCES = (
    "Hello world.",
    "How long until somebody hears something?",
    "The first piece of a long answer is short, so that it is heard at once, "
    "and the pieces behind it grow while the listener is busy with those in front.",
)
MARGIN = 6  # pixels below the waterfall


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def speak(folder: Path, port: int) -> str:
    """Speak all sentences; the id of the last request, when it is measured."""
    for sentence in SENTENCES:
        url = f"http://127.0.0.1:{port}"
        command = ["say", sentence, "--url", url, "--data", str(folder), "--out", str(folder / "said.wav"), "--quiet"]
        subprocess.run([sys.executable, "-m", "voxtrace", *command], check=True)
    store = open_store(folder, readonly=True)
    try:
        while True:
            rows = store.recent(RequestQuery(limit=len(SENTENCES)))
            if len(rows) == len(SENTENCES) and rows[0].derived and rows[0].is_fresh:
                return rows[0].request_id
            sleep(0.1)
    finally:
        store.close()


def photograph(url: str, path: Path) -> None:
    """The page of a request, down to the end of its waterfall."""
    with sync_playwright() as playwright:
        executable = next(each for each in CHROMIUM if Path(each).exists())
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1080, "height": 1600}, color_scheme="light")
        page.goto(url)
        drawn = page.locator("section", has=page.locator("svg[role=group]")).first
        drawn.wait_for()
        box = drawn.bounding_box()
        assert box is not None
        bottom = box["y"] + box["height"] + MARGIN
        page.screenshot(path=path, clip={"x": 0, "y": 0, "width": 1080, "height": bottom})
        browser.close()


def main() -> int:
    """Take the picture."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    port, watch_port = free_ports(2)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "data"
        ports = ["--port", str(port), "--watch-port", str(watch_port)]
        up = subprocess.Popen(
            [sys.executable, "-m", "voxtrace", "up", "--data", str(folder), *ports], stdout=subprocess.PIPE, text=True
        )
        try:
            assert up.stdout is not None
            next(line for line in up.stdout if line.startswith("now try"))
            request_id = speak(folder, port)
            photograph(f"http://127.0.0.1:{watch_port}/requests/{request_id}", PICTURES / "waterfall.png")
        finally:
            up.terminate()
            up.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
