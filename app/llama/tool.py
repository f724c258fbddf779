"""Runs a program to its end within bounds: of time, of output, and of what it may leave behind."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from app.text.problem import Problem
from app.text.units import duration_text

LINE_LIMIT = 1 << 20
"""Bytes of one line, beyond which a program is none of those that we know."""
OUTPUT_LIMIT = 4 << 20
"""Characters that are kept of what a program prints."""
TAIL = 5
"""So many last lines of a failed program are told."""

Command = Sequence[str | Path]


class ToolProblem(Problem):
    """A program that cannot be run, takes too long, prints without end, or fails."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and what it printed on both of its outputs."""

    code: int
    """Exit code; negative for a signal."""
    output: str

    @property
    def last_words(self) -> str:
        """Its last lines, in one."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return " | ".join(lines[-TAIL:])


async def run_to_end(command: Command, environment: Mapping[str, str], *, deadline_s: float) -> Ended:
    """Run a program that may fail.

    Raises:
        ToolProblem: it cannot be run, takes longer, or prints more than `OUTPUT_LIMIT`.
    """
    printed: list[str] = []
    size = 0
    async with _running(command, environment, deadline_s) as program, aclosing(program.lines()) as lines:
        async for line in lines:
            printed.append(line)
            size += len(line) + 1
            if size > OUTPUT_LIMIT:
                raise program.endless()
        return Ended(await program.end(), "\n".join(printed))


async def tool_output(command: Command, *, deadline_s: float) -> str:
    """What a tool of this box prints.

    Raises:
        ToolProblem: as `run_to_end`, or it fails; with its last words.
    """
    ended = await run_to_end(command, _tool_environment(), deadline_s=deadline_s)
    _refuse_failure(command, ended)
    return ended.output


async def tool_lines(command: Command, *, deadline_s: float) -> AsyncGenerator[str]:
    """The lines of a tool of this box as it prints them; closing the iterator ends it.

    Raises:
        ToolProblem: it cannot be run, takes longer, or fails; with its last words.
    """
    last: list[str] = []
    async with (
        _running(command, _tool_environment(), deadline_s) as program,
        aclosing(program.lines()) as lines,
    ):
        async for line in lines:
            last = [*last[1 - TAIL :], line]
            yield line
        ended = Ended(await program.end(), "\n".join(last))
    _refuse_failure(command, ended)


def _tool_environment() -> dict[str, str]:
    """Ours, proxies included, but in the language that we read."""
    return {**os.environ, "LC_ALL": "C"}


def _refuse_failure(command: Command, ended: Ended) -> None:
    if ended.code != 0:
        said = f": {ended.last_words}" if ended.last_words else "."
        raise ToolProblem(f"{Path(command[0]).name} failed (exit code {ended.code}){said}")


@dataclass(frozen=True, slots=True)
class _Running:
    """A program under way, and when it has to be done."""

    name: str
    process: asyncio.subprocess.Process
    deadline_s: float
    deadline: float
    """The same by the loop's clock."""

    async def lines(self) -> AsyncGenerator[str]:
        """What it prints, line by line, until it closes its output."""
        assert self.process.stdout is not None
        while True:
            try:
                async with asyncio.timeout_at(self.deadline):
                    raw = await self.process.stdout.readline()
            except TimeoutError:
                raise self._late() from None
            except ValueError:  # by `LINE_LIMIT`
                raise self.endless() from None
            if not raw:
                return
            yield raw.decode("utf-8", "replace").rstrip()

    async def end(self) -> int:
        """Its exit code; a program may close its output and run on."""
        try:
            async with asyncio.timeout_at(self.deadline):
                return await self.process.wait()
        except TimeoutError:
            raise self._late() from None

    def endless(self) -> ToolProblem:
        """What to say of too much output."""
        return ToolProblem(f"{self.name} prints without end.")

    def _late(self) -> ToolProblem:
        return ToolProblem(f"{self.name} took longer than {duration_text(self.deadline_s)}.")


def _not_there(program: Path) -> ToolProblem:
    """The kernel says the same of a program and of the loader that the program names."""
    if program.exists():
        return ToolProblem(f"{program} cannot be run: the loader that it names is not there.")
    return ToolProblem(f"{program} is not there.")


@asynccontextmanager
async def _running(
    command: Command, environment: Mapping[str, str], deadline_s: float
) -> AsyncIterator[_Running]:
    """The program in a session of its own; all of it is gone after the block."""
    program = Path(command[0])
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
            start_new_session=True,
            limit=LINE_LIMIT,
        )
    except FileNotFoundError:
        raise _not_there(program) from None
    except OSError as error:
        raise ToolProblem(f"{program} cannot be run: {error.strerror}.") from None
    try:
        yield _Running(program.name, process, deadline_s, asyncio.get_running_loop().time() + deadline_s)
    except BaseException:
        # The whole group: a tool may have started others.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        await process.wait()
