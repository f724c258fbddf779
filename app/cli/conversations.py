"""`synaptic-tui conversations list|export|delete`."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.output import json_option, print_json, print_table, say
from app.cli.running import run
from app.cli.session import usual_places
from app.core.conversation_export import export as export_conversation
from app.core.conversations import Conversations, Listed
from app.core.events import Bus
from app.text.problem import Problem


@click.group()
def conversations() -> None:
    """List, export and delete the conversations that the console keeps on this box."""


@conversations.command("list")
@json_option
def list_conversations(as_json: bool) -> int:
    """List them, the one that was asked last at the top."""
    return run(_list(as_json=as_json))


@conversations.command()
@click.argument("conversation")
@click.argument("path", type=click.Path(path_type=Path))
def export(conversation: str, path: Path) -> int:
    """Write CONVERSATION, a key or a title, to the new file PATH, which ends in .md or .json."""
    return run(_export(conversation, path))


@conversations.command()
@click.argument("conversation")
def delete(conversation: str) -> int:
    """Delete CONVERSATION, a key or a title, for good."""
    return run(_delete(conversation))


async def _list(*, as_json: bool) -> int:
    found = await _kept().listed()
    if as_json:
        print_json({"conversations": [_form(each) for each in found]})
        return 0
    print_table(
        ("key", "asked", "turns", "model", "conversation"),
        [
            (each.key, f"{each.asked.astimezone():%Y-%m-%d %H:%M}", str(each.turns), each.model, each.heading)
            for each in found
        ],
    )
    if not found:
        say("None is kept yet: ask something in the console.")
    return 0


async def _export(name: str, path: Path) -> int:
    kept = _kept()
    await export_conversation(await kept.read(await _key(kept, name)), path)
    say(f"Written to {path}.")
    return 0


async def _delete(name: str) -> int:
    kept = _kept()
    await kept.remove(await _key(kept, name))
    say(f"{name} is deleted.")
    return 0


async def _key(kept: Conversations, name: str) -> str:
    found = [each for each in await kept.listed() if name in (each.key, each.heading)]
    if not found:
        raise Problem(
            f"No conversation is called '{name}'.", "'synaptic-tui conversations list' shows their keys."
        )
    if len(found) > 1:
        keys = ", ".join(each.key for each in found)
        raise Problem(f"Several conversations are called '{name}'.", f"Name one by its key: {keys}.")
    return found[0].key


def _kept() -> Conversations:
    return Conversations(Bus(), usual_places().state / "conversations", lambda: True)


def _form(listed: Listed) -> dict[str, object]:
    return {
        "key": listed.key,
        "heading": listed.heading,
        "turns": listed.turns,
        "model": listed.model,
        "asked": listed.asked.isoformat(),
    }
