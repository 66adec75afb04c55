"""Logs as their writers would have written them, made up for these tests."""

from __future__ import annotations

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
