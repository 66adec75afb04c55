"""LiveKit's own OpenAI plugin at work. Runs in an environment of its own; see tools/need_voice_agents.sh."""

from __future__ import annotations

import asyncio
from typing import Any

from at_home import run  # beside this script, which is no module of a package
from livekit.agents import APIConnectOptions, APIError, APIStatusError, tts
from livekit.plugins import openai

ONCE = APIConnectOptions(max_retry=0, timeout=10)


async def speak_all(task: dict[str, Any]) -> list[dict[str, Any]]:
    """With each voice after the other: importing the framework takes far longer than speaking."""
    return [await speak(task, fields) for fields in task["voices"]]


async def speak(task: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """The whole text at once, or word by word through the adapter that LiveKit's agents put in front."""
    voice = openai.TTS(base_url=task["base_url"], api_key="unused", **fields)
    metrics: list[Any] = []
    voice.on("metrics_collected", metrics.append)
    try:
        if task["how"] == "written":
            stream = tts.StreamAdapter(tts=voice).stream(conn_options=ONCE)
            for word in task["text"].split(" "):
                stream.push_text(f"{word} ")
            stream.end_input()
        else:
            stream = voice.synthesize(task["text"], conn_options=ONCE)
        return await hear(stream, task["how"]) | {"metrics": [each.model_dump() for each in metrics]}
    except APIStatusError as error:
        fields = ("message", "status_code", "request_id", "retryable", "body")
        return {"error": {name: getattr(error, name) for name in fields}}
    except APIError as error:
        return {"error": {"message": str(error), "kind": type(error).__name__}}
    finally:
        await voice.aclose()


async def hear(stream: Any, how: str) -> dict[str, Any]:
    frames, ids = [], set()
    async with stream:
        async for heard in stream:
            frames.append(heard.frame)
            ids.add(heard.request_id)
            if how == "interrupted":
                break
    await asyncio.sleep(0)  # the metrics of the last frame are collected by a task beside it
    return {
        "frames": len(frames),
        "samples": sum(frame.samples_per_channel for frame in frames),
        "shapes": sorted({(frame.sample_rate, frame.num_channels) for frame in frames}),
        "request_ids": sorted(ids),
    }


if __name__ == "__main__":
    run(speak_all)
