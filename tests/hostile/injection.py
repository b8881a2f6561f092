"""Texts of customers and files that other programs would execute: HTML, spreadsheets, SQL, terminals."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pandas as pd

from riskml.config.experiment import Experiment
from riskml.export.artifact import write_artifact
from riskml.export.html_excel import write_html, write_xlsx
from riskml.export.sql import to_sql
from riskml.runs.model_loading import load_model
from riskml.runtime.batch import score_file
from riskml.scorecard import Scorecard
from tests.hostile.bases import customers, experiment
from tests.hostile.case import DONE, Case

_TEXTS = (
    "<script>fetch('http://evil')</script>", "<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>", "javascript:alert(1)",
    "[x](javascript:alert(1))", "<a href='http://evil'>x</a>", "https://evil.example.com/login", "</style><script>", "<!--", "]]>", "&lt;b&gt;",
    "=cmd|' /C calc'!A0", "+1+1", "-1+cmd|x", "@SUM(1)", "\t=1+1", "=HYPERLINK(\"http://evil\")", "＝1+1", "'; DROP TABLE customers; --",
    "\" OR 1=1 --", "\\'; SELECT 1; --", "a\nb", "\x1b[31mred\x1b[0m", "{{7*7}}", "${7*7}", "%(x)s", "a'b\"c`d",
)  # fmt: skip


class _Page(HTMLParser):
    """Collect what a page would run, load or link to."""

    def __init__(self) -> None:
        super().__init__()
        self.active: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        active = tag in ("script", "iframe", "object", "embed", "svg", "form", "base", "a", "link")
        linked = any(name in ("href", "src") and not str(value).startswith(("#", "data:")) for name, value in attrs)
        if (active and tag not in ("a", "svg")) or linked or any(name.startswith("on") for name, _ in attrs):
            self.active.append(f"<{tag} {attrs}>"[:200])


def _artifact(text: str, folder: Path) -> Path:
    frame = customers().replace({"home": {"own": text}})
    features = frame[["age", "income", "home"]].rename(columns={"age": f"age {text}"})
    card = Scorecard(always_keep=tuple(features.columns)).fit(features, frame["y"])
    spec = Experiment.model_validate(
        {"name": "t", "title": text, "task": "default", "data": {"source": "y.csv", "target": "y"}}
    )
    return write_artifact(card, folder / "m", experiment=spec, family="scorecard", X_train=features, metrics={})


def _html(text: str) -> Callable[[Path], object]:
    def call(folder: Path) -> None:
        page = _Page()
        page.feed(write_html(load_model(_artifact(text, folder)), folder / "card.html").read_text("utf-8"))
        assert not page.active, page.active

    return call


def _excel(text: str) -> Callable[[Path], object]:
    def call(folder: Path) -> None:
        book = openpyxl.load_workbook(write_xlsx(load_model(_artifact(text, folder)), folder / "card.xlsx"))
        cells = [cell for sheet in book for row in sheet for cell in row]
        assert not [cell.value for cell in cells if cell.hyperlink]
        assert not [cell.value for cell in cells if cell.data_type == "f" and text.strip() in str(cell.value)]

    return call


def _sql(text: str) -> Callable[[Path], object]:
    def call(folder: Path) -> None:
        artifact = load_model(_artifact(text, folder))
        frame = customers().replace({"home": {"own": text}}).rename(columns={"age": f"age {text}"})
        with sqlite3.connect(":memory:") as database:
            frame.to_sql("customers", database, index=False)
            scores = pd.read_sql_query(to_sql(artifact, "customers", dialect="sqlite", keep=["customer"]), database)
            assert len(database.execute("SELECT * FROM customers").fetchall()) == len(frame)
        joined = scores.set_index("customer").loc[frame["customer"], "probability"].to_numpy()
        assert abs(joined - artifact.score(frame)["probability"].to_numpy()).max() < 1e-9

    return call


def _csv(text: str) -> Callable[[Path], object]:
    def call(folder: Path) -> None:
        frame = customers().assign(customer=[text, *customers()["customer"][1:]])
        frame.to_csv(folder / "in.csv", index=False)
        artifact = load_model(_artifact("own", folder))
        renamed = pd.read_csv(folder / "in.csv").rename(columns={"age": "age own"})
        renamed.to_csv(folder / "in.csv", index=False)
        score_file(artifact, folder / "in.csv", folder / "out.csv", id_column="customer", escape_formulas=True)
        first = pd.read_csv(folder / "out.csv", keep_default_na=False).iloc[0, 0]
        assert not re.match(r"[=+\-@\t\r]", first), first

    return call


def _printed(text: str) -> str:
    return "a control character reaches the terminal" if "\x1b" in text else ""


def cases() -> Iterator[Case]:
    """Return the cases."""
    for text in _TEXTS:
        name = ascii(text)
        for kind, call in {"HTML": _html, "Excel": _excel, "SQL": _sql, "CSV": _csv}.items():
            yield Case("injection", f"{kind}: {name}", call(text), codes=DONE)
        frame = customers().replace({"home": {"own": text}}).rename(columns={"income": text})
        files = {"y.csv": frame.to_csv(index=False), "e.yaml": experiment("data.exclude", "[nothing]")}
        words = ["new", "t", "--data", "y.csv", "--target", "y"]
        yield Case("injection", f"new: {name}", words, files, DONE, lambda _, output: _printed(output))
        yield Case("injection", f"run: {name}", ["run", "e.yaml"], files)
