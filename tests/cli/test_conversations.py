from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.session import usual_places
from app.core.conversations import Conversations
from app.core.events import Bus
from tests.cli.conftest import Run

Kept = Callable[[str, str], str]


@pytest.fixture
def kept() -> Kept:
    """Keeps a conversation as a console of the same person would; returns its key."""

    folder = usual_places().state / "conversations"

    def keep(prompt: str, answer: str) -> str:
        async def keeping() -> str:
            conversations = Conversations(Bus(), folder, lambda: True)
            conversations.current.begin(prompt, "llama3.2:3b").answer.append(answer)
            conversations.keep(conversations.current)
            await conversations.flush()
            return conversations.current.key

        return asyncio.run(keeping())

    return keep


def test_none_is_kept_yet(run: Run) -> None:
    listed = run("conversations", "list")
    assert (listed.code, listed.out) == (0, "")
    assert "None is kept yet: ask something in the console." in listed.err


def test_they_are_listed_exported_and_deleted(run: Run, kept: Kept, tmp_path: Path) -> None:
    key, other = kept("About \x1b[31mwhales", "Big."), kept("About ants", "Small.")
    [ants, whales] = run("conversations", "list", "--json").json["conversations"]
    assert (ants["key"], ants["heading"], ants["turns"]) == (other, "About ants", 1)
    assert (whales["key"], whales["model"]) == (key, "llama3.2:3b")
    table = run("conversations", "list").out
    assert "\x1b" not in table
    assert key in table

    assert run("conversations", "export", key, str(tmp_path / "a.json")).code == 0
    assert json.loads((tmp_path / "a.json").read_text())["turns"][0]["answer"] == "Big."
    assert run("conversations", "export", "About ants", str(tmp_path / "a.md")).code == 0
    assert "Small." in (tmp_path / "a.md").read_text()

    assert run("conversations", "delete", key).code == 0
    assert [each["key"] for each in run("conversations", "list", "--json").json["conversations"]] == [other]


def test_what_is_not_there_or_not_one_is_told(run: Run, kept: Kept, tmp_path: Path) -> None:
    missing = run("conversations", "delete", "nothing")
    assert missing.code == 1
    assert "No conversation is called 'nothing'." in missing.err
    keys = {kept("Same", "one"), kept("Same", "two")}
    several = run("conversations", "export", "Same", str(tmp_path / "a.md"))
    assert several.code == 1
    assert "Several conversations are called 'Same'." in several.err
    assert all(key in several.err for key in keys)
