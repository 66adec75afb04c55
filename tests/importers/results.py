"""Result files as other tools write them: the form is theirs, the numbers are made up."""

from __future__ import annotations

import json
import sqlite3
from pathlib import PurePath

NOON = 1_764_253_805.0


def monitor(**fields: object) -> bytes:
    """performance-metrics.json."""
    samples = [
        {
            "timestamp": NOON + 30 * n, "ttfa_ms": 812.4 + n, "api_latency_ms": 901.5 + n, "memory_mb": 644.0,
            "cpu_percent": 12.5, "active_connections": 1, "error_rate": 0.0, "provider": "CPUExecutionProvider",
            "text_length": 48, "request_id": f"probe-{n}",
        }
        for n in range(3)
    ]  # fmt: skip
    baselines = {"ttfa_ms": {"p50": 800.0, "p95": 950.0}, "api_latency_ms": {"p50": 850.0, "p95": 990.0}}
    alerts = [{"timestamp": NOON, "severity": "warning", "metric": "ttfa_ms", "current_value": 812.4}]
    return json.dumps(
        {"timestamp": NOON + 100, "baselines": baselines, "metrics": samples, "alerts": alerts, **fields}
    ).encode()


def production(**fields: object) -> bytes:
    """production_metrics_*.json, with a cycle that timed nothing."""
    cycles = [
        {
            "timestamp": f"2025-09-14T08:{minute:02d}:00", "ttfa_ms": ttfa, "rss_mb": 812.0, "cpu_percent": 3.0,
            "num_threads": 41, "open_files": 12, "connections": 2, "active_provider": "CoreMLExecutionProvider",
            "is_cold_start": minute == 0, "alerts": [],
        }
        for minute, ttfa in enumerate((2950.5, 402.25, float("inf")))
    ]  # fmt: skip
    session = {"start_time": "2025-09-14T08:00:00", "end_time": "2025-09-14T08:03:00", "total_cycles": 3}
    return json.dumps({"monitoring_session": session, "metrics": cycles, "summary": {}, **fields}).encode()


def unified(trials: int = 4, **fields: object) -> bytes:
    """The unified runner: three trials of four, one of which failed."""
    metrics = [
        {
            "ttfa_ms": "612.50ms", "rtf": 0.42, "total_time_ms": 2104.0, "memory_mb": 700.1, "cpu_percent": 88.0,
            "provider_used": "CPUExecutionProvider", "chunks_delivered": 31, "audio_duration_s": 5.01,
            "success": True, "error": None, "timestamp": NOON + 10 * n, "model_version": "v1.0-int8",
        }
        for n in range(2)
    ]  # fmt: skip
    failed = {"ttfa_ms": float("inf"), "success": False, "error": "HTTP 503", "timestamp": NOON + 20}
    config = {
        "server_url": "http://localhost:8080",
        "voice": "af_heart",
        "speed": 1.0,
        "trials": trials,
        "stream": True,
    }
    summary = {"ttfa": {"median": 612.5, "p50": 612.5, "p95": 612.5}}
    return json.dumps(
        {"benchmark_name": "ttfa", "config": config, "metrics": [*metrics, failed], "summary": summary,
         "timestamp": NOON, **fields}
    ).encode()  # fmt: skip


def endpoints() -> bytes:
    """benchmark_results.json: the second endpoint repeats what the first was asked."""
    return json.dumps(
        [
            {
                "endpoint": endpoint, "voice": "af_heart", "text_length": length, "total_time_ms": total,
                "first_byte_time_ms": first, "audio_size_bytes": 240_044, "memory_before_mb": 600.0,
                "memory_after_mb": 604.0, "memory_delta_mb": 4.0, "streaming": True, "success": True, "error": None,
            }
            for endpoint, length, first, total in (
                ("raycast", 40, 1840.5, 2400.0),
                ("raycast", 900, 3112.0, 9800.0),
                ("openwebui", 40, 6.2, 9.1),
                ("openwebui", 900, 8.4, 14.9),
            )
        ]
    ).encode()  # fmt: skip


