"""The player: sound comes in over a WebSocket, waits in a jitter buffer, and leaves through a device on time."""

NULL = "null"
"""Name of the device that keeps time and makes no sound."""
