"""Ollama's own client library."""

from __future__ import annotations

import asyncio
from typing import Any

import ollama


class Caller:
    """Ollama's own client: `ollama.AsyncClient`, or `ollama.Client` in a thread."""

    def __init__(self, url: str, kind: str) -> None:
        self._client: Any = {"sync": ollama.Client, "async": ollama.AsyncClient}[kind](url, trust_env=False)
        self._in_thread = kind == "sync"

    async def __call__(self, deed: str, *args: object, **kwargs: object) -> Any:  # noqa: ANN401  as the library types it
        """Call a method of the client."""
        call = getattr(self._client, deed)
        if self._in_thread:
            return await asyncio.to_thread(call, *args, **kwargs)
        return await call(*args, **kwargs)

    async def stream(self, deed: str, *args: object, **kwargs: object) -> list[Any]:
        """Call one that streams, and have all parts."""
        stream = await self(deed, *args, stream=True, **kwargs)
        return await asyncio.to_thread(list, stream) if self._in_thread else [part async for part in stream]
