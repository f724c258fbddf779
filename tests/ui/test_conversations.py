"""Several conversations: kept, changed, asked anew."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path

import pytest

from app.core.chat import Conversation, Turn
from app.core.cluster import Cluster
from app.text.answer import Delta, Finish, Finished, Timings
from app.ui.screens.ask import AskScreen
from app.ui.screens.conversations import ConversationsScreen
from tests.support.console import NARROW, WIDE, Console, OpenConsole
from tests.support.scripted import Script, answer_with, whole
from tests.support.waiting import until

MODEL = "model: llama3.1:405b"
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])


async def test_the_last_conversation_is_there_again(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        await _ask(console, "What is a worker?", "It lends its memory.")
    async with open_console(MODEL) as console:
        await console.shows("It lends its memory.")
        await console.press("up")
        assert console.main.chat.prompt.text == "What is a worker?"
        await console.press("down")
        script = await _ask(console, "And then?", "It goes on.")
        assert [message.content for message in script.asked[0]] == [
            "What is a worker?",
            "It lends its memory.",
            "And then?",
        ]


async def test_nothing_is_there_again_where_nothing_is_kept(open_console: OpenConsole) -> None:
    async with open_console(MODEL, "chat: {keep: false}") as console:
        await _ask(console, "A secret", "Of mine.")
    async with open_console(MODEL) as console:
        await until(lambda: not any(worker.name == "reopen" for worker in console.app.workers))
        assert _turns(console) == []


async def test_new_begins_another_and_the_list_goes_back(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        await _ask(console, "About whales", "They are big.")
        await console.press("ctrl+n")
        await until(lambda: not _turns(console))
        assert "They are big." not in console.text
        await _ask(console, "About ants", "They are small.")
        screen = await _open_list(console)
        assert [each.heading for each in screen.shown] == ["About ants", "About whales"]
        await console.press("j", "enter")
        await console.shows("They are big.")
        assert _prompts(console) == ["About whales"]


@SIZES
async def test_the_list_is_searched_by_title_and_by_what_was_said(
    open_console: OpenConsole, size: tuple[int, int]
) -> None:
    async with open_console(MODEL, size=size, before=_three) as console:
        screen = await _open_list(console)
        await until(lambda: len(screen.shown) == 3)
        await console.press("slash")
        await console.type("wha")
        await until(lambda: [each.heading for each in screen.shown] == ["About whales", "About ants"])
        await console.press("enter", "j", "enter")
        await until(lambda: _prompts(console) == ["About ants"])


async def test_escape_leaves_the_search_first(open_console: OpenConsole) -> None:
    async with open_console(MODEL, before=_three) as console:
        screen = await _open_list(console)
        await console.press("slash")
        await console.type("nothing like it")
        await console.shows("Nothing has these words.")
        await console.press("escape")
        await until(lambda: len(screen.shown) == 3)
        await console.press("escape")
        await until(lambda: console.app.screen is console.main)


async def test_one_is_renamed_in_the_list(open_console: OpenConsole) -> None:
    async with open_console(MODEL, before=_three) as console:
        screen = await _open_list(console)
        await until(lambda: len(screen.shown) == 3)
        await console.press("e")
        await until(lambda: isinstance(console.app.screen, AskScreen))
        await console.type("Of a new name")
        await console.press("enter")
        await until(lambda: "Of a new name" in [each.heading for each in screen.shown])


async def test_one_is_deleted_in_the_list_and_comes_back(open_console: OpenConsole) -> None:
    async with open_console(MODEL, before=_three) as console:
        screen = await _open_list(console)
        await until(lambda: len(screen.shown) == 3)
        deleted = screen.selected
        assert deleted is not None
        await console.press("x")
        await until(lambda: deleted not in screen.shown and len(screen.shown) == 2)
        told = f"The conversation '{deleted.heading}' is removed. u brings it back."
        await until(lambda: told in console.toasts)
        await console.press("u")
        await until(lambda: deleted in screen.shown)


async def test_an_empty_list_says_what_to_do(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        await _open_list(console)
        await console.shows("Nothing is kept yet: ask something.")
        await console.press("enter", "e", "x")
        assert isinstance(console.app.screen, ConversationsScreen)


async def test_the_open_one_is_deleted_and_comes_back(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        await _ask(console, "About whales", "They are big.")
        await console.press("escape", "x")
        await until(lambda: not _turns(console))
        await console.press("escape", "u")
        screen = await _open_list(console)
        await until(lambda: [each.heading for each in screen.shown] == ["About whales"])


async def test_a_title_is_given(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        await _ask(console, "About whales", "They are big.")
        await console.command("title Sea mammals")
        await until(lambda: console.cluster.conversations.current.heading == "Sea mammals")
        assert "Sea mammals" in str(console.main.chat.border_title)


async def test_the_last_prompt_is_put_again(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        await _ask(console, "Tell a joke", "No.")
        script = answer_with(console.cluster, *whole("Knock knock."))
        await console.press("escape", "R")
        await console.shows("Knock knock.")
        assert [message.content for message in script.asked[0]] == ["Tell a joke"]
        assert _prompts(console) == ["Tell a joke"]
        assert "No." not in console.text
        await console.press("u")
        await console.shows("No.")
        await console.press("u")
        await console.shows("Knock knock.")


async def test_the_last_prompt_is_put_to_another_model(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        await _ask(console, "Tell a joke", "No.")
        answer_with(console.cluster, *whole("Knock knock."))
        await console.command("retry llama3.2:3b")
        await console.shows("Knock knock.")
        assert _last(console).model == "llama3.2:3b"


async def test_a_prompt_is_changed_and_asked_anew(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        for prompt in ("one", "two", "three"):
            await _ask(console, prompt, f"answer to {prompt}")
        await console.type("a draft")
        await console.press("escape", "K", "e")
        box = console.main.chat.prompt
        assert box.text == "two"
        assert "editing" in console.text
        await console.press("space", "b")
        script = answer_with(console.cluster, *whole("answer to b"))
        await console.press("enter")
        await console.shows("answer to b")
        assert _prompts(console) == ["one", "two b"]
        assert [message.content for message in script.asked[0]] == ["one", "answer to one", "two b"]
        assert box.text == "a draft"
        await console.press("escape", "u")
        await until(lambda: _prompts(console) == ["one", "two", "three"])
        await console.shows("answer to three")


async def test_escape_leaves_the_edited_prompt_as_it_was(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        await _ask(console, "one", "answer")
        await console.type("a draft")
        await console.press("escape", "e", "x", "escape")
        assert console.main.chat.prompt.text == "a draft"
        assert "editing" not in console.text
        assert _prompts(console) == ["one"]


async def test_an_answer_that_was_cut_goes_on(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        answer_with(console.cluster, Delta("Once upon"), Finished(Finish.LENGTH, Timings(1, 1.0, 1, 1.0)))
        await console.type("Tell")
        await console.press("enter")
        await console.shows("C lets it go on.")
        script = answer_with(console.cluster, *whole(" a time."))
        await console.press("escape", "C")
        await console.shows("Once upon a time.")
        assert "C lets it go on." not in console.text
        assert [message.content for message in script.asked[0]] == ["Tell", "Once upon"]
        assert _last(console).text == "Once upon a time."
        assert len(_turns(console)) == 1


async def test_what_cannot_be_done_says_why(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        for line, why in (
            ("retry", "Nothing was asked yet."),
            ("continue", "Nothing was asked yet."),
            ("detach", "No file goes with the next prompt."),
            ("set temperature hot", "'temperature' cannot be 'hot'."),
            ("set temperature", "'temperature' needs a value."),
            ("unset nothing", "There is no option 'nothing'."),
        ):
            await console.command(line)
            await console.shows(why)
            await console.press("escape")


async def test_without_a_model_the_prompt_comes_back(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.type("Hello")
        await console.press("enter")
        await console.shows("No model is chosen. Choose one with 'model NAME'")
        assert console.main.chat.prompt.text == "Hello"
        assert _turns(console) == []


async def test_options_of_this_conversation_are_sent_and_shown_with_their_origin(
    open_console: OpenConsole,
) -> None:
    async with open_console(MODEL, "chat: {system: Be kind., options: {top_k: 7, seed: 1}}") as console:
        await console.command("set temperature 0.25")
        await console.command("set seed 42")
        await console.command("system Be brief.")
        script = await _ask(console, "Hello", "Hi.")
        assert script.options == {"top_k": 7, "seed": 42, "temperature": 0.25}
        assert (script.asked[0][0].role, script.asked[0][0].content) == ("system", "Be brief.")
        await console.command("options")
        await console.shows("Be brief.  (this conversation)")
        await console.shows("temperature        0.25  (this conversation)")
        await console.shows("top_k              7  (the configuration)")
        await console.shows("top_p              —")
        await console.press("escape")
        await console.command("unset seed")
        await console.command("unset system")
        script = await _ask(console, "Again", "Hi again.")
        assert script.options == {"top_k": 7, "seed": 1, "temperature": 0.25}
        assert script.asked[0][0].content == "Be kind."


async def test_a_file_goes_with_the_next_prompt_alone(open_console: OpenConsole, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("buy milk\n")
    async with open_console(MODEL) as console:
        await console.command(f"attach {tmp_path / 'notes.txt'}")
        await console.shows("with notes.txt (9 B)")
        script = await _ask(console, "What is to do?", "Buy milk.")
        assert script.asked[0][0].content == "File notes.txt:\n\n```\nbuy milk\n```\n\nWhat is to do?"
        await console.shows("with notes.txt (9 B)")
        script = await _ask(console, "And then?", "Nothing.")
        assert script.asked[0][-1].content == "And then?"


async def test_files_are_taken_away_again(open_console: OpenConsole, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("buy milk\n")
    async with open_console(MODEL) as console:
        await console.command(f"attach {tmp_path / 'notes.txt'}")
        await console.shows("with notes.txt (9 B)")
        await console.command("detach")
        await until(lambda: not console.main.chat.draft.attached)
        assert not console.main.chat.query_one("#prompt-hint").display


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read: No such file or directory. Name a text file."),
        (b"\xff\xfe", "is no UTF-8 text: see byte 0. Attach a text file."),
        (b"a\0b", "is no text: it has null bytes."),
        (b"x" * (1 << 20) + b"y", "is longer than 1.0 MiB. Attach the part that matters."),
    ],
    ids=["missing", "binary", "null", "long"],
)
async def test_what_is_no_text_is_not_attached(
    open_console: OpenConsole, tmp_path: Path, content: bytes | None, why: str
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    async with open_console(MODEL) as console:
        await console.command(f"attach {path}")
        await until(lambda: any(why in toast for toast in console.toasts))
        assert not console.main.chat.draft.attached


async def test_a_conversation_is_exported(open_console: OpenConsole, tmp_path: Path) -> None:
    async with open_console(MODEL) as console:
        await _ask(console, "About whales", "They are **big**.")
        for name in ("talk.md", "talk.json"):
            await console.command(f"export {tmp_path / name}")
            await until((tmp_path / name).exists)
        await until(lambda: len(console.toasts) == 2)
        markdown = (tmp_path / "talk.md").read_text()
        assert markdown.startswith("# About whales\n")
        assert "They are **big**." in markdown
        assert "coordinator over 3 backends, TTFT" in markdown
        kept = json.loads((tmp_path / "talk.json").read_text())
        assert [(turn["prompt"], turn["answer"]) for turn in kept["turns"]] == [
            ("About whales", "They are **big**.")
        ]
        for name, why in (("talk.md", "exists already"), ("talk.txt", "is a name with '.txt'")):
            await console.command(f"export {tmp_path / name}")
            await until(partial(_is_told, console, why))


async def test_the_list_waits_for_an_answer(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        answer_with(console.cluster, asyncio.Event())
        await console.type("Hello")
        await console.press("enter", "ctrl+o")
        await until(lambda: "An answer is under way; Esc ends it." in console.toasts)


async def _ask(console: Console, prompt: str, answer: str) -> Script:
    script = answer_with(console.cluster, *whole(answer))
    console.main.chat.prompt.focus()
    await console.type(prompt)
    await console.press("enter")
    await until(lambda: bool(_turns(console)) and _last(console).text == answer)
    await until(lambda: not console.main.chat.answering)
    return script


def _is_told(console: Console, why: str) -> bool:
    return why in console.toasts[-1]


async def _open_list(console: Console) -> ConversationsScreen:
    await console.press("ctrl+o")
    await until(lambda: isinstance(console.app.screen, ConversationsScreen))
    screen = console.app.screen
    assert isinstance(screen, ConversationsScreen)
    return screen


def _three(cluster: Cluster) -> None:
    for prompt, answer in (
        ("Of nothing", "-"),
        ("About ants", "No whale eats them."),
        ("About whales", "Big."),
    ):
        conversation = cluster.conversations.begin()
        conversation.begin(prompt, "llama3.2:3b").answer.append(answer)
        cluster.conversations.keep(conversation)
    cluster.conversations.begin()


def _turns(console: Console) -> list[Turn]:
    return _conversation(console).turns


def _last(console: Console) -> Turn:
    return _turns(console)[-1]


def _prompts(console: Console) -> list[str]:
    return [turn.prompt for turn in _turns(console)]


def _conversation(console: Console) -> Conversation:
    return console.cluster.conversations.current
