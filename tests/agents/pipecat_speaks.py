"""Pipecat's own OpenAI service at work in a pipeline. Runs in an environment of its own; see
tools/need_voice_agents.sh."""

from __future__ import annotations

from typing import Any

from at_home import run  # beside this script, which is no module of a package
from pipecat.frames.frames import (
    EndTaskFrame,
    ErrorFrame,
    Frame,
    MetricsFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.tests.utils import run_test


class Impatient(FrameProcessor):
    """A user who speaks as soon as something is heard."""

    has_heard = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame) and not self.has_heard:
            self.has_heard = True
            await self.broadcast_interruption()
            await self.push_frame(EndTaskFrame(), FrameDirection.UPSTREAM)


async def speak_all(task: dict[str, Any]) -> list[dict[str, Any]]:
    """With each voice after the other: importing the framework takes far longer than speaking."""
    return [await speak(task, fields) for fields in task["voices"]]


async def speak(task: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """One text, through a whole pipeline, with everything that comes out of it."""
    settings = OpenAITTSService.Settings(**fields)
    service = OpenAITTSService(base_url=task["base_url"], api_key="unused", settings=settings)
    interrupts = task["how"] == "interrupted"
    down, up = await run_test(
        Pipeline([service, Impatient()]) if interrupts else service,
        send_end_frame=not interrupts,
        frames_to_send=[TTSSpeakFrame(task["text"])],
        pipeline_params=PipelineParams(
            enable_metrics=True,
            enable_usage_metrics=True,
            audio_out_sample_rate=24_000,
            send_initial_empty_metrics=False,
        ),
        start_timeout=20,
    )
    sound = [frame for frame in down if isinstance(frame, TTSAudioRawFrame)]
    metrics = [each for frame in down if isinstance(frame, MetricsFrame) for each in frame.data]
    return {
        "order": [type(frame).__name__ for frame in down if isinstance(frame, TTSStartedFrame | TTSStoppedFrame)],
        "bytes": sum(len(frame.audio) for frame in sound),
        "shapes": sorted({(frame.sample_rate, frame.num_channels) for frame in sound}),
        "errors": [frame.error for frame in (*down, *up) if isinstance(frame, ErrorFrame)],
        "metrics": [{"kind": type(each).__name__, **each.model_dump()} for each in metrics],
    }


if __name__ == "__main__":
    run(speak_all)
