"""CSV files as text: decoding, header, and errors with the line they are on."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from riskml.errors import DataError
from riskml.runtime.tables import likely_encoding, separator_line, workbook_kind
from riskml.schema import refuse_duplicates

_CHUNK_CHARACTERS = 1 << 22


@dataclass(frozen=True)
class Header:
    """The header of a file."""

    names: list[str]  # stripped of blanks; a column without a name is called by its position
    delimiter: str
    lines_above: int  # blank lines, and Excel's declaration of the separator


# Codecs of Python that are no encodings of files.
_NO_FILES = {
    "idna",
    "punycode",
    "undefined",
    "unicode_escape",
    "raw_unicode_escape",
    "unicode-escape",
    "raw-unicode-escape",
}


def opened(path: Path) -> TextIO:
    """Return a file of UTF-8 text, decompressed where its name ends in .gz."""
    return io.TextIOWrapper(_binary(path), encoding="utf-8-sig", newline="")


@contextmanager
def as_utf8(path: Path, encoding: str) -> Iterator[Path]:
    """Yield a path of the same text in UTF-8: the file itself, or a temporary copy."""
    try:
        codec = codecs.lookup(encoding)
        if not getattr(codec, "_is_text_encoding", True) or codec.name in _NO_FILES:
            raise LookupError(encoding)
        name = codec.name
    except LookupError:
        raise DataError(
            f"unknown encoding {encoding!r}", where=str(path), fix="name it as gb18030, windows-1252 or utf-16"
        ) from None
    if name in ("utf-8", "utf-8-sig"):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="riskml-text-") as folder:
        copy = Path(folder) / path.name.removesuffix(".gz")
        with readable(path), copy.open("w", encoding="utf-8", newline="") as target:
            text = io.TextIOWrapper(_binary(path), encoding=name, newline="")
            try:
                shutil.copyfileobj(text, target, _CHUNK_CHARACTERS)
            except UnicodeError as error:
                fix = "correct data.encoding"
                raise DataError(f"the file is not {encoding}: {error}", where=str(path), fix=fix) from None
            finally:
                text.close()
        yield copy


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn errors of reading a file in the block into a DataError with the line."""
    try:
        yield
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"the file cannot be decompressed: {first_line(error)}",
            where=str(path),
            fix="copy it again: it may be truncated",
        ) from None
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", where=str(path)) from None


def read_header(path: Path) -> Header:
    """Return the header: the first line that is neither blank nor Excel's declaration of the separator."""
    kind = "" if path.name.lower().endswith(".gz") else workbook_kind(path)
    if kind:
        raise DataError(f"the file is {kind}", where=str(path), fix="correct its name, or save it as CSV UTF-8")
    with opened(path) as file:
        lines = ((at, line) for at, line in enumerate(file) if line.strip())
        above, line = next(lines, (0, ""))
        declared = separator_line(line)
        if declared:
            above, line = next(lines, (0, ""))
        if not line:
            raise DataError("the file has no header: it holds blank lines only", where=str(path), fix="export it again")
        outside_quotes = "".join(line.split('"')[::2])
        delimiter = declared or max(",;\t", key=outside_quotes.count)
        if "\x00" in line:
            raise DataError("the file holds binary data", where=str(path), fix="export it as text in UTF-8")
        names = [name.strip() for name in next(csv.reader(chain([line], file), delimiter=delimiter))]
    names = [name or f"unnamed_{i}" for i, name in enumerate(names)]
    refuse_duplicates(names, where=f"{path}, header")
    return Header(names, delimiter, above)


def _binary(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.name.lower().endswith(".gz") else path.open("rb")


def check_lengths(path: Path, header: Header) -> None:
    """Raise a DataError when rows have another number of fields than the header."""
    expected = len(header.names)
    wrong: list[tuple[int, int]] = []
    with opened(path) as file:
        reader = csv.reader(islice(file, header.lines_above, None), delimiter=header.delimiter)
        try:
            for fields in reader:
                if fields and len(fields) != expected:
                    wrong.append((header.lines_above + reader.line_num, len(fields)))
        except csv.Error as error:
            line = header.lines_above + reader.line_num
            raise DataError(f"the rows cannot be parsed: {error}", where=f"{path}, line {line}") from None
    if wrong:
        line, count = wrong[0]
        others = f" (and in {len(wrong) - 1} more lines)" if len(wrong) > 1 else ""
        raise DataError(
            f"the header has {expected} fields, and line {line} has {count}{others}",
            where=f"{path}, line {line}",
            fix="quote fields that hold the separator, and write an empty field for a missing value",
        )


def _not_utf8(path: Path) -> DataError:
    offset, line, byte, chunk, following = 0, 0, "", b"", b""
    with _binary(path) as file:
        # A line feed is never part of another character in UTF-8: every line can be decoded alone.
        for chunk in file:
            line += 1
            try:
                chunk.decode("utf-8")
            except UnicodeDecodeError as error:
                offset, byte = offset + error.start, f"0x{chunk[error.start]:02x}"
                following = chunk + b"".join(file.readlines(_CHUNK_CHARACTERS))
                break
            offset += len(chunk)
    likely = likely_encoding(following, first=line == 1)
    return DataError(
        f"the file is not UTF-8: byte {byte} at offset {offset}",
        where=f"{path}, line {line}",
        fix=f"convert it, for example: iconv -f {likely} -t UTF-8 '{path.name}' > utf8.csv",
    )


def first_line(error: Exception) -> str:
    """Return the first line of an error's message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
