"""The engine of this box: found once, looked for again when it was fetched or has moved."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from app.config.settings import EngineSettings
from app.llama.engine import Engine, EngineProblem, find_engine
from app.text.version import ProtocolVersion


class Engines:
    """Knows the engine, or why there is none."""

    def __init__(
        self, settings: EngineSettings, folder: Path, cache: Path, environment: Mapping[str, str]
    ) -> None:
        self.folder = settings.folder or folder
        """Where this program puts an engine that it fetches."""
        self._settings = settings
        self._cache = cache / "engine.json"
        self._environment = environment
        self._found: Engine | EngineProblem | None = None
        self._looking = asyncio.Lock()

    async def current(self) -> Engine:
        """The engine.

        Raises:
            EngineProblem: there is none, or it does not start; with the remedy.
        """
        async with self._looking:
            if self._found is None:
                self._found = await self._find()
        if isinstance(self._found, EngineProblem):
            raise self._found
        return self._found

    async def problem(self) -> str | None:
        """Why there is no engine, in words; None where there is one."""
        try:
            await self.current()
        except EngineProblem as problem:
            return str(problem)
        return None

    async def problem_with_backends(self) -> str | None:
        """Why the engine that is there cannot use backends, in words; None where it can."""
        try:
            engine = await self.current()
        except EngineProblem as problem:
            return str(problem)
        if engine.supports_rpc:
            return None
        return f"{engine.server} was built without RPC. Fetch one that has it with 'synaptic-tui engine get'."

    async def protocol(self) -> ProtocolVersion | None:
        """The RPC protocol that our coordinators speak; None where it is not known."""
        try:
            return (await self.current()).protocol
        except EngineProblem:
            return None

    def forget(self) -> None:
        """Look for the engine again next time."""
        self._found = None

    async def _find(self) -> Engine | EngineProblem:
        try:
            return await find_engine(
                server=self._settings.server,
                rpc_server=self._settings.rpc_server,
                environment=self._environment,
                private_folder=self.folder,
                cache=self._cache,
            )
        except EngineProblem as problem:
            return problem
