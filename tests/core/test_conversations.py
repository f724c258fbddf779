"""Conversations on disk: kept, reopened, damaged, shared by two consoles."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config.sampling import SamplingSettings
from app.core.chat import Attachment, Conversation, Measured, RouteTaken, Turn
from app.core.conversation_file import NoConversation, decode, encode
from app.core.conversations import Conversations
from app.core.events import Bus, LifecycleLine
from app.core.routing import Target
from app.text.answer import Finish
from app.text.problem import Problem

Open = Callable[[], Conversations]

TEXT = st.text(st.characters(codec="utf-8"))


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def console(bus: Bus, tmp_path: Path) -> Open:
    """Makes what one console has of the same folder."""
    return lambda: Conversations(bus, tmp_path / "conversations", lambda: True)


def said(bus: Bus) -> list[str]:
    return [line.text for line in bus.told if isinstance(line, LifecycleLine)]


def ask(conversation: Conversation, prompt: str, answer: str) -> None:
    conversation.begin(prompt, "llama3.2:3b").answer.append(answer)


async def test_the_last_one_is_open_again(console: Open) -> None:
    first = console()
    ask(first.current, "one", "1")
    first.keep(first.current)
    first.begin()
    ask(first.current, "two", "2")
    first.current.title = "The second"
    first.current.options = SamplingSettings(temperature=0.5, stop=("END",))
    first.keep(first.current)
    await first.flush()
    again = await console().reopen()
    assert (again.title, again.options) == ("The second", first.current.options)
    assert [(turn.prompt, turn.text) for turn in again.turns] == [("two", "2")]


async def test_nothing_is_kept_that_is_not_wanted(bus: Bus, tmp_path: Path) -> None:
    unwanted = Conversations(bus, tmp_path / "conversations", lambda: False)
    ask(unwanted.current, "one", "1")
    unwanted.keep(unwanted.current)
    await unwanted.flush()
    assert not (tmp_path / "conversations").exists()


async def test_one_without_turns_is_nothing_to_keep(console: Open, tmp_path: Path) -> None:
    conversations = console()
    conversations.keep(conversations.current)
    await conversations.flush()
    assert not (tmp_path / "conversations").exists()
    assert await conversations.reopen() is conversations.current


async def test_files_are_for_their_user_alone(console: Open, tmp_path: Path) -> None:
    conversations = console()
    ask(conversations.current, "one", "1")
    conversations.keep(conversations.current)
    await conversations.flush()
    folder = tmp_path / "conversations"
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert (stat.S_IMODE(folder.stat().st_mode), modes) == (0o700, {0o600})


async def test_they_are_listed_by_when_they_were_asked_last(console: Open) -> None:
    conversations = console()
    for day in (1, 3, 2):
        conversation = conversations.begin()
        conversation.turns.append(Turn(f"day {day}", "m", asked=datetime(2026, 1, day, tzinfo=UTC)))
        conversations.keep(conversation)
    listed = await conversations.listed()
    assert [(each.heading, each.turns, each.model) for each in listed] == [
        ("day 3", 1, "m"),
        ("day 2", 1, "m"),
        ("day 1", 1, "m"),
    ]


async def test_a_new_title_is_kept_of_an_open_and_of_a_closed_one(console: Open) -> None:
    conversations = console()
    closed = conversations.current
    ask(closed, "one", "1")
    conversations.keep(closed)
    opened = conversations.begin()
    ask(opened, "two", "2")
    await conversations.rename(closed.key, "  First\n of all ")
    await conversations.rename(opened.key, "Second")
    assert {each.heading for each in await conversations.listed()} == {"First of all", "Second"}


async def test_what_was_removed_can_come_back(console: Open) -> None:
    conversations = console()
    removed = conversations.current
    ask(removed, "one", "1")
    conversations.keep(removed)
    bring_back = await conversations.remove(removed.key)
    assert await conversations.listed() == ()
    assert conversations.current is not removed
    await bring_back()
    assert [each.key for each in await conversations.listed()] == [removed.key]
    assert (await conversations.open(removed.key)).turns[0].text == "1"


async def test_they_are_found_by_what_was_said(console: Open) -> None:
    conversations = console()
    for prompt, answer in (("About Whales", "big"), ("about ants", "SMALL whale food"), ("", "")):
        ask(conversations.begin(), prompt, answer)
        conversations.keep(conversations.current)
    by_key = {each.key: each.heading for each in await conversations.listed()}
    found = await conversations.containing("wHALE")
    assert {by_key[key] for key in found} == {"About Whales", "about ants"}


async def test_two_consoles_lose_nothing_of_each_other(console: Open, bus: Bus) -> None:
    one, other = console(), console()
    ask(one.current, "shared", "start")
    one.keep(one.current)
    await one.flush()
    theirs = await other.reopen()
    ask(one.current, "mine", "of one")
    one.keep(one.current)
    await one.flush()
    ask(theirs, "yours", "of other")
    other.keep(theirs)
    await other.flush()
    kept = {each.heading: each.key for each in await console().listed()}
    assert set(kept) == {"shared", "shared (2)"}
    prompts = {name: [t.prompt for t in (await console().read(key)).turns] for name, key in kept.items()}
    assert prompts == {"shared": ["shared", "mine"], "shared (2)": ["shared", "yours"]}
    assert said(bus) == ["'shared' was changed by another console; here it goes on as 'shared (2)'"]
    ask(theirs, "more", "and on")
    other.keep(theirs)
    await other.flush()
    assert len(await console().listed()) == 2


async def test_a_damaged_one_is_moved_aside_and_told(console: Open, bus: Bus, tmp_path: Path) -> None:
    folder = tmp_path / "conversations"
    folder.mkdir()
    (folder / "broken.json").write_text("{")
    assert await console().listed() == ()
    assert (folder / "broken.json.damaged-1").read_text() == "{"
    assert "was damaged" in said(bus)[0]
    with pytest.raises(Problem, match="is not there any more"):
        await console().open("broken")


async def test_one_of_a_newer_version_is_left_as_it_is(console: Open, tmp_path: Path) -> None:
    folder = tmp_path / "conversations"
    folder.mkdir()
    newer = folder / "newer.json"
    newer.write_text('{"version": 99, "turns": "of another form"}')
    with pytest.raises(Problem, match="by a newer version"):
        await console().open("newer")
    assert await console().reopen()
    assert newer.exists()


async def test_a_folder_that_cannot_be_written_is_told(console: Open, bus: Bus, tmp_path: Path) -> None:
    (tmp_path / "conversations").write_text("a file where the folder should be")
    conversations = console()
    ask(conversations.current, "one", "1")
    conversations.keep(conversations.current)
    await conversations.flush()
    assert said(bus)[0].startswith("not kept: The folder ")


@given(title=TEXT, prompt=st.text(), answer=TEXT, thinking=TEXT, file=TEXT, ending=TEXT)
def test_what_is_read_is_what_was_written(
    title: str, prompt: str, answer: str, thinking: str, file: str, ending: str
) -> None:
    conversation = Conversation("key", title, system=title)
    turn = conversation.begin(prompt, "m", (Attachment("a.txt", file),))
    turn.answer, turn.thinking, turn.ending = (
        [answer] if answer else [],
        [thinking] if thinking else [],
        ending,
    )
    turn.route = RouteTaken(Target.COORDINATOR, None, "coordinator over 2 backends", ("because",))
    turn.measured, turn.finish = Measured(0.1, 3, None, 5, 2.5, 8, 8192), Finish.LENGTH
    assert decode(encode(conversation), "key") == conversation


@given(st.binary())
def test_no_bytes_break_it(content: bytes) -> None:
    with pytest.raises(NoConversation):
        decode(content, "key")
