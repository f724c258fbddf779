"""What fetching the engine is made of: steps that are told, and tools that are run."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.text.problem import Problem
from app.text.units import duration_text

TAIL = 5
"""So many last lines of a failed tool are told."""
LINE_LIMIT = 1 << 20


class InstallProblem(Problem):
    """The engine could not be fetched."""


@dataclass(frozen=True, slots=True)
class InstallStep:
    """What is being done now, and how far it is; None where that is not known."""

    text: str
    done: int | None = None
    total: int | None = None
    """In one unit of their own: bytes, or per cent."""


async def run_tool(
    command: Sequence[str],
    *,
    deadline_s: float,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a tool to its end and return what it printed.

    Raises:
        InstallProblem: it is not there, took too long, or failed; with its last words.
    """
    output = [
        line
        async for line in tool_lines(command, deadline_s=deadline_s, folder=folder, environment=environment)
    ]
    return "\n".join(output)


async def tool_lines(
    command: Sequence[str],
    *,
    deadline_s: float,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncGenerator[str]:
    """Run a tool and yield its lines as it prints them; ended with all its children when the iterator closes.

    Raises:
        InstallProblem: it is not there, took too long, or failed; with its last words.
    """
    tool = Path(command[0]).name
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C", **(environment or {})},
            start_new_session=True,
            limit=LINE_LIMIT,
        )
    except OSError as error:
        raise InstallProblem(f"{tool} cannot be run: {error.strerror}.", f"Install {tool}.") from None
    assert process.stdout is not None
    last: list[str] = []
    deadline = asyncio.get_running_loop().time() + deadline_s
    try:
        while True:
            async with asyncio.timeout_at(deadline):
                raw = await process.stdout.readline()
            if not raw:
                break
            line = raw.decode("utf-8", "replace").rstrip()
            last = [*last[1 - TAIL :], line] if line else last
            yield line
        async with asyncio.timeout_at(deadline):
            code = await process.wait()
    except TimeoutError:
        raise InstallProblem(f"{tool} took longer than {duration_text(deadline_s)}.", "Try again.") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if code != 0:
        raise InstallProblem(f"{tool} failed (exit code {code}): {' | '.join(last)}")
