"""A stand-in with a few models, and those who ask it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from app.ollama.client import OllamaClient
from tests.support.ollama.asking import IMPATIENT
from tests.support.ollama.caller import Caller
from tests.support.ollama.examples import CLOUD, EMBEDDER, LLAMA, THINKER
from tests.support.ollama_server import OllamaStandIn


@pytest.fixture
async def node() -> AsyncIterator[OllamaStandIn]:
    async with OllamaStandIn([LLAMA, THINKER, EMBEDDER, CLOUD]) as node:
        yield node


@pytest.fixture(params=["sync", "async"])
async def call(node: OllamaStandIn, request: pytest.FixtureRequest) -> AsyncIterator[Caller]:
    caller = Caller(node.url, request.param)
    yield caller
    await caller("close")


@pytest.fixture
async def web(node: OllamaStandIn) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=node.url, trust_env=False) as web:
        yield web


@pytest.fixture
async def client(node: OllamaStandIn) -> AsyncIterator[OllamaClient]:
    async with OllamaClient(node.url) as client:
        yield client


@pytest.fixture
async def impatient(node: OllamaStandIn) -> AsyncIterator[OllamaClient]:
    async with OllamaClient(node.url, limits=IMPATIENT) as client:
        yield client
