from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.chat import HEADING_LENGTH, Attachment, Conversation, Measured, Stopwatch, split_using
from app.text.answer import Delta, Message, PromptProgress, Timings

KNOWN = ("llama3.2:latest", "llama3.1:405b")


@pytest.mark.parametrize(
    ("prompt", "split"),
    [
        ("Explain it using llama3.1:405b", ("Explain it", "llama3.1:405b")),
        ("Explain\nit Using llama3.1:405b  ", ("Explain\nit", "llama3.1:405b")),
        ("Explain it using words", ("Explain it using words", None)),
        ("using llama3.1:405b", ("using llama3.1:405b", None)),
        ("Solve this using llama3.1:405b please", ("Solve this using llama3.1:405b please", None)),
    ],
)
def test_using_selects_a_known_model(prompt: str, split: tuple[str, str | None]) -> None:
    assert split_using(prompt, KNOWN) == split


@given(st.text())
def test_a_prompt_without_a_known_model_stays_as_it_is(prompt: str) -> None:
    assert split_using(prompt, ()) == (prompt, None)


def test_messages_are_the_turns_that_got_an_answer_and_the_newest_prompt() -> None:
    conversation = Conversation()
    conversation.begin("one", "m").answer.append("first")
    conversation.begin("two", "m").ending = "cancelled"
    conversation.begin("three", "m")
    assert conversation.messages() == (
        Message("user", "one"),
        Message("assistant", "first"),
        Message("user", "three"),
    )


def test_the_persons_system_prompt_goes_before_the_models_own() -> None:
    own, persons = Conversation(), Conversation(system="Be brief.")
    for conversation in (own, persons):
        conversation.begin("hello", "m")
    assert own.messages("You are a pirate.")[0] == Message("system", "You are a pirate.")
    assert persons.messages("You are a pirate.")[0] == Message("system", "Be brief.")


def test_the_first_token_is_timed_from_the_sending() -> None:
    now = iter([0.0, 10.0, 10.5, 11.0])
    stopwatch = Stopwatch(lambda: next(now))
    stopwatch.sent(lambda: 8192)
    stopwatch.passes(PromptProgress(1, 2))
    stopwatch.passes(Delta("a"))
    stopwatch.passes(Delta("b"))
    assert stopwatch.measured(Timings(4, 2.0, 30, 1.5)) == Measured(0.5, 30, 20.0, 4, 2.0, 34, 8192)


def test_the_context_in_use_counts_what_was_not_read_again() -> None:
    measured = Stopwatch().measured(Timings(4, 2.0, 30, 1.5, cached_tokens=100))
    assert (measured.prompt_tokens, measured.context_used, measured.context) == (4, 134, None)


def test_an_answer_that_has_begun_is_sent_to_go_on() -> None:
    conversation = Conversation()
    conversation.begin("tell", "m").answer.append("Once upon")
    assert conversation.messages() == (Message("user", "tell"), Message("assistant", "Once upon"))


def test_files_go_before_the_prompt_in_fences_that_hold_them() -> None:
    turn = Conversation().begin("What is it?", "m", (Attachment("a.md", "```py\nx\n```\n"),))
    assert turn.question == "File a.md:\n\n````\n```py\nx\n```\n````\n\nWhat is it?"


def test_a_conversation_is_called_by_its_title_or_how_it_began() -> None:
    conversation = Conversation()
    assert conversation.heading == ""
    conversation.begin(f"  one\n two {'long ' * 50}", "m")
    assert conversation.heading.startswith("one two long")
    assert len(conversation.heading) == HEADING_LENGTH
    conversation.title = "Short"
    assert conversation.heading == "Short"


@given(st.text())
def test_any_prompt_can_be_sent_and_kept(prompt: str) -> None:
    Conversation().begin(prompt, "m").question.encode()


def test_what_was_not_measured_is_unknown() -> None:
    assert Stopwatch().measured(Timings(None, None, None, None)) == Measured(None, None, None, None, None)
