"""The command line as a person runs it: in a process of its own, with folders of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.llama.engine import Engine

DEADLINE_S = 90


@dataclass(frozen=True, slots=True)
class Result:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401  whatever the command prints
        """Standard output as one JSON document."""
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`run("backends", "list")`: runs one command to its end."""

    def command(*arguments: str, **environment: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            env={**os.environ, **environment},
            cwd=tmp_path,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    return command


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Callable[..., Path]:
    """Writes a configuration file that every command reads, with the real engine and no node of this box."""

    def write(*lines: str) -> Path:
        programs = f"engine: {{server: {engine.server}, rpc_server: {engine.rpc_server}}}"
        config = tmp_path / "config.yaml"
        config.write_text("\n".join((programs, "nodes: []", *lines, "")))
        monkeypatch.setenv("SYNAPTIC_CONFIG", str(config))
        return config

    return write
