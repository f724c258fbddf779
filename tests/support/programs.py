"""Programs that are shell scripts, in place of llama.cpp's."""

from __future__ import annotations

from pathlib import Path

VERSION = "version: 0.7.0 (build 11669, commit Debian)"
OPTIONS = "-h, --help  --host HOST  --rpc SERVERS  --log-jsonl"
REFUSED = "echo 'Failed to connect to 127.0.0.1:1' >&2; kill -ABRT $$"
WITHOUT_RPC = """\
echo 'error while handling argument "--rpc": RPC not supported in this build' >&2
echo
echo 'to show complete usage, run with -h'
exit 1"""


def write_program(path: Path, script: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def write_server(
    folder: Path,
    *,
    version: str = f"echo '{VERSION}' >&2",
    help_: str = f"echo '{OPTIONS}'",
    rpc: str = REFUSED,
) -> Path:
    """A llama-server that answers what it is asked when it is examined, and writes down each question."""
    return write_program(
        folder / "llama-server",
        f'echo "$1" >> "$0.asked"\ncase "$1" in\n'
        f"--version) {version} ;;\n--help) {help_} ;;\n--rpc) {rpc} ;;\nesac",
    )


def asked(server: Path) -> list[str]:
    """What a server was asked so far."""
    questions = server.with_name(f"{server.name}.asked")
    return questions.read_text().split() if questions.exists() else []
