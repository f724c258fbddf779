"""Prompts and answers on the screen."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.core.coordinator_status import CoordinatorChanged, CoordinatorState, CoordinatorStatus
from app.text.answer import AnswerBroken, Delta, Finish, Finished, PromptProgress, Stage, Thinking, Timings
from app.ui.widgets.turn import TurnView
from tests.support.console import NARROW, WIDE, Console, OpenConsole, people
from tests.support.scripted import answer_with, whole
from tests.support.waiting import until

MODEL = "model: llama3.1:405b"
ANSWER = "A **worker** lends its memory.\n\n```python\nx = [1]\n```\n\n- one\n- two\n"


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_an_answer_with_its_numbers(open_console: OpenConsole, size: tuple[int, int]) -> None:
    async with open_console(MODEL, size=size) as console:
        script = answer_with(console.cluster, *whole(ANSWER))
        await _ask(console, "What is a worker?")
        await until(lambda: not console.main.chat.answering)
        await console.shows("What is a worker?")
        await console.shows("coordinator over 3 backends")
        await console.shows("11.4 t/s")
        await console.shows("A worker lends its memory.")
        await console.shows("▸ why  llama3.1:405b has 405B parameters")
        assert console.main.chat.conversation.turns[0].text == ANSWER
        assert [message.content for message in script.asked[0]] == ["What is a worker?"]


async def test_what_is_not_known_is_a_dash(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        answer_with(console.cluster, Finished(Finish.STOP, Timings(None, None, None, None)))
        await _ask(console, "Say nothing")
        await console.shows("TTFT —  —")


async def test_streamed_text_stays_what_it_was(open_console: OpenConsole) -> None:
    text = "# Héllo <b>wörld</b>\r\n\ttab \x1b[31mred\x07 ‮ 漢字 [bold]x[/]\n\n" * 20
    async with open_console(MODEL) as console:
        pieces = [Delta(text[at : at + 3]) for at in range(0, len(text), 3)]
        answer_with(console.cluster, *pieces, Finished(Finish.STOP, Timings(1, 1.0, 1, 1.0)))
        await _ask(console, "Go")
        await until(lambda: not console.main.chat.answering)
        assert console.main.chat.conversation.turns[0].text == text
        drawn = "\n".join(_newest(console).texts)
        assert "<b>wörld</b>" in drawn
        assert "[bold]x[/]" in drawn
        assert not any(sign in drawn for sign in "\x1b\x07\r\t‮")


async def test_an_answer_grows_before_it_ends(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        more = asyncio.Event()
        answer_with(console.cluster, Delta("First half"), more, *whole(", second half."))
        await _ask(console, "Go on")
        await console.shows("First half▌")
        assert "esc cancel" in console.text
        more.set()
        await console.shows("First half, second half.")
        assert "▌" not in console.text


async def test_escape_ends_an_answer_and_keeps_what_came(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        script = answer_with(console.cluster, Delta("Half an ans"), asyncio.Event())
        await _ask(console, "Go on")
        await console.shows("Half an ans")
        await console.press("escape")
        await until(lambda: script.closed == 1)
        await console.shows("cancelled")
        assert console.main.chat.conversation.turns[0].ending == "cancelled"
        answer_with(console.cluster, *whole("Yes."))
        await _ask(console, "Again")
        await console.shows("Yes.")


async def test_one_answer_at_a_time(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        answer_with(console.cluster, asyncio.Event())
        await _ask(console, "First")
        await _ask(console, "Second")
        await console.shows("An answer is under way. Esc ends it.")
        assert console.main.chat.prompt.text == "Second"
        assert len(console.main.chat.transcript.turns) == 1
        await console.press("x")
        assert "An answer is under way." not in console.text


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], ["finding", "waiting for the coordinator … 0 s"]),
        ([PromptProgress(512, 2048)], ["reading the prompt, 512 of 2048 tokens"]),
        ([Thinking("Hm, well")], ["▸ thinking  2 words"]),
    ],
    ids=["nothing yet", "prompt", "thinking"],
)
async def test_what_is_waited_for(open_console: OpenConsole, steps: list[Any], said: list[str]) -> None:
    async with open_console(MODEL) as console:
        answer_with(console.cluster, *steps, asyncio.Event())
        await _ask(console, "Go")
        await console.shows(said[-1])


async def test_the_state_of_the_coordinator_while_it_loads(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        answer_with(console.cluster, asyncio.Event())
        await _ask(console, "Go")
        loading = CoordinatorStatus(CoordinatorState.LOADING, "llama3.1:405b", port=18080)
        console.cluster.bus.publish(CoordinatorChanged(loading))
        await console.shows("coordinator loading …")
        await console.shows("→ coordinator :18080 ● loading")


async def test_an_error_is_a_sentence_with_its_remedy(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        broken = AnswerBroken(Stage.DURING, "127.0.1.12:50052 was lost.", "Restart its RPC server.")
        answer_with(console.cluster, Delta("Half an ans"), broken)
        await _ask(console, "Go")
        await console.shows("127.0.1.12:50052 was lost. Restart its RPC server.")
        assert "Half an ans" in console.text
        assert "Traceback" not in console.text


async def test_without_a_model_the_prompt_is_answered_by_what_to_do(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await _ask(console, "Hello?")
        await console.shows("No model is chosen. Choose one with 'model NAME'")
        assert not console.main.chat.answering


async def test_a_model_that_is_nowhere(open_console: OpenConsole) -> None:
    async with open_console("model: no-such-model") as console:
        await _ask(console, "Hello?")
        await console.shows("No model is called 'no-such-model'")


async def test_an_answer_at_its_limit_says_so(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        answer_with(console.cluster, Delta("Cut"), Finished(Finish.LENGTH, Timings(1, 1.0, 1, 1.0)))
        await _ask(console, "Go")
        await console.shows("It ended at the limit of its context or of its tokens.")


async def test_reasons_and_thinking_unfold(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        answer_with(console.cluster, Thinking("I wonder.\nStill."), *whole("Yes."))
        await _ask(console, "Go")
        await console.shows("▸ thinking  3 words")
        assert "I wonder." not in console.text
        await console.press("escape", "t")
        await console.shows("I wonder.")
        await console.press("w")
        await console.shows("Above 70B: distributed.")
        await console.press("w", "t")
        await until(lambda: "I wonder." not in console.text)


async def test_copying_from_the_turn_that_is_selected(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        for prompt, answer in (("First", "```\na = 1\n```\n\n- ```\n  b\n  ```\n"), ("Second", "No code.")):
            answer_with(console.cluster, *whole(answer))
            await _ask(console, prompt)
            await until(lambda: not console.main.chat.answering)
        await console.press("escape", "y")
        await until(lambda: "Copied the answer: 8 characters." in console.toasts)
        assert console.app.clipboard == "No code."
        await console.press("Y")
        assert any("This answer has no block of code." in said for said in console.toasts)
        await console.press("K", "Y")
        await until(lambda: "Copied block of code 1 of 2: 6 characters." in console.toasts)
        assert console.app.clipboard == "a = 1\n"
        await console.press("Y")
        await until(lambda: console.app.clipboard == "b\n")
        await console.shows("◂ selected")
        await console.press("J")
        await until(lambda: "◂ selected" not in console.text)


async def test_a_click_unfolds(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        answer_with(console.cluster, *whole("Yes."))
        await _ask(console, "Go")
        await console.shows("▸ why")
        line = next(at for at, text in enumerate(_newest(console).texts) if text.startswith("▸ why"))
        await console.pilot.click(console.main.chat.transcript, offset=(3, line))
        await console.shows("▾ why")


async def test_slash_runs_a_command_and_tab_completes_it(open_console: OpenConsole) -> None:
    async with open_console(MODEL, "mode: distributed", before=people) as console:
        await console.type("/mod")
        await console.shows("Choose the model that prompts go to")
        await console.press("tab")
        assert console.main.chat.prompt.text == "/model "
        await console.type("qw")
        await console.press("tab")
        assert console.main.chat.prompt.text == "/model qwen3:8b"
        await console.press("enter")
        await console.shows("1 Chat ─ qwen3:8b")
        assert not console.main.chat.transcript.turns


async def test_a_slash_line_that_is_no_command_comes_back_with_the_reason(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        await console.type("/rpc foo")
        await console.press("enter")
        await console.shows("There is no command 'rpc foo'.")
        assert console.main.chat.prompt.text == "/rpc foo"
        await console.press("backspace")
        await until(lambda: "There is no command" not in console.text)


async def test_a_space_before_the_slash_makes_it_a_prompt(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        script = answer_with(console.cluster, *whole("A file."))
        await console.type(" /etc/passwd: what is it?")
        await console.press("enter")
        await console.shows("A file.")
        assert script.asked[0][-1].content == "/etc/passwd: what is it?"


async def test_new_lines_and_what_was_sent_before(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        script = answer_with(console.cluster, *whole("Yes."))
        await console.type("one")
        await console.press("ctrl+j")
        await console.type("two")
        assert console.main.chat.prompt.size.height == 2
        await console.press("enter")
        await until(lambda: bool(script.asked) and not console.main.chat.answering)
        assert script.asked[0][-1].content == "one\ntwo"
        await console.type("draft")
        await console.press("up")
        assert console.main.chat.prompt.text == "one\ntwo"
        await console.press("down")
        assert console.main.chat.prompt.text == "draft"


async def test_escape_leaves_the_prompt_and_a_digit_comes_back(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        await console.press("escape")
        assert console.main.chat.transcript.has_focus
        await console.press("1")
        assert console.main.chat.prompt.has_focus


async def test_page_keys_scroll_the_answers_from_the_prompt(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        answer_with(console.cluster, *whole("\n\n".join(f"Line {n}" for n in range(100))))
        await _ask(console, "Count")
        await console.shows("Line 99")
        await console.press("pageup", "pageup")
        await until(lambda: "Line 99" not in console.text)
        await console.press("pagedown", "pagedown", "pagedown")
        await console.shows("Line 99")


async def test_text_can_be_selected(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        answer_with(console.cluster, *whole("Copy me, please."))
        await _ask(console, "Go")
        await console.shows("Copy me")
        console.main.chat.transcript.text_select_all()
        await console.pilot.pause()
        assert "Copy me, please." in (console.main.get_selected_text() or "")


async def test_typing_does_not_lay_the_screen_out(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console(MODEL) as console:
        await console.press("a")
        layouts: list[object] = []
        monkeypatch.setattr(console.main, "_refresh_layout", lambda *args, **kw: layouts.append(args))
        await console.press(*"bcdefgh")
        assert console.main.chat.prompt.text == "abcdefgh"
        assert not layouts


async def test_the_colours_follow_the_theme(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        answer_with(console.cluster, *whole(ANSWER))
        await _ask(console, "Go")
        await console.shows("A worker lends")
        console.app.theme = "textual-light"
        await console.pilot.pause()
        await console.shows("A worker lends")


async def _ask(console: Console, prompt: str) -> None:
    console.main.chat.prompt.focus()
    console.main.chat.prompt.show_line(prompt)
    await console.press("enter")


def _newest(console: Console) -> TurnView:
    assert console.main.chat.transcript.newest is not None
    return console.main.chat.transcript.newest
