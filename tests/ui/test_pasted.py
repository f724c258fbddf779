"""Large texts that are pasted into the prompt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.ui.widgets.pasted import MOST_CHARACTERS, Pasted
from tests.support.console import OpenConsole
from tests.support.scripted import answer_with, whole
from tests.support.waiting import until

MODEL = "model: llama3.1:405b"
LARGE = "".join(f"line {number} of many\n" for number in range(5_000)) + "the very last words"
WORD = "[pasted: 5,001 lines, 86.8 KiB]"


async def test_a_large_text_is_one_word_and_sent_in_full(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        script = answer_with(console.cluster, *whole("Yes."))
        await console.type("See: ")
        await console.type(LARGE)
        await console.shows(f"See: {WORD}")
        assert console.main.chat.prompt.size.height == 1
        await console.type(" and tell")
        await console.press("enter")
        await until(lambda: bool(script.asked) and not console.main.chat.answering)
        assert script.asked[0][-1].content == f"See: {LARGE} and tell"
        await console.press("up")
        assert console.main.chat.prompt.whole == f"See: {LARGE} and tell"
        assert console.main.chat.prompt.text.startswith("[pasted: 5,001 lines")


async def test_one_backspace_takes_it_away(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        await console.type("a ")
        await console.type(LARGE)
        await console.press("backspace")
        assert console.main.chat.prompt.text == "a "
        await console.press("backspace")
        assert console.main.chat.prompt.text == "a"


async def test_a_small_text_is_shown_as_it_is(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        await console.type("one\ntwo")
        assert console.main.chat.prompt.text == "one\ntwo"


async def test_a_large_prompt_that_is_edited_stays_whole(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        script = answer_with(console.cluster, *whole("Yes."))
        await console.type(LARGE)
        await console.press("enter")
        await until(lambda: bool(script.asked) and not console.main.chat.answering)
        await console.press("escape", "e")
        assert console.main.chat.prompt.text == WORD
        assert console.main.chat.prompt.whole == LARGE


@given(st.lists(st.text(min_size=1), max_size=4), st.text())
def test_what_comes_out_is_what_went_in(texts: list[str], between: str) -> None:
    pasted = Pasted()
    large = [text * (MOST_CHARACTERS + 1) for text in texts]
    folded = between.join(pasted.fold(text) for text in large)
    assert len(folded) < len("".join(large)) or not large
    if "[pasted: " not in between:
        assert pasted.whole(folded) == between.join(large)
