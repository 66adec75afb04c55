"""The picture in the README, taken from a real run: `python -m tools.take_pictures`.

Runs `voxtrace up` in a folder of its own, speaks, and photographs the page of the last request.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.browser import watched_page
from tests.journeys.house import running_house

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "img"
# The first sentences warm everything up; the last one is photographed.
SENTENCES = (
    "Hello world.",
    "How long until somebody hears something?",
    "The first piece of a long answer is short, so that it is heard at once, "
    "and the pieces behind it grow while the listener is busy with those in front.",
)
WIDTH, HEIGHT = 1080, 1600
MARGIN = 6  # pixels below the waterfall


def main() -> int:
    """Take the picture."""
    with tempfile.TemporaryDirectory() as folder, running_house(Path(folder) / "data") as house:
        for sentence in SENTENCES:
            house.say(sentence, "--quiet")
        newest = house.measured(len(SENTENCES))[0]["request_id"]
        with watched_page(house.watch_url, WIDTH, HEIGHT) as watched:
            watched.page.goto(f"{house.watch_url}/requests/{newest}")
            drawn = watched.page.locator("section", has=watched.page.locator("svg[role=group]")).first
            drawn.wait_for()
            box = drawn.bounding_box()
            assert box is not None
            down_to = box["y"] + box["height"] + MARGIN
            PICTURES.mkdir(parents=True, exist_ok=True)
            clip = {"x": 0, "y": 0, "width": WIDTH, "height": down_to}
            watched.page.screenshot(path=PICTURES / "waterfall.png", clip=clip)
    return 0


if __name__ == "__main__":
    sys.exit(main())
