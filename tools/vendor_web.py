"""Fetch the dashboard's third-party JavaScript and write it, with its hashes, below static/vendor.

Only whoever raises a version runs this; it needs npm. Nobody needs npm to run or to change the dashboard: the
files are committed, and a test hashes them again without a network. Usage: python tools/vendor_web.py
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).parent.parent / "src" / "voxtrace" / "dashboard" / "static" / "vendor"


@dataclass(frozen=True)
class Package:
    """One pinned package and what is taken from it."""

    name: str
    version: str
    integrity: str  # of the package's archive, as `npm view NAME dist.integrity` prints it
    license: str
    files: dict[str, str]  # our name: its path in the archive


PACKAGES = (
    Package(
        "preact",
        "11.2.0",
        "sha512-/HfHI/7N84e6GrWBJ3J280z3mLaRJiDcSvj/A+y/4AbLnND/1UlGHe1sR6oYuTGwId0nP7dqDU9OnLxMPZ7xBg==",
        "MIT",
        {"preact.mjs": "dist/preact.mjs", "hooks.mjs": "hooks/dist/hooks.mjs"},
    ),
    Package(
        "htm",
        "3.1.1",
        "sha512-983Vyg8NwUE7JkZ6NmOqpCZ+sh1bKv2iYTlUkzlWmA5JD2acKoxd4KVxbMmxX/85mtfdnDmTFoNKcg5DGAvxNQ==",
        "Apache-2.0",
        {"htm.mjs": "dist/htm.mjs"},
    ),
    # The archive's module build is not minified (142 KiB), so the classic script is taken.
    Package(
        "uplot",
        "1.6.32",
        "sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==",
        "MIT",
        {"uPlot.iife.min.js": "dist/uPlot.iife.min.js"},
    ),
)

# A bare import needs an import map, and an inline import map needs a hash in the content security policy.
BARE_IMPORT, OUR_IMPORT = b'from"preact"', b'from"./preact.mjs"'
SOURCE_MAP = b"\n//# sourceMappingURL="


def sha512(content: bytes) -> str:
    """The hash in the notation of npm and of subresource integrity."""
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def adapt(content: bytes) -> bytes:
    """The file as we serve it: its one bare import made relative, no pointer to a source map that is not here."""
    return content.replace(BARE_IMPORT, OUR_IMPORT).partition(SOURCE_MAP)[0].rstrip(b"\n") + b"\n"


def fetch(package: Package, folder: Path) -> tarfile.TarFile:
    """The package's archive, checked against the pinned hash."""
    spec = f"{package.name}@{package.version}"
    packed = subprocess.run(
        ["npm", "pack", "--silent", "--json", spec], cwd=folder, check=True, capture_output=True, text=True
    )
    archive = folder / json.loads(packed.stdout)[0]["filename"]
    found = sha512(archive.read_bytes())
    if found != package.integrity:
        raise SystemExit(f"{spec}: the archive's hash is {found}, pinned is {package.integrity}; nothing was written")
    return tarfile.open(archive)


def member(archive: tarfile.TarFile, path: str) -> bytes:
    """One file of an npm archive."""
    entry = archive.extractfile(f"package/{path}")
    if entry is None:
        raise SystemExit(f"the archive holds no file {path}")
    return entry.read()


def main() -> int:
    """Fetch all packages, check them, and only then write."""
    written: dict[str, bytes] = {}
    locked: list[dict[str, object]] = []
    notices: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        for package in PACKAGES:
            with fetch(package, Path(scratch)) as archive:
                taken = {name: adapt(member(archive, path)) for name, path in package.files.items()}
                license_text = member(archive, "LICENSE").decode()
            written |= taken
            locked.append(
                {
                    "name": package.name,
                    "version": package.version,
                    "integrity": package.integrity,
                    "license": package.license,
                    "files": {
                        name: {"from": package.files[name], "sha512": sha512(content)}
                        for name, content in taken.items()
                    },
                }
            )
            used = ", ".join(package.files)
            notices.append(f"{package.name} {package.version} ({package.license}): {used}\n\n{license_text.strip()}\n")
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, content in written.items():
        (VENDOR / name).write_bytes(content)
    (VENDOR / "vendor.lock.json").write_text(json.dumps({"packages": locked}, indent=2) + "\n", "utf-8")
    (VENDOR / "THIRD_PARTY.txt").write_text(f"\n{'-' * 80}\n\n".join(notices), "utf-8")
    for name, content in sorted(written.items()):
        print(f"{len(content):7d} bytes  {name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
