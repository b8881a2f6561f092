"""A simulated book: its truth is true, what is seen leads what comes, and a seed means one book."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from riskml.cli import main
from riskml.data.simulate import Drift, Late, Scenario, Settings, Shock, Simulated, simulate
from riskml.data.simulate.block import generator
from riskml.data.simulate.calendar import calendar_of
from riskml.data.simulate.hazards import ChurnHazard, default_hazard, expit
from riskml.data.simulate.market import Market, draw_market
from riskml.data.simulate.orders import CATEGORIES
from riskml.data.simulate.tables import TABLES
from riskml.data.simulate.trajectories import Profile, Trajectories, draw_profiles, draw_trajectories
from riskml.data.simulate.true_risk import true_probabilities, truth_rows
from riskml.errors import InputError

EVENTS = {"orders": "time", "invoices": "issued", "tickets": "opened", "contacts": "time", "logins": "time"}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """Three thousand customers over three years, nothing unusual."""
    return simulate(tmp_path_factory.mktemp("simulated") / "book", customers=3_000)


@pytest.fixture(scope="module")
def flawed(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """A thousand customers whose records come late and are dirty."""
    switches = Scenario(late=Late(0.2, 6.0), dirty=0.1)
    return simulate(tmp_path_factory.mktemp("flawed") / "book", customers=1_000, months=24, switches=switches)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """The same customers, whose records are in order."""
    return simulate(tmp_path_factory.mktemp("plain") / "book", customers=1_000, months=24)


def outcomes(simulated: Simulated, horizon: int = 90) -> pd.DataFrame:
    """Return the truth of those alive, with what came of them within the horizon where the book still shows it."""
    truth = simulated.read("truth").query("alive").merge(simulated.read("statuses"), on="customer", how="left")
    truth["soon"] = (truth["date"] - truth["month"]).dt.days < horizon
    end = simulated.read("balances")["date"].max() + pd.Timedelta(days=1)
    return truth[truth["month"] + pd.Timedelta(days=horizon) <= end]


def many(book: Settings, blocks: int) -> pd.DataFrame:
    """Return truth and outcome of many customers without writing their records."""
    months, found = calendar_of(book), []
    drawn = draw_market(book, months, generator(book, 0))
    for block in range(blocks):
        traits = draw_profiles(months, generator(book, block + 1, 0, 0))
        lives = draw_trajectories(book, months, drawn, traits, generator(book, block + 1, 1, 0))
        rows = pd.DataFrame(truth_rows(book, months, lives)).query("alive")
        rows["ended"] = lives.ended[rows["customer"]]
        rows["ending"] = lives.ending[rows["customer"]]
        rows["stress"] = lives.stress[rows["customer"], months.month(rows["month"].to_numpy())]
        rows["leverage"] = traits.leverage[rows["customer"]]
        rows["segment"] = traits.segment[rows["customer"]]
        found.append(rows[rows["month"] + book.horizon_days <= months.end])
    result = pd.concat(found)
    soon = result["ended"] < result["month"] + book.horizon_days
    return result.assign(default=soon & (result["ending"] == 1), churn=soon & (result["ending"] == 2))


def same(one: Path, other: Path) -> None:
    """Hold two folders equal, byte by byte."""
    files = [sorted(path.relative_to(folder) for path in folder.rglob("*.*")) for folder in (one, other)]
    assert files[0] == files[1]
    assert all((one / file).read_bytes() == (other / file).read_bytes() for file in files[0])


# -- a seed means one book


def test_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        simulate(tmp_path / name, 1_200, months=6, switches=Scenario(late=Late(0.1), dirty=0.1))
    same(tmp_path / "one", tmp_path / "other")


def test_another_seed_makes_another_book(tmp_path: Path) -> None:
    one, other = (simulate(tmp_path / str(seed), 1_000, months=3, seed=seed).read("orders") for seed in (1, 2))
    assert set(one["amount"]) & set(other["amount"]) != set(one["amount"])


def test_a_customers_records_depend_neither_on_the_size_of_the_files_nor_on_that_of_the_book(tmp_path: Path) -> None:
    switches = Scenario(late=Late(0.1), dirty=0.05)
    small = simulate(tmp_path / "small", 1_500, months=6, chunk=1_000, switches=switches)
    large = simulate(tmp_path / "large", 2_300, months=6, chunk=5_000, switches=switches)
    assert len(list(small.tables["orders"].glob("*.parquet"))) == 2
    assert len(list(large.tables["orders"].glob("*.parquet"))) == 1
    for name in TABLES:
        one, other = small.read(name), large.read(name)
        if "customer" in other:  # the dirty rows without a customer of the book tell not whose they are
            one, other = (frame[frame["customer"] <= "C0001500"].reset_index(drop=True) for frame in (one, other))
        pd.testing.assert_frame_equal(one, other)


# -- tables


def test_every_table_has_its_schema_and_says_that_it_is_simulated(book: Simulated) -> None:
    assert set(book.tables) == set(TABLES)
    for name, folder in book.tables.items():
        for file in folder.glob("*.parquet"):
            schema = pq.read_schema(file)
            assert schema.equals(TABLES[name].schema)
            assert schema.metadata[b"simulated"] == b"true"
        assert book.rows[name] == len(book.read(name)) > 0


def test_every_record_has_a_customer_and_every_customer_begins_once(book: Simulated) -> None:
    customers = book.read("customers")
    known = set(customers["customer"])
    assert known == {f"C{number:07d}" for number in range(1, 3_001)}
    assert not customers.duplicated(["customer", "valid_from"]).any()
    for name, table in TABLES.items():
        frame = book.read(name)
        assert (
            not frame.drop(columns=["closed", "default_probability", "churn_probability"], errors="ignore")
            .isna()
            .any(axis=None)
        )
        assert name == "market" or set(frame["customer"]) <= known, table


def test_identifiers_are_unique_and_invoices_and_payments_refer_to_what_there_is(book: Simulated) -> None:
    for name, column in (("orders", "order"), ("invoices", "invoice"), ("payments", "payment"), ("tickets", "ticket")):
        assert book.read(name)[column].is_unique
    invoices = book.read("invoices").set_index("invoice")
    assert set(invoices.index) <= set(book.read("orders")["order"])
    payments = book.read("payments").groupby("invoice")["amount"].agg(["sum", "count"])
    assert set(payments.index) <= set(invoices.index)
    assert (payments["sum"] <= invoices["amount"].reindex(payments.index) + 0.01).all()
    assert (payments["count"] > 1).any()


def test_nothing_is_recorded_before_a_relation_begins_or_after_it_ends(book: Simulated) -> None:
    begins = book.read("customers").groupby("customer")["valid_from"].min()
    ends = book.read("statuses").set_index("customer")
    assert ends.index.is_unique
    dates = EVENTS | {"balances": "date", "limits": "date", "bureau": "pulled", "customers": "valid_from"}
    for name, column in dates.items():
        frame = book.read(name)
        assert (frame[column] >= frame["customer"].map(begins)).all(), name
        assert not (frame[column] >= frame["customer"].map(ends["date"])).any(), name
    payments = book.read("payments")
    defaults = ends.loc[ends["status"] == "default", "date"]
    assert not (payments["paid"] >= payments["customer"].map(defaults)).any()


def test_a_default_leaves_invoices_unpaid(book: Simulated) -> None:
    statuses = book.read("statuses").query("status == 'default'")
    paid = book.read("payments").groupby("invoice")["amount"].sum()
    invoices = book.read("invoices")
    invoices = invoices[invoices["customer"].isin(statuses["customer"])]
    open_ = invoices["amount"] - invoices["invoice"].map(paid).fillna(0) > 0.01
    assert invoices.loc[open_, "customer"].nunique() > 0.5 * len(statuses)


def test_attributes_change_slowly(book: Simulated) -> None:
    rows = book.read("customers").groupby("customer").size()
    assert 1.2 < rows.mean() < 3
    assert book.read("customers").groupby("customer")["segment"].nunique().max() == 1


def test_demand_has_seasons(book: Simulated) -> None:
    orders = book.read("orders")
    share = pd.crosstab(orders["time"].dt.month, orders["category"], normalize="index")
    assert set(share.columns) == set(CATEGORIES)
    assert share.loc[5, "garden"] > 4 * share.loc[11, "garden"]
    assert share.loc[12, "gifts"] > 3 * share.loc[6, "gifts"]


def test_the_market_has_an_index_on_business_days_that_moves_together(book: Simulated) -> None:
    index = book.read("market").pivot(index="date", columns="industry", values="index")
    assert (index.index.day_of_week < 5).all()
    assert not index.isna().any(axis=None)
    moves = np.log(index).diff().dropna()
    assert moves.corr().to_numpy()[np.triu_indices(index.shape[1], 1)].min() > 0.1
    weekly = moves.mean(axis=1).rolling(20).std().dropna()
    assert weekly.max() > 2 * weekly.min()  # quiet and turbulent times


# -- the truth is true


def test_the_true_probabilities_are_what_happens() -> None:
    rows = many(Settings(), 20)
    # Outcomes of neighbouring months are the same ones: every third as-of date, for errors that can be reckoned.
    rows = rows[rows["month"].isin(np.unique(rows["month"])[::3])]
    for outcome in ("default", "churn"):
        probability = rows[f"{outcome}_probability"]
        for part in (probability > 0, probability < probability.median(), probability > probability.quantile(0.9)):
            expected, found = probability[part].mean(), rows.loc[part, outcome].mean()
            error = np.sqrt((probability[part] * (1 - probability[part])).sum()) / part.sum()
            # Industries' shocks are common to many customers: they make more noise than customers alone would.
            assert abs(found - expected) < 4 * error + 0.05 * expected


def test_rates_are_those_of_a_bank() -> None:
    rows = many(replace(Settings(), horizon_days=365), 10)
    assert 0.03 < rows["default"].mean() < 0.065
    assert 0.09 < rows["churn"].mean() < 0.16
    assert abs(rows["default"].mean() / rows["default_probability"].mean() - 1) < 0.15


def test_the_true_probabilities_rank_what_happens_well() -> None:
    rows = many(Settings(), 20)
    assert roc_auc_score(rows["default"], rows["default_probability"]) > 0.82
    assert roc_auc_score(rows["churn"], rows["churn_probability"]) > 0.75


@pytest.mark.parametrize(("stress", "mood", "leverage"), [(0.0, 0.0, 0.0), (1.5, -1.5, 1.0), (2.5, 0.5, 0.0)])
def test_the_true_probability_is_the_frequency_among_many_futures(stress: float, mood: float, leverage: float) -> None:
    """The quadrature against the law itself: a hundred thousand futures of a customer, each with its own shocks."""
    book, n, rng = Settings(months=1), 100_000, np.random.default_rng(3)
    months = calendar_of(book)
    law, churn = default_hazard(book, months), ChurnHazard()
    x, s, m = np.full(n, stress), np.full(n, mood), np.zeros(n)
    alive, hits, left = np.ones(n), np.zeros(2), 90
    for month in range(3):
        tenure = (months.first[month] - months.first[0] + 730) / 365.25
        rates = [
            -np.log1p(-expit(law.base[month] + law.stress[month] * x + 0.5 * leverage - law.cycle * m)),
            -np.log1p(-expit(churn.base - churn.mood * s + churn.newness * np.exp(-tenure))),
        ]
        days = min(left, months.days[month])
        gone = 1 - np.exp(-(rates[0] + rates[1]) * days / months.days[month])
        hits += [(alive * gone * rate / (rates[0] + rates[1])).mean() for rate in rates]
        alive, left = alive * (1 - gone), left - days
        e = 0.341 * rng.standard_normal(n)
        m, x = 0.94 * m + e, 0.94 * x - 0.12 * e + 0.339 * rng.standard_normal(n)
        s = 0.9 * s + 0.436 * rng.standard_normal(n)
    one = np.array([1])
    traits = Profile(0 * one, one, 5e4 * one, np.array([leverage]), months.first[:1] - 730)
    states = [np.array([[value, value]]) for value in (stress, mood, 0.0)]
    lives = Trajectories(traits, *states, ended=10**7 * one, ending=np.zeros(1, np.int8))
    assert np.ravel(true_probabilities(book, months, lives)) == pytest.approx(hits, rel=0.015)


def test_a_longer_horizon_means_higher_probabilities() -> None:
    short, long = (many(Settings(horizon_days=days, months=24), 1) for days in (30, 180))
    both = short.merge(long, on=["customer", "month"])
    assert (both["default_probability_y"] > both["default_probability_x"]).all()


def test_the_dead_have_no_probabilities(book: Simulated) -> None:
    truth = book.read("truth").merge(book.read("statuses"), on="customer", how="left")
    assert (truth["alive"] == ~(truth["date"] < truth["month"])).all()
    assert (truth["default_probability"].isna() == ~truth["alive"]).all()
    assert (truth["month"].dt.day == 1).all()


# -- behaviour leads outcome


@pytest.fixture(scope="module")
def sixty_days_before(book: Simulated) -> Callable[[str], pd.DataFrame]:
    """Return everybody as of one day, and whether the named status came 30 to 120 days later."""
    statuses = book.read("statuses").set_index("customer")

    def at(status: str) -> pd.DataFrame:
        found = []
        for day in pd.date_range("2021-07-01", "2023-08-01", freq="2MS"):
            alive = book.read("truth").query("alive and month == @day").set_index("customer").index
            ahead = (statuses["date"].reindex(alive) - day).dt.days
            event = (statuses["status"].reindex(alive) == status) & ahead.between(30, 120)
            found.append(pd.DataFrame({"day": day, "event": event}).reset_index())
        return pd.concat(found, ignore_index=True)

    return at


def days_past_due(book: Simulated, who: pd.DataFrame) -> pd.Series:
    """Return the age of the oldest invoice that is due and not paid in full."""
    invoices, payments = book.read("invoices"), book.read("payments")
    found = []
    for day, group in who.groupby("day"):
        paid = payments[payments["paid"] < day].groupby("invoice")["amount"].sum()
        due = invoices[invoices["due"] < day]
        owed = due[due["amount"] - due["invoice"].map(paid).fillna(0) > 0.01]
        oldest = owed.groupby("customer")["due"].min().reindex(group["customer"])
        found.append(pd.Series((day - oldest).dt.days.fillna(0).to_numpy(), index=group.index))
    return pd.concat(found)


def test_days_past_due_grow_before_default(book: Simulated, sixty_days_before: Callable[[str], pd.DataFrame]) -> None:
    who = sixty_days_before("default")
    late = days_past_due(book, who).groupby(who["event"]).mean()
    assert late[True] > 2 * late[False]


def test_balances_and_scores_tell_of_default(book: Simulated, sixty_days_before: Callable[[str], pd.DataFrame]) -> None:
    who = sixty_days_before("default").sort_values("day")
    balances = book.read("balances").sort_values("date")
    seen = pd.merge_asof(who, balances, left_on="day", right_on="date", by="customer", allow_exact_matches=False)
    scores = book.read("bureau").sort_values("pulled")
    seen = pd.merge_asof(seen, scores, left_on="day", right_on="pulled", by="customer", allow_exact_matches=False)
    seen["used"], seen["coverage"] = seen["balance"] / seen["limit"], seen["inflow"] / seen["debt_service"]
    typical = seen.groupby("event")[["used", "coverage", "score"]].median()
    assert typical.loc[True, "used"] > typical.loc[False, "used"] + 0.1
    assert typical.loc[True, "coverage"] < typical.loc[False, "coverage"]
    assert typical.loc[True, "score"] < typical.loc[False, "score"] - 30


def count_before(frame: pd.DataFrame, column: str, who: pd.DataFrame, days: int = 90) -> pd.Series:
    """Return how many events each customer had in the days before."""
    found = []
    for day, group in who.groupby("day"):
        window = frame[(frame[column] < day) & (frame[column] >= day - pd.Timedelta(days=days))]
        counts = window.groupby("customer").size().reindex(group["customer"]).fillna(0)
        found.append(pd.Series(counts.to_numpy(), index=group.index))
    return pd.concat(found)


def test_orders_and_logins_thin_out_before_churn_and_complaints_rise(
    book: Simulated, sixty_days_before: Callable[[str], pd.DataFrame]
) -> None:
    who = sixty_days_before("cancelled")
    complaints = book.read("tickets").query("kind == 'complaint'")
    for frame, column, ratio in ((book.read("orders"), "time", 0.85), (book.read("logins"), "time", 0.8)):
        rate = count_before(frame, column, who).groupby(who["event"]).mean()
        assert rate[True] < ratio * rate[False]
    rate = count_before(complaints, "opened", who).groupby(who["event"]).mean()
    assert rate[True] > 1.5 * rate[False]


# -- switches


def test_a_drift_changes_what_default_follows_from_its_date_on() -> None:
    date = np.datetime64("2022-07-01").astype(np.int64)
    drifted = many(Settings(switches=Scenario(drift=Drift("2022-07-01"))), 20)
    plain = many(Settings(), 20)
    before = drifted["month"] < date - 90
    columns = ["customer", "month", "default_probability", "ended"]
    early = plain["month"] < date - 90
    assert (drifted.loc[before, columns[2]].to_numpy() == plain.loc[early, columns[2]].to_numpy()).all()
    large = [frame[frame["segment"] == 2]["default_probability"].mean() for frame in (drifted[~before], plain[~early])]
    assert large[0] > 1.5 * large[1]
    after = drifted[drifted["month"] >= date]
    weight = np.corrcoef(after["leverage"], after["default_probability"])[0, 1]
    was = np.corrcoef(plain["leverage"], plain["default_probability"])[0, 1]
    assert weight > 1.3 * was
    assert after["default"].mean() == pytest.approx(after["default_probability"].mean(), rel=0.2)


def test_a_shock_comes_as_a_surprise_and_raises_defaults(tmp_path: Path) -> None:
    shocked, plain = many(Settings(switches=Scenario(shock=Shock("2022-06-15"))), 20), many(Settings(), 20)
    date = np.datetime64("2022-06-01").astype(np.int64)
    quarter = [frame[(frame["month"] > date) & (frame["month"] < date + 100)] for frame in (shocked, plain)]
    assert quarter[0]["default"].mean() > 2 * quarter[1]["default"].mean()
    assert quarter[0]["default"].mean() == pytest.approx(quarter[0]["default_probability"].mean(), rel=0.15)
    foreseen = [frame.loc[frame["month"] <= date, "default_probability"].sum() for frame in (shocked, plain)]
    assert foreseen[0] == foreseen[1]
    index = [
        simulate(tmp_path / name, 1_000, months=24, switches=Scenario(shock=shock)).read("market")
        for name, shock in (("shocked", Shock("2022-06-15")), ("plain", None))
    ]
    ratio = (index[0]["index"] / index[1]["index"]).groupby(index[0]["date"]).mean()
    assert ratio[:"2022-05-31"].eq(1).all()
    assert ratio["2022-07-01":"2022-07-31"].max() < 0.95


def test_late_records_are_known_later_and_change_nothing_else(flawed: Simulated, plain: Simulated) -> None:
    for name in ("orders", "tickets"):
        assert (plain.read(name)["recorded"] == plain.read(name)[EVENTS[name]]).all()
    clean = simulate(flawed.folder.with_name("late"), 1_000, months=24, switches=Scenario(late=Late(0.2, 6.0)))
    end = pd.Timestamp("2023-01-01")
    for name in ("orders", "invoices", "payments", "tickets"):
        rows, column = clean.read(name), EVENTS.get(name, "paid")
        delay = (rows["recorded"] - rows[column]).dt.total_seconds() / 86_400
        assert (delay >= 0).all()
        assert (delay > 0).mean() == pytest.approx(0.2, abs=0.02)
        assert delay[delay > 0].mean() == pytest.approx(6, abs=1)
        assert rows["recorded"].max() < end
        key = rows.columns[0]
        kept = plain.read(name).set_index(key).loc[rows[key]].reset_index()
        pd.testing.assert_frame_equal(rows.drop(columns="recorded"), kept.drop(columns="recorded"))


def test_dirty_rows_are_as_many_as_told_and_of_every_kind(flawed: Simulated) -> None:
    told = json.loads((flawed.folder / "about.json").read_text())["dirty"]
    for name in (*EVENTS, "payments"):
        rows = flawed.read(name)
        known = rows["customer"].str.startswith("C").fillna(False).astype(bool)
        assert rows["customer"].isna().sum() == told[name]["missing customer"] > 0
        assert (~known & rows["customer"].notna()).sum() == told[name]["unknown customer"] > 0
        future = rows[EVENTS.get(name, "paid")] >= pd.Timestamp("2023-01-01")
        assert future.sum() == told[name]["future"] > 0
        assert sum(told[name].values()) == pytest.approx(0.1 * len(rows), rel=0.25)
        if "amount" in rows:
            assert (rows["amount"] < 0).sum() == told[name]["negative amount"] > 0
        if name == "orders":
            assert rows["order"].duplicated().sum() == told[name]["duplicate"] > 0


def test_without_switches_nothing_is_dirty(book: Simulated) -> None:
    assert json.loads((book.folder / "about.json").read_text())["dirty"] == {}
    assert (book.read("orders")["amount"] > 0).all()


def test_late_payers_pay_late_and_are_not_the_riskier(tmp_path: Path, plain: Simulated) -> None:
    late = simulate(tmp_path / "late", 1_000, months=24, switches=Scenario(late_payers=1.0))
    delays = []
    for simulated in (late, plain):
        both = simulated.read("payments").merge(simulated.read("invoices"), on="invoice")
        delays.append((both["paid"] - both["due"]).dt.days.mean())
    assert delays[0] > delays[1] + 10
    pd.testing.assert_frame_equal(late.read("truth"), plain.read("truth"))


# -- the folder


def test_the_folder_says_what_it_is(book: Simulated) -> None:
    about = json.loads((book.folder / "about.json").read_text())
    assert "simulated" in about["what"]
    assert about["parameters"]["seed"] == 7
    assert about["rows"] == book.rows
    readme = (book.folder / "README.md").read_text()
    assert "The customers do not exist" in readme
    assert all(f"`{column.name}`" in readme for table in TABLES.values() for column in table.columns)


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    simulate(tmp_path / "book", 2_500, months=1, progress=lambda done, customers: told.append((done, customers)))
    assert told == [(0, 2_500), (1_000, 2_500), (2_000, 2_500), (2_500, 2_500)]


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="other files"):
        simulate(tmp_path, 1_000, months=1)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    (tmp_path / "empty").mkdir()
    simulate(tmp_path / "empty", 1_000, months=1)
    with pytest.raises(InputError, match="another simulation"):
        simulate(tmp_path / "empty", 1_000, months=1, seed=8)


def test_the_very_same_book_stays(tmp_path: Path) -> None:
    first = simulate(tmp_path / "book", 1_000, months=1)
    when = (tmp_path / "book" / "about.json").stat().st_mtime_ns
    assert simulate(tmp_path / "book", 1_000, months=1) == first
    assert (tmp_path / "book" / "about.json").stat().st_mtime_ns == when


def test_what_is_interrupted_leaves_no_half_folder(tmp_path: Path) -> None:
    def stop(done: int, customers: int) -> None:
        if done == 2_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "book", 3_000, months=1, chunk=1_000, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"customers": 0}, "customers"),
        ({"customers": 10_000_001}, "customers"),
        ({"months": 0}, "months"),
        ({"seed": -1}, "seed"),
        ({"start": "yesterday"}, "start"),
        ({"chunk": 1_500}, "chunk"),
        ({"horizon_days": 0}, "horizon_days"),
        ({"switches": Scenario(shock=Shock("2030-01-01"))}, "shock.date"),
        ({"switches": Scenario(drift=Drift("2020-12-31"))}, "drift.date"),
    ],
)
def test_what_makes_no_book_is_refused(said: dict[str, object], where: str) -> None:
    with pytest.raises(InputError) as caught:
        Settings(**said)  # type: ignore[arg-type]
    assert where in caught.value.where


@pytest.mark.parametrize("make", [lambda: Late(1.5), lambda: Scenario(dirty=-0.1), lambda: Shock("2021-01-01", 99)])
def test_a_switch_out_of_range_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(InputError, match="out of range"):
        make()


def test_a_market_is_drawn_once_for_all() -> None:
    months = calendar_of(Settings())
    drawn: Market = draw_market(Settings(), months, generator(Settings(), 0))
    assert drawn.cycle.shape == (8, 37)
    assert drawn.strain.shape == (8, 36)


# -- the command line


def test_the_command_makes_the_book_that_the_function_makes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--customers", "1000", "--months", "6", "--seed", "3", "--late", "0.1:4", "--dirty", "0.05"]
    words += ["--drift", "2021-03-01", "--shock", "2021-04-01:0.5", "--late-payers", "0.2"]
    assert main(["simulate", str(tmp_path / "one"), *words]) == 0
    assert "orders" in capsys.readouterr().out
    switches = Scenario(Drift("2021-03-01"), Shock("2021-04-01", 0.5), Late(0.1, 4.0), 0.05, 0.2)
    simulate(tmp_path / "other", 1_000, months=6, seed=3, switches=switches)
    same(tmp_path / "one", tmp_path / "other")


@pytest.mark.parametrize(
    "words", [["--customers", "0"], ["--late", "much"], ["--shock", "2040-01-01"], ["--drift", "2021-06-01:x"]]
)
def test_a_wrong_word_ends_with_2(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(tmp_path / "book"), *words]) == 2
    assert "fix:" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
