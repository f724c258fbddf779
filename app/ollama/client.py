"""Ollama's HTTP API, as far as this program uses it. Source: ollama/server/routes.go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING, Self

from app.ollama.answer_lines import AnswerReader
from app.ollama.body import ReplyTooLong, whole
from app.ollama.documents import NoSuchDocument, decode
from app.ollama.failure import Disconnected, NodeProblem, not_ollama, refusal, silent, too_long
from app.ollama.fields import Json, text
from app.ollama.knock import knock
from app.ollama.ndjson import LineTooLong, lines
from app.ollama.pulling import PullStep, broken_off, pull_step
from app.ollama.replies import (
    LoadedModel,
    ModelDetails,
    NodeModel,
    loaded_models,
    model_details,
    node_models,
)
from app.text.answer import AnswerBroken, AnswerPart, Finished, Message, Stage

if TYPE_CHECKING:
    import httpx

    from app.ollama.wire import Wire

__all__ = [
    "KeepAlive",
    "LoadedModel",
    "ModelDetails",
    "NodeModel",
    "NodeProblem",
    "OllamaClient",
    "OllamaLimits",
    "PullStep",
]

KeepAlive = str | float
"""How long a model stays loaded unasked: seconds, or as Go writes durations; negative: for ever."""


@dataclass(frozen=True, slots=True)
class OllamaLimits:
    """How long to wait, in seconds."""

    connect_s: float = 3.0
    reply_s: float = 5.0
    """For the whole reply to a short question."""
    loaded_s: float = 8.0
    """For the whole reply to /api/ps, which waits up to 5 s while a model is being unloaded."""
    first_part_s: float = 600.0
    """For the first line of an answer: a cold model has to load, and Ollama's queue is silent."""
    idle_s: float = 120.0
    """For each further line of an answer."""


