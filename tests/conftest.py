"""Every test has folders of its own, a fixed environment, and leaves no process behind."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

from tests.support.engine import endless_model, engine, rpc_server, tiny_model

__all__ = ["endless_model", "engine", "rpc_server", "tiny_model"]

# A machine that is busy with other things is no fault of the code; timings are benchmarks.
settings.register_profile("patient", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("patient")

# What is imported stays: to look through it for garbage again and again takes a seventh of the time.
gc.freeze()
gc.set_threshold(50_000, 20, 50)

PERSONAL = ("LLAMA_", "OLLAMA_", "SYNAPTIC_", "HF_", "NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_FPS")


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees, or touches, what belongs to whoever runs it."""
    for name in os.environ:
        if name.startswith(PERSONAL) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """At the end no process that the tests started is left."""
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    yield
    left = [p for p in psutil.Process().children(recursive=True) if p.pid not in before]
    assert not left, f"still running: {left}"
