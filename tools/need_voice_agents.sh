#!/bin/sh
# Usage: need_voice_agents.sh PYTHON. The tests of tests/agents drive the real plugins of voice-agent frameworks, which
# need other versions of many packages than we do: they live in an environment of their own.
set -eu
folder=.venv-agents
wanted=tools/voice_agents.txt
cmp -s "$wanted" "$folder/installed.txt" && exit 0
python=$(sh tools/find_python.sh "$1")
echo "installing LiveKit's and Pipecat's plugins into $folder (350 MB; half a minute)"
rm -rf "$folder"
"$python" -m venv "$folder"
if ! "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --only-binary :all: \
    --no-deps -r "$wanted"; then
    echo "The packages above could not be installed; nothing is broken: run this again when the package index answers." >&2
    exit 1
fi
cp "$wanted" "$folder/installed.txt"
