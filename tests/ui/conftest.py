"""A console without a terminal, on a cluster that is alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.core.cluster import Cluster
from tests.support.console import WIDE, Console, OpenConsole, OpenedConsole, lonely_cluster


@pytest.fixture(autouse=True)
def many_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever terminal the tests are run in, the console shall think of one that has all colours."""
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")


@pytest.fixture
def open_console(tmp_path: Path) -> OpenConsole:
    """Opens a console; its settings are the lines of a configuration file. Toasts are not drawn unasked."""

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
