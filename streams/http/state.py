"""What the parts of `warden serve` share: what is counted, what is not ready, and whether the process shall end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from streams.http.metrics import ServeMetrics

Check = Callable[[], str]
"""What is not ready, for a person; empty when all is well."""


@dataclass(slots=True)
class ProcessState:
    """Of one process. `checks`: what /readyz asks, by a part's name. `stopping`: nothing new is begun."""

    metrics: ServeMetrics = field(default_factory=ServeMetrics)
    checks: dict[str, Check] = field(default_factory=dict)
    stopping: bool = False
    changing: int = 0
    """Requests that change something and are not answered yet."""

    def problems(self) -> dict[str, str]:
        """Part -> what is not ready of it."""
        found = {name: check() for name, check in self.checks.items()}
        return {name: problem for name, problem in found.items() if problem}

    async def finish(self, seconds: float) -> bool:
        """Begins nothing new, and waits for what changes something; whether all of it was answered in time."""
        self.stopping = True
        deadline = asyncio.get_running_loop().time() + seconds
        while self.changing and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)
        return not self.changing
