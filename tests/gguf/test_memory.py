"""What models need, against figures that were worked out by hand."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gguf.cache import UBATCH, LayerCache, cells_of
from app.gguf.caches import DESIGNS
from app.gguf.header import read_header
from app.gguf.memory import CacheType, LayerNeeds, Needs, NeedsUnknown, needs_of, needs_of_metadata
from app.gguf.writer import Metadata, Tensor, write_gguf
from app.text.units import GIB, MIB
from tests.support.architecture import WIDTH, Architecture
from tests.support.architectures import DENSE, TIED
from tests.support.models import F32, LLAMA_8B, LLAMA_70B, LLAMA_405B, Q6_K, LlamaShape, write_llama

F16, Q8_0 = CacheType.F16, CacheType.Q8_0
WEIGHTS = 10 * MIB
EIGHT: Mapping[str, object] = {
    "general.architecture": "llama",
    "llama.block_count": 32,
    "llama.embedding_length": 4096,
    "llama.attention.head_count": 32,
    "llama.attention.head_count_kv": 8,
    "llama.context_length": 131072,
    "llama.feed_forward_length": 14336,
    "llama.vocab_size": 128256,
}


def renamed(architecture: str, **changes: object) -> dict[str, object]:
    """The metadata of an 8B as of another architecture; `__` stands for a dot, None leaves a key out."""
    same = {key.removeprefix("llama."): value for key, value in EIGHT.items() if key.startswith("llama.")}
    changed = same | {name.replace("__", "."): value for name, value in changes.items()}
    keys = {f"{architecture}.{key}": value for key, value in changed.items() if value is not None}
    return {"general.architecture": architecture, **keys}


def caches(architecture: str, **changes: object) -> list[LayerCache]:
    return [layer.cache for layer in needs_of_metadata(renamed(architecture, **changes), WEIGHTS).layers]


def per_token(needs: Needs) -> int:
    """Bytes of the caches of all layers for one more token, where none has a window."""
    return (needs.cache_of(0, len(needs.layers), 512) - needs.cache_of(0, len(needs.layers), 256)) // 256


def written(tmp_path: Path, architecture: Architecture) -> Needs:
    return needs_of(read_header(architecture.write(tmp_path / "model.gguf")))


@pytest.mark.parametrize(
    ("shape", "token", "weights"),
    [
        (LLAMA_8B, 131_072, 4_920_000_000),
        (LLAMA_70B, 327_680, 42_500_000_000),
        (LLAMA_405B, 516_096, 243_100_000_000),
    ],
    ids=lambda value: value.size_label if isinstance(value, LlamaShape) else "",
)
def test_the_family_of_llama_3(tmp_path: Path, shape: LlamaShape, token: int, weights: int) -> None:
    needs = needs_of(read_header(write_llama(tmp_path / "model.gguf", shape, has_vocabulary=True)))
    count = len(needs.layers)
    assert count == shape.layers
    assert per_token(needs) == token
    assert needs.cache_of(0, count, 8192) == token * 8192
    assert needs.weights_of(0, count + 1) + needs.host_bytes == pytest.approx(weights, rel=0.01)
    assert needs.weights_of(count, 1) == needs.output_bytes
    assert needs.trained_context == 131072


def test_the_layers_of_405_billion(tmp_path: Path) -> None:
    needs = needs_of(read_header(write_llama(tmp_path / "model.gguf", LLAMA_405B)))
    sizes = {round(layer.weights_bytes / MIB) for layer in needs.layers}
    assert (min(sizes), max(sizes)) == (1710, 1929)
    assert round(needs.host_bytes / MIB) == 1127
    assert round(needs.output_bytes / MIB) == 1644
    assert needs.cache_of(0, 126, 131072) == 63 * GIB


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        (CacheType.F32, 4.0),
        (CacheType.F16, 2.0),
        (CacheType.BF16, 2.0),
        (CacheType.Q8_0, 34 / 32),
        (CacheType.Q5_1, 24 / 32),
        (CacheType.Q5_0, 22 / 32),
        (CacheType.Q4_1, 20 / 32),
        (CacheType.Q4_0, 18 / 32),
        (CacheType.IQ4_NL, 18 / 32),
    ],
)
def test_types_of_a_cache(kind: CacheType, size: float) -> None:
    assert kind.bytes_of(4096) == 4096 * size
    needs = needs_of_metadata(EIGHT, WEIGHTS)
    assert needs.cache_of(0, 1, 256, kind, kind) == 256 * 2 * 1024 * size
    assert needs.cache_of(0, 1, 256, F16, kind) == 256 * 1024 * (2 + size)


def test_a_cache_whose_blocks_do_not_divide_a_head_is_refused() -> None:
    eight = needs_of_metadata(EIGHT, WEIGHTS)
    assert eight.heads == (128, 128)
    assert eight.why_not_cached(CacheType.Q8_0, CacheType.Q4_0) is None
    narrow = needs_of_metadata(
        renamed("llama", attention__key_length=64, attention__value_length=80), WEIGHTS
    )
    assert narrow.why_not_cached(CacheType.Q8_0, CacheType.F16) is None
    assert narrow.why_not_cached(CacheType.Q8_0, CacheType.Q8_0) == (
        "Each head has a value of 80 numbers, and the cache type q8_0 stores them by 32."
    )
    latent = {"attention__key_length": 576, "attention__value_length": 100, "attention__key_length_mla": 192}
    compressed = needs_of_metadata(renamed("deepseek2", **latent), WEIGHTS)
    assert compressed.why_not_cached(CacheType.Q8_0, CacheType.Q8_0) is None, "it stores no values"
    recurrent = needs_of_metadata(renamed("mamba", **SSM, attention__head_count=None), WEIGHTS)
    assert recurrent.why_not_cached(CacheType.Q4_0, CacheType.Q4_0) is None


def test_the_context_is_filled_up() -> None:
    layer = needs_of_metadata(EIGHT, WEIGHTS).layers[0]
    assert layer.cache_bytes(1, F16, F16) == layer.cache_bytes(256, F16, F16) == 256 * 4096
    assert layer.cache_bytes(257, F16, F16) == 512 * 4096


DEEPSEEK: dict[str, object] = {
    "block_count": 61,
    "embedding_length": 7168,
    "attention__head_count": 128,
    "feed_forward_length": 18432,
    "expert_count": 256,
    "expert_used_count": 8,
    "expert_feed_forward_length": 2048,
}


def test_of_compressed_keys_and_values_only_the_keys_are_kept() -> None:
    latent: dict[str, object] = DEEPSEEK | {
        "attention__head_count_kv": 1,
        "attention__key_length": 576,
        "attention__value_length": 512,
        "attention__key_length_mla": 192,
        "attention__value_length_mla": 128,
    }
    assert per_token(needs_of_metadata(renamed("deepseek2", **latent), WEIGHTS)) == 70_272
    older: dict[str, object] = DEEPSEEK | {
        "attention__head_count_kv": 128,
        "attention__key_length": 192,
        "attention__value_length": 128,
    }
    assert per_token(needs_of_metadata(renamed("deepseek2", **older), WEIGHTS)) == 4_997_120


def test_heads_that_are_not_said() -> None:
    assert caches("llama", attention__head_count_kv=None)[0] == LayerCache(4096, 4096)
    assert caches("qwen3", attention__key_length=64)[0] == LayerCache(512, 1024)


def test_heads_of_each_layer() -> None:
    assert caches("deci", block_count=3, attention__head_count_kv=[8, 0, 2]) == [
        LayerCache(1024, 1024),
        LayerCache(),
        LayerCache(256, 256),
    ]


FULL = LayerCache(1024, 1024)


def behind(window: int) -> LayerCache:
    return LayerCache(1024, 1024, window)


@pytest.mark.parametrize(
    ("architecture", "layers", "said", "period", "window"),
    [
        ("gemma2", 32, None, 2, 4096),
        ("gemma2", 32, 1024, 2, 1024),
        ("gemma3", 32, 1024, 6, 1024),
        ("gemma3", 32, None, 1, 0),
        ("gpt-oss", 32, 128, 2, 128),
        ("cohere2", 32, 4096, 4, 4096),
        ("olmo2", 32, 4096, 4, 4096),
        ("olmo2", 32, 0, 1, 0),
        ("exaone4", 64, None, 4, 4096),
        ("exaone4", 32, 1024, 1, 0),
        ("llama4", 48, None, 4, 8192),
        ("llama4", 48, 4096, 4, 8192),
        ("llama4", 48, 0, 1, 0),
        ("llama", 32, 4096, 1, 0),
        ("phi3", 32, 2047, 1, 0),
    ],
)
def test_of_so_many_layers_the_last_one_looks_back_at_all(
    architecture: str, layers: int, said: int | None, period: int, window: int
) -> None:
    expected = [FULL if (n + 1) % period == 0 else behind(window) for n in range(layers)]
    assert caches(architecture, block_count=layers, attention__sliding_window=said) == expected


def test_windows_that_the_file_deals_out() -> None:
    flags = [True, False, True]
    changes: dict[str, object] = {"block_count": 3, "attention__sliding_window": 512}
    listed = caches("gemma3", **changes, attention__sliding_window_pattern=flags)
    assert listed == [behind(512), FULL, behind(512)]
    counted = caches("gemma2", **changes, attention__sliding_window_pattern=3)
    assert counted == [behind(512), behind(512), FULL]
    other_heads = caches(
        "gemma4",
        **changes,
        attention__sliding_window_pattern=flags,
        attention__head_count_kv=[8, 1, 8],
        attention__key_length=512,
        attention__value_length=512,
        attention__key_length_swa=256,
        attention__value_length_swa=256,
    )
    assert other_heads == [LayerCache(2048, 2048, 512), LayerCache(512, 512), LayerCache(2048, 2048, 512)]


def test_a_window_keeps_itself_and_one_batch() -> None:
    layer = behind(1024)
    assert layer.bytes_of(1000, F16, F16) == 1024 * 4096
    assert layer.bytes_of(131072, F16, F16) == (1024 + UBATCH) * 4096
    assert cells_of(131072, 128) == 768


def test_layers_that_share_the_caches_of_others() -> None:
    three = caches("gemma3n", block_count=22, attention__sliding_window=512)
    assert three[:5] == [*[behind(512)] * 4, FULL]
    assert three[20:] == [LayerCache()] * 2
    said = caches(
        "gemma4",
        block_count=5,
        attention__sliding_window=512,
        attention__sliding_window_pattern=5,
        attention__shared_kv_layers=2,
    )
    assert said == [*[behind(512)] * 3, LayerCache(), LayerCache()]


SSM: dict[str, object] = {
    "ssm__conv_kernel": 4,
    "ssm__inner_size": 4096,
    "ssm__state_size": 128,
    "ssm__group_count": 16,
}
STATE = 3 * (4096 + 2 * 16 * 128) + 128 * 4096


@pytest.mark.parametrize("architecture", ["qwen3next", "qwen35", "qwen35moe"])
def test_every_fourth_layer_has_a_cache_and_the_others_a_state(architecture: str) -> None:
    assert caches(architecture, **SSM, block_count=8) == [*[LayerCache(state=STATE)] * 3, FULL] * 2
    assert caches(architecture, **SSM, block_count=2, full_attention_interval=2)[1] == FULL
    listed = caches(architecture, **SSM, block_count=2, attention__recurrent_layers=[False, True])
    assert listed == [FULL, LayerCache(state=STATE)]


def test_a_state_does_not_grow_with_the_context_nor_shrink_with_its_type() -> None:
    changes: dict[str, object] = {"attention__head_count": 0, "attention__head_count_kv": 0}
    needs = needs_of_metadata(renamed("mamba", **SSM, **changes), WEIGHTS)
    for context, kind in ((256, F16), (131072, Q8_0), (131072, CacheType.F32)):
        assert needs.cache_of(0, 32, context, kind, kind) == 32 * 4 * STATE


def test_layers_without_heads_have_a_state() -> None:
    heads: dict[str, object] = {"block_count": 3, "attention__head_count_kv": [0, 8, 0]}
    state = LayerCache(state=STATE)
    for architecture in ("jamba", "granitehybrid"):
        assert caches(architecture, **SSM, **heads) == [state, FULL, state]
    inner = {"feed_forward_length": [0, 0, 9216]}
    assert caches("nemotron_h", **SSM, **heads, **inner) == [state, FULL, LayerCache()]
    short = caches("lfm2", **heads, shortconv__l_cache=3)
    assert short == [LayerCache(state=2 * 4096), FULL, LayerCache(state=2 * 4096)]


def test_layers_that_have_a_cache_and_a_state() -> None:
    assert caches("falcon-h1", **SSM)[0] == LayerCache(1024, 1024, None, STATE)


def test_a_tied_head_is_there_twice(tmp_path: Path) -> None:
    own, tied = written(tmp_path, DENSE), written(tmp_path, TIED)
    assert tied == own
    assert own.host_bytes == own.output_bytes - WIDTH * 4


def test_layers_that_predict_further_tokens_are_counted_and_need_nothing(tmp_path: Path) -> None:
    plain = written(tmp_path, DENSE)
    more = Architecture("llama", {**DENSE.keys, "nextn_predict_layers": 2}, DENSE.layer, layers=8)
    needs = written(tmp_path, more)
    assert needs.layers == (*plain.layers, *[LayerNeeds(0, LayerCache())] * 2)
    assert needs.weights_of(6, 3) == needs.output_bytes == plain.output_bytes


def test_without_tensors_the_weights_are_spread_evenly() -> None:
    needs = needs_of_metadata(EIGHT, 1_000_000_007)
    assert needs.weights_of(0, 33) == 1_000_000_007
    assert {layer.weights_bytes for layer in needs.layers} == {31_250_000, 31_250_001}
    assert (needs.output_bytes, needs.host_bytes, needs.trained_context) == (0, 0, 131072)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({}, r"does not say of which architecture"),
        (
            {"general.architecture": "rwkv7"},
            r"of the architecture 'rwkv7' keep of a conversation is not known",
        ),
        ({"general.architecture": "bert"}, r"'bert'"),
        (renamed("llama", block_count=None), r"does not say its 'block_count'"),
        (renamed("llama", block_count=0), r"claims to have 0 layers"),
        (renamed("llama", block_count=1 << 40), r"claims to have 1099511627776 layers"),
        (renamed("llama", nextn_predict_layers=1 << 40), r"1099511627776 layers that predict"),
        (renamed("llama", block_count="many"), r"'block_count'"),
        (renamed("llama", embedding_length=None), r"'embedding_length'"),
        (renamed("llama", embedding_length=[1, 2]), r"'embedding_length' is a list"),
        (
            renamed("llama", attention__head_count=None, attention__head_count_kv=None),
            r"does not say how many attention heads",
        ),
        (renamed("llama", attention__head_count=None), r"how long its keys and values are"),
        (renamed("llama", attention__head_count=0), r"how long its keys and values are"),
        (renamed("jamba", attention__head_count_kv=[]), r"'attention.head_count_kv' is not there for each"),
        (
            renamed("llama") | {"llama.attention.head_count_kv": None},
            r"'attention.head_count_kv' is not there",
        ),
        (renamed("llama", attention__head_count_kv=[8] * 31), r"is not there for each of its layers"),
        (renamed("llama", attention__head_count_kv=[-8] * 32), r"is not there for each of its layers"),
        (renamed("gemma4", attention__sliding_window=512), r"which of its layers have a sliding window"),
        (renamed("mamba"), r"'ssm.state_size'"),
    ],
)
def test_what_is_not_said_is_not_guessed(metadata: Mapping[str, object], said: str) -> None:
    with pytest.raises(NeedsUnknown, match=said) as caught:
        needs_of_metadata(metadata, WEIGHTS)
    assert caught.value.remedy


def test_a_tensor_of_an_unknown_type(tmp_path: Path) -> None:
    path = DENSE.write(tmp_path / "model.gguf")
    listed = struct.pack("<IQIQ", 1, WIDTH, F32, 0)[:-8]
    named = b"blk.3.attn_norm.weight" + listed
    content = path.read_bytes()
    assert content.count(named) == 1
    path.write_bytes(content.replace(named, named[:-4] + struct.pack("<I", 77)))
    with pytest.raises(NeedsUnknown, match=r"'blk\.3\.attn_norm\.weight' is of the unknown type 77"):
        needs_of(read_header(path))


def test_a_list_that_was_passed_over_is_not_there(tmp_path: Path) -> None:
    metadata: Metadata = {
        "general.architecture": "llama",
        "llama.block_count": 2,
        "llama.embedding_length": 256,
        "llama.attention.head_count": 8,
        "llama.attention.head_count_kv": [8] * 1025,
    }
    write_gguf(tmp_path / "long.gguf", metadata, [Tensor("token_embd.weight", (256, 8), Q6_K)])
    with pytest.raises(NeedsUnknown, match=r"'attention.head_count_kv' is not there"):
        needs_of(read_header(tmp_path / "long.gguf"))


def test_a_mask_for_each_kind_of_cache() -> None:
    context = 32768
    plain, windowed = renamed("llama"), renamed("gemma2", attention__sliding_window=1024)
    less, more = (
        needs_of_metadata(metadata, WEIGHTS).compute_bytes(context, has_output=False)
        for metadata in (plain, windowed)
    )
    assert more - less == 4 * UBATCH * 2 * (1024 + UBATCH)


def test_a_vocabulary_that_is_not_said_is_taken_to_be_the_largest() -> None:
    known, unknown = (
        needs_of_metadata(renamed("llama", vocab_size=size), WEIGHTS) for size in (128256, None)
    )
    logits = unknown.compute_bytes(512, has_output=True) - unknown.compute_bytes(512, has_output=False)
    assert logits == UBATCH * 262_144 * 4
    assert known.compute_bytes(512, has_output=True) < unknown.compute_bytes(512, has_output=True)


every_design = st.sampled_from(sorted(DESIGNS)).map(
    lambda name: needs_of_metadata(
        renamed(
            name,
            **SSM,
            block_count=12,
            attention__head_count_kv=[8, 0, 8, 2] * 3,
            attention__sliding_window=1024,
            attention__sliding_window_pattern=3,
        ),
        123_456_789,
    )
)
contexts = st.integers(1, 200_000)
kinds = st.sampled_from(CacheType)


@given(every_design, st.lists(st.integers(0, 13)), contexts, kinds, kinds)
def test_parts_add_up_however_the_layers_are_divided(
    needs: Needs, borders: list[int], context: int, k: CacheType, v: CacheType
) -> None:
    cuts = sorted({0, 13, *borders})
    parts = [(begin, end - begin) for begin, end in pairwise(cuts)]
    assert sum(needs.weights_of(*part) for part in parts) == needs.weights_of(0, 13) == 123_456_789
    whole = needs.cache_of(0, 13, context, k, v)
    assert sum(needs.cache_of(*part, context, k, v) for part in parts) == whole
    assert whole == sum(layer.cache_bytes(context, k, v) for layer in needs.layers)


@given(every_design, contexts, contexts, kinds, kinds, st.booleans())
def test_more_context_never_needs_less(
    needs: Needs, one: int, other: int, k: CacheType, v: CacheType, has_output: bool
) -> None:
    less, more = sorted((one, other))
    assert needs.cache_of(0, 12, less, k, v) <= needs.cache_of(0, 12, more, k, v)
    assert needs.compute_bytes(less, has_output=has_output) <= needs.compute_bytes(
        more, has_output=has_output
    )


@given(every_design, contexts, kinds, kinds)
def test_a_smaller_type_never_needs_more(
    needs: Needs, context: int, one: CacheType, other: CacheType
) -> None:
    smaller, larger = sorted((one, other), key=lambda kind: kind.bytes_of(32))
    for fixed in CacheType:
        assert needs.cache_of(0, 12, context, smaller, fixed) <= needs.cache_of(0, 12, context, larger, fixed)
        assert needs.cache_of(0, 12, context, fixed, smaller) <= needs.cache_of(0, 12, context, fixed, larger)