def providers(apart_s: float) -> bytes:
    """detailed_provider_benchmark_*.json, each result written `apart_s` seconds behind the last one."""
    results = [
        {
            "timestamp": NOON + n * apart_s, "test_config": "short", "text_length": 60, "phoneme_count": 55,
            "provider": provider, "provider_type": "gpu", "device": "test", "text_processing_time_ms": 12.0,
            "ttfa_ms": ttfa, "total_processing_time_ms": 2 * ttfa, "memory_usage_mb": 150, "performance_rating": "good",
        }
        for n, (provider, ttfa) in enumerate((("coreml", 626.0), ("cpu", 841.0), ("azure", 707.0)))
    ]  # fmt: skip
    return json.dumps({"provider_stats": {}, "summary": {}, "detailed_results": results}).encode()


def models(**fields: object) -> bytes:
    """model_comparison_EPOCH.json."""
    measured = {"num_requests": 5, "errors": 1, "times_ms": [4120.5, 8.1, 7.9, 8.4], "median_ms": 8.1, "p95_ms": 4120.5}
    info = {"model_loaded": True, "onnx_providers": [], "performance": {"provider_used": "CPUExecutionProvider"}}
    config = {"base_url": "http://127.0.0.1:8000", "num_requests": 5, "test_text_length": 65}
    document = {"timestamp": NOON, "test_config": config, "model_info": info, "quantized_model_benchmark": measured}
    return json.dumps({**document, **fields}).encode()


def ttfa_measurements(**fields: object) -> bytes:
    """/ttfa-measurements."""
    measurements = [
        {
            "request_id": "no-id", "timestamp": NOON + n, "text_length": 44, "voice": "af_bella", "speed": 1.0,
            "timings": {"text_processing_ms": 14.5, "model_inference_ms": 401.0, "audio_generation_ms": 3.0,
                        "first_chunk_delivery_ms": 2.0, "daemon_communication_ms": 0.0, "total_ttfa_ms": 431.25 + n},
            "performance": {"target_ttfa_ms": 800, "achieved_target": True, "bottlenecks": [],
                            "provider_used": "CPUExecutionProvider"},
        }
        for n in range(2)
    ]  # fmt: skip
    return json.dumps({"measurements": measurements, "count": 2, "limit": 10, "status": "ok", **fields}).encode()


def history(*rows: tuple[object, str, object], script: str = "") -> bytes:
    """metrics_history.db."""
    with sqlite3.connect(":memory:") as database:
        database.execute(
            "CREATE TABLE metrics(id INTEGER PRIMARY KEY, timestamp REAL, metric_name TEXT, value REAL,"
            " metadata TEXT, created_at TEXT)"
        )
        database.executemany("INSERT INTO metrics(timestamp, metric_name, value) VALUES (?,?,?)", rows)
        database.executescript(script)
        database.commit()
        return database.serialize()


def phrases() -> bytes:
    """predictive_cache.db."""
    with sqlite3.connect(":memory:") as database:
        database.execute(
            "CREATE TABLE phrase_usage(phrase_hash TEXT PRIMARY KEY, phrase TEXT, voice TEXT, speed REAL, lang TEXT,"
            " count INTEGER, last_used REAL, avg_response_time REAL, created_at REAL)"
        )
        database.execute("INSERT INTO phrase_usage VALUES ('a', 'Hello', 'v', 1.0, 'en', 7, 1.0, 0.4, 2460000.5)")
        database.commit()
        return database.serialize()


HISTORY = history((NOON, "ttfa_ms", 512.5), (NOON, "memory_mb", 700.0), (NOON + 60, "ttfa_ms", 498.0))

GOOD = {
    "kokoro-monitor": (PurePath("/out/performance-metrics.json"), monitor()),
    "kokoro-production-monitor": (PurePath("/out/production_metrics_20250914.json"), production()),
    "kokoro-unified-benchmark": (PurePath("/out/ttfa_benchmark.json"), unified()),
    "kokoro-endpoint-results": (PurePath("/bench/2025-08-16/benchmark_results_120000.json"), endpoints()),
    "kokoro-provider-benchmark": (PurePath("/out/detailed_provider_benchmark_002838.json"), providers(4.0)),
    "kokoro-model-comparison": (PurePath("/out/model_comparison_1764253805.json"), models()),
    "kokoro-ttfa-measurements": (PurePath("/out/ttfa-measurements.json"), ttfa_measurements()),
    "kokoro-metrics-history": (PurePath("/out/metrics_history.db"), HISTORY),
}
