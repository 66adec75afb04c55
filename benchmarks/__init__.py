"""What we cost ourselves. Each module here with a function `run() -> list[Figure]` is one benchmark."""
