"""The routes of Ollama, as far as they matter here."""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable

from tests.support.ollama.answers import Answer, FailedFirst, Task
from tests.support.ollama.faults import Faults, Gate
from tests.support.ollama.forms import Chat, End, Form, Generate, OpenAi, Words, openai_error, written
from tests.support.ollama.http import Exchange, Request
from tests.support.ollama.models import FakeModel, full_name
from tests.support.ollama.pulls import PullFailed, Pulls
from tests.support.ollama.scheduler import LoadFailed, QueueFull, Scheduler, keep_alive_s

TEXT = "text/plain; charset=utf-8"
_OPENAI_KINDS = {400: "invalid_request_error", 404: "not_found_error"}

Handler = Callable[[Exchange], Awaitable[None]]


class Refused(Exception):  # noqa: N818  it is no error of the stand-in
    """A request that is answered with an error."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Api:
    """Answers requests."""

    def __init__(
        self,
        models: dict[str, FakeModel],
        scheduler: Scheduler,
        pulls: Pulls,
        faults: Faults,
        version: str,
    ) -> None:
        self.words = Gate()
        """Where each word of an answer waits; by its place in the answer."""
        self.listing = Gate()
        """Where /api/ps waits."""
        self._models = models
        self._scheduler = scheduler
        self._pulls = pulls
        self._faults = faults
        self._version = version
        self._routes: dict[str, dict[str, Handler]] = {
            "/": {"GET": self._root, "HEAD": self._root},
            "/api/version": {"GET": self._say_version, "HEAD": self._say_version},
            "/api/tags": {"GET": self._tags, "HEAD": self._tags},
            "/api/ps": {"GET": self._ps},
            "/api/show": {"POST": self._show},
            "/api/chat": {"POST": self._chat},
            "/api/generate": {"POST": self._generate},
            "/api/embed": {"POST": self._embed},
            "/api/pull": {"POST": self._pull},
            "/api/delete": {"DELETE": self._delete},
            "/v1/models": {"GET": self._openai_models},
            "/v1/chat/completions": {"POST": self._openai_chat},
        }

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request, or refuse it."""
        request = exchange.request
        route = self._routes.get(request.path)
        if route is None:
            await exchange.reply(404, b"404 page not found", "text/plain")
        elif request.method not in route:
            await exchange.reply(405, b"405 method not allowed", "text/plain")
        else:
            try:
                await route[request.method](exchange)
            except Refused as refused:
                await _refuse(exchange, refused.status, str(refused))
            except QueueFull as full:
                await _refuse(exchange, 503, str(full))
            except (LoadFailed, FailedFirst, PullFailed) as failed:
                await _refuse(exchange, 500, str(failed))

    async def _root(self, exchange: Exchange) -> None:
        await exchange.reply(200, b"Ollama is running", TEXT)

    async def _say_version(self, exchange: Exchange) -> None:
        await exchange.reply(200, written({"version": self._version}))

    async def _tags(self, exchange: Exchange) -> None:
        await exchange.reply(200, written({"models": [model.tag() for model in self._newest_first()]}))

    async def _ps(self, exchange: Exchange) -> None:
        await self.listing.passing()
        now_ns = time.time_ns()
        loaded = [
            (runner.expires_ns or now_ns + round(runner.keep_alive_s * 1e9), runner)
            for runner in self._scheduler.loaded.values()
        ]
        loaded.sort(key=lambda entry: -entry[0])
        models = [runner.model.loaded(expires_ns, runner.context_length) for expires_ns, runner in loaded]
        await exchange.reply(200, written({"models": models}))

    async def _show(self, exchange: Exchange) -> None:
        await exchange.reply(200, written(self._find(_name(_asked(exchange.request))).show()))

    async def _pull(self, exchange: Exchange) -> None:
        asked = _asked(exchange.request)
        name = _name(asked)
        if full_name(name) is None:
            raise Refused(400, "invalid model name")
        pull = self._pulls.reply if asked.get("stream") is False else self._pulls.stream
        await pull(exchange, name)

    async def _delete(self, exchange: Exchange) -> None:
        model = self._find(_name(_asked(exchange.request)))
        del self._models[full_name(model.name) or model.name]
        await exchange.reply(200)

    async def _chat(self, exchange: Exchange) -> None:
        asked = _asked(exchange.request)
        messages = asked.get("messages") or []
        assert isinstance(messages, list)
        prompt = "\n".join(message["content"] for message in messages)
        await self._infer(exchange, asked, prompt, Chat(str(asked.get("model"))))

    async def _generate(self, exchange: Exchange) -> None:
        asked = _asked(exchange.request)
        await self._infer(exchange, asked, str(asked.get("prompt") or ""), Generate(str(asked.get("model"))))

    async def _openai_chat(self, exchange: Exchange) -> None:
        asked = _asked(exchange.request)
        messages = asked.get("messages")
        if not isinstance(messages, list) or not messages:
            raise Refused(400, "[] is too short - 'messages'")
        prompt = "\n".join(message["content"] for message in messages)
        options = {"num_predict": asked["max_tokens"]} if asked.get("max_tokens") else {}
        asked = {"stream": False, **asked, "options": options}
        await self._infer(exchange, asked, prompt, OpenAi(str(asked.get("model"))))

    async def _infer(self, exchange: Exchange, asked: dict[str, object], prompt: str, form: Form) -> None:
        """Load the model and answer; without a prompt, only load it, or unload it."""
        started_ns = time.monotonic_ns()
        model = self._find(asked.get("model"))
        thinks = self._thinks(model, asked)
        kept_s, options = _kept_s(asked), _options(asked)
        if not prompt and kept_s == 0:
            self._scheduler.expire(model.name)
            await exchange.reply(200, _nothing_said(form, "unload"))
            return
        if "completion" not in model.capabilities:
            kind = "chat" if type(form) is Chat else "generate"
            raise Refused(400, f'"{asked["model"]}" does not support {kind}')
        async with self._scheduler.use(model, options, kept_s):
            if not prompt:
                await exchange.reply(200, _nothing_said(form, "load"))
                return
            limit = options.get("num_predict")
            task = Task(
                model,
                prompt,
                thinks,
                limit if isinstance(limit, int) and limit >= 0 else None,
                started_ns,
                time.monotonic_ns(),
            )
            answer = Answer(task, form, self._faults, self.words)
            await (answer.reply(exchange) if asked.get("stream") is False else answer.stream(exchange))

    async def _embed(self, exchange: Exchange) -> None:
        asked = _asked(exchange.request)
        given = asked.get("input") or []
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise Refused(400, "invalid input type")
        started_ns = time.monotonic_ns()
        model = self._find(asked.get("model"), missing='model "{}" not found, try pulling it first')
        async with self._scheduler.use(model, _options(asked), _kept_s(asked)):
            reply = {"model": asked["model"], "embeddings": [_vector(text) for text in texts]}
            measured = {
                "total_duration": time.monotonic_ns() - started_ns,
                "prompt_eval_count": sum(len(text.split()) for text in texts),
            }
        await exchange.reply(200, written(reply | (measured if texts else {})))

    async def _openai_models(self, exchange: Exchange) -> None:
        data = [
            {
                "id": model.name,
                "object": "model",
                "created": model.modified_ns // 1_000_000_000,
                "owned_by": "library",
            }
            for model in self._newest_first()
        ]
        await exchange.reply(200, written({"object": "list", "data": data or None}))

    def _newest_first(self) -> list[FakeModel]:
        return sorted(self._models.values(), key=lambda model: -model.modified_ns)

    def _find(self, name: object, missing: str = "model '{}' not found") -> FakeModel:
        if not isinstance(name, str) or not name:
            raise Refused(400, "model is required")
        if (full := full_name(name)) is None:
            raise Refused(400, "invalid model name")
        for known in self._models.values():
            if known.name.lower() == full.lower():
                return known
        raise Refused(404, missing.format(name))

    @staticmethod
    def _thinks(model: FakeModel, asked: dict[str, object]) -> bool:
        able, think = "thinking" in model.capabilities, asked.get("think")
        if think and not able:
            raise Refused(400, f'"{asked["model"]}" does not support thinking')
        return able and think is not False


