"""README, continuous integration and program say the same."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_ci_runs_the_test_command_of_the_readme() -> None:
    command = re.search(r"<!-- test -->\s*```sh\n(.+?)\n```", README, re.DOTALL)
    assert command is not None
    assert command[1] in (ROOT / ".ci" / "run").read_text()


def test_every_command_is_in_the_readme() -> None:
    from app.cli.group import COMMANDS

    for name in COMMANDS:
        assert f"synaptic-tui {name}" in README, name


def test_every_command_of_the_console_is_in_the_readme_with_its_keys() -> None:
    from app.ui.commands import COMMANDS
    from app.ui.keys import key_text

    for command in COMMANDS:
        keys = " ".join(f"`{key_text(key)}`" for key in command.keys)
        usage = command.usage.replace("|", "\\|")
        assert f"| {keys} | `{usage}` | {command.help} |" in README, command.name
