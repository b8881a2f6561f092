"""What came of it: results of actions beside customers alike, labels, overrides, and rules to reconsider."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from riskml.config.policy import Policy
from riskml.errors import DataError, InputError
from riskml.portfolio.inputs import EventSource
from riskml.portfolio.treatment_results import Feedback, feedback
from riskml.runs.months import PORTFOLIO, StoredMonth

AS_OF, UNTIL = dt.date(2026, 1, 31), dt.date(2026, 8, 1)


def month_of(folder: Path, *, held: int = 0, treated: int = 400, rows: int = 1000) -> StoredMonth:
    """Return a month: the first customers get a payment plan, the last are held out, all at a probability of .5."""
    names = [f"c{n:04d}" for n in range(rows)]
    scores = pd.DataFrame(
        {"probability": 0.5, "tier": "high", "reason": "liquidity"}, index=pd.Index(names, name="customer")
    )
    folder.mkdir()
    scores.to_parquet(folder / "scores.parquet")
    actions = pd.DataFrame({"customer": names[:treated], "action": "plan", "mandatory": False})
    actions.to_parquet(folder / "actions.parquet")
    left = pd.DataFrame({"customer": names[rows - held :] if held else [], "held_out": [True] * held})
    left.astype({"customer": object, "held_out": bool}).to_parquet(folder / "left_out.parquet")
    return StoredMonth(folder, {"as_of": str(AS_OF)}, PORTFOLIO)


def events_of(share_treated: float, share_other: float, treated: int = 400, rows: int = 1000) -> pd.Series:
    """Return events of exactly such shares, two months after the as-of date."""
    names = [f"c{n:04d}" for n in range(rows)]
    struck = names[: int(share_treated * treated)] + names[treated : treated + int(share_other * (rows - treated))]
    return pd.Series(pd.Timestamp("2026-03-31"), index=pd.Index(struck), dtype="datetime64[ns]")


def judged(month: StoredMonth, events: pd.Series, policy: Policy, **said: Any) -> Feedback:
    return feedback([month], events, policy, until=UNTIL, window_days=90, **said)


def test_the_events_avoided_by_hand(tmp_path: Path, policy: Policy) -> None:
    # 30 % of the treated and 50 % of the 600 others have the event: 20 of 100 are avoided, as .4 * .5 promised.
    found = judged(month_of(tmp_path / "m"), events_of(0.3, 0.5), policy).results.set_index("action").loc["plan"]
    assert found["avoided"] == pytest.approx(0.2)
    error = np.sqrt(0.3 * 0.7 / 399 + 0.5 * 0.5 / 599)
    assert (found["low"], found["high"]) == pytest.approx((0.2 - 1.959964 * error, 0.2 + 1.959964 * error))
    assert found["assumed"] == pytest.approx(0.2)
    assert (found["treated"], found["compared"], found["against"]) == (400, 600, "alike")
    assert found["verdict"] == "as assumed"


def test_customers_held_out_are_compared_with_where_there_are_some(tmp_path: Path, policy: Policy) -> None:
    found = judged(month_of(tmp_path / "m", held=100), events_of(0.3, 0.5), policy).results.iloc[0]
    assert (found["against"], found["compared"]) == ("held out", 100)


@pytest.mark.parametrize(
    ("share", "verdict"), [(0.45, "less than assumed"), (0.65, "does harm, or nothing"), (0.1, "more than assumed")]
)
def test_what_outcomes_say_of_an_assumed_effect(tmp_path: Path, policy: Policy, share: float, verdict: str) -> None:
    found = judged(month_of(tmp_path / "m"), events_of(share, 0.5), policy)
    assert found.results["verdict"].tolist() == [verdict]
    assert found.reconsider["action"].tolist() == ([] if verdict == "more than assumed" else ["plan"])


def test_labels_are_for_the_next_training(tmp_path: Path, policy: Policy) -> None:
    events = events_of(0.3, 0.5)
    events["c0000"], events["c0001"] = pd.Timestamp("2026-01-15"), pd.Timestamp("2026-07-15")
    labels = judged(month_of(tmp_path / "m", held=100), events, policy).labels.set_index("customer")
    assert "c0000" not in labels.index  # the event was there before
    assert labels.loc["c0001", "outcome"] == 0  # it came after the window
    assert labels.loc["c0002", "outcome"] == 1
    assert (labels["treated"].sum(), labels["held_out"].sum()) == (399, 100)


def test_what_officers_decided_differently_is_told_with_its_outcome(tmp_path: Path, policy: Policy) -> None:
    names = [f"c{n:04d}" for n in range(30)]
    said = pd.DataFrame({"customer": names, "action": "plan", "status": ["refused"] * 20 + ["done"] * 10})
    found = judged(month_of(tmp_path / "m"), events_of(0.3, 0.5), policy, decisions=said)
    assert found.results.loc[0, "treated"] == 380
    overrides = found.overrides.set_index("status")
    assert overrides["customers"].to_dict() == {"done": 10, "planned": 370, "refused": 20}
    assert overrides.loc["refused", "event_rate"] == 1.0
    assert found.reconsider["why"].tolist() == ["officers did something else in 20 of 30 cases"]


def test_a_month_whose_window_has_not_passed_does_not_count(tmp_path: Path, policy: Policy) -> None:
    with pytest.raises(InputError, match="no month is 90 days old on 2026-03-01"):
        feedback([month_of(tmp_path / "m")], events_of(0.3, 0.5), policy, until=dt.date(2026, 3, 1), window_days=90)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"customer": ["c0001"], "action": ["plan"]}, "no column 'status'"),
        ({"customer": ["c0001"], "action": ["plan"], "status": ["maybe"]}, "unknown status 'maybe'"),
        ({"customer": ["c0001"] * 2, "action": ["plan"] * 2, "status": ["done"] * 2}, "decided twice"),
    ],
)
def test_decisions_that_are_not_understood(tmp_path: Path, policy: Policy, said: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        judged(month_of(tmp_path / "m"), events_of(0.3, 0.5), policy, decisions=pd.DataFrame(said))


def test_complaints_are_joined_to_actions_and_put_those_that_bring_them_in_doubt(
    tmp_path: Path, policy: Policy
) -> None:
    names = [f"c{n:04d}" for n in range(1000)]
    # 30 % of the treated and 10 % of the others complain within the window; one of them twice, one much later.
    who = [*names[:120], *names[400:460], names[0], names[200]]
    days = [*["2026-03-01"] * 181, "2026-09-01"]
    complaints = pd.Series(pd.to_datetime(days), index=pd.Index(who))
    found = judged(month_of(tmp_path / "m"), events_of(0.3, 0.5), policy, complaints=complaints)
    result = found.results.set_index("action").loc["plan"]
    assert result["complaints"] == pytest.approx(0.2)
    assert result["complaints_low"] > 0
    assert found.labels["complained"].sum() == 180
    assert found.reconsider["finding"].tolist() == ["complaints"]
    assert "of 100 treated 20.0 more complained" in found.reconsider["why"].item()


def test_without_complaints_nothing_is_said_of_them(tmp_path: Path, policy: Policy) -> None:
    found = judged(month_of(tmp_path / "m"), events_of(0.3, 0.5), policy)
    assert found.results["complaints"].isna().all()
    assert found.labels["complained"].isna().all()


def test_outcomes_come_from_a_pulled_table_of_a_crm(tmp_path: Path) -> None:
    # As `riskml crm pull` writes it: timestamps with a zone, and rows that tell of other things.
    table = pd.DataFrame(
        {
            "id": [1, 2, 3, 4],
            "customer": ["c1", "c2", "c1", "c3"],
            "opened": pd.to_datetime(["2026-03-01", "2026-03-02", "2026-03-03", "2026-09-09"]).tz_localize("UTC"),
            "kind": ["complaint", "question", "complaint", "complaint"],
        }
    )
    table.to_parquet(tmp_path / "cases.parquet")
    came = EventSource(tmp_path / "cases.parquet", date="opened", where='kind == "complaint"')
    assert came.read(UNTIL).index.tolist() == ["c1", "c1"]


def test_a_column_that_the_outcomes_lack_is_named(tmp_path: Path) -> None:
    pd.DataFrame({"customer": ["c1"], "dat": ["2026-03-01"]}).to_csv(tmp_path / "events.csv", index=False)
    with pytest.raises(DataError, match="no column 'date'"):
        EventSource(tmp_path / "events.csv").read(UNTIL)
