"""The programs that the console is measured beside, each installed into an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import platformdirs

from app import __version__

ENVIRONMENTS = Path(platformdirs.user_cache_dir("synaptic-tui-benchmarks"))
SIGN = "¤"
"""Typed where there is a field to type in; nothing else on a screen looks like it."""
PALETTE = ("\x10", "Search")
EMPTY = """\
from textual.app import App
from textual.widgets import Input

class Empty(App):
    def compose(self):
        yield Input("nothing but a field to type in")

Empty().run()
"""


@dataclass(frozen=True, slots=True)
class Program:
    """One program, ready to run."""

    name: str
    command: tuple[str, ...]
    version: str
    files: Mapping[str, str] = field(default_factory=dict)
    """What it needs in its folder, by name."""
    key: str = SIGN
    """A key that it answers where it begins ..."""
    answer: str = SIGN
    """... and what is on the screen then."""


class NotInstalled(Exception):  # noqa: N818  said of the peer
    """A peer could not be installed; its text says why."""


def ours(*arguments: str) -> Program:
    """The console of this checkout, as it starts for somebody who wants no welcome any more."""
    return Program(
        "synaptic-tui",
        (str(Path(sys.executable).with_name("synaptic-tui")), *arguments),
        __version__,
        {".local/state/synaptic-tui/state.yaml": "welcome_skipped: true\n"},
    )


def empty() -> Program:
    """A Textual app with one field: no console can be drawn sooner."""
    return Program(
        "empty Textual app",
        (sys.executable, "empty.py"),
        _version(sys.executable, "textual"),
        {"empty.py": EMPTY},
    )


def toolong() -> Program:
    """A viewer of log files."""
    lines = "".join(f"2026-11-23 12:00:00 INFO line {number} of a log\n" for number in range(1000))
    peer = _peer("toolong", "toolong", "tl", "some.log")
    return replace(peer, files={"some.log": lines}, key="/", answer="Find")


def posting() -> Program:
    """A client for HTTP."""
    # Later releases of tree-sitter break it.
    return _on_palette(_peer("posting", "posting", "posting", also=("tree-sitter==0.25.2",)))


def oterm() -> Program:
    """A client for Ollama."""
    return _on_palette(_peer("oterm", "oterm", "oterm"))


def elia() -> Program:
    """A client for language models."""
    return _peer("elia", "elia-chat", "elia")


def _on_palette(program: Program) -> Program:
    """One that begins without a field to type in: it answers the key of Textual's command palette."""
    key, answer = PALETTE
    return replace(program, key=key, answer=answer)


def _peer(name: str, package: str, script: str, *arguments: str, also: tuple[str, ...] = ()) -> Program:
    """Install `package` where it is not yet.

    Raises:
        NotInstalled: pip could not.
    """
    folder = ENVIRONMENTS / name
    command = folder / "bin" / script
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip: list[str | Path] = [folder / "bin" / "pip", "install", "-q", package, *also]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotInstalled(done.stderr.strip().splitlines()[-1])
    version = _version(str(folder / "bin" / "python"), package)
    return Program(name, (str(command), *arguments), version)


def _version(python: str, package: str) -> str:
    code = f"from importlib.metadata import version; print(version('{package}'))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
