"""Command lines of llama.cpp's programs."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from app.llama import leash
from app.llama.environment import clean_environment
from app.text.address import DEFAULT_RPC_PORT, Address

_BATCH = 512
"""Tokens of a prompt between two reports of progress, and between two chances to cancel; llama-server's own
default of 2048 made prompts no faster."""
_LOG_LEVEL = 4
"""Names devices, buffers and requests. At the next level every token is 17 lines, with the prompt in them."""
USUAL_CACHE = "f16"
"""What llama-server takes by itself."""
MASK = "****"
_SECRETS = ("--api-key", "--hf-token", "-hft")
_ALL_LAYERS = 999
"""For builds that know numbers only."""


def coordinator_command(
    options: Collection[str],
    *,
    server: Path,
    model: Path,
    backends: Sequence[Address],
    port: int,
    alias: str,
    context: int | None,
    threads: int,
    split: Sequence[int] = (),
    caches: tuple[str, str] = (USUAL_CACHE, USUAL_CACHE),
    extra: Sequence[str] = (),
) -> list[str]:
    """The command of a coordinator that serves `model` as `alias` on a loopback port, to one user at a time.

    `options` are those that the server's help lists: what an older build does not know is left out. All
    layers are offloaded, so many to each device as `split` says, in the order of the backends; empty: as
    llama-server chooses. `caches` are the types of keys and values. With no backends it is a local
    coordinator. `extra` has the last word.
    """
    command = [str(server), "-m", str(model)]
    if backends:
        command += ["--rpc", ",".join(map(str, backends))]
    command += ["--host", "127.0.0.1", "--port", str(port), "--alias", alias]
    command += ["-np", "1", "-t", str(threads), "-b", str(_BATCH), "-lv", str(_LOG_LEVEL)]
    if context is not None:
        command += ["-c", str(context)]
    if len(split) > 1:
        command += ["-ts", ",".join(map(str, split))]
    for option, cache in zip(("-ctk", "-ctv"), caches, strict=True):
        if cache != USUAL_CACHE:
            command += [option, cache]
    if split or "--fit" not in options:
        # Builds with --fit offload all layers by themselves, or as many as fit, but not when told a number.
        command += ["-ngl", str(_ALL_LAYERS)]
    for option, arguments in _WHERE_KNOWN.items():
        if option in options:
            command += [option, *arguments]
    return [*command, *extra]


_WHERE_KNOWN: Mapping[str, tuple[str, ...]] = {
    "--metrics": (),
    "--no-ui": (),
    "--offline": (),
    "--cors-origins": ("localhost",),
    "--log-jsonl": (),
}


def coordinator_environment(environment: Mapping[str, str], key: str) -> dict[str, str]:
    """The environment of a coordinator; the key is in it, as everybody can read a command line."""
    # Without GGML_NO_BACKTRACE an abort waits for a debugger, whose output then hides the cause.
    return {**clean_environment(environment), "GGML_NO_BACKTRACE": "1", "LLAMA_API_KEY": key}


def command_text(argv: Sequence[str]) -> str:
    """A coordinator's command as a person types it, with its environment, and with every key masked."""
    words = list(argv)
    if leash.__file__ in words:
        words = words[words.index(leash.__file__) + 2 :]
    for place, word in enumerate(words[:-1]):
        if word in _SECRETS:
            words[place + 1] = MASK
    return f"GGML_NO_BACKTRACE=1 LLAMA_API_KEY={MASK} {shlex.join(words)}"


def rpc_server_command(program: Path, address: Address, *, threads: int) -> list[str]:
    """The command of an RPC server on this box; its host must be an IPv4 address."""
    return [str(program), "--host", address.host, "--port", str(address.port), "--threads", str(threads)]


def worker_command_text(host: str, port: int = DEFAULT_RPC_PORT) -> str:
    """What a person types on another box to make it a backend."""
    return shlex.join(["ggml-rpc-server", "--host", host, "--port", str(port)])


def tied_to_us(command: Sequence[str]) -> list[str]:
    """A command that the kernel kills when the thread that starts it ends, however that comes about."""
    return [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), *command]
