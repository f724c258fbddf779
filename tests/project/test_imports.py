"""Imports go down only, and what must stay light stays light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def loaded_by(code: str) -> set[str]:
    """The top-level modules in memory after `code` has run in a fresh interpreter."""
    done = run(sys.executable, "-c", f"{code}\nimport sys; print(*{{m.split('.')[0] for m in sys.modules}})")
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split("\n")[-2].split())


def test_layers() -> None:
    done = run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")
    assert done.returncode == 0, done.stdout


def test_the_core_loads_no_user_interface() -> None:
    # rich and click come with httpx, which imports its own command line.
    assert not loaded_by("import app.core.cluster") & {"textual", "markdown_it"}


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_load_next_to_nothing(option: str) -> None:
    code = f"from app.cli import run; run(['{option}'])"
    assert not loaded_by(code) & {"textual", "rich", "httpx", "yaml", "psutil", "msgspec"}


def test_every_adapter_stands_alone() -> None:
    for adapter in ("rpc", "llama", "ollama", "gguf", "box"):
        others = {"rpc", "llama", "ollama", "gguf", "box", "core", "config", "ui", "cli"} - {adapter}
        modules = [
            f"app.{adapter}.{f.stem}" for f in (ROOT / "app" / adapter).glob("*.py") if f.stem != "__init__"
        ]
        done = run(
            sys.executable,
            "-c",
            f"import {', '.join(modules)}, sys; print(*[m for m in sys.modules if m.startswith('app.')])",
        )
        assert done.returncode == 0, done.stderr
        assert not {m.split(".")[1] for m in done.stdout.split()} & others
