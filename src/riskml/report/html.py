"""Report: one self-contained HTML page of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from riskml.config.experiment import Experiment
from riskml.display.format import count, interval, number, percent, seconds
from riskml.display.table import Table, templates
from riskml.display.texts import sentence
from riskml.io import replacing
from riskml.models.families import family_colour
from riskml.report import evidence_tables, narrative, tables
from riskml.report.figures import run_figures
from riskml.report.run_results import Results, read_results

REPORT = "report.html"


def build_report(folder: str | Path) -> Path:
    """Write report.html, one self-contained page, from the files of a run.

    Parameters
    ----------
    folder : path
        The folder of a run, which need not be finished.

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
        # Data may contain a lone surrogate, which UTF-8 cannot encode.
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
        "truth": sentence(str((results.data or {}).get("truth", ""))),
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
    validation, names = results.validation or {}, [tier.name for tier in results.experiment.tiers]
    family = str((results.champion or {}).get("family", ""))
    gains = pd.DataFrame(validation.get("gains") or [])
    scored = results.scored
    portfolio = None if scored is None else pd.DataFrame({"tier": names, "rows": [scored.get(n, 0) for n in names]})

    def table(frame: pd.DataFrame | None, make: Callable[..., Table], **options: Any) -> Table | None:
        return None if frame is None else make(frame, **options)

    return {
        "parts": table(results.parts if len(results.parts) else None, tables.parts_table),
        "notes": table(results.notes, tables.notes_table),
        "profile": table(results.profile, tables.profile_table),
        "comparison": table(results.comparison, tables.comparison_table),
        "scorecard": table(results.scorecard, tables.card_table),
        "leaderboard": table(results.leaderboard, tables.leaderboard_table),
        "metrics": tables.metrics_table(validation["metrics"]) if validation.get("metrics") else None,
        "gains": table(gains if len(gains) else None, tables.gains_table),
        "tiers": table(results.tiers, tables.tiers_table),
        "drivers": table(results.drivers, tables.drivers_table, family=family),
        "findings": table(results.findings, evidence_tables.findings_table),
        "watch_list": table(results.high_risk, tables.watch_list, tiers=names),
        "scored": table(portfolio, tables.tiers_table),
    }


def _tiles(results: Results) -> Iterator[tuple[str, str, str]]:
    """Yield the main figures: value, name, and interval or meaning."""
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
        share, events = percent(bands[0]["cumulative_share"], 0), narrative.words(results)["events"]
        yield percent(bands[0]["captured"], 0), "captured", f"of all {events} are among the riskiest {share}"
    yield count(validation["rows"]), "test set", f"customers, {count(validation['events'])} of them events"


def _verified(proof: Mapping[str, Any]) -> str:
    if not proof:
        return "no"
    where = f"in a fresh environment (Python {proof['python']})" if proof.get("python") else "in a fresh environment"
    difference = proof.get("max_difference")
    same = "equal" if difference == 0 else f"differ by at most {difference} from"
    return f"{where}: the probabilities of {count(proof.get('rows'))} rows {same} those of the notebook"


def _shareable(experiment: Experiment) -> Experiment:
    # Pages are shared: they do not contain the path of the table.
    data = experiment.data.model_copy(update={"source": Path(experiment.data.source).name})
    return experiment.model_copy(update={"data": data})


def _error(figure: Any) -> str:
    if isinstance(figure, Mapping):
        return "\n".join(f"{key}: {value}" for key, value in figure.items() if value is not None)
    return str(figure or "")
