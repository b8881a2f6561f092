"""How early do alerts come before a shock's losses? A simulated book over 12 months, with a shock in month 8.

The kit's boosting learns from the dates before the 12 months, scores each month, and the rules of
experiments/warnings/book_default.yaml run on them. Beside it: the same with the TRUE probabilities of the simulation,
the best ranking that anybody could have (it knows every customer's state, and the shock from the day it has come).

Target: 80 % of later defaulters alerted at least 30 days ahead, at no more than 5 % of the book newly alerted a month,
or the best that the true hazard allows.

Run: ``python benchmarks/warning.py [--customers 20000] [--size 1.0] [--folder FOLDER]``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from riskml.config.experiment import Experiment, read_experiment
from riskml.config.warning import IndicatorConfig, WarningRules, read_rules
from riskml.data.prepare import prepare
from riskml.data.simulate import Scenario, Shock, simulate
from riskml.features.panel_store import features_at
from riskml.features.training_table import experiment_panel, experiment_table
from riskml.models.families import FAMILIES, estimator
from riskml.warning.backtest import Backtest, backtest
from riskml.warning.replay import Outcomes, Replay, event_dates, prepare_replay
from riskml.warning.tuner import tune

PROJECT = Path(__file__).parents[1]
LEARN = "[2022-01-01, 2022-04-01, 2022-07-01, 2022-10-01]"
WATCHED = [dt.date(2023, month, 1) for month in range(1, 13)]
SHOCK = dt.date(2023, 8, 1)
UNTIL = dt.date(2024, 7, 1)
SHARE, LEAD_DAYS = 0.05, 30
# No event that is known comes later than ANY_DAYS after the month it is looked for from.
ANY_DAYS, RECENT_DAYS = 365, 180
COOLDOWNS = (0, 90, 180, 270)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--size", type=float, default=1.0, help="of the shock; 1 multiplies the hazard by about 3")
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        start = time.perf_counter()
        shock = Scenario(shock=Shock(str(SHOCK), asked.size))
        book = simulate(folder / "data" / "book", asked.customers, months=42, switches=shock, horizon_days=90)
        said(f"{asked.customers:,} customers simulated; the shock of {SHOCK} has size {asked.size:g}", start)
        scored = scored_books(folder)
        truth = book.read("truth")
        true = [(date, with_truth(frame, truth, date)) for date, frame in scored]
        statuses = book.read("statuses")
        events = event_dates(statuses[statuses["status"] == "default"], "customer", "date", UNTIL)
        report(read_rules(PROJECT / "experiments" / "warnings" / "book_default.yaml"), scored, true, events)


def scored_books(folder: Path) -> list[tuple[dt.date, pd.DataFrame]]:
    """Return the book of each watched month, scored by a model that learnt from the dates before."""
    file = folder / "experiments" / "book_default.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text((PROJECT / "experiments" / file.name).read_text(encoding="utf-8"), encoding="utf-8")
    learnt = [f"panel.as_of={LEARN}", "split.from_date=2022-10-01"]
    experiment = read_experiment(file, [*learnt, "panel.until=2023-01-01"])
    start = time.perf_counter()
    panel = experiment_panel(experiment, folder / "panel")
    assert panel is not None
    prepared = prepare(experiment_table(experiment, panel), experiment)
    model = estimator("boosting", FAMILIES["boosting"].defaults, special_values=None, random_state=7)
    model.fit(prepared.X, prepared.y)
    said(f"boosting fitted on {len(prepared.y):,} rows of 2022 with {int(prepared.y.sum())} defaults", start)
    start = time.perf_counter()
    whole = read_experiment(file, [f"panel.as_of={LEARN}", f"panel.until={UNTIL}"])
    assert whole.panel is not None
    books = []
    for date in WATCHED:
        frame = features_at(whole.panel, date, folder / "panel_watched")
        frame["probability"] = model.predict_proba(frame[list(prepared.X.columns)])[:, 1]
        frame["tier"] = tiers(experiment, frame["probability"])
        books.append((date, frame))
    said(f"{sum(len(frame) for _, frame in books):,} rows scored over {len(books)} months", start)
    return books


def tiers(experiment: Experiment, probability: pd.Series) -> np.ndarray:
    """Return the tier of each probability."""
    bounds = [tier.from_probability for tier in experiment.tiers]
    names = np.array([tier.name for tier in experiment.tiers], dtype=object)
    return names[np.searchsorted(bounds, probability, side="right") - 1]


def with_truth(frame: pd.DataFrame, truth: pd.DataFrame, date: dt.date) -> pd.DataFrame:
    """Return a book with the true probability in the place of the model's."""
    at = truth[truth["month"] == pd.Timestamp(date)].set_index("customer")["default_probability"]
    return frame.assign(probability=frame["customer"].map(at).to_numpy())


