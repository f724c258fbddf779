"""No secret is left in a text that goes into a file."""

from __future__ import annotations

import pytest

from app.text import secrets
from app.text.secrets import MASK, keep_environment_secret, keep_secret, masked


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_KNOWN", set())


@pytest.mark.parametrize(
    "text",
    [
        "http://user:hunter2@10.0.0.1:11434/api/tags",
        "https://hunter2@10.0.0.1",
        "GET /v1?api_key=hunter2&x=1",
        "llama-server --api-key hunter2 -c 1",
        "['--hf-token', 'hunter2']",
        "--api-key, hunter2, --verbose",
        "-hft hunter2",
        "--api-key=hunter2",
        "authorization: Bearer hunter2",
        "LLAMA_API_KEY=hunter2 llama-server",
        '{"api_key": "hunter2"}',
        "password: hunter2",
    ],
)
def test_what_stands_where_secrets_stand_is_masked(text: str) -> None:
    assert "hunter2" not in masked(text)
    assert MASK in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1:50052 free",
        "http://10.0.0.1:11434 up",
        "Meta-Llama-3.1-405B-Instruct-Q4_K_M.gguf",
        "128 tokens in 3 s, 40 tokens/s",
        "reading the prompt, 3 of 128 tokens",
    ],
)
def test_what_is_none_stays(text: str) -> None:
    assert masked(text) == text


def test_a_known_secret_is_masked_wherever_it_stands() -> None:
    keep_secret("abc-DEF_123")
    assert masked("so abc-DEF_123, see /tmp/abc-DEF_123/x") == f"so {MASK}, see /tmp/{MASK}/x"


def test_secrets_of_the_environment_are_known() -> None:
    keep_environment_secret({"HF_TOKEN": "hf_planted", "HOME": "/home/me", "EMPTY_KEY": ""})
    assert masked("hf_planted of /home/me") == f"{MASK} of /home/me"
