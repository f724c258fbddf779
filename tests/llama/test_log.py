"""Log lines: understood in all their forms, and made safe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.llama import log as log_module
from app.llama.log import MAX_LINE_BYTES, Level, LineAssembler, LogLine, parse_line, read_log


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (
            '{"type":"log","time":6099,"level":"info","msg":"srv  llama_server: initializing ...\\n"}',
            LogLine(0.006099, Level.INFO, "srv  llama_server: initializing ..."),
        ),
        (
            '{"type":"log","time":1,"level":"unknown","msg":"x"}',
            LogLine(1e-6, None, "x"),
        ),
        (
            "0.00.005.485 I srv  llama_server: initializing ...",
            LogLine(0.005485, Level.INFO, "srv  llama_server: initializing ..."),
        ),
        ("75.03.000.000 E send failed", LogLine(4503.0, Level.ERROR, "send failed")),
        (
            "\x1b[34m0.00.005.485\x1b[0m \x1b[32mI \x1b[0msrv  load",
            LogLine(0.005485, Level.INFO, "srv  load"),
        ),
        (
            "ggml-rpc.cpp:547: Failed to connect to 127.0.0.9:50052",
            LogLine(None, None, "ggml-rpc.cpp:547: Failed to connect to 127.0.0.9:50052"),
        ),
        ('{"type":"fit_memory_breakdown"}', LogLine(None, Level.INFO, '{"type":"fit_memory_breakdown"}')),
        ("{not json", LogLine(None, None, "{not json")),
        ('{"msg": 3, "time": "x"}', LogLine(None, None, '{"msg": 3, "time": "x"}')),
        ("", LogLine(None, None, "")),
    ],
)
def test_forms_of_a_line(raw: str, line: LogLine) -> None:
    assert parse_line(raw) == line


def test_a_line_cannot_touch_the_terminal() -> None:
    nasty = "a\x1b[2Jb\x07c\x9bd\u202ee\nf\tg\ud800h\u2028i"
    assert parse_line(nasty).text == "ab c d e f g h i"
    assert parse_line(json.dumps({"time": 1, "level": "info", "msg": nasty.replace("\ud800", " ")})).text == (
        "ab c d e f g h i"
    )


def test_a_long_line_is_cut() -> None:
    assert len(parse_line("x" * 10 * MAX_LINE_BYTES).text) == MAX_LINE_BYTES


records = st.builds(
    lambda message, time, level: json.dumps({"type": "log", "time": time, "level": level, "msg": message}),
    st.text(),
    st.integers() | st.integers(10**300, 10**400) | st.floats(),
    st.text() | st.sampled_from(list(Level)),
)
prefixed = st.builds(
    "{}.{:02}.{:03}.{:03} {} {}".format, *[st.integers(0)] * 4, st.sampled_from("DIWEX"), st.text()
)


@given(st.text() | records | prefixed | st.builds("{{{}".format, st.text()))
def test_any_line_is_understood_somehow_and_safe(raw: str) -> None:
    text = parse_line(raw).text
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)
    text.encode()


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\n\r", codec="utf-8"))), st.data())
def test_lines_come_out_whole_however_they_are_cut(lines: list[str], data: st.DataObject) -> None:
    stream = "".join(f"{line}\n" for line in lines).encode() + b"partial"
    assembler, out, rest = LineAssembler(), [], stream
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        out += assembler.feed(rest[:size])
        rest = rest[size:]
    assert out == lines


def test_of_a_line_too_long_only_the_start_is_kept() -> None:
    assembler = LineAssembler()
    assert [assembler.feed(b"x" * 10_000) for _ in range(100)] == [[]] * 100
    assert assembler.feed(b"\nnext\r\n") == ["x" * MAX_LINE_BYTES, "next"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert LineAssembler().feed(b"a\xffb\n") == ["a\N{REPLACEMENT CHARACTER}b"]


def test_a_log_is_read_whole_where_it_is_short(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("first\n\nsecond\nno end")
    assert read_log(log) == ["first", "second", "no end"]


def test_of_a_long_log_the_start_and_the_end_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "HEAD_BYTES", 100)
    monkeypatch.setattr(log_module, "TAIL_BYTES", 100)
    log = tmp_path / "log"
    for count in (5, 10, 11, 12, 20, 21, 22, 500):
        lines = [f"line {number:04}" for number in range(count)]
        log.write_text("".join(f"{line}\n" for line in lines))
        read = read_log(log)
        assert read[:5] == lines[:5]
        assert read[-5:] == lines[-5:]
        assert read == sorted(set(read))
        assert len(read) == count or 18 <= len(read) < 21
