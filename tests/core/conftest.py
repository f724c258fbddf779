"""A whole cluster in a temporary folder, on the real engine where a test asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from app.config.origins import Overrides, resolve
from app.config.state import StateFile
from app.core.cluster import Cluster, Places
from app.llama.engine import Engine

OpenCluster = Callable[..., AbstractAsyncContextManager[Cluster]]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return Places(
        state_file=tmp_path / "state" / "state.yaml",
        state=tmp_path / "state",
        cache=tmp_path / "cache",
        engine=tmp_path / "no-engine",
        home=home,
    )


@pytest.fixture
def open_cluster(places: Places, tmp_path: Path) -> OpenCluster:
    """Opens a cluster; its settings are the lines of a configuration file."""

    @asynccontextmanager
    async def opened(
        *lines: str, engine: Engine | None = None, backends: Sequence[object] = ()
    ) -> AsyncIterator[Cluster]:
        config = tmp_path / "config.yaml"
        programs = [f"engine: {{server: {engine.server}, rpc_server: {engine.rpc_server}}}"] if engine else []
        config.write_text("\n".join((*lines, *programs, "")))
        resolved = resolve(
            command_line=Overrides(rpc_backends=tuple(str(b) for b in backends)),
            environment={"PATH": "/usr/bin:/bin"},
            state=StateFile(places.state_file).read(),
            config=config,
        )
        async with Cluster(resolved, places, {"PATH": "/usr/bin:/bin"}) as cluster:
            yield cluster

    return opened
