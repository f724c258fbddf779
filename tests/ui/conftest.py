"""A console without a terminal, on a cluster that is alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.core.cluster import Cluster
from tests.support.console import WIDE, Console, OpenConsole, OpenedConsole, lonely_cluster


@pytest.fixture
def open_console(tmp_path: Path) -> OpenConsole:
    """Opens a console; its settings are the lines of a configuration file. Toasts are drawn only on demand."""

    @asynccontextmanager
    async def opened(
        *lines: str,
        size: tuple[int, int] = WIDE,
        before: Callable[[Cluster], object] = lambda _cluster: None,
        welcomed: bool = False,
        toasts: bool = False,
    ) -> AsyncIterator[Console]:
        async with lonely_cluster(tmp_path / "cluster", *lines, welcomed=welcomed) as cluster:
            before(cluster)
            app = OpenedConsole(cluster)
            async with app.run_test(size=size, notifications=toasts) as pilot:
                await pilot.pause()
                yield Console(app, pilot, cluster)
            failed = [worker for worker in app.workers if worker.error is not None]
            assert not failed, failed

    return opened
