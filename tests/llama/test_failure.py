"""Why a llama-server ended: captured logs of real failures, and single lines of those that are rare."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.llama.causes import CAUSES
from app.llama.failure import explain
from app.text.address import Address

CAPTURES = Path(__file__).parent / "captures"
READY = [
    "0.00.001.000 I srv  llama_server: initializing ...",
    "0.00.002.000 I srv  llama_server: model loaded",
]
DEVICES = [
    f"0.00.001.{place}00 I cmn  common_param:   - RPC{place} : 127.0.0.{place + 2}:50052 (9 MiB, 9 MiB free)"
    for place in range(2)
]
LOST = "ggml-rpc.cpp:566: Remote RPC server crashed or returned malformed response"


def backend(host: str, port: int = 50052) -> Address:
    return Address(host, port)


def captured(name: str) -> list[str]:
    return (CAPTURES / f"{name}.log").read_text().splitlines()


@pytest.mark.parametrize(
    ("capture", "exit_code", "cause", "suspect"),
    [
        ("backend-refused", -6, "Backend 127.0.0.9:50052 cannot be reached.", backend("127.0.0.9")),
        (
            "backend-refused-with-debugger",
            -6,
            "Backend 127.0.0.9:50052 cannot be reached.",
            backend("127.0.0.9"),
        ),
        ("backend-drops-packets", -6, "Backend 127.0.0.2:50052 cannot be reached.", backend("127.0.0.2")),
        (
            "unknown-backend-name",
            -6,
            "The host name no-such-host.invalid of a backend cannot be resolved.",
            backend("no-such-host.invalid"),
        ),
        (
            "backend-without-port",
            -6,
            "llama-server does not take '127.0.0.9' for the address of a backend.",
            None,
        ),
        ("no-backend-address", -6, "llama-server does not take '' for the address of a backend.", None),
        (
            "backend-protocol-6",
            -6,
            "Backend 127.0.0.20:50052 speaks another version of the RPC protocol than this engine.",
            backend("127.0.0.20"),
        ),
        (
            "backend-protocol-8",
            -6,
            "Backend 127.0.0.20:50052 speaks another version of the RPC protocol than this engine.",
            backend("127.0.0.20"),
        ),
        (
            "backend-protocol-3",
            -6,
            "A backend hung up at the first word: it is no RPC server, or one of another version.",
            None,
        ),
        (
            "backend-closes-on-hello",
            -6,
            "A backend hung up at the first word: it is no RPC server, or one of another version.",
            None,
        ),
        (
            "backend-speaks-http",
            -6,
            "A backend hung up at the first word: it is no RPC server, or one of another version.",
            None,
        ),
        (
            "backend-lost-after-hello",
            -6,
            "A backend hung up at the first word: it is no RPC server, or one of another version.",
            None,
        ),
        ("backend-killed-in-load", -6, "A backend was lost while the model was being loaded.", None),
        ("backend-killed-in-answer", -6, "A backend was lost while the model was in use.", None),
        ("backend-killed-while-idle", -6, "A backend was lost while the model was in use.", None),
        (
            "backend-out-of-memory",
            1,
            "Backend 127.77.0.2:50052 has not enough memory: 207 MiB could not be had.",
            backend("127.77.0.2"),
        ),
        (
            "kv-cache-too-big",
            1,
            "Backend 127.77.0.2:50052 has not enough memory: 143 GiB could not be had.",
            backend("127.77.0.2"),
        ),
        ("not-gguf-text", 1, "models/text.gguf is no GGUF file.", None),
        ("not-gguf-binary", 1, "models/corrupt.gguf is no GGUF file.", None),
        ("header-cut", 1, "The header of models/hdrcut.gguf is damaged.", None),
        (
            "truncated",
            1,
            "models/trunc.gguf is incomplete: the data of output.weight is not in it.",
            None,
        ),
        ("no-file", 1, "models/nope.gguf cannot be opened: No such file or directory.", None),
        (
            "unknown-architecture",
            1,
            "models/badarch.gguf is of the architecture flurble, which this engine does not know.",
            None,
        ),
        (
            "vocabulary-only",
            1,
            "llama.cpp/models/ggml-vocab-llama-spm.gguf lacks the tensor token_embd.weight.",
            None,
        ),
        (
            "port-in-use",
            1,
            "Another program has port 18080 of 127.0.0.1, or that is no address of this box.",
            None,
        ),
        (
            "bad-host",
            1,
            "Another program has port 18080 of 10.99.99.99, or that is no address of this box.",
            None,
        ),
        ("unknown-option", 1, "This llama-server does not know the option --no-mmap.", None),
        ("bad-option-value", 1, "llama-server refused the value of -ngl: stoi.", None),
        ("unknown-device", 1, "llama-server refused the value of --device: invalid device: RPC7.", None),
        ("split-by-row", 1, "Backends cannot split a layer by rows.", None),
        ("cut-off-while-ready", -9, "llama-server was killed from outside.", None),
        ("cut-off-while-ready", -15, "Somebody else ended llama-server.", None),
        ("cut-off-while-ready", 1, "llama-server ended with exit code 1 and did not say why.", None),
        ("cut-off-while-ready", None, "llama-server ended and did not say why.", None),
    ],
)
def test_captured(capture: str, exit_code: int, cause: str, suspect: Address | None) -> None:
    failure = explain(captured(capture), exit_code)
    assert failure.cause == cause
    assert failure.suspect == suspect
    assert failure.remedy.endswith(".")
    assert not any("wait4.c" in line or "LWP" in line for line in failure.evidence)


def test_every_captured_failure_is_tested() -> None:
    marks = getattr(test_captured, "pytestmark")  # noqa: B009  a function has no such attribute by its type
    assert {case[0] for case in marks[0].args[1]} == {file.stem for file in CAPTURES.glob("*.log")} - {
        "placement"
    }


def test_a_lost_backend_is_named_where_the_log_leaves_no_choice() -> None:
    one = explain([*DEVICES[:1], *READY, LOST], -6)
    assert one.cause == "Backend 127.0.0.2:50052 was lost while the model was in use."
    assert one.suspect == backend("127.0.0.2")


def test_a_lost_backend_is_named_by_who_does_not_answer_any_more() -> None:
    several = explain([*DEVICES, *READY, LOST], -6)
    assert several.cause.startswith("One of the backends 127.0.0.2:50052, 127.0.0.3:50052 was lost")
    assert several.suspect is None
    known = explain([*DEVICES, *READY, LOST], -6, gone={backend("127.0.0.3")})
    assert known.cause == "Backend 127.0.0.3:50052 was lost while the model was in use."
    assert known.suspect == backend("127.0.0.3")


def test_what_went_wrong_before_it_was_ready_did_not_end_it() -> None:
    earlier = "0.00.001.500 E load: failed to allocate CUDA0 buffer of size 5"
    failure = explain([READY[0], earlier, READY[1]], 1)
    assert failure.cause == "llama-server ended with exit code 1 and did not say why."


def test_a_second_try_is_no_failure() -> None:
    failure = explain(
        [READY[0], "0.00.001.000 W compute buffer allocation failed, retrying without pipeline parallelism"],
        0,
    )
    assert "memory" not in failure.cause


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (
            "0.00.001.000 E RPC server version mismatch: 6.1.0",
            "A backend speaks version 6.1.0 of the RPC protocol, which this engine does not.",
        ),
        (
            'error while handling argument "--rpc": RPC not supported in this build',
            "This llama-server was built without RPC.",
        ),
        ("error: invalid argument: --rpc", "This llama-server was built without RPC."),
        ("error: --model is required", "llama-server refused its command line: --model is required."),
        (
            "llama-server: error while loading shared libraries: libfoo.so.1: cannot open shared object file",
            "llama-server cannot start, as the library libfoo.so.1 is missing.",
        ),
        (
            "llama-server: /lib/libm.so.6: version `GLIBC_2.43' not found (required by llama-server)",
            "llama-server cannot start, as this box has no GLIBC_2.43.",
        ),
        (
            "gguf_init_from_file: failed to open '/models/a (b).gguf' (Permission denied)",
            "/models/a (b).gguf cannot be opened: Permission denied.",
        ),
        (
            "llama_mmap: failed to open /models/a.gguf: No such file or directory",
            "/models/a.gguf cannot be opened: No such file or directory.",
        ),
        (
            "llama_model_load: error loading model: error loading model hyperparameters: "
            "key not found in model: gemma3.attention.layer_norm_rms_epsilon",
            "The model lacks gemma3.attention.layer_norm_rms_epsilon, which llama.cpp needs.",
        ),
        (
            "llama_model_load: error loading model: done_getting_tensors: wrong number of tensors; "
            "expected 1247, got 808",
            "The model has 1247 tensors where llama.cpp knows 808.",
        ),
        (
            "llama_model_load: error loading model: missing tensor 'blk.0.attn_q.weight'",
            "The model lacks the tensor blk.0.attn_q.weight.",
        ),
        (
            "check_tensor_dims: tensor 'per_layer_token_embd.weight' has wrong shape; expected 8960, got 1",
            "The model has the tensor per_layer_token_embd.weight in another shape than llama.cpp expects.",
        ),
        (
            "gguf_init: tensor 'blk.0.ffn_down_exps.weight' of type 4 (DEPRECATED) has 2880 elements per "
            "row, not a multiple of block size (0)",
            "The model has tensors of type 4, which llama.cpp does not have any more.",
        ),
        (
            "gguf_init: tensor 'x' has invalid ggml type 39. should be in [0, 39)",
            "The model has tensors of type 39, which this engine does not know.",
        ),
        (
            "gguf_init: GGUFv1 is no longer supported, please use a more up-to-date version",
            "The model has a version of the GGUF format that this engine does not read.",
        ),
        (
            "llama_model_load: error loading model: invalid split file name: /blobs/sha256-1",
            "The model is one part of a model in several files, and the parts do not go together.",
        ),
        (
            "llama_model_load: error loading model: CLIP cannot be used as main model, use it with --mmproj",
            "The model is the image part of a model, and cannot answer by itself.",
        ),
        (
            "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 5000.00 MiB on device 0: "
            "cudaMalloc failed: out of memory",
            "This box has not enough memory for its part of the model.",
        ),
        (
            "llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv cache",
            "There is not enough memory for the KV cache.",
        ),
        (
            "llama_init_from_model: K cache type q8_0 with block size 32 does not divide n_embd_head_k=16",
            "The cache type q8_0 stores numbers by 32, and the model has 16 in each head.",
        ),
        (
            "ggml.c:1: GGML_ASSERT(n_tokens > 0) failed",
            "llama-server stopped itself, as an internal check failed: n_tokens > 0.",
        ),
        (
            "llama_model_load: error loading model: something quite new.",
            "The model cannot be loaded: something quite new.",
        ),
        ("  what():  std::bad_alloc", "llama-server crashed: std::bad_alloc."),
        (
            "0.00.001.000 E srv  anything: something failed in a new way",
            "llama-server ended; the last it said was: srv  anything: something failed in a new way.",
        ),
    ],
)
def test_one_line(line: str, cause: str) -> None:
    assert explain([line], 1).cause == cause


@pytest.mark.parametrize("exit_code", [-signal.SIGILL, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGINT])
def test_an_end_that_no_line_tells(exit_code: int) -> None:
    failure = explain(READY, exit_code)
    assert failure.cause.endswith(".")
    assert failure.remedy.endswith(".")


@given(
    st.lists(
        st.text() | st.sampled_from([cause.pattern.pattern for cause in CAUSES] + DEVICES + READY + [LOST])
    ),
    st.none() | st.integers(-64, 255),
)
def test_any_log_is_explained(lines: list[str], exit_code: int | None) -> None:
    failure = explain(lines, exit_code)
    assert failure.cause.endswith(".")
    assert "\n" not in failure.cause
