"""The sizes of blocks, added up again from what ggml-common.h puts into each."""

from __future__ import annotations

import pytest

from app.gguf.types import FILE_TYPES, REMOVED_TYPES, TENSOR_TYPES

HALF, FLOAT = 2, 4
SUPER, SMALL = 256, 32
"""Elements in the two usual blocks."""

BLOCKS = {
    "Q4_0": (SMALL, HALF + SMALL // 2),
    "Q4_1": (SMALL, 2 * HALF + SMALL // 2),
    "Q5_0": (SMALL, HALF + 4 + SMALL // 2),
    "Q5_1": (SMALL, 2 * HALF + 4 + SMALL // 2),
    "Q8_0": (SMALL, HALF + SMALL),
    "Q8_1": (SMALL, 2 * HALF + SMALL),
    "Q2_K": (SUPER, SUPER // 16 + SUPER // 4 + 2 * HALF),
    "Q3_K": (SUPER, SUPER // 8 + SUPER // 4 + 12 + HALF),
    "Q4_K": (SUPER, 2 * HALF + 12 + SUPER // 2),
    "Q5_K": (SUPER, 2 * HALF + 12 + SUPER // 8 + SUPER // 2),
    "Q6_K": (SUPER, SUPER // 2 + SUPER // 4 + SUPER // 16 + HALF),
    "Q8_K": (SUPER, FLOAT + SUPER + SUPER // 16 * 2),
    "IQ2_XXS": (SUPER, HALF + SUPER // 8 * 2),
    "IQ2_XS": (SUPER, HALF + SUPER // 8 * 2 + SUPER // 32),
    "IQ2_S": (SUPER, HALF + SUPER // 4 + SUPER // 32 + SUPER // 32),
    "IQ3_XXS": (SUPER, HALF + 3 * SUPER // 8),
    "IQ3_S": (SUPER, HALF + SUPER // 4 + SUPER // 32 + SUPER // 8 + SUPER // 64),
    "IQ1_S": (SUPER, HALF + SUPER // 8 + SUPER // 32 * 2),
    "IQ1_M": (SUPER, SUPER // 8 + SUPER // 16 + SUPER // 32),
    "IQ4_NL": (SMALL, HALF + SMALL // 2),
    "IQ4_XS": (SUPER, HALF + 2 + SUPER // 64 + SUPER // 2),
    "TQ1_0": (SUPER, HALF + SUPER // 64 + (SUPER - 4 * SUPER // 64) // 5),
    "TQ2_0": (SUPER, HALF + SUPER // 4),
    "MXFP4": (SMALL, 1 + SMALL // 2),
    "NVFP4": (64, 64 // 16 + 64 // 2),
    "Q1_0": (128, HALF + 128 // 8),
    "Q2_0": (64, HALF + 64 // 4),
    "F32": (1, 4),
    "F16": (1, 2),
    "BF16": (1, 2),
    "I8": (1, 1),
    "I16": (1, 2),
    "I32": (1, 4),
    "I64": (1, 8),
    "F64": (1, 8),
}


def test_every_block_is_the_sum_of_its_fields() -> None:
    assert {kind.name: (kind.elements, kind.size) for kind in TENSOR_TYPES.values()} == BLOCKS


def test_ids_with_the_removed_ones_are_gapless() -> None:
    assert sorted([*TENSOR_TYPES, *REMOVED_TYPES]) == list(range(43))


def test_names_are_unique() -> None:
    assert len({kind.name for kind in TENSOR_TYPES.values()}) == len(TENSOR_TYPES)
    assert len(set(FILE_TYPES.values())) == len(FILE_TYPES)


@pytest.mark.parametrize(("file_type", "name"), [(1, "F16"), (15, "Q4_K_M"), (18, "Q6_K"), (38, "MXFP4_MOE")])
def test_file_types_are_llama_cpps(file_type: int, name: str) -> None:
    assert FILE_TYPES[file_type] == name
