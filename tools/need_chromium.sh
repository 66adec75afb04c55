#!/bin/sh
# The browser tests drive Debian's Chromium. Install it by name where that is possible, else say what to do.
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing Debian's chromium for the browser tests"
    if apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; then
        exit 0
    fi
fi
echo "The browser tests need Chromium: install it (Debian: sudo apt-get install chromium) and run this again." >&2
exit 1