def ranking(rules: WarningRules) -> WarningRules:
    """Return rules that alert the riskiest customers by the probability alone, up to the limit."""
    one = IndicatorConfig(title="score", value="probability", amber=0.0, role="risk", plan="review")
    return WarningRules(
        name="ranking",
        title="The highest probabilities",
        indicators={"score": one},
        alerts=rules.alerts.model_copy(update={"priority": "probability", "at_most": SHARE, "amber": 1.0, "red": 2.0}),
    )


def cooled(rules: WarningRules, days: int) -> WarningRules:
    """Return rules after whose alerts a customer is left alone for so many days."""
    return rules.model_copy(update={"alerts": rules.alerts.model_copy(update={"cooldown_days": days})})


def report(
    rules: WarningRules,
    scored: list[tuple[dt.date, pd.DataFrame]],
    true: list[tuple[dt.date, pd.DataFrame]],
    events: Outcomes,
) -> None:
    """Print what came of it."""
    score = ranking(rules)
    by_rules = prepare_replay(rules, scored)
    runs = {
        "rules, model": (rules, by_rules),
        "ranking, model": (score, prepare_replay(score, scored)),
        "rules, TRUE hazard": (rules, prepare_replay(rules, true)),
        "ranking, TRUE hazard": (score, prepare_replay(score, true)),
    }
    after = replace(events, dates=events.dates[events.dates >= pd.Timestamp(SHOCK) + pd.DateOffset(months=1)])
    best = dict.fromkeys(runs, 0.0)
    for horizon in (180, ANY_DAYS):
        print(
            f"\nLater defaulters alerted {LEAD_DAYS} to {horizon} days ahead, at most {SHARE:.0%} of the book newly "
            f"alerted a month\n  {'':22}{'cooldown':>9}{'defaulters':>12}{'alerted':>9}{'after the shock':>17}"
            f"{'precision':>11}{'lead q1/med/q3':>17}{'customers alerted':>19}"
        )
        for name, (tried, dates) in runs.items():
            for days in COOLDOWNS:
                found = backtest(cooled(tried, days), dates, events, horizon_days=horizon, lead_days=LEAD_DAYS)
                shocked = backtest(cooled(tried, days), dates, after, horizon_days=horizon, lead_days=LEAD_DAYS)
                print(line(name, days, found, shocked, dates), flush=True)
                best[name] = max(best[name], found.figures["recall_ahead"])
    same = cooled(score, rules.alerts.cooldown_days)
    alike = backtest(same, runs["ranking, TRUE hazard"][1], events, horizon_days=ANY_DAYS, lead_days=LEAD_DAYS)
    shipped = backtest(rules, by_rules, events, horizon_days=ANY_DAYS, lead_days=LEAD_DAYS)
    allowed = best["ranking, TRUE hazard"]
    print(
        f"\nLater defaulters alerted at least {LEAD_DAYS} days ahead, at most {SHARE:.0%} of the book newly alerted "
        "a month\n"
        f"  target 80.0%, or the best that the TRUE hazard allows, over the cooldowns: {allowed:.1%}\n"
        f"  the rules as shipped: {shipped.figures['recall_ahead']:.1%}, which is "
        f"{shipped.figures['recall_ahead'] / allowed:.1%} of that\n"
        f"  the TRUE hazard with their cooldown, {rules.alerts.cooldown_days} days: {alike.figures['recall_ahead']:.1%}"
    )
    last = pd.Timestamp(WATCHED[-1]) + pd.DateOffset(months=3)  # what comes later could not be announced in time
    early(shipped, replace(after, dates=after.dates[after.dates < last]))
    start = time.perf_counter()
    tuned = tune(rules, by_rules, events, at_most=SHARE, judge_from=SHOCK, horizon_days=180, lead_days=LEAD_DAYS)
    print()
    said("thresholds tuned on the months before the shock, judged on the shock", start)
    columns = ["rules", "dates", "alerts", "events", "recall_ahead", "precision", "lead_median", "share_opened"]
    print(tuned.compared[columns].to_string(index=False, float_format="{:.3f}".format))
    print(tuned.thresholds.to_string(index=False))
    months(backtest(rules, by_rules, events, horizon_days=180, lead_days=LEAD_DAYS), events)


