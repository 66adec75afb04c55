#!/bin/sh
# The tests of the shared cache drive a real Redis. Install it by name where that is possible, else say what to do.
command -v redis-server >/dev/null 2>&1 || command -v valkey-server >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing Debian's redis-server for the tests of the shared cache"
    if apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server >/dev/null; then
        exit 0
    fi
fi
echo "The tests of the shared cache need Redis: install it (Debian: sudo apt-get install redis-server) and run this again." >&2
exit 1
