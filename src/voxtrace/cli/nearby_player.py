"""The player daemon of a data folder, found without being told where it listens."""

from __future__ import annotations

import json
from pathlib import Path

from voxtrace.cli.folder_lock import is_held
from voxtrace.client.playback import NULL

PLAYER_ROLE = "play"  # of the lock in the data folder
PLAYER_ADDRESS = "play.json"


def find_player_daemon(folder: Path) -> str:
    """The URL of this folder's player where one runs that can be heard, else ""."""
    try:
        known = json.loads((folder / PLAYER_ADDRESS).read_bytes())
        url, device = str(known["url"]), known["device"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    # A killed player leaves the file behind, but the kernel took its lock.
    return url if device != NULL and is_held(folder, PLAYER_ROLE) else ""
