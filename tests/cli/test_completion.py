"""Shell completion, as bash itself does it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.completion import SHELLS
from app.cli.group import COMMANDS
from app.config import folders

CONFIG = """
backends: [10.0.0.1:50052, 10.0.0.2:50053]
nodes: ["http://10.0.0.3:11434"]
"""
ASK = """
source {script}
COMP_LINE={line!r} COMP_POINT=${{#COMP_LINE}}
_synaptic_tui_completion synaptic-tui
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def bash(tmp_path: Path) -> Path:
    """A folder with the program and its completion script for bash."""
    program = tmp_path / "bin" / "synaptic-tui"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m app "$@"\n')
    program.chmod(0o755)
    config = folders.config_file()
    config.parent.mkdir(parents=True)
    config.write_text(f"{CONFIG}models: {{folders: [{tmp_path / 'models'}]}}\n")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "small-Q4.gguf").write_bytes(b"")
    (tmp_path / "script").write_text(_run(program, "completion", "bash"))
    return tmp_path


def _run(*command: object) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def _complete(folder: Path, line: str) -> list[str]:
    # With readline's own word breaks, though there is no readline in a script.
    asked = "COMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:'\n" + ASK.format(script=folder / "script", line=line)
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    return _run("env", f"PATH={path}", "bash", "--norc", "-c", asked).split()


@pytest.mark.parametrize(
    ("line", "ways"),
    [
        ("synaptic-tui do", ["doctor"]),
        ("synaptic-tui backends rem", ["remove"]),
        ("synaptic-tui --distr", ["--distributed"]),
        ("synaptic-tui --log-level w", ["warning"]),
        ("synaptic-tui backends remove 10", ["10.0.0.1:50052", "10.0.0.2:50053"]),
        ("synaptic-tui backends remove 10.0.0.2:5", ["50053"]),
        ("synaptic-tui nodes remove http://10", ["//10.0.0.3:11434"]),
        ("synaptic-tui route sm", ["small-Q4"]),
        ("synaptic-tui --model=sm", ["small-Q4"]),
        ("synaptic-tui --model sm", ["small-Q4"]),
        ("synaptic-tui route no-such", []),
    ],
)
def test_bash_completes(bash: Path, line: str, ways: list[str]) -> None:
    assert _complete(bash, line) == ways


def test_bash_completes_every_command(bash: Path) -> None:
    assert _complete(bash, "synaptic-tui ") == list(COMMANDS)


def test_a_state_that_makes_no_sense_is_left_as_it_is(bash: Path) -> None:
    state = folders.state_folder() / "state.yaml"
    state.parent.mkdir(parents=True)
    state.write_text("a: [")
    assert _complete(bash, "synaptic-tui backends remove 10.0.0.1:") == ["50052"]
    assert [file.name for file in state.parent.iterdir()] == ["state.yaml"]


def test_a_configuration_that_makes_no_sense_completes_nothing(bash: Path) -> None:
    folders.config_file().write_text("a: [")
    assert _complete(bash, "synaptic-tui backends remove 1") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_understood_by_its_shell(bash: Path, shell: str) -> None:
    script = _run(bash / "bin" / "synaptic-tui", "completion", shell)
    assert "_SYNAPTIC_TUI_COMPLETE" in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not on this box")
    file = bash / "checked"
    file.write_text(script)
    _run(shell, "-n", file)