class OllamaClient:
    """Speaks with one node. To be closed, which breaks off its answers."""

    def __init__(self, url: str, *, token: str | None = None, limits: OllamaLimits = OllamaLimits()) -> None:
        self._url = url
        self._limits = limits
        self._wire: Wire | None = None
        """None until something has listened there."""
        self._is_closed = False
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # A function, so that the token shows nowhere.
        self._headers: Callable[[], dict[str, str]] = lambda: headers

    def __repr__(self) -> str:
        return f"OllamaClient({self._url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def configure(self, limits: OllamaLimits) -> None:
        """From the next question on these limits hold."""
        self._limits = limits
        if self._wire is not None:
            self._wire.connect_within(limits.connect_s)

    async def aclose(self) -> None:
        """Close all connections; whoever reads an answer from one of them is told that it broke."""
        self._is_closed = True
        if self._wire is not None:
            await self._wire.aclose()

    async def version(self) -> str:
        """The version of Ollama there.

        Raises:
            NodeProblem: it does not answer, or is no Ollama.
        """
        version = text(await self._ask("/api/version", self._limits.reply_s), "version")
        if version is None:
            raise NodeProblem(*not_ollama(self._url, "/api/version"))
        return version

    async def tags(self) -> tuple[NodeModel, ...]:
        """The models that the node has.

        Raises:
            NodeProblem: it does not answer, or is no Ollama.
        """
        return node_models(await self._ask_for_models("/api/tags", self._limits.reply_s))

    async def loaded(self) -> tuple[LoadedModel, ...]:
        """The models in the node's memory; one that is still loading is not among them.

        Raises:
            NodeProblem: it does not answer, or is no Ollama.
        """
        return loaded_models(await self._ask_for_models("/api/ps", self._limits.loaded_s))

    async def show(self, model: str) -> ModelDetails:
        """What the header of a model's file says.

        Raises:
            NodeProblem: it does not answer, is no Ollama, or has no such model.
        """
        return model_details(await self._ask("/api/show", self._limits.reply_s, {"model": model}))

    async def load(self, model: str, *, keep_alive: KeepAlive | None = None, embedding: bool = False) -> None:
        """Have a model in the node's memory; one for `embedding` cannot be loaded as the others are.

        Raises:
            NodeProblem: it does not answer, is no Ollama, has no such model, or cannot load it.
        """
        asked: dict[str, object] = {"model": model}
        asked |= {"input": ()} if embedding else {"stream": False}
        asked |= {} if keep_alive is None else {"keep_alive": keep_alive}
        await self._ask("/api/embed" if embedding else "/api/generate", self._limits.first_part_s, asked)

    async def unload(self, model: str) -> None:
        """Have a model leave the node's memory as soon as nobody uses it.

        Raises:
            NodeProblem: it does not answer, is no Ollama, or has no such model.
        """
        await self._ask(
            "/api/generate", self._limits.loaded_s, {"model": model, "keep_alive": 0, "stream": False}
        )

    async def delete(self, model: str) -> None:
        """Have a model leave the node's disk.

        Raises:
            NodeProblem: it does not answer, is no Ollama, or has no such model.
        """
        await self._reply("DELETE", "/api/delete", self._limits.reply_s, {"model": model})

    async def pull(self, model: str) -> AsyncGenerator[PullStep]:
        """Have the node fetch a model, step by step; one that broke off goes on where it stopped.

        Closing the stream stops it; what has arrived stays there.

        Raises:
            NodeProblem: it ended otherwise than in success.
        """
        try:
            asked = {"model": model, "stream": True}
            async with aclosing(self._lines("/api/pull", asked, self._limits.idle_s)) as told:
                async for line in told:
                    step = pull_step(self._url, model, line)
                    yield step
                    if step.done:
                        return
        except AnswerBroken as refused:
            raise NodeProblem(refused.sentence, refused.remedy) from None
        except TimeoutError:
            raise NodeProblem(*silent(self._url)) from None
        except (LineTooLong, ReplyTooLong):
            raise NodeProblem(*too_long(self._url, "/api/pull")) from None
        raise broken_off(self._url, model)

    async def chat(
        self,
        model: str,
        messages: Sequence[Message],
        *,
        options: Mapping[str, object] | None = None,
        keep_alive: KeepAlive | None = None,
        think: bool | str | None = None,
    ) -> AsyncGenerator[AnswerPart]:
        """Stream an answer, whose last part is Finished; closing the stream frees its place on the node.

        No options are sent unless given: some of them, such as `num_ctx`, make the node load the model
        anew, for everybody. `keep_alive` is how long the model stays loaded afterwards, in seconds or as
        Go writes durations; `think` is whether it thinks first, or how hard: `low`, `medium`, `high`.

        Raises:
            AnswerBroken: the answer did not end as it should; see its stage.
        """
        wishes = {"options": dict(options or {}) or None, "keep_alive": keep_alive, "think": think}
        question: dict[str, object] = {
            "model": model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "stream": True,
        } | {name: wish for name, wish in wishes.items() if wish is not None}
        answer = AnswerReader(self._url)
        try:
            first_part_s = self._limits.first_part_s
            async with aclosing(self._lines("/api/chat", question, first_part_s)) as answered:
                async for line in answered:
                    for part in answer.take(line):
                        yield part
                        if isinstance(part, Finished):
                            return
        except Disconnected as lost:
            raise AnswerBroken(answer.stage, lost.sentence, lost.remedy) from None
        except TimeoutError:
            raise AnswerBroken(answer.stage, *silent(self._url)) from None
        except (LineTooLong, ReplyTooLong):
            raise answer.broken("sent something too long for an answer", "Ask again.") from None
        raise answer.cut_short()

    async def _lines(self, path: str, question: Json, first_s: float) -> AsyncGenerator[bytes]:
        """The lines of a streamed reply, each by its deadline."""
        if self._is_closed:
            raise AnswerBroken(Stage.BEFORE, *self._forgotten())
        now = asyncio.get_running_loop().time
        deadline = now() + first_s
        async with AsyncExitStack() as asked:
            async with asyncio.timeout_at(deadline):
                response = await asked.enter_async_context(self._asked("POST", path, question))
            if response.status_code != HTTPStatus.OK:
                raise await self._refused(path, response)
            async with aclosing(lines(response.aiter_raw())) as received:
                while True:
                    async with asyncio.timeout_at(deadline):
                        line = await anext(received, None)
                    if line is None:
                        return
                    yield line
                    deadline = now() + self._limits.idle_s

    async def _refused(self, path: str, response: httpx.Response) -> AnswerBroken:
        async with asyncio.timeout(self._limits.reply_s):
            body = await whole(response.aiter_raw())
        trouble = refusal(self._url, path, response, body)
        return AnswerBroken(Stage.BEFORE, *trouble, status=response.status_code)

    async def _ask_for_models(self, path: str, deadline_s: float) -> Json:
        reply = await self._ask(path, deadline_s)
        # Go may write an empty list as null.
        if "models" not in reply or not isinstance(reply["models"], list | None):
            raise NodeProblem(*not_ollama(self._url, path))
        return reply

    async def _ask(self, path: str, deadline_s: float, question: Json | None = None) -> Json:
        """The reply to a short question: GET, or POST where there is something to say."""
        body = await self._reply("GET" if question is None else "POST", path, deadline_s, question)
        try:
            return decode(body, dict[str, object])
        except NoSuchDocument:
            raise NodeProblem(*not_ollama(self._url, path)) from None

    async def _reply(self, method: str, path: str, deadline_s: float, question: Json | None) -> bytes:
        if self._is_closed:
            raise NodeProblem(*self._forgotten())
        try:
            async with asyncio.timeout(deadline_s), self._asked(method, path, question) as response:
                body = await whole(response.aiter_raw())
        except TimeoutError:
            raise NodeProblem(*silent(self._url)) from None
        except ReplyTooLong:
            raise NodeProblem(*too_long(self._url, path)) from None
        if response.status_code != HTTPStatus.OK:
            raise NodeProblem(*refusal(self._url, path, response, body))
        return body

    @asynccontextmanager
    async def _asked(self, method: str, path: str, question: Json | None) -> AsyncIterator[httpx.Response]:
        wire = await self._opened()
        async with wire.ask(method, path, question) as response:
            yield response

    async def _opened(self) -> Wire:
        if self._wire is None:
            await knock(self._url, self._limits.connect_s)
            # In a thread: an HTTP client takes longer to load than a key may wait.
            module = await asyncio.to_thread(import_module, "app.ollama.wire")
            if self._is_closed:
                raise Disconnected(*self._forgotten())
            self._wire = self._wire or module.Wire(self._url, self._headers(), self._limits.connect_s)
        return self._wire

    def _forgotten(self) -> tuple[str, str]:
        return f"{self._url} has been removed from the pool.", "Add it again."
