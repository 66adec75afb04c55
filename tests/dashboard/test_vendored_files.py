"""Other people's JavaScript is what it was when it was fetched."""

import json

import pytest

from tools.vendor_web import PACKAGES, VENDOR, sha512

LOCK = json.loads((VENDOR / "vendor.lock.json").read_text("utf-8"))["packages"]


@pytest.mark.parametrize(
    ("name", "locked"),
    [(name, entry["sha512"]) for package in LOCK for name, entry in package["files"].items()],
)
def test_a_vendored_file_has_the_hash_that_was_locked(name, locked):
    assert sha512((VENDOR / name).read_bytes()) == locked


def test_every_file_of_the_folder_is_locked():
    named = {name for package in LOCK for name in package["files"]}

    assert {path.name for path in VENDOR.iterdir()} == named | {"vendor.lock.json", "THIRD_PARTY.txt"}


def test_the_lock_is_that_of_the_pinned_versions():
    pinned = [(package.name, package.version, package.integrity) for package in PACKAGES]

    assert [(package["name"], package["version"], package["integrity"]) for package in LOCK] == pinned


def test_every_package_has_its_licence_text():
    notice = (VENDOR / "THIRD_PARTY.txt").read_text("utf-8")

    assert all(f"{package['name']} {package['version']} ({package['license']})" in notice for package in LOCK)
