"""One error class per cause. The message says what to do; the facts are attributes.

Rooms define their own errors below `VoxtraceError`; here stand those that more than one room raises.
`exit_code` is what the command line answers with when the error reaches it.
"""

from __future__ import annotations

from pathlib import Path

EXIT_FAIL = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3


class VoxtraceError(Exception):
    """Anything that Voxtrace knows how to explain."""

    exit_code = EXIT_USAGE


class InvalidOption(VoxtraceError):
    """A setting, flag or argument has a value that can't be used."""

    def __init__(self, name: str, value: object, why: str) -> None:
        super().__init__(f"{name}={value!r} can't be used: {why}")
        self.name, self.value, self.why = name, value, why


class MissingExtra(VoxtraceError):
    """A feature needs a package that only an extra installs."""

    def __init__(self, extra: str, needs: str) -> None:
        super().__init__(f"this needs {needs}; install it with: pip install 'voxtrace[{extra}]'")
        self.extra, self.needs = extra, needs


class DataFolderUnusable(VoxtraceError):
    """The data folder can't be created or written."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"the data folder {folder} can't be written ({why}); choose another with --data DIR or VOXTRACE_DATA"
        )
        self.folder, self.why = folder, why


class DataFolderInUse(VoxtraceError):
    """Another Voxtrace process of the same kind already works on this data folder."""

    def __init__(self, folder: Path, role: str, pid: int | None) -> None:
        holder = f"process {pid}" if pid else "another process"
        super().__init__(
            f"{holder} already runs {role!r} on {folder}; stop it, or give this one its own folder with --data DIR"
        )
        self.folder, self.role, self.pid = folder, role, pid


class PortInUse(VoxtraceError):
    """Something else listens on the port."""

    def __init__(self, host: str, port: int, flag: str = "--port") -> None:
        super().__init__(f"{host}:{port} is in use; stop what listens there or choose another port with {flag} N")
        self.host, self.port = host, port


class Unreachable(VoxtraceError):
    """A server or a store that is needed does not answer."""

    exit_code = EXIT_UNREACHABLE

    def __init__(self, what: str, why: str, hint: str = "") -> None:
        super().__init__(f"{what} can't be reached: {why}" + (f"; {hint}" if hint else ""))
        self.what, self.why = what, why
