"""The command line: `synaptic-tui` opens the console, its commands do one thing each.

Standard output carries what was asked for, standard error everything else. Exit codes: 0 done, 1 failed,
2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from app.cli.crash import tell_any_fault
from app.cli.group import synaptic_tui
from app.text.problem import Problem

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    tell_any_fault()
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns its exit code."""
    try:
        code = synaptic_tui.main(arguments, prog_name="synaptic-tui", standalone_mode=False)
    except click.ClickException as wrong:
        wrong.show()
        return WRONG_USE
    except Problem as problem:
        click.echo(f"synaptic-tui: {problem}", err=True)
        return FAILED
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Who read our output has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code if isinstance(code, int) else 0
