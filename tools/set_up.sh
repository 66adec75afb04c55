#!/bin/sh
# Usage: set_up.sh VENV PYTHON. Create the virtual environment where it is missing, and install everything into it.
set -eu
venv=$1
if ! "$venv/bin/python" -c '' 2>/dev/null; then
    python=$(sh tools/find_python.sh "$2")
    echo "creating $venv with $python"
    if ! "$python" -m venv --clear "$venv"; then
        echo "This Python can't create virtual environments: install venv (Debian: sudo apt-get install python3-venv) and run this again." >&2
        exit 1
    fi
fi
echo "installing Voxtrace and its tools into $venv (a minute the first time)"
if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'; then
    echo "The packages above could not be installed; nothing is broken: run this again when the package index answers." >&2
    exit 1
fi
# pip compiles what it installs, but not what it only links to: without this the first command would take twice as long,
# and every command where Python was told to write no such files.
"$venv/bin/python" -m compileall -q src