def line(name: str, days: int, found: Backtest, shocked: Backtest, dates: Replay) -> str:
    """Return a row of the table."""
    one = found.figures
    lead = f"{one['lead_q1']:.0f}/{one['lead_median']:.0f}/{one['lead_q3']:.0f}"
    everybody = len(set().union(*(book.index for book in dates.portfolios)))
    return (
        f"  {name:22}{days:9}{one['events']:12,.0f}{one['recall_ahead']:9.1%}{shocked.figures['recall_ahead']:17.1%}"
        f"{one['precision']:11.1%}{lead:>17}{found.alerts['customer'].nunique() / everybody:19.1%}"
    )


def early(found: Backtest, after: Outcomes) -> None:
    """Print, of the defaults after the shock, how long before them the first alert of the last half year came."""
    alerts = found.alerts[found.alerts["customer"].isin(after.dates.index)]
    lead = (after.dates.reindex(alerts["customer"]).to_numpy() - alerts["opened"]).dt.days
    near = lead[(lead >= 0) & (lead <= RECENT_DAYS)].groupby(alerts["customer"]).max().reindex(after.dates.index)
    print("\nHow early alerts come before the losses of the shock")
    print(f"  the first alert within {RECENT_DAYS} days before a default; ahead: {LEAD_DAYS} days or more")
    print(f"  {'default in':12}{'defaults':>10}{'ahead':>9}{'at all':>9}{'lead q1/med/q3':>17}")
    whole = pd.Series("all", index=near.index)
    for groups in (after.dates.dt.to_period("M").astype(str), whole):
        for month, some in near.groupby(groups):
            lead_days = "/".join(f"{some.quantile(share):.0f}" for share in (0.25, 0.5, 0.75))
            ahead, told = (some >= LEAD_DAYS).mean(), some.notna().mean()
            print(f"  {month:12}{len(some):10,}{ahead:9.1%}{told:9.1%}{lead_days:>17}")


def months(found: Backtest, events: Outcomes) -> None:
    """Print alerts and losses month by month."""
    print("\nMonth by month (rules, model)")
    print(
        f"  {'as of':12}{'book':>8}{'new':>7}{'red':>6}{'held back':>11}{'on alert':>10}{'defaults in the month':>23}"
    )
    red = found.alerts[found.alerts["level"] == "red"].groupby("opened").size()
    month = events.dates.dt.to_period("M").value_counts()
    for row in found.by_date.itertuples():
        day = pd.Timestamp(row.as_of)
        print(
            f"  {row.as_of!s:12}{row.customers:8,}{row.opened:7,}{red.get(day, 0):6,}{row.held_back:11,}"
            f"{row.share_on_alert:10.1%}{month.get(day.to_period('M'), 0):23,}"
        )
    for later in pd.period_range("2024-01", "2024-06", freq="M"):
        print(f"  {later!s:12}{'':52}{month.get(later, 0):13,}")
    print("\n", found.by_cause.to_string(index=False, float_format="{:.3f}".format), sep="")


def said(what: str, start: float) -> None:
    """Print a step with its time."""
    print(f"{what} ({time.perf_counter() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
