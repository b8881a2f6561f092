"""Digest of a table's content, independent of pandas' version, the index and the file format."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from riskml.runtime.frame import level

_EXACT = 2**53  # the integers up to here are exact as float64


def content_hash(frame: pd.DataFrame) -> str:
    """Return the SHA-256 of a table's content.

    Examples
    --------
    >>> content_hash(pd.DataFrame({"a": [1, 2]})) == content_hash(pd.DataFrame({"a": [1.0, 2.0]}, index=[7, 8]))
    True
    """
    digest = hashlib.sha256(f"riskml 1 {len(frame)}".encode())
    for name, column in frame.items():
        kind, chunks = _canonical(column)
        title = f"{name}".encode("utf-8", "surrogatepass")
        digest.update(f"|{len(title)} {kind} ".encode() + title)
        for chunk in chunks:
            digest.update(chunk)
    return digest.hexdigest()


def data_digest(frame: pd.DataFrame) -> str:
    """Return the first 12 hexadecimal digits of a table's ``content_hash``, as records and reports show it."""
    return content_hash(frame)[:12]


def _canonical(column: pd.Series) -> tuple[str, list[bytes]]:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        # NaT is the smallest int64 in every unit.
        stamps = pd.DatetimeIndex(column).tz_localize(None).to_numpy("datetime64[us]")
        return "time", [stamps.astype("<i8").tobytes()]
    if pd.api.types.is_numeric_dtype(column.dtype) and column.dtype.kind != "c":
        return _numbers(column)
    return _text(column)


def _numbers(column: pd.Series) -> tuple[str, list[bytes]]:
    if column.dtype.kind in "iu" and not column.isna().any():
        whole = column.to_numpy()
        if len(whole) and (whole.max() > _EXACT or whole.min() < -_EXACT):
            return "whole", [",".join(map(str, whole.tolist())).encode()]
    numbers = column.to_numpy(dtype="<f8", na_value=np.nan) + 0.0  # -0.0 becomes 0.0
    numbers[np.isnan(numbers)] = np.nan  # one bit pattern for every NaN
    return "number", [numbers.tobytes()]


def _text(column: pd.Series) -> tuple[str, list[bytes]]:
    codes, uniques = pd.factorize(column, use_na_sentinel=True)
    # Codes of categories and of objects both follow the order of first appearance.
    values = np.asarray(uniques, dtype=object)
    plain = pd.api.types.infer_dtype(values) == "string"
    texts = [(value if plain else level(value)).encode("utf-8", "surrogatepass") for value in values]
    lengths = np.array([len(text) for text in texts], dtype="<i8")
    return "text", [lengths.tobytes(), b"".join(texts), np.asarray(codes).astype("<i8").tobytes()]
