"""The command group: loads a command's module only when that command is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click

from app import __version__
from app.cli.options import ClusterOptions, cluster_options

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "discover": "Look for backends on the networks.",
    "backends": "List, add and remove backends.",
    "nodes": "List, add and remove Ollama nodes; load, pull and delete their models.",
    "models": "List the models and where their weights are.",
    "route": "Say where a prompt for a model would go, and why.",
    "plan": "Say where the layers of a model would go, and what would be left free.",
    "placement": "Show where the layers of models went, beside what was planned.",
    "bench": "Measure placements of a model with the real engine, and remember the fastest.",
    "chat": "Send one prompt and stream the answer.",
    "conversations": "List, export and delete the console's conversations.",
    "start": "Have a model loaded by a coordinator, and leave it running.",
    "status": "Show mode, model, coordinator, backends and nodes.",
    "stop": "End a coordinator that runs on this box.",
    "demo": "Open the console on a small real cluster made for it.",
    "engine": "Show the llama.cpp programs, or fetch them.",
    "doctor": "Check everything that has to work, with a remedy for each fault.",
    "completion": "Print the script with which a shell completes commands and names.",
}
"""Every command and its one line of help; the module and the command are called like it."""


class LazyGroup(click.Group):
    """Knows its commands by name and imports a module when its command is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"app.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands and options that go on as begun, without importing any command."""
        from click.shell_completion import CompletionItem

        named = [
            CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with their line of help, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="synaptic-tui", message="%(prog)s %(version)s")
@cluster_options
@click.pass_context
def synaptic_tui(context: click.Context, options: ClusterOptions) -> int | None:
    """A terminal console for llama.cpp spread over several boxes.

    Without a command it opens the console.
    """
    context.obj = options
    if context.invoked_subcommand is not None:
        return None
    from app.cli.console import open_console

    return open_console(options)
