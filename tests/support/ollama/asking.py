"""Asking by this program's own client, and having the whole answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from app.ollama.client import OllamaClient, OllamaLimits
from app.text.answer import AnswerBroken, AnswerPart, Delta, Message
from tests.support.http_fakes import Step, fake_http

PROMPT = (Message("system", "Be brief."), Message("user", "Why is it blue?"))
IMPATIENT = OllamaLimits(connect_s=0.1, reply_s=0.2, loaded_s=0.2, first_part_s=0.3, idle_s=0.3)


@asynccontextmanager
async def saying(steps: list[Step]) -> AsyncIterator[OllamaClient]:
    """A client of a server that answers everything with these steps."""
    async with fake_http(lambda _: steps) as fake, OllamaClient(fake.url) as client:
        yield client


async def ask(
    client: OllamaClient, model: str = "llama3.2", parts: list[AnswerPart] | None = None
) -> tuple[list[AnswerPart], AnswerBroken | None]:
    """The parts of an answer, also as they come in `parts`, and how it broke if it did."""
    parts = [] if parts is None else parts
    try:
        async with aclosing(client.chat(model, PROMPT)) as stream:
            async for part in stream:
                parts.append(part)
    except AnswerBroken as broken:
        return parts, broken
    return parts, None


def said(parts: list[AnswerPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Delta))
