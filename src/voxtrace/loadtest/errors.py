"""Why a load test is not begun."""

from __future__ import annotations

from voxtrace.errors import VoxtraceError


class RemoteTarget(VoxtraceError):
    """The target is not this machine, and nobody said that it may be loaded."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where} is not this machine; a load test can put a server out of action: "
            "say --allow-remote if it is yours to load"
        )
        self.where = where


class PlanTooLarge(VoxtraceError):
    """The plan would send more requests than one run may."""

    def __init__(self, requests: float, most: int) -> None:
        super().__init__(
            f"the plan is for {requests:,.0f} requests and one run may send {most:,}; "
            "take a lower rate, a shorter time, or raise --max-requests"
        )
        self.requests, self.most = requests, most
