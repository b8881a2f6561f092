from __future__ import annotations

import struct
import zlib

import pytest

from riskml.report.png import png_facts

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(*more: bytes) -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", 300, 200, 8, 6, 0, 0, 0))
    return SIGNATURE + head + b"".join(more) + _chunk(b"IEND", b"")


def test_size_and_density_are_read():
    facts = png_facts(_png(_chunk(b"pHYs", struct.pack(">IIB", 3937, 3937, 1))))
    assert facts is not None
    assert (facts.width, facts.height, facts.description) == (300, 200, "")
    assert facts.dots_per_inch == pytest.approx(100, abs=0.01)


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        (b"tEXt", b"Description\0caf\xe9", "café"),
        (b"iTXt", b"Description\0\0\0\0\0" + "客户".encode(), "客户"),
        (b"iTXt", b"Description\0\1\0en\0\0" + zlib.compress("客户".encode()), "客户"),
        (b"tEXt", b"Author\0somebody", ""),
    ],
)
def test_the_description_is_read_in_all_its_forms(kind, data, text):
    facts = png_facts(_png(_chunk(kind, data)))
    assert facts is not None
    assert facts.description == text


def test_a_file_cut_short_or_altered_is_no_picture():
    whole = _png(_chunk(b"tEXt", b"Description\0abc"))
    assert png_facts(whole) is not None
    assert png_facts(whole[:-20]) is None
    assert png_facts(whole.replace(b"abc", b"abd")) is None
    assert png_facts(b"") is None
