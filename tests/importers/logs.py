"""Logs as their writers would have written them, made up for these tests."""

from __future__ import annotations

import json

PERF_TURN = (
    "endpoint=480ms queue=3ms spk=41ms stt=215ms retrieval=62ms build=5ms llm_ft=305ms llm=1410ms tts=785ms"
    " e2e=2633ms reply_lag=1772ms speech_to_reply=3920ms"
)
PERF_AUDIO = "filler_fired=True filler_dur=610ms filler_lead=805ms overrun=95ms true_reply_lag=1867ms"
PERF = f"""\
=== assistant starting ===
2026-03-02 18:02:13,100 INFO main: [PERF-AUDIO] {PERF_AUDIO}
2026-03-02 18:02:14,000 INFO main: [PERF] {PERF_TURN} prompt=1805tok cached=1610 reprefill=195 prefill=240ms MISS
2026-03-02 18:02:14,001 INFO main: [PERF-AGG] turns=10 | conv_e2e p50=2100 p95=3300 (n=10)
2026-03-02 18:03:41,250 INFO main: [PERF] endpoint=Nonems queue=Nonems spk=0ms stt=0ms retrieval=55ms build=4ms \
llm_ft=0ms llm=1120ms tts=0ms e2e=1190ms reply_lag=Nonems speech_to_reply=Nonems
""".encode()


def access(clock: str, seconds: float, method: str = "POST", status: int = 200) -> str:
    return f'10.0.0.7 - - [03/Mar/2026 {clock}] "{method} /api/webhook HTTP/1.1" {status} 512 {seconds:.6f}'


def steps(*seconds: float, total: float | None = None) -> str:
    names = ("Metadata Generation", "Memory Storage", "Context Retrieval", "Megaprompt LLM Call")
    told = [
        f"--- Step {number} ({name}) took: {took:.2f}s"
        for number, name, took in zip((1, 3, 4, 5), names, seconds, strict=False)
    ]
    whole = sum(seconds) if total is None else total
    return "\n".join([*told, f"--- Total process_user_message took: {whole:.2f}s"])


CONSOLE = "\n".join(
    [
        steps(0.03, 0.41, 0.07, 0.57),
        access("08:15:10", 1.093338),
        "*** Debug: nothing to see",
        steps(0.04, 0.0, 0.12, 1.2),
        access("08:15:44", 1.371),
        "",
    ]
).encode()

SERVER = b"""\
2026-03-04 12:09:31,924 - INFO - [SERVER_PERF:no-id] REQUEST_RECEIVED
2026-03-04 12:09:31,924 - INFO - [SERVER_PERF:no-id] PROCESSING_START
2026-03-04 12:09:31,930 - INFO - [SERVER_PERF:no-id] TEXT_PROCESSING_COMPLETE
2026-03-04 12:09:33,971 - INFO - [no-id] First chunk in 2047.31 ms (sequence=0, segment_idx=0)
2026-03-04 12:09:33,971 - INFO - [SERVER_PERF:no-id] FIRST_CHUNK_GENERATED
2026-03-04 12:09:33,972 - WARNING - [no-id] TTFA: 2047.31ms - TARGET MISSED (Target: 800.0ms)
2026-03-04 12:09:33,972 - WARNING - Bottlenecks identified: chunk_delivery (2047ms)
2026-03-04 12:09:35,000 - INFO - [no-id] Stats: segments=2/2, chunks=31, TTFA=2047.3ms, RTF=0.44, efficiency=0.9%, \
compliant=False
2026-03-04 12:09:35,001 - INFO - [SERVER_PERF:no-id] AUDIO_GENERATION_COMPLETE
2026-03-04 12:09:35,002 - INFO - [SERVER_PERF:no-id] FINAL_SUMMARY
INFO:     127.0.0.1:55242 - "POST /v1/audio/speech HTTP/1.1" 200 OK
2026-03-04 12:09:41,310 - INFO - [SERVER_PERF:no-id] REQUEST_RECEIVED
2026-03-04 12:09:41,790 - INFO - [no-id] First chunk in 480.02 ms (sequence=0, segment_idx=0)
2026-03-04 12:09:42,100 - INFO - [SERVER_PERF:no-id] FINAL_SUMMARY
"""

CLIENT_ID = "tts-1772618971900"  # 2026-03-04T10:09:31.900Z
CLIENT = b"""\
10:09:31 console opened
[PERF:tts-1772618971900] REQUEST_START { timestamp: '2026-03-04T10:09:31.900Z', textLength: 140, voice: 'af_heart' }
[PERF:tts-1772618971900] REQUEST_SENT {"timestamp":"2026-03-04T10:09:31.903Z","serverUrl":"http://localhost:8000"}
[PERF:tts-1772618971900] FIRST_BYTE_RECEIVED {
  timestamp: '2026-03-04T10:09:33.975Z',
  responseTimeMs: 2075,
  statusText: "it's } fine",
  headers: { 'content-type': 'audio/wav' }
}
[PERF:tts-1772618971900] FIRST_AUDIO_CHUNK { timestamp: '2026-03-04T10:09:33.976Z', ttfaMs: '2076.12', chunkSize: 8192 }
[PERF:tts-1772618971900] AUDIO_CHUNK_RECEIVED { chunkIndex: 1, chunkSize: 8192, elapsedTimeMs: 2076.5 }
[PERF:tts-1772618971900] LAST_AUDIO_CHUNK {timestamp: '2026-03-04T10:09:35.030Z', totalChunks: 41,audioDurationMs: 6890}
[PERF:tts-1772618971900] FINAL_SUMMARY {
  timestamp: '2026-03-04T10:09:35.031Z',
  status: 'FAIL',
  metrics: {
    totalTimeToFirstAudio: '2076.12ms', streamingEfficiency: '100.0%', cacheHit: false,
    providerUsed: 'CoreMLExecutionProvider'
  },
  warnings: [ 'TTFA above target' ]
}
"""


