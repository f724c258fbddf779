"""What log lines say."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.llama.log import parse_line
from app.llama.log_facts import (
    BufferAllocated,
    BufferKind,
    CacheSized,
    CleaningUp,
    DeviceFound,
    DeviceUsed,
    GenerationTiming,
    Initializing,
    LayerAssigned,
    LayersOffloaded,
    Listening,
    LoadStarted,
    LogFact,
    MemoryBreakdown,
    ModelLoaded,
    PromptTiming,
    RequestCancelled,
    RequestReleased,
    RequestStarted,
    TensorsLoading,
    WarmingUp,
)
from app.llama.log_reader import read_fact
from app.text.address import Address
from app.text.units import MIB

PLACEMENTS = Path(__file__).parent / "captures" / "placement"
BACKEND = Address("127.0.0.2", 50052)


SAID: list[tuple[str, LogFact | None]] = [
    ("srv  llama_server: initializing ...", Initializing()),
    (
        "cmn  common_param:   - RPC0    : 127.0.0.2:50052 (24105 MiB, 24000 MiB free)",
        DeviceFound("RPC0", BACKEND, 24105 * MIB, 24000 * MIB),
    ),
    (
        "cmn  common_param:   - CPU     : A Processor (24105 MiB, 24105 MiB free)",
        DeviceFound("CPU", None, 24105 * MIB, 24105 * MIB),
    ),
    (
        "llama_prepare_model_devices: using device RPC0 (127.0.0.2:50052) (unknown id) - 24105 MiB free",
        DeviceUsed("RPC0", BACKEND, 24105 * MIB),
    ),
    (
        "using device CUDA0 (NVIDIA GeForce RTX 3090) (0000:01:00.0) - 23000 MiB free",
        DeviceUsed("CUDA0", None, 23000 * MIB),
    ),
    (
        "using device RPC[127.0.0.2:50052] (RPC[127.0.0.2:50052]) - 23000 MiB free",
        DeviceUsed("RPC[127.0.0.2:50052]", BACKEND, 23000 * MIB),
    ),
    ("srv    load_model: loading model '/models/a b.gguf'", LoadStarted("/models/a b.gguf")),
    ("load_tensors: loading model tensors, this can take a while... (mmap = true)", TensorsLoading()),
    ("load_tensors: offloaded 4/9 layers to GPU", LayersOffloaded(4, 9)),
    ("load_tensors: layer   8 assigned to device RPC2, is_swa = 0", LayerAssigned(8, "RPC2")),
    (
        "load_tensors: RPC1[127.0.0.2:50052] model buffer size =     3.38 MiB",
        BufferAllocated(BACKEND, "", 1, BufferKind.MODEL, round(3.38 * MIB)),
    ),
    (
        "load_tensors: RPC[127.0.0.2:50052] model buffer size =     3.38 MiB",
        BufferAllocated(BACKEND, "", 0, BufferKind.MODEL, round(3.38 * MIB)),
    ),
    (
        "load_tensors:   CPU_Mapped model buffer size =    15.62 MiB",
        BufferAllocated(None, "CPU", 0, BufferKind.MODEL, round(15.62 * MIB)),
    ),
    (
        "load_tensors:    CUDA_Host model buffer size =    15.62 MiB",
        BufferAllocated(None, "CPU", 0, BufferKind.MODEL, round(15.62 * MIB)),
    ),
    (
        "load_tensors:  CUDA0_Split model buffer size =    15.62 MiB",
        BufferAllocated(None, "CUDA0", 0, BufferKind.MODEL, round(15.62 * MIB)),
    ),
    (
        "llama_kv_cache: RPC0[127.0.0.2:50052] KV buffer size =     6.00 MiB",
        BufferAllocated(BACKEND, "", 0, BufferKind.CACHE, 6 * MIB),
    ),
    (
        "llama_memory_recurrent:      CUDA1 RS buffer size =     6.00 MiB",
        BufferAllocated(None, "CUDA1", 0, BufferKind.CACHE, 6 * MIB),
    ),
    (
        "sched_reserve:        CPU compute buffer size =    21.00 MiB",
        BufferAllocated(None, "CPU", 0, BufferKind.COMPUTE, 21 * MIB),
    ),
    (
        "llama_context:        CPU  output buffer size =     1.00 MiB",
        BufferAllocated(None, "CPU", 0, BufferKind.OUTPUT, MIB),
    ),
    (
        "llama_kv_cache: size =   16.00 MiB (  4096 cells,   8 layers,  4/1 seqs), K (f16):    8.00 MiB",
        CacheSized(8, 16 * MIB),
    ),
    ("cmn  common_init_: warming up the model with an empty run - please wait ...", WarmingUp()),
    ("srv  llama_server: model loaded", ModelLoaded()),
    ("srv  llama_server: listening on http://127.0.0.1:18080", Listening("http://127.0.0.1:18080")),
    ("slot launch_slot_: id  3 | task 41 | processing task, is_child = 0", RequestStarted(3, 41)),
    (
        "slot print_timing: id  3 | task 0 | prompt eval time =      11.43 ms /    16 tokens",
        PromptTiming(3, 0, 16, 11.43 / 1000),
    ),
    (
        "slot print_timing: id  3 | task 0 |        eval time =     224.06 ms /    40 tokens",
        GenerationTiming(3, 0, 40, 224.06 / 1000),
    ),
    ("slot print_timing: id  3 | task 0 |       total time =     235.49 ms /    56 tokens", None),
    (
        "slot      release: id  3 | task 0 | stop processing: n_tokens = 55, truncated = 0",
        RequestReleased(3, 0, 55),
    ),
    ("srv          stop: cancel task, id_task = 12", RequestCancelled(12)),
    ("srv    operator(): operator(): cleaning up before exit...", CleaningUp()),
    ("llama_model_load: error loading model: unknown model architecture: 'flurble'", None),
    ("srv    load_model: initializing, n_slots = 4, n_ctx_slot = 4096, kv_unified = 'true'", None),
    (
        "~llama_context: CPU compute buffer size is  21.0704 MiB, matches expectation of  21.0704 MiB",
        None,
    ),
    ("load_tensors: RPC0[not:an:address] model buffer size = 3.38 MiB", None),
    ('{"type":"fit_memory_breakdown","data":{"rows":"none"}}', None),
]


@pytest.mark.parametrize(("text", "fact"), SAID)
def test_what_a_line_says(text: str, fact: LogFact | None) -> None:
    assert read_fact(parse_line(f"0.00.000.001 I {text}" if text[0] != "{" else text)) == fact


def test_a_memory_breakdown() -> None:
    lines = (PLACEMENTS / "json-lines.log").read_text().splitlines()
    planned, final = [f for line in lines if isinstance(f := read_fact(parse_line(line)), MemoryBreakdown)]
    assert [row.device for row in planned.rows] == ["RPC0", "RPC1", "RPC2", "Host"]
    assert planned.rows[0].endpoint == BACKEND
    assert planned.rows[0].free_bytes == 24105 * MIB
    assert planned.rows[2].model_bytes == 17 * MIB
    assert planned.rows[3].endpoint is None
    assert planned.rows[3].free_bytes is None
    assert final.rows[1].compute_bytes == 22 * MIB


def test_the_life_of_a_server_in_its_order() -> None:
    lines = (PLACEMENTS / "json-lines.log").read_text().splitlines()
    seen = [type(fact) for line in lines if (fact := read_fact(parse_line(line)))]
    once = [kind for kind in seen if Counter(seen)[kind] == 1]
    assert once == [
        Initializing,
        LoadStarted,
        TensorsLoading,
        LayersOffloaded,
        CacheSized,
        WarmingUp,
        ModelLoaded,
        Listening,
        RequestStarted,
        PromptTiming,
        GenerationTiming,
        RequestReleased,
        CleaningUp,
    ]


numbers = st.text("0123456789", min_size=1, max_size=4000) | st.sampled_from([".", "-1", "1e9", "\u0663"])


@given(st.sampled_from([text for text, _ in SAID]), st.data())
def test_any_number_is_read(text: str, data: st.DataObject) -> None:
    read_fact(parse_line(re.sub(r"\d+", lambda _: data.draw(numbers), text)))


@given(st.text() | st.text(alphabet="RPC0[]:.() =|MiBtasklayerbufferKV1 ").map("load_tensors: {}".format))
def test_any_line_is_read(text: str) -> None:
    read_fact(parse_line(text))
