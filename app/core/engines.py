"""The engine of this box: found once, looked for again when it was fetched or has moved."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from app.config.disk import write_private
from app.config.settings import EngineSettings
from app.core.worker import ask_protocol
from app.llama.engine import Engine, EngineProblem, Programs, examine, find_programs
from app.text.problem import Problem
from app.text.version import ProtocolVersion

if TYPE_CHECKING:
    from app.llama.install import Route


@dataclass(frozen=True, slots=True)
class _Remembered:
    """An engine, and the stamps of its programs when it was examined."""

    stamps: tuple[tuple[int, int], ...]
    engine: Engine


class Engines:
    """Knows the engine, or why there is none."""

    def __init__(
        self, settings: EngineSettings, folder: Path, cache: Path, environment: Mapping[str, str]
    ) -> None:
        self.folder = settings.folder or folder
        """Where this program puts an engine that it fetches."""
        self.downloads = cache / "downloads"
        """Kept, so that fetching it again needs no network."""
        self._settings = settings
        self._memory = cache / "engine.json"
        self._environment = environment
        self._found: Engine | EngineProblem | None = None
        self.fetching: str | None = None
        """What is being done to fetch one; None while nobody does."""
        self._looking = asyncio.Lock()

    @property
    def found(self) -> Engine | EngineProblem | None:
        """The engine, or why there is none; None while nobody has looked."""
        return self._found

    async def current(self) -> Engine:
        """The engine.

        Raises:
            EngineProblem: there is none, or it does not start; with the remedy.
        """
        async with self._looking:
            if self._found is None:
                try:
                    self._found = await self._find()
                except EngineProblem as problem:
                    self._found = problem
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

    async def fetch(self, route: Route | None = None) -> AsyncGenerator[str]:
        """Fetch an engine into the private folder, telling each step once; from then on it can be found.

        Raises:
            InstallProblem: it cannot be had or does not run; what was there before is still there.
        """
        # Not needed at a start, which it would make slower.
        from app.llama.install import get_engine

        try:
            async with aclosing(get_engine(self.folder, self.downloads, route)) as steps:
                async for step in steps:
                    if step.in_tenths != self.fetching:
                        self.fetching = step.in_tenths
                        yield self.fetching
        finally:
            self.fetching = None
        self.forget()

    def forget(self) -> None:
        """Look for the engine again next time."""
        self._found = None

    async def _find(self) -> Engine:
        """The first that can use backends, else the first that runs."""
        programs = await asyncio.to_thread(
            find_programs,
            server=self._settings.server,
            rpc_server=self._settings.rpc_server,
            path=self._environment.get("PATH", ""),
            private_folder=self.folder,
        )
        remembered = await asyncio.to_thread(self._recall)
        seen, problems = list[_Remembered](), list[EngineProblem]()
        for one in programs:
            try:
                seen.append(await self._see(one, remembered))
            except EngineProblem as problem:
                problems.append(problem)
                continue
            if seen[-1].engine.supports_rpc:
                break
        if not seen:
            raise problems[0]
        if seen != remembered:
            await asyncio.to_thread(self._remember, seen)
        return next((s.engine for s in seen if s.engine.supports_rpc), seen[0].engine)

    async def _see(self, programs: Programs, remembered: list[_Remembered]) -> _Remembered:
        stamps = await asyncio.to_thread(_stamps, programs)
        for before in remembered:
            if before.stamps == stamps and _same(before.engine, programs):
                return before
        engine = await examine(programs, self._environment)
        if engine.rpc_server is not None:
            engine = replace(engine, protocol=await ask_protocol(engine.rpc_server, self._environment))
        return _Remembered(stamps, engine)

    def _recall(self) -> list[_Remembered]:
        try:
            return msgspec.json.decode(self._memory.read_bytes(), type=list[_Remembered], dec_hook=_path)
        except (OSError, msgspec.DecodeError):
            return []

    def _remember(self, seen: list[_Remembered]) -> None:
        # Losing it costs the next start a second, so failing to keep it is no error.
        with contextlib.suppress(Problem):
            write_private(self._memory, msgspec.json.encode(seen, enc_hook=os.fspath))


def _stamps(programs: Programs) -> tuple[tuple[int, int], ...]:
    there = (p.stat() for p in (programs.server, programs.rpc_server, programs.fit_params) if p is not None)
    return tuple((status.st_size, status.st_mtime_ns) for status in there)


def _same(engine: Engine, programs: Programs) -> bool:
    return (engine.server, engine.rpc_server, engine.fit_params, engine.origin) == (
        programs.server,
        programs.rpc_server,
        programs.fit_params,
        programs.origin,
    )


def _path(kind: type, text: object) -> Path:
    """Paths are written as text, for msgspec knows none."""
    if kind is not Path or not isinstance(text, str):
        raise NotImplementedError(kind)
    return Path(text)