def pino(clock: str, message: str, **fields: object) -> str:
    told = {"level": "INFO", "time": f"2026-03-04T{clock}Z", "env": "development", "service": "tutor", **fields}
    return json.dumps({**told, "msg": message}, ensure_ascii=False) + "\n"


TUTOR = "".join(
    [
        pino("09:06:44.292", "✅ [STT] Transcription completed", timeMs=614, textLength=24),
        pino(
            "09:06:44.300", "Request completed", method="POST", path="/api/stt/transcribe", statusCode=200, duration=625
        ),
        pino("09:06:44.313", "🤖 [OLLAMA] Starting Ollama request", messageLength=24, conversationId="conv_7"),
        pino(
            "09:06:49.283", "✅ [OLLAMA] Ollama response received", responseLength=490, timeMs=4970, charsPerSecond="99"
        ),
        pino("09:06:49.288", "🚀 [PIPELINE] Starting response processing", responseLength=490),
        pino("09:06:49.290", "✅ [PIPELINE] Step 1 complete", chunkCount=2, source="structured", parseTimeMs=2),
        pino("09:06:49.290", "🎵 [TTS-QUEUE] Starting TTS for chunk", chunkIndex=0, text="Hi!", activeCount=0),
        pino("09:06:49.291", "🎤 [TTS] Starting TTS generation for chunk", chunkIndex=0, textLength=42),
        pino("09:06:49.405", "🎵 [TTS-QUEUE] Starting TTS for chunk", chunkIndex=1, text="So", activeCount=1),
        pino("09:06:52.720", "📥 [TTS-SERVICE] TTS backend response received", timeMs=3429),
        pino("09:06:54.485", "📥 [TTS-SERVICE] TTS backend response received", timeMs=5080),
        pino("09:06:57.957", "📋 [TTS-SERVICE] Metadata retrieved", timeMs=5237, fileId="fa"),
        pino(
            "09:06:57.958",
            "✅ [TTS-SERVICE] Speech synthesized successfully",
            textLength=42,
            fileId="fa",
            duration=6.38,
        ),
        pino(
            "09:06:57.959",
            "✅ [TTS] TTS generated successfully",
            chunkIndex=0,
            fileId="fa",
            totalTimeMs=8669,
            duration=6.38,
        ),
        pino("09:06:59.957", "📋 [TTS-SERVICE] Metadata retrieved", timeMs=5472, fileId="fb"),
        pino(
            "09:06:59.958",
            "✅ [TTS] TTS generated successfully",
            chunkIndex=1,
            fileId="fb",
            totalTimeMs=10553,
            duration=3.52,
        ),
        pino("09:06:59.959", "🏁 [TTS-QUEUE] TTS queue processing complete", totalChunks=2, completed=2, failed=0),
        pino(
            "09:06:59.960",
            "⏱️ Performance timings",
            timings=[{"label": "After Ollama", "timeMs": 4972, "percentage": "31.8%"}],
        ),
        pino(
            "09:06:59.962", "Request completed", method="POST", path="/api/ollama/chat", statusCode=200, duration=15651
        ),
        pino("09:06:59.990", "Request completed", method="GET", path="/api/health", statusCode=200, duration=2),
    ]
).encode()

OLLAMA_END = (
    '{"model":"gemma3","created_at":"2026-03-04T09:06:48.414671Z","response":"","done":true,"total_duration":4174560334,'
    '"load_duration":2101397084,"prompt_eval_count":11,"prompt_eval_duration":713074791,"eval_count":18,'
    '"eval_duration":1324796090}\n'
)
LLAMA_CPP = (
    '{"time":"2026-03-04T09:07:48.414Z","request_id":"r1","conversation_id":"c7","response":{"id":"chatcmpl-1","object":'
    '"chat.completion","created":1772615268,"model":"qwen","choices":[],"usage":{"prompt_tokens":1200,'
    '"completion_tokens":40},"timings":{"cache_n":1000,"prompt_n":200,"prompt_ms":180.5,"predicted_n":40,'
    '"predicted_ms":900.25}}}\n'
)
VLLM = (
    '{"id":"chatcmpl-2","object":"chat.completion","created":1772615300,"model":"llama","choices":[],"usage":'
    '{"prompt_tokens":42,"completion_tokens":128},"metrics":{"time_to_first_token_ms":85.2,"generation_time_ms":1240.5,'
    '"queue_time_ms":12.3}}\n'
)
USAGE = (
    '{"id":"chatcmpl-3","object":"chat.completion","created":1772615301,"model":"gpt","choices":[],"usage":'
    '{"prompt_tokens":42,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":20}}}\n'
)
ANSWERS = (OLLAMA_END + LLAMA_CPP + VLLM + USAGE).encode()
