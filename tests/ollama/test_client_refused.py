"""The client and a node that does not answer as Ollama does, or not at all."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from app.ollama.body import REPLY_LIMIT
from app.ollama.client import NodeProblem, OllamaClient, OllamaLimits
from app.ollama.knock import knock
from app.ollama.wire import Wire
from app.text.answer import Stage
from tests.support.http_fakes import Fault, Step, fake_http, whole
from tests.support.ollama.asking import IMPATIENT, ask, said, saying
from tests.support.ollama.examples import ANSWER
from tests.support.ollama_server import OllamaStandIn
from tests.support.rpc_fakes import closed_port, full_queue

CERTIFICATE = Path(__file__).with_name("self-signed.pem")
QUESTIONS: list[Callable[[OllamaClient], Awaitable[object]]] = [
    OllamaClient.version,
    OllamaClient.tags,
    OllamaClient.loaded,
    lambda client: client.show("llama3.2"),
]
every_question = pytest.mark.parametrize("question", QUESTIONS, ids=["version", "tags", "loaded", "show"])


@every_question
async def test_a_node_that_says_nothing(
    node: OllamaStandIn, impatient: OllamaClient, question: Callable[[OllamaClient], Awaitable[object]]
) -> None:
    node.faults.hang = True
    with pytest.raises(NodeProblem, match=f"{node.url} has fallen silent"):
        await question(impatient)


@every_question
async def test_a_node_that_is_none(
    node: OllamaStandIn, client: OllamaClient, question: Callable[[OllamaClient], Awaitable[object]]
) -> None:
    node.faults.html = True
    with pytest.raises(NodeProblem, match=f"{node.url} is no Ollama: its reply to /api/"):
        await question(client)


@every_question
@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (whole(b"[" * 100_000), "is no Ollama"),
        (whole(b'{"version":"\xff","models":[]}'), "is no Ollama"),
        (whole([1]), "is no Ollama"),
        (whole(b" " * (REPLY_LIMIT + 1)), "with more than Ollama ever says"),
        (whole("<html>Bad gateway</html>", 502, "text/html"), "with status 502, as no Ollama does"),
        (whole("404 page not found", 404, "text/plain"), "with status 404, as no Ollama does"),
        (whole(b"", 403), "does not listen to who calls it by that name"),
        (whole("Forbidden", 403), "with status 403"),
        ([b"HTTP/1.1 301 M\r\nLocation: https://x/\r\nContent-Length: 0\r\n\r\n"], "sends on to https://x/."),
        ([Fault.HANG_UP], "broke the connection"),
        ([Fault.RESET], "broke the connection"),
        ([b"SSH-2.0-OpenSSH\r\n", Fault.HANG_UP], "broke the connection"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", Fault.HANG_UP], "broke the connection"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_replies_that_are_none(
    question: Callable[[OllamaClient], Awaitable[object]], reply: list[Step], sentence: str
) -> None:
    async with saying(reply) as client:
        with pytest.raises(NodeProblem) as problem:
            await question(client)
    assert "http://127.0.0.1:" in problem.value.sentence
    assert sentence in problem.value.sentence
    assert problem.value.remedy


@pytest.mark.parametrize("question", [OllamaClient.tags, OllamaClient.loaded])
@pytest.mark.parametrize("reply", [{}, {"models": {}}, {"detail": "hello"}])
async def test_a_reply_without_models_is_no_reply(
    question: Callable[[OllamaClient], Awaitable[object]], reply: object
) -> None:
    async with saying(whole(reply)) as client:
        with pytest.raises(NodeProblem, match="is no Ollama"):
            await question(client)


async def test_a_refusal_of_another_server() -> None:
    async with saying(whole("<html>Bad gateway</html>", 502)) as client:
        _, broken = await ask(client)
    assert broken is not None
    assert (broken.stage, broken.status) == (Stage.BEFORE, 502)


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ([b"HTTP/1.1 500 X\r\n\r\n{", Fault.STALL], "has fallen silent."),
        (
            [b"HTTP/1.1 500 X\r\n\r\n" + b" " * (REPLY_LIMIT + 1), Fault.STALL],
            "sent something too long for an answer.",
        ),
    ],
)
async def test_a_refusal_without_end(steps: list[Step], sentence: str) -> None:
    async with (
        fake_http(lambda _: steps) as fake,
        OllamaClient(fake.url, limits=OllamaLimits(reply_s=0.5)) as client,
    ):
        _, broken = await ask(client)
    assert broken is not None
    assert (broken.stage, broken.sentence) == (Stage.BEFORE, f"{fake.url} {sentence}")


async def test_nobody_there() -> None:
    url = f"http://{closed_port()}"
    async with OllamaClient(url) as client:
        with pytest.raises(NodeProblem) as problem:
            await client.version()
        _, broken = await ask(client)
    assert problem.value.sentence == f"Nothing listens at {url}."
    assert "'ollama serve'" in problem.value.remedy
    assert broken is not None
    assert (broken.stage, broken.sentence) == (Stage.BEFORE, problem.value.sentence)


async def test_nobody_there_on_another_box(monkeypatch: pytest.MonkeyPatch) -> None:
    address = closed_port()
    resolve(monkeypatch, address.host)
    async with OllamaClient(f"http://gpu-box:{address.port}") as client:
        with pytest.raises(NodeProblem, match="Nothing listens at http://gpu-box") as problem:
            await client.version()
    assert "OLLAMA_HOST=0.0.0.0" in problem.value.remedy, "Ollama listens to its own box only, unless told"


async def test_a_box_that_does_not_answer() -> None:
    with full_queue() as address:
        async with OllamaClient(f"http://{address}", limits=IMPATIENT) as client:
            with pytest.raises(NodeProblem) as problem:
                await client.version()
            _, broken = await ask(client)
    assert problem.value.sentence == f"http://{address} does not answer."
    assert broken is not None
    assert (broken.stage, broken.sentence) == (Stage.BEFORE, problem.value.sentence)


async def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch, None)
    async with OllamaClient("http://gpu-bxo:11434") as client:
        with pytest.raises(NodeProblem, match="No address is known for the host of http://gpu-bxo:11434"):
            await client.version()


async def test_a_name_that_the_node_does_not_listen_to(
    node: OllamaStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve(monkeypatch, node.host)
    async with OllamaClient(f"http://gpu.example:{node.port}") as client:
        with pytest.raises(NodeProblem, match="calls it by that name") as problem:
            await client.version()
        _, broken = await ask(client)
    assert "OLLAMA_HOST=0.0.0.0" in problem.value.remedy
    assert broken is not None
    assert (broken.stage, broken.status) == (Stage.BEFORE, 403)


async def test_a_network_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch, "255.255.255.255")
    async with OllamaClient("http://gpu-box:11434") as client:
        with pytest.raises(NodeProblem, match=r"cannot be reached: [A-Z][a-z ]+[.]"):
            await client.version()


async def test_a_node_that_came_up_again(node: OllamaStandIn, client: OllamaClient) -> None:
    assert await client.version()
    await node.go_down()
    with pytest.raises(NodeProblem, match="Nothing listens"):
        await client.version()
    await node.come_up()
    assert await client.version()


@pytest.mark.parametrize("token", [None, "wrong", "secret"])
async def test_a_token(node: OllamaStandIn, token: str | None) -> None:
    node.faults.token = "secret"
    async with OllamaClient(node.url, token=token) as client:
        assert "secret" not in repr(client)
        assert "secret" not in repr(vars(client))
        if token == "secret":
            assert await client.version() == "0.32.15"
            assert said((await ask(client))[0]) == ANSWER
            return
        with pytest.raises(NodeProblem, match="wants a token"):
            await client.version()
        _, broken = await ask(client)
        assert broken is not None
        assert (broken.stage, broken.status) == (Stage.BEFORE, 401)


async def test_https_where_there_is_none(node: OllamaStandIn) -> None:
    async with OllamaClient(node.url.replace("http://", "https://")) as client:
        with pytest.raises(
            NodeProblem, match=r"No safe connection to https://127\.0\.0\.1:\d+ came about"
        ) as problem:
            await client.version()
    assert "http://" in problem.value.remedy


async def test_a_certificate_counts_where_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    async with OllamaStandIn(tls=tls) as node:
        async with OllamaClient(node.url) as client:
            with pytest.raises(
                NodeProblem, match=f"No safe connection to {node.url} .*: self-signed"
            ) as problem:
                await client.version()
        assert "SSL_CERT_FILE" in problem.value.remedy
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        async with OllamaClient(node.url) as client:
            assert await client.version() == "0.32.15"


def test_plain_http_loads_no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[object] = []
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *args, **kwargs: loaded.append(args))
    Wire("http://127.0.0.1:11434", {}, 1)
    assert loaded == []
    Wire("https://127.0.0.1:11434", {}, 1)
    assert loaded != []


async def test_a_client_that_is_closed_while_its_node_comes_up(node: OllamaStandIn) -> None:
    client = OllamaClient(node.url)
    asked = asyncio.create_task(client.version())
    await asyncio.sleep(0)
    await client.aclose()
    with pytest.raises(NodeProblem, match="removed from the pool"):
        await asked


async def test_one_of_several_addresses_listens(node: OllamaStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    places = [(closed_port().host, closed_port().port), (node.host, node.port)]

    def getaddrinfo(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place) for place in places]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    await knock("http://gpu-box:11434", 2)
    places.pop()
    with pytest.raises(NodeProblem, match="Nothing listens at http://gpu-box:11434"):
        await knock("http://gpu-box:11434", 2)


async def test_no_proxy_of_the_environment_is_used(
    node: OllamaStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with OllamaClient(node.url) as client:
        assert await client.version()


def resolve(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    """Let every host name have this address, or none."""

    def getaddrinfo(host: object, port: int, *_: object, **__: object) -> list[object]:
        if address is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
