"""Requests, put together from a real log."""

from __future__ import annotations

import pytest

from app.core.requests import REQUESTS_KEPT, Request, Requests, RequestState
from app.llama.log_reader import read_facts

STARTED = "0.00.{at:03}.000 I slot launch_slot_: id  0 | task {task} | processing task, is_child = 0\n"
ANSWERED = """\
0.00.416.414 I slot print_timing: id  0 | task {task} | prompt eval time =      21.51 ms /     5 tokens (x)
0.00.416.418 I slot print_timing: id  0 | task {task} |        eval time =      42.80 ms /    35 tokens (x)
0.00.416.419 I slot print_timing: id  0 | task {task} |       total time =      64.31 ms /    40 tokens
"""
CANCELLED = "0.00.400.000 W srv          stop: cancel task, id_task = {task}\n"
RELEASED = (
    "0.00.416.429 I slot      release: id  0 | task {task} | stop processing: n_tokens = 39, truncated = 0\n"
)


def told(*texts: str) -> Requests:
    requests = Requests()
    for text in texts:
        for line, fact in read_facts(text.encode()):
            requests.take(line, fact)
    return requests


def test_a_request_from_its_start_to_its_end() -> None:
    (request,) = told(*(text.format(task=7, at=352) for text in (STARTED, ANSWERED, RELEASED))).latest
    assert request.state is RequestState.DONE
    assert (request.prompt_tokens, request.generated, request.context) == (5, 35, 39)
    assert request.prompt_rate == pytest.approx(232.45, abs=0.1)
    assert request.generation_rate == pytest.approx(817.76, abs=0.1)
    assert request.took_s == pytest.approx(0.064429)


def test_one_that_runs_and_one_that_was_cancelled() -> None:
    cancelled, running = told(
        STARTED.format(task=1, at=100),
        CANCELLED.format(task=1),
        RELEASED.format(task=1),
        STARTED.format(task=2, at=500),
    ).latest
    assert cancelled.state is RequestState.CANCELLED
    assert cancelled.generation_rate is None
    assert running == Request(2, 0, began_s=0.5)


def test_what_ran_when_the_coordinator_ended_was_broken_off() -> None:
    requests = told(STARTED.format(task=1, at=100))
    assert requests.break_off()
    assert requests.latest[0].state is RequestState.CANCELLED
    assert not requests.break_off()


def test_only_the_newest_are_kept() -> None:
    requests = told(*(STARTED.format(task=n, at=1) for n in range(REQUESTS_KEPT + 10)))
    assert [r.task for r in requests.latest] == list(range(10, REQUESTS_KEPT + 10))


def test_lines_about_what_is_not_known_are_passed_over() -> None:
    assert told(RELEASED.format(task=1), ANSWERED.format(task=1), CANCELLED.format(task=1)).latest == ()
