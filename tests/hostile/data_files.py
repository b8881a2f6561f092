"""Files of customers: encodings, damaged and empty files, names, links, and tables that cannot be what they are used for."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hostile.bases import customers, experiment, model, table
from tests.hostile.case import EITHER, REFUSED, Case


def _parquet() -> bytes:
    stream = io.BytesIO()
    customers().to_parquet(stream)
    return stream.getvalue()


def _workbook() -> bytes:
    stream = io.BytesIO()
    customers().to_excel(stream, index=False)
    return stream.getvalue()


def _zip(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def _contents() -> Iterator[tuple[str, str, bytes, tuple[int, ...]]]:
    """Yield name, suffix, content and exit codes."""
    text = table()
    plain, head = text.encode(), text.splitlines()[0]
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "cp1252", "utf-7"):
        yield (
            f"in {encoding}",
            "csv",
            text.replace("own", "自有" if encoding != "cp1252" else "prêt").encode(encoding),
            EITHER,
        )
    for name, content in {
        "empty": b"", "a line break": b"\n", "NUL alone": b"\0" * 500, "an empty head": b",,,,\n" + plain,
        "a head alone": head.encode() + b"\n", "zeros": b"0" * 5000, "a quote not closed": plain + b'"c999,30',
        "random bytes": bytes(range(256)) * 8, "a column twice": plain.replace(b"income", b"age", 1),
        "more cells in a row": plain + b"c1,1,1,own,1,7,7,7,7,7,7\n" * 3, "HTML": b"<html><body>login</body></html>",
        "JSON": b'{"customer": 1}', "a script": b"#!/bin/sh\ntouch pwned\n", "a column of 100,000 characters": b"x" * 100_000 + b",y\n1,1\n",
        "a pickle": b"cos\nsystem\n(S'touch pwned'\ntR.", "a zip": _zip("y.csv", plain), "a name that goes up": _zip("../../y.csv", plain),
    }.items():  # fmt: skip
        yield name, "csv", content, REFUSED
    for name, content in {
        "NUL in a cell": plain.replace(b"own", b"o\0n"), "a long cell": plain.replace(b"own", b"x" * 200_000, 1),
        "blank lines": plain.replace(b"\n", b"\n\n"), "old line breaks": plain.replace(b"\n", b"\r"),
        "tabs": plain.replace(b",", b"\t"), "semicolons": plain.replace(b",", b";"), "Excel's first line": b"sep=,\n" + plain,
        "a half row": plain + b"c999,30", "a workbook named csv": _workbook(), "a Parquet file named csv": _parquet(),
        "a row of bars": plain + b"|||||||||\n", "50 more columns": _wide(text),
    }.items():  # fmt: skip
        yield name, "csv", content, EITHER
    whole = _parquet()
    for name, content in {"empty": b"", "CSV": plain, "cut": whole[: len(whole) // 2], "magic alone": b"PAR1" * 2,
                          "a damaged foot": whole[:-40] + b"\xff" * 32 + whole[-8:], "a workbook": _workbook()}.items():  # fmt: skip
        yield name, "parquet", content, REFUSED
    book = _workbook()
    for name, content in {"empty": b"", "CSV": plain, "cut": book[: len(book) // 2], "an empty zip": _zip("x", b""),
                          "a zip bomb": _zip("xl/workbook.xml", b"<a>" * 5_000_000),
                          "XML that reads a file": _zip("xl/workbook.xml", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
                          }.items():  # fmt: skip
        yield name, "xlsx", content, REFUSED
    yield "cut", "csv.gz", gzip.compress(plain)[:100], REFUSED
    yield "not packed", "csv.gz", plain, REFUSED


def _wide(text: str) -> bytes:
    lines = text.splitlines()
    more = [",".join(f"k{i}" for i in range(50)), *[",".join("1" for _ in range(50))] * (len(lines) - 1)]
    return "\n".join(f"{line},{cells}" for line, cells in zip(lines, more, strict=True)).encode()


def _loop(folder: Path) -> None:
    (folder / "b.csv").symlink_to(folder / "x.csv")
    (folder / "x.csv").symlink_to(folder / "b.csv")


def _folder(folder: Path) -> None:
    (folder / "x.csv").mkdir()


def _dangling(folder: Path) -> None:
    (folder / "x.csv").symlink_to(folder / "nothing.csv")


_PLACES: dict[str, tuple[str, Callable[[Path], None] | None]] = {
    "a loop of links": ("x.csv", _loop), "a folder": ("x.csv", _folder), "a link to nothing": ("x.csv", _dangling),
    "nothing": ("none.csv", None), "NUL": ("a\0b.csv", None), "300 characters": ("x" * 300 + ".csv", None),
    "6,000 characters": ("x/" * 3000 + "a.csv", None), "an unknown suffix": ("x.exe", None), "no name": ("", None),
    "a device": ("/dev/null", None), "a lone surrogate": ("\ud800.csv", None),
}  # fmt: skip


def cases() -> Iterator[Case]:
    """Return the cases: the draft, the run and the scores of a file."""

    def of(name: str, file: str, codes: tuple[int, ...], **more: object) -> Iterator[Case]:
        files = more.pop("files", {})
        assert isinstance(files, dict)
        draft = ["new", "t", "--data", file, "--target", "y", "--id", "customer"]
        score = ["score", str(model()), file, "-o", "out.csv"]
        run = ["run", "e.yaml", "-p", f"data.source='{file}'"]
        yield Case("data files", f"new: {name}", draft, files, codes, **more)  # type: ignore[arg-type]
        yield Case("data files", f"score: {name}", score, files, codes, **more)  # type: ignore[arg-type]
        yield Case("data files", f"run: {name}", run, files | {"e.yaml": experiment()}, codes, **more)  # type: ignore[arg-type]

    for name, suffix, content, codes in _contents():
        yield from of(f"{suffix}: {name}", f"x.{suffix}", codes, files={f"x.{suffix}": content})
    for name, (file, prepare) in _PLACES.items():
        yield from of(f"path: {name}", file, REFUSED, prepare=prepare)
