"""The report: one page for a person who opens no notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.config.experiment import Experiment
from riskml.display.colours import family_colour
from riskml.display.format import count, interval, number, percent, seconds
from riskml.display.table import Table, templates
from riskml.io import replacing
from riskml.report import evidence_tables, narrative, tables
from riskml.report.figures import run_figures
from riskml.report.run_results import Results, read_results

REPORT = "report.html"


def build_report(folder: str | Path) -> Path:
    """Write report.html, one self-contained page, from the files of a run.

    Parameters
    ----------
    folder : path
        The folder of a run. Parts whose files are not there say so.

    Returns
    -------
    Path
        The page. An earlier one is replaced when this one is complete.

    Raises
    ------
    InputError
        When the folder holds no run, or cannot be written.
    """
    folder = Path(folder)
    results = read_results(folder)
    page = templates().get_template("report.html.j2").render(**_context(results))
    path = folder / REPORT
    with replacing(path) as temporary:
        # Text of any origin can hold half a surrogate pair, which no encoding has.
        temporary.write_text(page, encoding="utf-8", errors="replace")
    return path


def _context(results: Results) -> dict[str, Any]:
    experiment = results.experiment
    return {
        "results": results,
        "experiment": experiment,
        "run": results.run,
        "words": narrative.words(results),
        "headline": narrative.headline(results),
        "limits": narrative.limits(results),
        "why": narrative.why(results),
        "left_out": narrative.left_out(results),
        "tiles": list(_tiles(results)),
        "pictures": run_figures(results.folder),
        "tables": _tables(results),
        "absent": lambda stage: narrative.absent(results, stage),
        "notebooks": sorted(path.name for path in results.folder.glob("[0-9]_*.html")),
        "source": Path(experiment.data.source).name,
        "truth": narrative.sentence(str((results.data or {}).get("truth", ""))),
        "verified": _verified((results.export or {}).get("verified") or {}),
        "yaml": _shareable(experiment).to_yaml(),
        "created": str(results.run.get("created", ""))[:16].replace("T", " "),
        "error": _error(results.run.get("error")),
        "count": count,
        "number": number,
        "percent": percent,
        "seconds": seconds,
        "family_colour": family_colour,
    }


def _tables(results: Results) -> dict[str, Table | None]:
    validation = results.validation or {}
    family = str((results.champion or {}).get("family", ""))
    names = [tier.name for tier in results.experiment.tiers]
    gains = pd.DataFrame(validation.get("gains") or [])
    return {
        "parts": tables.parts_table(results.parts) if len(results.parts) else None,
        "notes": None if results.notes is None else tables.notes_table(results.notes),
        "profile": None if results.profile is None else tables.profile_table(results.profile),
        "comparison": None if results.comparison is None else tables.comparison_table(results.comparison),
        "scorecard": None if results.scorecard is None else tables.card_table(results.scorecard),
        "leaderboard": None if results.leaderboard is None else tables.leaderboard_table(results.leaderboard),
        "metrics": tables.metrics_table(validation["metrics"]) if validation.get("metrics") else None,
        "gains": tables.gains_table(gains) if len(gains) else None,
        "tiers": None if results.tiers is None else tables.tiers_table(results.tiers),
        "drivers": None if results.drivers is None else tables.drivers_table(results.drivers, family=family),
        "findings": None if results.findings is None else evidence_tables.findings_table(results.findings),
        "watch_list": None if results.high_risk is None else tables.watch_list(results.high_risk, tiers=names),
        "scored": None if results.scored is None else tables.tiers_table(_book(results.scored, names)),
    }


def _book(scored: pd.Series, names: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"tier": names, "rows": [int(scored.get(name, 0)) for name in names]})


def _tiles(results: Results) -> Iterator[tuple[str, str, str]]:
    """Yield the main numbers: value, what it is, and its interval or meaning."""
    validation = results.validation
    if validation is None:
        return
    for title, name, digits in (
        ("AUC", "auc", 3),
        ("Gini", "gini", 3),
        ("KS", "ks", 3),
        ("observed / expected", "observed_expected", 2),
    ):
        figure = narrative.metric(validation, name)
        if figure:
            yield number(figure.get("value"), digits), title, interval(figure.get("low"), figure.get("high"), digits)
    bands = validation.get("gains") or []
    if bands:
        first = bands[0]
        tiles = (
            f"of all {narrative.words(results).events} are among the riskiest {percent(first['cumulative_share'], 0)}"
        )
        yield percent(first["captured"], 0), "captured", tiles
    yield count(validation["rows"]), "never seen", f"customers, {count(validation['events'])} of them events"


def _verified(proof: Mapping[str, Any]) -> str:
    if not proof:
        return "no"
    where = f"in a fresh environment (Python {proof['python']})" if proof.get("python") else "in a fresh environment"
    difference = proof.get("max_difference")
    same = "exactly those" if difference == 0 else f"those, to {difference},"
    return f"{where}: the probabilities of {count(proof.get('rows'))} rows are {same} of the notebook"


def _shareable(experiment: Experiment) -> Experiment:
    # Pages are sent around; where the table lies on one person's disk is nobody's business.
    data = experiment.data.model_copy(update={"source": Path(experiment.data.source).name})
    return experiment.model_copy(update={"data": data})


def _error(figure: Any) -> str:
    if isinstance(figure, Mapping):
        return "\n".join(f"{key}: {value}" for key, value in figure.items() if value is not None)
    return str(figure or "")
