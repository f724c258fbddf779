"""Runs a program to its end within bounds: of time, of output, and of what it may leave behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from app.text.problem import Problem
from app.text.units import duration_text

LINE_LIMIT = 1 << 20
"""Bytes of one line, beyond which a program is none of those that we know."""
OUTPUT_LIMIT = 4 << 20
"""Bytes of all that a program prints when it is asked something."""
KEPT_LINES = 50
"""So many last lines of a program that is followed line by line are kept, in case it fails."""
TOLD_LINES = 3
TOLD_CHARACTERS = 400

_ERROR = re.compile(r"^E:|\berror:", re.IGNORECASE)
"""A line that calls itself an error; apt's way is the first."""

PIECE = 1 << 16

T = TypeVar("T")
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
    def ending(self) -> str:
        """How it ended, for the end of a sentence, with its last errors, or else its last lines."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        telling = [line for line in lines if _ERROR.search(line)] or lines
        words = " | ".join(telling[-TOLD_LINES:])[:TOLD_CHARACTERS].rstrip(".")
        return f"(exit code {self.code}){': ' if words else ''}{words}."


async def run_to_end(command: Command, environment: Mapping[str, str], *, deadline_s: float) -> Ended:
    """Run a program that may fail.

    Raises:
        ToolProblem: it cannot be run, takes longer, or prints more than `OUTPUT_LIMIT`.
    """
    async with _running(command, environment, deadline_s) as program:
        output = await program.output()
        return Ended(await program.end(), output)


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
    last: deque[str] = deque(maxlen=KEPT_LINES)
    async with (
        _running(command, _tool_environment(), deadline_s) as program,
        aclosing(program.lines()) as lines,
    ):
        async for line in lines:
            last.append(line)
            yield line
        ended = Ended(await program.end(), "\n".join(last))
    _refuse_failure(command, ended)


def _tool_environment() -> dict[str, str]:
    """Ours, proxies included, but in the language that we read."""
    return {**os.environ, "LC_ALL": "C"}


def _refuse_failure(command: Command, ended: Ended) -> None:
    if ended.code != 0:
        raise ToolProblem(f"{Path(command[0]).name} failed {ended.ending}")


@dataclass(frozen=True, slots=True)
class _Running:
    """A program under way, and when it has to be done."""

    name: str
    process: asyncio.subprocess.Process
    deadline_s: float
    deadline: float
    """The same by the loop's clock."""

    async def output(self) -> str:
        """All that it prints until it closes its output."""
        assert self.process.stdout is not None
        printed = bytearray()
        while piece := await self._in_time(self.process.stdout.read(PIECE)):
            printed += piece
            if len(printed) > OUTPUT_LIMIT:
                raise self._endless()
        return printed.decode("utf-8", "replace").rstrip()

    async def lines(self) -> AsyncGenerator[str]:
        """The same line by line, as it comes; the whole may be of any length."""
        assert self.process.stdout is not None
        try:
            while line := await self._in_time(self.process.stdout.readline()):
                yield line.decode("utf-8", "replace").rstrip()
        except ValueError:  # by `LINE_LIMIT`
            raise self._endless() from None

    async def end(self) -> int:
        """Its exit code; a program may close its output and run on."""
        return await self._in_time(self.process.wait())

    async def _in_time(self, awaited: Coroutine[Any, Any, T]) -> T:
        try:
            async with asyncio.timeout_at(self.deadline):
                return await awaited
        except TimeoutError:
            text = f"{self.name} took longer than {duration_text(self.deadline_s)}."
            raise ToolProblem(text) from None

    def _endless(self) -> ToolProblem:
        return ToolProblem(f"{self.name} prints without end.")


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
    process = await _start(command, environment)
    try:
        deadline = asyncio.get_running_loop().time() + deadline_s
        yield _Running(Path(command[0]).name, process, deadline_s, deadline)
    except BaseException:
        await _end_group(process)
        raise
    await process.wait()


async def _start(command: Command, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    starting = asyncio.create_task(_spawn(command, environment), name=f"start of {command[0]}")
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # It may run already: asyncio would end the program itself, but nothing that it has started.
        with suppress(ToolProblem):
            await _end_group(await starting)
        raise


async def _spawn(command: Command, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    program = Path(command[0])
    try:
        return await asyncio.create_subprocess_exec(
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


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """End the program and what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    # Its transport is done one turn later; a loop that closes before that would complain of it.
    await asyncio.sleep(0)
