"""Coordinators that run as far as anybody can see, and do nothing."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from app.core.coordinator_status import CoordinatorStatus
from app.core.coordinators import Coordinators


@dataclass(frozen=True)
class Running:
    """One of them."""

    status: CoordinatorStatus
    running: bool = True
    log: None = None
    load: None = None

    async def until_launched(self) -> None:
        """It is, long since."""

    async def occupation(self) -> str | None:
        """Nobody asks it anything."""
        return None


def let_run(monkeypatch: pytest.MonkeyPatch, *statuses: CoordinatorStatus) -> None:
    """Have coordinators run in these states, and no others."""
    for which in ("known", "present"):
        monkeypatch.setattr(Coordinators, which, tuple(map(Running, statuses)))
