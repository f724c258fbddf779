"""Finds the llama.cpp programs of this box and asks them what they can do."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.llama.environment import clean_environment
from app.text.problem import Problem
from app.text.version import ProtocolVersion

SERVER = "llama-server"
RPC_SERVERS = ("ggml-rpc-server", "rpc-server")
"""The RPC server's names, the newer one first."""
FIT_PARAMS = "llama-fit-params"
LIBEXEC = Path("/usr/libexec")
"""Debian puts the RPC server into a folder below this one, off the PATH."""
ASKING_S = 20.0
OUTPUT_LIMIT = 1 << 20

_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+")
_VERSION = re.compile(r"version:\s*(?P<version>\S+(?:\s*\([^)\n]*\))?)")
_BUILD = re.compile(r"\bbuild[ :]+(?P<build>\d+)|\bb(?P<tag>\d{3,})\b|version:\s*(?P<old>\d{3,})\s")
GET = "Fetch it with 'synaptic-tui engine get', or name it as engine.server in the configuration."


class EngineProblem(Problem):
    """There is no engine, or it does not run."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The programs, and what they can do."""

    server: Path
    rpc_server: Path | None
    fit_params: Path | None
    origin: str
    """Where the server was found: `settings`, `PATH` or `private folder`."""
    version: str | None
    build: int | None
    options: frozenset[str]
    """Long options that the server's help lists."""
    protocol: ProtocolVersion | None = None
    """RPC version, as the RPC server itself tells it; None where that was not asked."""

    @property
    def supports_rpc(self) -> bool:
        """Whether it can use backends."""
        return "--rpc" in self.options

    @property
    def supports_jsonl(self) -> bool:
        """Whether it can log as JSON lines."""
        return "--log-jsonl" in self.options


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the programs are."""

    server: Path
    rpc_server: Path | None
    fit_params: Path | None
    origin: str


def find_programs(
    *, server: Path | None, rpc_server: Path | None, path: str, private_folder: Path
) -> Programs:
    """The programs: those that were named, else those on the PATH, else those that were fetched.

    Raises:
        EngineProblem: there are none, or one that was named is not there.
    """
    for named in (server, rpc_server):
        if named is not None and not _is_program(named):
            raise EngineProblem(f"The engine program {named} is not there, or cannot be run.", GET)
    found, origin = server, "settings"
    if found is None and (on_path := shutil.which(SERVER, path=path)):
        found, origin = Path(on_path), "PATH"
    if found is None and _is_program(private_folder / SERVER):
        found, origin = private_folder / SERVER, "private folder"
    if found is None:
        raise EngineProblem("No llama-server is found on this box.", GET)
    beside = [found.parent, *map(Path, path.split(os.pathsep)), *_libexec()]
    return Programs(found, rpc_server or _first(beside, *RPC_SERVERS), _first(beside, FIT_PARAMS), origin)


async def examine(programs: Programs, environment: Mapping[str, str]) -> Engine:
    """Run the server twice, for its version and its help.

    Raises:
        EngineProblem: it does not run.
    """
    clean = clean_environment(environment)
    version_text = await _ask(programs.server, "--version", clean)
    help_text = await _ask(programs.server, "--help", clean)
    options = frozenset(_OPTION.findall(help_text))
    if "--host" not in options:
        raise EngineProblem(f"{programs.server} does not behave like a llama-server.", GET)
    version, build = _VERSION.search(version_text), _BUILD.search(version_text)
    return Engine(
        programs.server,
        programs.rpc_server,
        programs.fit_params,
        programs.origin,
        version["version"] if version else None,
        int(next(number for number in build.groups() if number)) if build else None,
        options,
    )


async def _ask(program: Path, option: str, environment: Mapping[str, str]) -> str:
    """What the program prints for an option; standard error counts too, some builds use it."""
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            option,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise EngineProblem(f"{program} cannot be run: {error.strerror}.", GET) from None
    assert process.stdout is not None
    output = bytearray()
    try:
        async with asyncio.timeout(ASKING_S):
            while len(output) < OUTPUT_LIMIT and (piece := await process.stdout.read(1 << 16)):
                output += piece
            if len(output) < OUTPUT_LIMIT:
                await process.wait()
    except TimeoutError:
        raise EngineProblem(f"{program} {option} did not answer within {ASKING_S:.0f} s.", GET) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        last = output.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise EngineProblem(
            f"{program} does not run (exit code {process.returncode}){': ' + last[0][:200] if last else ''}.",
            GET,
        )
    return output.decode("utf-8", "replace")


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _first(folders: list[Path], *names: str) -> Path | None:
    return next((f / name for f in folders for name in names if _is_program(f / name)), None)


def _libexec() -> Iterator[Path]:
    return LIBEXEC.glob("*/llama/bin")
