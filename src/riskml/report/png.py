"""What a PNG file says of itself: its size and its description.

The format: W3C, Portable Network Graphics specification (third edition), chapters 5 and 11.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_INCHES_PER_METRE = 39.3700787


@dataclass(frozen=True)
class PngFacts:
    """Size and description of a picture."""

    width: int  # in dots
    height: int
    dots_per_inch: float | None
    description: str  # empty where there is none


def png_facts(content: bytes) -> PngFacts | None:
    """Return what a PNG file says of itself, or None when it is no complete PNG file.

    Examples
    --------
    >>> png_facts(b"GIF89a") is None
    True
    """
    try:
        chunks = list(_chunks(content))
    except (ValueError, struct.error):
        return None
    width, height, density, description = 0, 0, None, ""
    for kind, data in chunks:
        if kind == b"IHDR":
            width, height = struct.unpack(">II", data[:8])
        elif kind == b"pHYs" and data[8] == 1:
            density = struct.unpack(">I", data[:4])[0] / _INCHES_PER_METRE
        elif kind in {b"tEXt", b"iTXt"} and data.startswith(b"Description\0"):
            description = _text(kind, data.removeprefix(b"Description\0"))
    return PngFacts(width, height, density, description) if width and chunks[-1][0] == b"IEND" else None


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not content.startswith(_SIGNATURE):
        raise ValueError("no PNG file")
    at = len(_SIGNATURE)
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        data = content[at + 8 : at + 8 + size]
        (checksum,) = struct.unpack_from(">I", content, at + 8 + size)
        if checksum != zlib.crc32(kind + data):
            raise ValueError("a damaged PNG file")
        yield kind, data
        at += size + 12


def _text(kind: bytes, data: bytes) -> str:
    if kind == b"tEXt":
        return data.decode("latin-1")
    # Compression flag and method, language tag, translated keyword, text.
    packed, rest = data[0], data[2:].split(b"\0", 2)[-1]
    return (zlib.decompress(rest) if packed else rest).decode("utf-8", "replace")
