"""Model as one HTML page or one Excel workbook, with every bin, line and level."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.io import replacing
from riskml.runtime.additive import Additive, Pairwise, Segmented
from riskml.runtime.model import Blend, Model
from riskml.runtime.package import Artifact
from riskml.runtime.shapes import Levels, Line, Shape, Step

Sheets = dict[str, pd.DataFrame]
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # what no workbook may hold
_WIDEST = 60  # characters of a workbook's column


def sheets(artifact: Artifact) -> Sheets:
    """Return the description of a model as tables."""
    training = artifact.training
    facts = {
        "question": artifact.title,
        "package": f"riskml_{artifact.name}",
        "version": artifact.version,
        "family": artifact.family,
        "outcome": f"{artifact.target} = {artifact.event}",
        "direction": "a higher probability is riskier, more points are safer",
        "trained on": training.get("source"),
        "rows": training.get("rows"),
        "events": training.get("events"),
        "log-odds before any column": artifact.model.base,
        "points before any column": getattr(artifact.model, "base_points", None),
    }
    measures = [
        (name, *map(value.get, ("value", "low", "high"))) if isinstance(value, dict) else (name, value, None, None)
        for name, value in artifact.metrics.items()
    ]
    tables: Sheets = {
        "Model": pd.DataFrame([pair for pair in facts.items() if pair[1] is not None], columns=["what", "value"]),
        "Measures": pd.DataFrame(measures, columns=["measure", "value", "low", "high"]),
        "Tiers": pd.DataFrame(
            [(tier.name, tier.from_probability, tier.treatment) for tier in artifact.tiers],
            columns=["tier", "from probability", "treatment"],
        ),
    }
    if rows := list(_rows(artifact.model)):
        card = pd.DataFrame(rows)
        tables["Card"] = card.dropna(axis=1, how="all")
    columns = artifact.schema()
    for name in ("special", "levels"):
        columns[name] = ["" if values is None else "; ".join(map(str, values)) for values in columns[name]]
    tables["Columns"] = columns
    if steps := artifact.derivation.steps:
        made = {name: step.definition for step in steps for name in step.makes}
        tables["Derived columns"] = pd.DataFrame(made.items(), columns=["column", "computed as"])
    tables["Statements"] = pd.DataFrame(
        [(name, artifact.statement(name, "en"), artifact.statement(name, "zh")) for name in artifact.model.kinds],
        columns=["column", "en", "zh"],
    )
    return tables


def write_html(artifact: Artifact, file: str | Path) -> Path:
    """Write a model's card as one self-contained page; every text of it is escaped.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    parts = [f"<h2>{html.escape(title)}</h2>\n{_table(frame)}" for title, frame in sheets(artifact).items()]
    title = html.escape(artifact.title)
    page = _PAGE.format(title=title, body="\n".join(parts))
    with replacing(file) as temporary:
        temporary.write_text(page, encoding="utf-8", errors="replace")
    return Path(file)


def write_xlsx(artifact: Artifact, file: str | Path) -> Path:
    """Write a model's card as a workbook, a sheet for each table; no text of it is a formula.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font

    book = Workbook()
    for empty in book.worksheets:
        book.remove(empty)
    for title, frame in sheets(artifact).items():
        sheet = book.create_sheet(title)
        for row, values in enumerate([list(frame.columns), *frame.itertuples(index=False)], start=1):
            for column, value in enumerate(values, start=1):
                cell = sheet.cell(row, column)
                if isinstance(value, str):
                    cell.value = _CONTROL.sub("", value)
                    cell.data_type = "s"  # text stays text, whatever it begins with
                elif not pd.isna(value):
                    cell.value = value.item() if hasattr(value, "item") else value
                cell.alignment = Alignment(wrap_text=True, vertical="top")
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for column, name in enumerate(frame.columns, start=1):
            longest = max([len(str(name)), *(len(str(value)) for value in frame[name])])
            letter = sheet.cell(1, column).column_letter
            sheet.column_dimensions[letter].width = min(longest + 2, _WIDEST)
        sheet.freeze_panes = "A2"
    with replacing(file) as temporary:
        book.save(temporary)
    return Path(file)


def _rows(model: Model, segment: str = "") -> Iterator[dict[str, Any]]:
    """Yield a row for each bin, knot or level of a model that is a sum."""
    if isinstance(model, Segmented):
        for name, card in zip(model.names, model.models, strict=True):
            yield from _rows(card, name)
    elif isinstance(model, Pairwise):
        yield from _rows(model.main, segment)
    elif isinstance(model, Blend):
        for weight, part in zip(model.weights, model.models, strict=True):
            yield from _rows(part, f"{segment} weight {weight:.4g}".strip())
    elif isinstance(model, Additive):
        for shape in model.shapes:
            for name, log_odds, points in _bins(shape):
                row = {"segment": segment or None, "column": shape.column, "bin": name}
                yield row | {"log-odds": log_odds, "points": points}


def _bins(shape: Shape) -> Iterator[tuple[str, float, float | None]]:
    points = getattr(shape, "points", ()) or (None,) * len(shape.value)
    if isinstance(shape, Levels):
        groups = len(shape.value) - 2
        named = [", ".join(name for name, slot in shape.levels.items() if slot == group) for group in range(groups)]
        named += ["missing", "any other"]
    elif isinstance(shape, Line):
        named = [f"at {knot:.10g}" for knot in shape.knots]
        named += ["missing", *(f"code {code:.10g}" for code in shape.special)]
    else:
        assert isinstance(shape, Step)
        ends = ["-∞", *(f"{split:.10g}" for split in shape.splits), "∞"]
        named = [f"[{low}, {high})" for low, high in zip(ends, ends[1:], strict=False)]
        named += ["missing", *(f"code {code:.10g}" for code in shape.special)]
    yield from zip(named, shape.value, points, strict=True)


def _table(frame: pd.DataFrame) -> str:
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in frame.columns)
    body = "\n".join(
        f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in frame.itertuples(index=False, name=None)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return f"<td>{html.escape(value)}</td>"
    if pd.isna(value):
        return "<td></td>"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f'<td class="number">{html.escape(text)}</td>'


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; }}
table {{ border-collapse: collapse; margin-bottom: 2rem; }}
th, td {{ border-bottom: 1px solid #ddd; padding: .3rem .8rem; text-align: left; vertical-align: top; }}
th {{ border-bottom: 2px solid #888; }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""
