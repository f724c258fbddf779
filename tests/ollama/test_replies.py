"""What nodes say of their models: of every age, and as no node says it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ollama.fields import part
from app.ollama.replies import LoadedModel, ModelDetails, NodeModel, loaded_models, model_details, node_models
from tests.support.ollama.examples import CLOUD, LLAMA

OLD_TAG = {
    "name": "llama4:latest",
    "model": "llama4:latest",
    "modified_at": "2025-06-24T11:56:25.773177793-04:00",
    "size": 67436862523,
    "digest": "bf31604e25c25d964e250bcf28a82bfbdbe88af5f236257fabb27629bb24c7f3",
    "details": {
        "parent_model": "",
        "format": "gguf",
        "family": "llama4",
        "families": ["llama4"],
        "parameter_size": "108.6B",
        "quantization_level": "Q4_K_M",
    },
}
"""Of a real Ollama, in June 2025."""

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
STRANGE_TEXTS = st.sampled_from(
    ["", "7B", "0B", "9" * 400 + "B", "1.2.3B", "..B", "0001-01-01T00:00:00Z", "\x1b[2J"]
)


def odd(*keys: str) -> st.SearchStrategy[dict[str, object]]:
    """Objects with some of these keys, some others, and anything as values."""
    known = st.dictionaries(st.sampled_from(keys), ANYTHING | STRANGE_TEXTS)
    return st.builds(lambda a, b: a | b, st.dictionaries(st.text(max_size=5), ANYTHING, max_size=2), known)


DETAILS = odd("family", "format", "parameter_size", "quantization_level", "context_length")
ENTRIES = st.builds(
    lambda entry, details: entry | {"details": details},
    odd(
        "name",
        "model",
        "digest",
        "size",
        "capabilities",
        "modified_at",
        "expires_at",
        "size_vram",
        "remote_host",
    ),
    DETAILS | ANYTHING,
)


def test_an_old_node() -> None:
    [model] = node_models({"models": [OLD_TAG]})
    assert model == NodeModel(
        name="llama4:latest",
        digest="bf31604e25c25d964e250bcf28a82bfbdbe88af5f236257fabb27629bb24c7f3",
        size=67436862523,
        parameters=108_600_000_000,
        parameter_text="108.6B",
        quantization="Q4_K_M",
        family="llama4",
        format="gguf",
        context_length=None,
        capabilities=None,
        remote=False,
        modified=datetime(2025, 6, 24, 11, 56, 25, 773177, timezone(timedelta(hours=-4))),
    )


def test_a_new_node() -> None:
    llama, stub = node_models({"models": [LLAMA.tag(), CLOUD.tag()]})
    assert (llama.context_length, llama.capabilities) == (131_072, frozenset({"completion", "tools"}))
    assert (llama.remote, llama.digest) == (False, LLAMA.sha256)
    assert (stub.remote, stub.parameters, stub.parameter_text, stub.size) == (True, None, None, 384)


@pytest.mark.parametrize(
    ("written", "parameters"),
    [
        ("8.0B", 8_000_000_000),
        ("494.03M", 494_030_000),
        ("137M", 137_000_000),
        ("22.7M", 22_700_000),
        ("1000B", 10**12),
        ("8 B", 8 * 10**9),
        ("12.3K", 12_300),
        ("", None),
        ("0B", None),
        ("7", None),
        ("7b", None),
        ("1.2.3B", None),
        ("9" * 400 + "B", None),
        ("8x7B", None),
        (None, None),
        (7, None),
    ],
)
def test_parameters(written: object, parameters: int | None) -> None:
    [model] = node_models({"models": [{"name": "m", "details": {"parameter_size": written}}]})
    assert model.parameters == parameters


@pytest.mark.parametrize(
    ("written", "expires"),
    [
        ("2318-08-16T08:11:55Z", datetime(2318, 8, 16, 8, 11, 55, tzinfo=UTC)),
        ("2026-08-21T08:11:55.264371207Z", datetime(2026, 8, 21, 8, 11, 55, 264371, UTC)),
        ("2026-08-21T08:11:55.5+02:00", datetime(2026, 8, 21, 6, 11, 55, 500_000, UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("2026-08-21T08:11:55", None),
        ("20260821", None),
        ("tomorrow", None),
        ("", None),
        (None, None),
        (1755763915, None),
    ],
)
def test_when_a_model_expires(written: object, expires: datetime | None) -> None:
    assert loaded_models({"models": [{"name": "m", "expires_at": written}]}) == (
        LoadedModel("m", expires=expires),
    )


def test_a_loaded_model() -> None:
    said = LLAMA.loaded(1_755_763_915_000_000_000, 4096)
    expires = datetime(2025, 8, 21, 8, 11, 55, tzinfo=UTC)
    size = LLAMA.size + 4096 * 1024
    assert loaded_models({"models": [said]}) == (
        LoadedModel(LLAMA.name, LLAMA.sha256, size, size, 4096, expires),
    )
    on_processor = {"name": "m", "size": 5, "size_vram": 0}
    assert loaded_models({"models": [on_processor]}) == (LoadedModel("m", size=5, vram_bytes=0),)


@pytest.mark.parametrize("models", [[], None])
def test_no_models(models: object) -> None:
    assert node_models({"models": models}) == ()


def test_entries_that_are_none() -> None:
    nameless = [{}, {"name": ""}, {"name": 7}, {"name": "a\nb"}, None, "m", [], {"name": None, "model": "m"}]
    assert node_models({"models": nameless}) == (NodeModel("m"),)
    assert loaded_models({"models": nameless}) == (LoadedModel("m"),)


@given(st.lists(ENTRIES | ANYTHING, max_size=4))
def test_one_odd_entry_costs_no_other(entries: list[object]) -> None:
    reply = msgspec.json.decode(msgspec.json.encode({"models": [*entries, OLD_TAG]}))
    models, loaded = node_models(reply), loaded_models(reply)
    assert (models[-1].name, loaded[-1].name) == ("llama4:latest", "llama4:latest")
    for model in models:
        assert model.name.isprintable()
        assert model.size is None or model.size > 0
        assert model.parameters is None or model.parameters > 0
        assert model.modified is None or model.modified.tzinfo is not None
    for running in loaded:
        assert running.vram_bytes is None or running.vram_bytes >= 0


def test_details() -> None:
    assert model_details(LLAMA.show()) == ModelDetails(
        parameters=3_212_749_888,
        architecture="llama",
        layers=28,
        context_length=131_072,
        embedding_length=3072,
        expert_count=None,
        capabilities=frozenset({"completion", "tools"}),
        blob_path=f"/usr/share/ollama/.ollama/models/blobs/sha256-{LLAMA.sha256}",
        model_info=part(LLAMA.show(), "model_info"),
    )


def test_details_of_a_stub() -> None:
    stub = model_details(CLOUD.show())
    assert (stub.parameters, stub.architecture, stub.layers, stub.blob_path) == (None, None, None, None)
    assert stub.model_info == {}


def test_experts() -> None:
    info = {"general.architecture": "qwen3moe", "qwen3moe.expert_count": 128}
    assert model_details({"model_info": info}).expert_count == 128


@pytest.mark.parametrize(
    ("modelfile", "path"),
    [
        ("# FROM m:latest\n\nFROM /models/blobs/sha256-1\nTEMPLATE x\n", "/models/blobs/sha256-1"),
        ("FROM /models/with space/sha256-1  \nFROM /models/blobs/sha256-2", "/models/with space/sha256-1"),
        ("FROM m:latest\nFROM /models/blobs/sha256-2", None),
        ("FROM \nTEMPLATE FROM /x\n", None),
        ("FROM /models/\x1b[2J", None),
        ("FROM C:\\models\\blobs\\sha256-1", None),
        ("", None),
        (None, None),
        (["FROM /x"], None),
    ],
)
def test_where_the_weights_are(modelfile: object, path: str | None) -> None:
    assert model_details({"modelfile": modelfile}).blob_path == path


@given(odd("model_info", "modelfile", "capabilities"), odd("general.architecture", "general.parameter_count"))
def test_odd_details(reply: dict[str, object], info: dict[str, object]) -> None:
    for odd_reply in (reply, reply | {"model_info": info}):
        details = model_details(odd_reply)
        assert details.parameters is None or details.parameters > 0