def listens_to(host: str) -> bool:
    """Whether a server that is bound to loopback listens to who calls it so, with or without a port."""
    name = (host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host).strip("[]").lower()
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        own = ("", "localhost", socket.gethostname().lower())
        return name in own or name.endswith((".localhost", ".local", ".internal"))
    return address.is_loopback or address.is_private or address.is_unspecified


async def _refuse(exchange: Exchange, status: int, reason: str) -> None:
    if exchange.request.path.startswith("/v1/"):
        kind = _OPENAI_KINDS.get(status, "api_error")
        await exchange.reply(status, written(openai_error(kind, reason)), "application/json")
    else:
        await exchange.reply(status, written({"error": reason}))


def _asked(request: Request) -> dict[str, object]:
    if not request.body:
        raise Refused(400, "missing request body")
    try:
        return request.json
    except ValueError as error:
        raise Refused(400, str(error)) from None


def _name(asked: dict[str, object]) -> str:
    name = asked.get("model") or asked.get("name")
    if not isinstance(name, str) or not name:
        raise Refused(400, "model is required")
    return name


def _kept_s(asked: dict[str, object]) -> float:
    try:
        return keep_alive_s(asked.get("keep_alive"))
    except ValueError as error:
        raise Refused(400, str(error)) from None


def _options(asked: dict[str, object]) -> dict[str, object]:
    options = asked.get("options")
    return options if isinstance(options, dict) else {}


def _nothing_said(form: Form, reason: str) -> bytes:
    return form.whole(Words(), End(reason))


def _vector(text: str) -> list[float]:
    """A direction that is always the same for the same text."""
    raw = [byte / 255 - 0.5 for byte in hashlib.sha256(text.encode()).digest()[:8]]
    length = sum(number * number for number in raw) ** 0.5
    return [number / length for number in raw]
