"""Features of dated records beside the same in pandas: one process each, the values equal, time and peak memory.

Targets, on two cores: 10 million events of 500,000 customers, 3 as-of dates, 60 features at least 8 times as fast as
pandas and under 3 GB; 100 million events from Parquet under 6 GB, in at most 12 times the time of 10 million.

Run: ``python benchmarks/features.py [--events 1e6 1e7] [--no-pandas] [--folder FOLDER]``. The events are made once in
the folder, a temporary one by default; 1e8 events take 1 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

WINDOWS = (7, 14, 30, 60, 90, 180, 365)
DATES = ("2022-07-01", "2022-10-01", "2023-01-01")
FIRST, DAYS = pd.Timestamp("2021-01-01"), 820
KINDS = np.array(["books", "music", "films", "games", "toys", "food", "tools", "cards"])


def make(file: Path, events: int, seed: int = 7) -> None:
    """Write events in the order of time, in row groups of a bounded size; 20 events a customer."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng, part = np.random.default_rng(seed), 5_000_000
    customers = events // 20
    writer = None
    for first in range(0, events, part):
        rows = min(part, events - first)
        low, high = DAYS * first / events, DAYS * (first + rows) / events
        seconds = np.sort(rng.uniform(low, high, rows)) * 86_400
        table = pa.table(
            {
                "customer": rng.integers(0, customers, rows),
                "time": pa.array((FIRST.value // 1000 + seconds * 1_000_000).astype("int64"), pa.timestamp("us")),
                "amount": np.round(rng.gamma(2.0, 20.0, rows), 2),
                "kind": KINDS[rng.integers(0, len(KINDS), rows)],
            }
        )
        writer = writer or pq.ParquetWriter(file, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=500_000)
    assert writer is not None
    writer.close()


def with_riskml(file: Path, out: Path) -> None:
    """Build the panel."""
    from riskml.config.panel import PanelConfig
    from riskml.features.panel_store import build

    panel = PanelConfig.model_validate(
        {
            "tables": {
                "orders": {"role": "purchases", "source": str(file), "time": "time", "amount": "amount", "kind": "kind"}
            },
            "as_of": DATES,
            "windows": WINDOWS,
            "outcome": {"rule": "no_purchase", "table": "orders", "days": 90},
            "memory": "4GB",
        }
    )
    build(panel, out)


def with_pandas(file: Path, out: Path) -> None:
    """Do the same by group-by: one pass over each window, aggregations by name, nothing counted twice."""
    events = pd.read_parquet(file)
    events["day"] = (events["time"] - pd.Timestamp(0)) // pd.Timedelta(days=1)
    events["kind"] = events["kind"].astype("category").cat.codes
    events = events.drop(columns="time")
    for date in DATES:
        as_of = (pd.Timestamp(date) - pd.Timestamp(0)).days
        known = events[events["day"] < as_of]
        rows = pd.DataFrame(index=pd.Index(np.sort(known["customer"].unique()), name="customer"))
        seen = known[known["day"] >= as_of - WINDOWS[-1]]
        by = seen.groupby("customer", sort=False)["day"].agg(["min", "max"]).reindex(rows.index)
        steps = seen.groupby("customer", sort=False)["day"].nunique().reindex(rows.index) - 1
        rows["recency"], rows["since_first"] = as_of - by["max"], as_of - by["min"]
        rows["gap"] = ((by["max"] - by["min"]) / steps).where(steps > 0)
        rows["rhythm"] = rows["recency"] / rows["gap"]
        for days in WINDOWS:
            inside = seen[seen["day"] >= as_of - days].groupby("customer", sort=False)
            money = inside["amount"].agg(["size", "sum", "mean", "max"]).reindex(rows.index)
            rows[f"count_{days}d"], rows[f"sum_{days}d"] = money["size"].fillna(0), money["sum"].fillna(0)
            rows[f"mean_{days}d"], rows[f"largest_{days}d"] = money["mean"], money["max"]
            rows[f"days_{days}d"] = inside["day"].nunique().reindex(rows.index).fillna(0)
            rows[f"kinds_{days}d"] = inside["kind"].nunique().reindex(rows.index).fillna(0)
            if 2 * days <= WINDOWS[-1]:
                earlier = seen[(seen["day"] < as_of - days) & (seen["day"] >= as_of - 2 * days)]
                past = earlier.groupby("customer", sort=False)["amount"].agg(["size", "sum"]).reindex(rows.index)
                rows[f"trend_{days}d"] = rows[f"count_{days}d"] / past["size"]
                rows[f"sum_trend_{days}d"] = (rows[f"sum_{days}d"] / past["sum"]).where(past["sum"] != 0)
        for short, long in zip(WINDOWS, WINDOWS[1:], strict=False):
            for name in ("count", "sum"):
                pace = rows[f"{name}_{short}d"] * (long / short)
                below = rows[f"{name}_{long}d"]
                rows[f"{name}_change_{short}_{long}d"] = (pace / below).where(below != 0)
        bought = events[(events["day"] >= as_of) & (events["day"] < as_of + 90)]
        rows["outcome"] = (~rows.index.isin(bought["customer"])).astype(int)
        rows.add_prefix("orders_").reset_index().to_parquet(out / f"as_of={date}.parquet")


def run(way: str, file: Path, out: Path) -> dict[str, float]:
    """Run one way in a process of its own; return seconds and peak memory in GB."""
    out.mkdir(parents=True, exist_ok=True)
    code = [sys.executable, __file__, "--way", way, "--file", str(file), "--out", str(out)]
    found: dict[str, float] = json.loads(subprocess.run(code, check=True, capture_output=True, text=True).stdout)
    return found


def furthest(ours: Path, theirs: Path) -> tuple[int, float]:
    """Return the features compared, and the largest relative difference of a value."""
    worst, compared = 0.0, 0
    for file in sorted(theirs.glob("*.parquet")):
        one = pd.read_parquet(ours / file.name).set_index("customer").sort_index()
        other = pd.read_parquet(file).set_index("customer").sort_index()
        names = [name for name in other if name in one]
        assert one.index.equals(other.index), "other customers"
        for name in names:
            a, b = one[name].to_numpy(float), other[name].to_numpy(float)
            assert (np.isnan(a) == np.isnan(b)).all(), name
            far = np.nanmax(np.abs(a - b) / np.maximum(np.abs(b), 1e-12)) if len(a) else 0.0
            worst = max(worst, float(far))
        compared = len(names)
    return compared, worst


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=float, nargs="+", default=[1e6, 1e7])
    parser.add_argument("--no-pandas", action="store_true")
    parser.add_argument("--folder", type=Path)
    for name in ("--way", "--file", "--out"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way:
        start = time.perf_counter()
        {"riskml": with_riskml, "pandas": with_pandas}[asked.way](Path(asked.file), Path(asked.out))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(json.dumps({"seconds": time.perf_counter() - start, "peak": peak}))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"{'events':>12}{'riskml s':>10}{'GB':>6}{'pandas s':>10}{'GB':>6}{'times':>7}  values")
        for events in map(int, asked.events):
            file = folder / f"events_{events}.parquet"
            if not file.is_file():
                make(file, events)
            with tempfile.TemporaryDirectory(dir=folder) as work:
                ours = run("riskml", file, Path(work) / "riskml")
                line = f"{events:12,}{ours['seconds']:10.1f}{ours['peak']:6.2f}"
                if not asked.no_pandas:
                    theirs = run("pandas", file, Path(work) / "pandas")
                    compared, worst = furthest(Path(work) / "riskml", Path(work) / "pandas")
                    line += f"{theirs['seconds']:10.1f}{theirs['peak']:6.2f}{theirs['seconds'] / ours['seconds']:7.1f}"
                    line += f"  {compared} columns, furthest {worst:.0e}"
                print(line, flush=True)


if __name__ == "__main__":
    main()
