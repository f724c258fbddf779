"""Finds the llama.cpp programs of this box and asks them what they can do."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.llama.environment import clean_environment
from app.llama.tool import Ended, ToolProblem, run_to_end
from app.text.problem import Problem
from app.text.version import ProtocolVersion

SERVER = "llama-server"
RPC_SERVERS = ("ggml-rpc-server", "rpc-server")
"""The RPC server's names, the newer one first."""
FIT_PARAMS = "llama-fit-params"
DEBIAN_BIN, DEBIAN_LIBEXEC = Path("/usr/bin"), Path("/usr/libexec")
"""Debian puts the server into the first, and the RPC server into a folder below the second, off the PATH."""
ASKING_S = 20.0

Origin = Literal["settings", "PATH", "private folder"]

_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+")
_VERSION = re.compile(r"version:\s*(?P<version>\S+(?:\s*\([^)\n]*\))?)")
_BUILD = re.compile(r"\bbuild[ :]+(?P<build>\d+)|\bb(?P<tag>\d{3,})\b|version:\s*(?P<old>\d{3,})\s")
_WITHOUT_RPC = re.compile(r"RPC not supported|failed to find RPC|invalid argument: --rpc")
_REMEDIES: Mapping[Origin, str] = {
    "settings": "Correct engine.server in the configuration, or SYNAPTIC_LLAMA_SERVER in the environment.",
    "PATH": "Repair it, or fetch another with 'synaptic-tui engine get'.",
    "private folder": "Fetch it again with 'synaptic-tui engine get'.",
}


class EngineProblem(Problem):
    """There is no engine, or it does not run."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the programs of one engine are."""

    server: Path
    rpc_server: Path | None
    fit_params: Path | None
    origin: Origin
    """Where the server was found; what the environment names counts as a setting."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The programs, and what they can do."""

    server: Path
    rpc_server: Path | None
    fit_params: Path | None
    origin: Origin
    """Where the server was found; what the environment names counts as a setting."""
    version: str | None
    build: int | None
    options: frozenset[str]
    """Long options that the server's help lists."""
    supports_rpc: bool
    """Whether it can use backends."""
    protocol: ProtocolVersion | None = None
    """RPC version, as the RPC server itself tells it; None where that was not asked."""

    @property
    def supports_jsonl(self) -> bool:
        """Whether it can log as JSON lines."""
        return "--log-jsonl" in self.options


def find_programs(
    *, server: Path | None, rpc_server: Path | None, path: str, private_folder: Path
) -> tuple[Programs, ...]:
    """The engine that is named; else those on the PATH and in the private folder, in this order.

    A server goes with an RPC server of the same place only: two builds may speak two protocols.

    Raises:
        EngineProblem: there is none, or a program that was named is not there.
    """
    for named, key in ((server, "engine.server"), (rpc_server, "engine.rpc_server")):
        if named is not None and not _is_program(named):
            raise EngineProblem(
                f"The engine program {named} is not there, or cannot be run.",
                f"Correct {key} in the configuration, or the environment variable that names it.",
            )
    found = tuple(_servers(server, path, private_folder))
    if not found:
        raise EngineProblem(
            "No llama-server is found on this box.",
            "Fetch it with 'synaptic-tui engine get', or name it as engine.server in the configuration.",
        )
    return tuple(
        Programs(program, rpc_server or _first(folders, *RPC_SERVERS), _first(folders, FIT_PARAMS), origin)
        for program, origin, folders in found
    )


async def examine(programs: Programs, environment: Mapping[str, str]) -> Engine:
    """Run the server a few times, for its version, its help, and what it says to a backend.

    Raises:
        EngineProblem: it does not run.
    """
    # Without GGML_NO_BACKTRACE an abort waits for a debugger.
    clean = {**clean_environment(environment), "GGML_NO_BACKTRACE": "1"}
    version_text = await _answer(programs, "--version", clean)
    options = frozenset(_OPTION.findall(await _answer(programs, "--help", clean)))
    if "--host" not in options:
        raise _broken(programs, f"{programs.server} does not behave like a llama-server.")
    version, build = _VERSION.search(version_text), _BUILD.search(version_text)
    return Engine(
        programs.server,
        programs.rpc_server,
        programs.fit_params,
        programs.origin,
        version["version"] if version else None,
        # Builds outside of llama.cpp's own repository call themselves 0.
        (int(next(number for number in build.groups() if number)) or None) if build else None,
        options,
        "--rpc" in options and await _takes_backends(programs, clean),
    )


async def _answer(programs: Programs, option: str, environment: Mapping[str, str]) -> str:
    ended = await _run(programs, [programs.server, option], environment)
    if ended.code != 0:
        raise _broken(programs, f"{programs.server} does not run {ended.ending}")
    return ended.output


async def _takes_backends(programs: Programs, environment: Mapping[str, str]) -> bool:
    """Whether the server was built with RPC; its help lists `--rpc` even where it was not.

    It is given a backend that refuses: a build with RPC aborts over that, one without never gets so far.
    """
    with socket.socket() as refusing:
        refusing.bind(("127.0.0.1", 0))
        backend = "{}:{}".format(*refusing.getsockname())
        without_core_dump = ["/bin/sh", "-c", 'ulimit -c 0; exec "$0" "$@"']
        ended = await _run(
            programs, [*without_core_dump, programs.server, "--rpc", backend, "--list-devices"], environment
        )
    return _WITHOUT_RPC.search(ended.output) is None


async def _run(programs: Programs, command: Sequence[str | Path], environment: Mapping[str, str]) -> Ended:
    try:
        return await run_to_end(command, environment, deadline_s=ASKING_S)
    except ToolProblem as problem:
        raise _broken(programs, problem.sentence) from None


def _broken(programs: Programs, sentence: str) -> EngineProblem:
    return EngineProblem(sentence, _REMEDIES[programs.origin])


def _servers(
    named: Path | None, path: str, private_folder: Path
) -> Iterator[tuple[Path, Origin, Sequence[Path]]]:
    """Each server with its origin and the folders where the programs of the same build are looked for."""
    if named is not None:
        yield named, "settings", _beside(named)
        return
    if on_path := shutil.which(SERVER, path=path):
        search = (Path(folder) for folder in path.split(os.pathsep) if folder)
        yield Path(on_path), "PATH", [*_beside(Path(on_path)), *search]
    if _is_program(private_folder / SERVER):
        yield private_folder / SERVER, "private folder", [private_folder]


def _beside(program: Path) -> list[Path]:
    """Its folder, the one that it is linked from, and the one where Debian puts its companions."""
    folders = [program.parent, program.resolve().parent]
    return [*folders, *DEBIAN_LIBEXEC.glob("*/llama/bin")] if DEBIAN_BIN in folders else folders


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _first(folders: Sequence[Path], *names: str) -> Path | None:
    return next((f / name for f in folders for name in names if _is_program(f / name)), None)
