"""The least that could answer: a bare ASGI application whose own process holds espeak-ng.

It sends the first block that the engine makes, as it is, and stops the engine.
"""

from __future__ import annotations

import asyncio
import json
import sys

import uvicorn
import uvloop

from voxtrace.speech.engines.espeak import EspeakEngine
from voxtrace.speech.ports import Utterance

engine = EspeakEngine()


async def app(scope, receive, send):
    body = json.loads((await receive())["body"])
    blocks = []

    def on_block(block):
        blocks.append(block.tobytes())
        return False

    engine.speak(Utterance(body["input"], "en-us"), on_block)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"audio/pcm")]})
    await send({"type": "http.response.body", "body": blocks[0], "more_body": False})


if __name__ == "__main__":
    server = uvicorn.Server(
        uvicorn.Config(app, port=int(sys.argv[1]), http="httptools", lifespan="off", log_level="error")
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve())
