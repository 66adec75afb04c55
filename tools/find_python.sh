#!/bin/sh
# Print the first Python >= 3.11 of: the one asked for, python3.13, python3.12, python3.11, python3.
for candidate in "$1" python3.13 python3.12 python3.11 python3; do
    if command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "$candidate"
        exit 0
    fi
done
echo "Voxtrace needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3" >&2
exit 1
