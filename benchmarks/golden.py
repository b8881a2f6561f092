"""Does a refactoring change nothing? The command line's results as digests, to be held against another checkout's.

Every experiment is run small, and its results are scored, exported, monitored and managed as the documents say. Nothing
of riskml is imported: commands and the files that they write are all that is looked at, so that code may move and be
renamed. Tables are digested by column, JSON by key, texts as words and as numbers; of pictures the pixels count. Times,
ids of runs, folders and versions are left out. What fails is recorded as an error, and the rest goes on.

Target: about 5 minutes on two quiet cores, and no difference between two recordings of one checkout.

Run: ``python benchmarks/golden.py record FILE.json [--checkout DIR] [--work DIR] [--only PART …]``, then
``python benchmarks/golden.py compare OLD.json NEW.json [--ignore-new]``: exit code 1 where anything differs.
"""

from __future__ import annotations

import argparse
import datetime as dt
import difflib
import hashlib
import json
import math
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

ROOT = Path(__file__).parents[1]
SHOWN_VALUES, SHOWN_CHARACTERS = 30, 30_000  # kept beside a digest, so that a difference can be read
DEPTH = 3  # of JSON that is taken apart

# Keys of JSON and columns of tables that differ from run to run, or with the code's own bytes and versions.
PASSING = re.compile(
    r"(\w+_)?(seconds|time_taken)|created|created_at|riskml|mlflow_\w+|sha256|bytes|packages|python|run|runs|run_id|run_name|"
    r"folder|path|datetime_\w+|worker_id|decided_at",
)
# Files that hold times, code, or what is looked at otherwise.
LEFT_OUT = re.compile(
    r".*\.(ipynb|onnx|whl|log|db)|\d_\w+\.html|search_seconds\.png|manifest\.json|.*/_runtime/.*|.*/sboms/.*|.*dist-info/.*"
)
NUMBER = re.compile(r"(?<![\w.])[-+−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?(?![\w])")
PASSING_TEXT = (
    (re.compile(r"\b\d{8}-\d{6}(-\d+)?\b"), "<run>"),
    (re.compile(r"<today>[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[-+]\d\d:\d\d| UTC)?"), "<time>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[-+]\d\d:\d\d| UTC)?"), "<time>"),
    (re.compile(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"(?<![\w.])\d[\d,.]*\s?(s|ms|min|seconds|minutes)\b"), "<duration>"),
    (re.compile(r"<duration>( <duration>)+"), "<duration>"),
    (re.compile(r"(?<![\w.])\d[\d,.]*\s?(bytes|kB|KB|KiB|MB|MiB)\b"), "<size>"),
    (re.compile(r"\b[Pp]ython \d+\.\d+(\.\d+)?"), "<python>"),
)


class Recording:
    """What was found, by key."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self.seconds: dict[str, float] = {}
        self.replaced: list[tuple[str, str]] = []

    def text(self, said: object) -> str:
        """Return a text without what must differ: folders, times, ids, sizes, durations, the day, the version."""
        text = str(said)
        for old, new in self.replaced:
            text = text.replace(old, new)
        for pattern, new in PASSING_TEXT:
            text = pattern.sub(new, text)
        return text

    def plain(self, value: Any) -> Any:
        """Return a value as JSON has it: numbers of 10 digits as text, nothing that must differ."""
        if isinstance(value, dict):
            return {self.text(key): self.plain(one) for key, one in value.items() if not PASSING.fullmatch(str(key))}
        if isinstance(value, (list, tuple, set, np.ndarray)):
            return [self.plain(one) for one in value]
        if isinstance(value, (bool, np.bool_)):
            return str(bool(value))
        if isinstance(value, (int, np.integer)):
            return str(value)
        if isinstance(value, (float, np.floating)):
            return "" if math.isnan(value) else f"{value + 0.0:.10g}"
        if value is None or value is pd.NaT or value is pd.NA:
            return ""
        return self.text(value)

    def add(self, key: str, value: Any) -> None:
        """Record a value: its digest, and the value itself, or its beginning."""
        plain = self.plain(value)
        digest = hashlib.sha256(json.dumps(plain, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:16]
        if isinstance(plain, str):
            shown: Any = plain[:SHOWN_CHARACTERS]
        elif isinstance(plain, list):
            shown = [str(one)[:200] for one in plain[:SHOWN_VALUES]] + [f"of {len(plain)}"]
        else:
            shown = json.dumps(plain, ensure_ascii=False, sort_keys=True)[:1000]
        self.found[key] = {"digest": digest, "value": shown}

    def words(self, key: str, said: str) -> None:
        """Record a text, and its numbers on their own: words may be put otherwise where numbers stay."""
        text = re.sub(r"\b[0-9a-f]{64}\b", "<sha>", self.text(said))  # of a wheel, whose code may change
        # The width of a column follows the longest cell, which may be a duration.
        self.add(f"{key}:text", "\n".join(re.sub(r"(?<=\S) +", " ", line).rstrip() for line in text.splitlines()))
        self.add(f"{key}:numbers", NUMBER.findall(text))

    @contextmanager
    def piece(self, key: str) -> Iterator[None]:
        """Record what goes wrong, and go on."""
        try:
            yield
        except Exception as error:  # each piece fails on its own
            self.add(key, f"error: {type(error).__name__}: {error}"[:1000])

    def table(self, key: str, frame: pd.DataFrame) -> None:
        """Record a table, column by column."""
        if any(name is not None for name in frame.index.names):
            frame = frame.reset_index()
        self.add(f"{key}:(rows)", len(frame))
        for name in sorted(map(str, frame.columns)):
            if PASSING.fullmatch(name):
                continue
            values = frame.rename(columns=str)[name]
            if pd.api.types.is_datetime64_any_dtype(values):
                values = values.dt.strftime("%Y%m%d %H%M%S")  # in another form than times that pass
            self.add(f"{key}:{name}", values.astype(object).tolist())

    def tree(self, key: str, value: Any, depth: int = 0) -> None:
        """Record JSON by key; of a list of records, each field on its own."""
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            names = dict.fromkeys(name for one in value for name in one)
            value = {f"[].{name}": [one.get(name) for one in value] for name in names if not PASSING.fullmatch(name)}
            depth = DEPTH - 1
        if not isinstance(value, dict) or depth == DEPTH:
            self.add(key, value)
            return
        for name, one in value.items():
            if not PASSING.fullmatch(str(name)):
                self.tree(f"{key}:{name}" if depth == 0 else f"{key}.{name}", one, depth + 1)

    def file(self, key: str, file: Path) -> None:
        """Record a file by what its ending says that it is."""
        with self.piece(key):
            match file.suffix:
                case ".csv":
                    self.table(key, read_csv(file))
                case ".parquet":
                    frame = pd.read_parquet(file)
                    # The rows of a panel's day come in any order.
                    self.table(key, frame.sort_values("customer") if file.name.startswith("as_of=") else frame)
                case ".json":
                    self.tree(key, json.loads(file.read_text(encoding="utf-8")))
                case ".html":
                    self.words(key, page_text(file.read_text(encoding="utf-8")))
                case ".xlsx":
                    self.workbook(key, file)
                case ".png":
                    from matplotlib.image import imread

                    picture = imread(file)
                    self.add(key, [*picture.shape, f"pixels_{hashlib.sha256(picture.tobytes()).hexdigest()}"])
                case ".ubj" | ".txt" | ".cbm":
                    self.add(key, f"bytes_{hashlib.sha256(file.read_bytes()).hexdigest()}")
                case _:
                    self.words(key, file.read_text(encoding="utf-8"))

    def workbook(self, key: str, file: Path) -> None:
        """Record a workbook: the cells of each sheet, as words and as numbers."""
        from openpyxl import load_workbook

        for sheet in load_workbook(file, read_only=True):
            rows = [list(row) for row in sheet.iter_rows(values_only=True)]
            self.add(f"{key}:{sheet.title}", [cell for row in rows for cell in row if cell is not None])
            numbers = [cell for row in rows for cell in row if isinstance(cell, (int, float))]
            self.add(f"{key}:{sheet.title}:numbers", numbers)

    def folder(self, key: str, folder: Path) -> None:
        """Record all files of a folder, and their names."""
        with self.piece(key):
            files = sorted(file for file in folder.rglob("*") if file.is_file())
            names = [file.relative_to(folder).as_posix() for file in files]
            if not names:
                raise FileNotFoundError(f"nothing lies in {folder}")
            self.add(f"{key}:(files)", sorted(self.text(name) for name in names if "/_runtime/" not in name))
            for name, file in zip(names, files, strict=True):
                if not LEFT_OUT.fullmatch(name) and not LEFT_OUT.fullmatch(file.name):
                    self.file(f"{key}/{self.text(name)}", file)


def read_csv(file: Path) -> pd.DataFrame:
    """Return a CSV's cells: numbers where all of a column are, else text as it stands."""
    if not file.read_text(encoding="utf-8-sig").strip():
        return pd.DataFrame()
    frame = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    for name in frame:
        filled = frame[name] != ""
        numbers = pd.to_numeric(frame[name].where(filled), errors="coerce")
        if filled.any() and numbers[filled].notna().all():
            frame[name] = numbers
    return frame


def page_text(page: str) -> str:
    """Return what is read on a page, a line for each piece of text."""
    page = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.S)
    parts = (unescape(part).strip() for part in re.split(r"<[^>]*>", page))
    return "\n".join(re.sub(r"\s+", " ", part) for part in parts if part)


class Project:
    """A folder with the experiments of the checkout, in which commands are run."""

    def __init__(self, name: str, work: Path, checkout: Path, recording: Recording) -> None:
        self.name, self.folder, self.record = name, work / name, recording
        shutil.copytree(checkout / "experiments", self.folder / "experiments", ignore=shutil.ignore_patterns("runs"))
        self.env = {key: value for key, value in os.environ.items() if not key.startswith(("RISKML_", "MLFLOW_"))} | {
            "PYTHONPATH": str(checkout / "src"),
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.folder / 'mlflow.db'}",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MPLBACKEND": "agg",
            "COLUMNS": "160",
            "NO_COLOR": "1",
            "OMP_NUM_THREADS": "1",
            "TZ": "UTC",
            "RISKML_CSV_FOLDER": str(self.folder / "crm_files"),
        }

    def __truediv__(self, path: str) -> Path:
        return self.folder / path

    def call(self, key: str, *args: object, code: int = 0, module: str = "riskml", **env: str) -> None:
        """Run a command; record what it says, or what it complains of where the exit code is another one."""
        key, start = f"{self.name}/$ {key}", time.perf_counter()
        with self.record.piece(key):
            done = subprocess.run(
                [sys.executable, "-m", module, *map(str, args)],
                cwd=self.folder,
                env=self.env | env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=1200,
            )
            if done.returncode != code:
                raise RuntimeError(f"exit code {done.returncode}: {(done.stderr or done.stdout)[-800:]}")
            self.record.words(key, done.stdout if code == 0 else done.stdout + done.stderr)
        self.record.seconds[key] = round(time.perf_counter() - start, 1)

    def run(self, name: str, *options: str, sample: int | None = 1500, key: str = "") -> str:
        """Run an experiment; record its results; return the folder's name."""
        key = key or name
        drawn = ("--sample", sample) if sample else ()
        said = [part for option in ("models.trials=1", *options) for part in ("-p", option)]
        self.call(f"run {key}", "run", f"experiments/{name}.yaml", *drawn, *said)
        self.results(f"runs/{key}", f"experiments/runs/{name}/latest")
        return f"experiments/runs/{name}/latest"

    def results(self, key: str, folder: str) -> None:
        """Record a folder's files."""
        self.record.folder(f"{self.name}/{key}", self / folder)

    def written(self, file: str) -> None:
        """Record a file that a command wrote."""
        self.record.file(f"{self.name}/{file}", self / file)

    @contextmanager
    def piece(self, what: str) -> Iterator[None]:
        """Record what goes wrong, and go on."""
        with self.record.piece(f"{self.name}/{what}"):
            yield

    def customers(self, run: str, rows: int | None = None) -> pd.DataFrame:
        """Return the columns that a run's models read, the customer a column."""
        frame = pd.read_parquet(self / run / "features.parquet")
        frame = frame[[name for name in frame if not str(name).startswith("_")]]
        return frame.rename_axis("customer").reset_index().head(rows or len(frame))

    def wheel(self, run: str) -> None:
        """Record a wheel's data, whether it is proved, and what its own command answers, riskml kept out."""
        with self.piece("wheel"):
            (wheel,) = (self / run / "dist").glob("*.whl")
            self.call("verify", "verify", wheel)
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(self / "wheel")
            self.results("wheel", "wheel")
            module = wheel.name.split("-")[0]
            alone = {"module": module, "PYTHONPATH": str(self / "wheel")}
            for verb, *options in (
                ("score", "--id", "customer"),
                ("explain", "--id", "customer", "-n", "3", "--language", "zh"),
                ("check",),
            ):
                out = [] if verb == "check" else ["-o", f"wheel_{verb}.csv"]
                self.call(f"wheel {verb}", verb, "customers.csv", *out, *options, **alone)
                if out:
                    self.written(f"wheel_{verb}.csv")
            self.call("wheel schema", "schema", **alone)

    def exports(self, model: str, frame: pd.DataFrame, *, dialects: tuple[str, ...], pages: bool = False) -> None:
        """Record a model as SQL, run on DuckDB too, as ONNX with its answers, and as a card."""
        name = Path(model).name if "models/" in model else "champion"
        for dialect in dialects:
            file = f"{name}_{dialect}.sql"
            self.call(f"export {file}", "export", model, "-o", file, "--dialect", dialect, "--keep", "customer")
            self.written(file)
        with self.piece(f"{name} in DuckDB"):
            if "duckdb" in dialects:
                import duckdb

                with duckdb.connect() as database:
                    database.register("customers", frame)
                    answers = database.sql((self / f"{name}_duckdb.sql").read_text(encoding="utf-8")).df()
                self.record.table(f"{self.name}/{name} in DuckDB", answers)
        self.call(f"export {name}.onnx", "export", model, "-o", f"{name}.onnx")
        with self.piece(f"{name} as ONNX"):
            self.record.table(f"{self.name}/{name} as ONNX", onnx_answers(self / f"{name}.onnx", frame))
        for file in (f"{name}.html", f"{name}.xlsx") if pages else ():
            self.call(f"export {file}", "export", model, "-o", file)
            self.written(file)

    def tracked(self) -> None:
        """Record what MLflow was told: figures, parameters and tags of all runs, and the versions of models."""
        with self.piece("mlflow"), closing(sqlite3.connect(self / "mlflow.db")) as database:
            for table, value in (("latest_metrics", "value"), ("params", "value"), ("tags", "value")):
                told = pd.read_sql(f"select key, {value} from {table}", database)
                told = told[
                    ~told["key"].str.contains(r"seconds|^riskml\.version|^riskml\.run$|model_digest|run_?id|log-model")
                ]
                told = told[~told["key"].isin({"mlflow.source.name", "mlflow.user", "mlflow.source.git.commit"})]
                for key, values in told.groupby("key")[value]:
                    self.record.add(f"{self.name}/mlflow {table}:{key}", sorted(map(self.record.plain, values)))
            for table in ("model_version_tags", "registered_model_aliases"):
                told = pd.read_sql(f"select * from {table}", database).drop(columns=["workspace"], errors="ignore")
                self.record.table(f"{self.name}/mlflow {table}", told.sort_values(list(told)).reset_index(drop=True))


def onnx_answers(file: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Return what an ONNX graph answers, or the file's digest where onnxruntime is not there."""
    try:
        import onnxruntime
    except ImportError:
        return pd.DataFrame({"file": [f"bytes_{hashlib.sha256(file.read_bytes()).hexdigest()}"]})
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    said = {}
    for one in session.get_inputs():
        column = frame[one.name]
        if one.type == "tensor(string)":
            said[one.name] = column.astype(object).where(column.notna(), "").astype(str).to_numpy(object)[:, None]
        else:
            said[one.name] = column.to_numpy(np.float64 if "double" in one.type else np.float32)[:, None]
    names = [one.name for one in session.get_outputs()]
    return pd.DataFrame({name: np.ravel(value) for name, value in zip(names, session.run(names, said), strict=True)})


def troubled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return customers with gaps, numbers beyond all bounds, and a level that nobody has seen."""
    frame = frame.copy()
    for number, name in enumerate(column for column in frame if column != "customer"):
        rows = frame.index % 17 == number % 17
        frame[name] = frame[name].mask(rows)
        if pd.api.types.is_numeric_dtype(frame[name]):
            frame.loc[frame.index % 41 == number % 41, name] *= 100
        else:
            frame[name] = frame[name].astype(object)
            frame.loc[frame.index % 43 == number % 43, name] = "never seen"
    return frame


def credit_default(at: Project) -> None:
    """Go through everything on applicants for credit: each family, the wheel, two months, alerts, a second run."""
    run = at.run("credit_default", "models.families=[scorecard, logistic, tree, boosting, blend]")
    frame = troubled(at.customers(run, 500))
    frame.to_csv(at / "customers.csv", index=False)
    for family in ("scorecard", "logistic", "tree", "boosting", "blend"):
        file = f"scores_{family}.csv"
        at.call(f"score {family}", "score", f"{run}/models/{family}", "customers.csv", "-o", file, "--id", "customer")
        at.written(file)
    all_dialects = ("duckdb", "postgres", "spark", "tsql", "snowflake")
    at.exports(f"{run}/models/scorecard", frame, dialects=all_dialects, pages=True)
    at.exports(f"{run}/models/logistic", frame, dialects=("duckdb",))
    at.exports(f"{run}/models/tree", frame, dialects=("duckdb",))
    at.exports(f"{run}/models/blend", frame, dialects=())
    at.wheel(run)
    at.call("tiers", "tiers", run)
    at.call("tiers equal_risk", "tiers", run, "--rule", "equal_risk", "--names", "low,medium,high")
    months(at, run)
    at.call("monitor", "monitor", run, "--data", "credit_data", "--date", "2025-01-31")
    at.results("monitoring", f"{run}/monitoring")
    at.call("retrain", "retrain", run, "--data", "credit_data", "--dry-run")
    first = (at / run).resolve()
    other = ("models.families=[logistic]", "models.fixed.logistic.C=0.05")
    at.run("credit_default", *other, key="another")
    at.call("compare", "compare", first, run)
    at.call("compare -o", "compare", first, run, "-o", "review.html")
    at.written("review.html")
    at.tracked()


def months(at: Project, run: str) -> None:
    """Manage two months, with alerts by themselves and what became of it; then the month of the README."""
    policy, rules = "experiments/policies/credit_default.yaml", "experiments/warnings/credit_default.yaml"
    with at.piece("months"):
        book = at.customers(run)
        target = pd.read_parquet(at / run / "features.parquet")["_target"].to_numpy()
        for number, month in enumerate(("2025-01-31", "2025-02-28")):
            if number:
                book["Income"] = book["Income"].where(book.index % 3 > 0, book["Income"] * 0.6)
                book["Debt"] = book["Debt"].where(book.index % 5 > 0, book["Debt"] + 2000)
            book.to_parquet(at / f"book_{number}.parquet")
            data = ("--data", f"book_{number}.parquet", "--id", "customer")
            ways = ("--policy", policy, "--rules", rules, "--as-of", month, "-o", "managed")
            at.call(f"manage {month}", "manage", run, *data, *ways, *(("--language", "zh") if number else ()))
            books = ("--book", f"managed/{month}/scores.parquet", "--book", f"book_{number}.parquet")
            at.call(
                f"alerts update {month}", "alerts", "update", rules, *books, "--as-of", month, "--store", "alone.db"
            )
        at.results("managed", "managed")
        for store, file in (("managed/alerts.db", "managed_alerts.csv"), ("alone.db", "alone_alerts.csv")):
            at.call(
                f"alerts list {file}", "alerts", "list", "--store", store, "--all", "-o", file, "--on", "2025-03-01"
            )
            at.written(file)
        at.call("alerts list", "alerts", "list", "--store", "alone.db", "--role", "finance", "--on", "2025-03-01")
        key = read_csv(at / "alone_alerts.csv")["key"].iloc[0]
        of_ann = ("--store", "alone.db", "--by", "Ann")
        at.call("alerts ack", "alerts", "ack", key, *of_ann, "--on", "2025-03-02")
        at.call("alerts close", "alerts", "close", key, *of_ann, "--outcome", "averted", "--on", "2025-03-03")
        later = ("--store", "alone.db", "--on", "2025-03-20")
        at.call("alerts overdue", "alerts", "overdue", rules, *later)
        at.call("alerts send", "alerts", "send", rules, *later)
        at.call("alerts list after it", "alerts", "list", *later, "--all", "-o", "closed_alerts.csv")
        at.written("closed_alerts.csv")
        at.results("alerts sent", "experiments/runs/credit_default/alerts")
        pd.DataFrame({"customer": book["customer"][target == 1], "date": "2025-03-15"}).to_csv(at / "events.csv")
        said = ("--policy", policy, "--events", "events.csv", "--until", "2025-07-01", "--window", "90")
        at.call("feedback", "feedback", "managed", *said, "--decisions", "managed/2025-01-31/lists/finance_actions.csv")
        at.results("feedback", "managed/feedback")
        outcomes = pd.DataFrame({"customer": book["customer"], "Status": np.where(target == 1, "bad", "good")})
        outcomes.to_csv(at / "outcomes.csv", index=False)
        said = ("--data", "book_1.parquet", "--id", "customer", "--outcomes", "outcomes.csv", "--date", "2025-02-28")
        at.call("monitor by job", "monitor", run, *said, "--by", "Job", "-o", "watched")
        at.results("monitoring by job", "watched")
        said = ("--data", "credit_data", "--policy", policy, "--rules", rules, "--as-of", "2025-01-31")
        at.call("manage as in the README", "manage", run, *said, "-o", "readme")
        at.results("managed as in the README", "readme")


def telco_churn(at: Project) -> None:
    """Run the churn of a telecom, which has costs; tiers by profit, a month, a draft of an experiment, and mistakes."""
    run = at.run("telco_churn", "models.families=[scorecard, boosting]")
    frame = troubled(at.customers(run, 500))
    frame.to_csv(at / "customers.csv", index=False)
    at.call("score", "score", run, "customers.csv", "-o", "scores.parquet", "--id", "customer")
    at.written("scores.parquet")
    at.exports(f"{run}/models/scorecard", frame, dialects=("duckdb",), pages=True)
    at.exports(f"{run}/models/boosting", frame, dialects=())
    at.wheel(run)
    at.call("tiers", "tiers", run)
    at.call("tiers profit_best", "tiers", run, "--rule", "profit_best", "--names", "settled,wavering,leaving")
    with at.piece("managed"):
        at.customers(run).to_parquet(at / "book.parquet")
        ways = ("--policy", "experiments/policies/telco_churn.yaml", "--rules", "experiments/warnings/telco_churn.yaml")
        at.call(
            "manage",
            "manage",
            run,
            "--data",
            "book.parquet",
            "--id",
            "customer",
            *ways,
            "--as-of",
            "2025-01-31",
            "-o",
            "m",
        )
        at.results("managed", "m")
    with at.piece("new"):
        said = pd.read_parquet(at / run / "features.parquet")["_target"].map({0: "kept", 1: "lost"})
        at.customers(run).assign(outcome=said.to_numpy()).to_csv(at / "my_book.csv", index=False)
        at.call(
            "new",
            "new",
            "my_book",
            "--data",
            "my_book.csv",
            "--target",
            "outcome",
            "--event",
            "lost",
            "--id",
            "customer",
        )
        at.written("experiments/my_book.yaml")
    at.call("samples", "samples")
    at.call("mistake: no experiment", "run", "nothing", code=2)
    at.call("mistake: a setting", "run", "experiments/telco_churn.yaml", "-p", "models.trials=many", code=2)
    at.call("mistake: a dialect", "export", run, "-o", "x.sql", "--dialect", "latin", code=2)
    with at.piece("mistake: a column"):
        frame.drop(columns="contract").to_csv(at / "lacking.csv", index=False)
        at.call("mistake: a column", "score", run, "lacking.csv", "-o", "x.csv", code=2)
    at.tracked()


def cdnow_churn(at: Project) -> None:
    """Run the purchases of CDNOW; the features of a later day, scored and monitored."""
    run = at.run("cdnow_churn", "models.families=[scorecard, logistic]", sample=1000)
    at.results("panel", "experiments/runs/cdnow_churn/panel")
    at.call("features", "features", "experiments/cdnow_churn.yaml", "--as-of", "1998-07-01", "-o", "book.parquet")
    at.written("book.parquet")
    at.call("score", "score", run, "book.parquet", "-o", "scores.csv", "--id", "customer")
    at.written("scores.csv")
    at.call("monitor", "monitor", run, "--data", "book.parquet")
    at.results("monitoring", f"{run}/monitoring")
    at.tracked()


def book_default(at: Project) -> None:
    """Run the simulated book, with every kind of table; its next month, and alerts on the months before."""
    at.call("simulate", "simulate", "data/book", "--customers", 1500, "--months", 18, "--late", "0.05:5")
    at.results("book", "data/book")
    with at.piece("whole amounts"):
        whole_amounts(at / "data" / "book")
    switches = ("--drift", "2021-06-01", "--shock", "2021-09-01:1", "--dirty", "0.02", "--late-payers", "0.2")
    at.call("simulate another", "simulate", "another", "--customers", 200, "--months", 12, "--seed", 9, *switches)
    at.results("another book", "another")
    run = at.run(
        "book_default",
        "models.families=[logistic, tree, boosting]",
        "panel.as_of=[2021-07-01, 2021-10-01, 2022-01-01, 2022-04-01]",
        "panel.until=2022-07-01",
        "panel.outcome.values=[default, cancelled]",  # defaults alone are too few in so small a book
        "split.from_date=2022-04-01",
        "split.folds=3",
        sample=1000,
    )
    at.results("panel", "experiments/runs/book_default/panel")
    at.call("features", "features", "experiments/book_default.yaml", "--as-of", "2022-06-01", "-o", "book.parquet")
    at.written("book.parquet")
    at.call("score", "score", run, "book.parquet", "-o", "scores.csv", "--id", "customer")
    at.written("scores.csv")
    policy, rules = "experiments/policies/book_default.yaml", "experiments/warnings/book_default.yaml"
    data = ("--data", "book.parquet", "--id", "customer")
    at.call(
        "manage", "manage", run, *data, "--policy", policy, "--rules", rules, "--as-of", "2022-06-01", "-o", "managed"
    )
    at.results("managed", "managed")
    at.call("monitor", "monitor", run, "--data", "book.parquet", "--date", "2022-06-01")
    at.results("monitoring", f"{run}/monitoring")
    panel = ("--panel", "experiments/runs/book_default/panel", "--model", run)
    at.call("alerts backtest", "alerts", "backtest", rules, *panel, "--officers", "risk=3")
    at.tracked()


def whole_amounts(book: Path) -> None:
    """Round amounts to whole numbers: DuckDB adds up in any order, and only of these is the sum always the same."""
    for name in ("orders", "invoices", "payments"):
        for file in (book / name).glob("*.parquet"):
            table = pq.read_table(file)
            place = table.schema.get_field_index("amount")
            pq.write_table(table.set_column(place, "amount", pc.round(table["amount"])), file)


def crm_default(at: Project) -> None:
    """Pull a small book from CSV files as from a CRM; a whole run with its gate; scores and alerts written back."""
    at.call("simulate", "simulate", "book", "--customers", 500, "--months", 18, "--seed", 8)
    with at.piece("crm files"):
        crm_files(at)
    at.call("crm check", "crm", "check", "crm.yaml")
    at.call("crm pull", "crm", "pull", "crm.yaml", "data/crm")
    at.results("pulled", "data/crm")
    at.call("crm pull again", "crm", "pull", "crm.yaml", "data/crm")
    settings = (
        "models.families=[scorecard, logistic]",
        "panel.as_of=[2021-07-01, 2021-10-01, 2022-01-01, 2022-04-01]",
        "split.folds=3",
    )
    run = at.run("crm_default", *settings, sample=None)
    at.call("models", "models")
    why = ("--by", "Ann", "--why", "a trial")
    at.call("mistake: a champion already", "promote", "crm_default", "1", "--force", *why, code=2)
    at.call("features", "features", "experiments/crm_default.yaml", "--as-of", "2022-07-01", "-o", "book.parquet")
    at.written("book.parquet")
    policy, rules = "experiments/policies/crm_default.yaml", "experiments/warnings/crm_default.yaml"
    data = ("--data", "book.parquet", "--id", "customer")
    at.call(
        "manage", "manage", run, *data, "--policy", policy, "--rules", rules, "--as-of", "2022-07-01", "-o", "managed"
    )
    at.results("managed", "managed")
    at.call("crm push, to see", "crm", "push", "crm.yaml", "managed/2022-07-01")
    at.call("crm push", "crm", "push", "crm.yaml", "managed/2022-07-01", "--yes")
    at.call("alerts list", "alerts", "list", "--store", "managed/alerts.db", "-o", "alerts.csv", "--on", "2022-07-01")
    at.call("crm alerts", "crm", "alerts", "crm.yaml", "alerts.csv", "--yes")
    at.results("written to the CRM", "crm_files/risk")
    at.tracked()


def crm_files(at: Project) -> None:
    """Write the simulated book as CSV files, and the mapping that reads them."""
    dated, number = {"type": "date"}, {"type": "number"}
    stamped = {"type": "timestamp"}
    tables: dict[str, tuple[str, dict[str, dict[str, str]]]] = {
        "customers": (
            "customers",
            {"customer": {}, "industry": {}, "region": {}, "segment": {}, "yearly_income": number, "since": dated},
        ),
        "orders": ("orders", {"order": {}, "customer": {}, "amount": number, "time": stamped, "category": {}}),
        "invoices": ("invoices", {"invoice": {}, "customer": {}, "amount": number, "issued": dated, "due": dated}),
        "payments": ("payments", {"payment": {}, "invoice": {}, "customer": {}, "amount": number, "paid": dated}),
        "cases": (
            "tickets",
            {
                "ticket": {},
                "customer": {},
                "opened": stamped,
                "closed": stamped,
                "kind": {},
                "escalated": {"type": "boolean"},
            },
        ),
    }
    mapping: dict[str, Any] = {"system": "csv", "timezone": "UTC", "encoding": "utf-8-sig", "tables": {}}
    (at / "crm_files").mkdir()
    for name, (source, columns) in tables.items():
        frame = pd.read_parquet(at / "book" / source).rename(columns={"valid_from": "since"})
        key = next(iter(columns))
        frame = frame[frame[key].notna() & frame["customer"].notna()].drop_duplicates(key, keep="last")
        frame[list(columns)].to_csv(at / "crm_files" / f"{name}.csv", index=False, encoding="utf-8-sig")
        fields = {column: {"field": column} | kind if kind else column for column, kind in columns.items()}
        mapping["tables"][name] = {"object": name, "id": key, "columns": fields | {"customer": "customer"}}
        if name in ("orders", "invoices", "payments", "cases"):
            mapping["tables"][name]["columns"] = {"customer": "customer"} | fields
    fields = {"score": {"type": "integer"}, "tier": {"type": "text"}, "as_of": {"type": "date"}}
    said = {part: {"field": f"risk_{part}", "label": f"risk {part}"} | kind for part, kind in fields.items()}
    mapping |= {"scores": {"object": "customers", "fields": said}, "alerts": {"object": "alerts"}}
    (at / "crm.yaml").write_text(yaml.safe_dump(mapping, sort_keys=False, allow_unicode=True), encoding="utf-8")


# The longest first, so that two at a time end together.
PARTS: tuple[Callable[[Project], None], ...] = (credit_default, book_default, telco_churn, crm_default, cdnow_churn)


def record(file: Path, checkout: Path, work: Path, only: list[str], jobs: int) -> None:
    """Run everything in a folder, and write what was found."""
    recording, begun = Recording(), time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    told = "import riskml; print(riskml.__file__); print(riskml.__version__)"
    place, version = subprocess.run(
        [sys.executable, "-c", told], cwd=work, env=environment, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    if not Path(place).is_relative_to(checkout):
        raise SystemExit(f"riskml would be that of {place}, and not of {checkout}")
    days = [(dt.date.today() + dt.timedelta(later)).isoformat() for later in (0, 1)]
    recording.replaced = [
        *((str(work / part.__name__), "<project>") for part in PARTS),
        (str(work), "<work>"),
        (str(checkout), "<checkout>"),
        (f"riskml {version}", "riskml <version>"),
        *((day, "<today>") for day in days),
    ]

    def do(part: Callable[[Project], None]) -> None:
        start = time.perf_counter()
        with recording.piece(part.__name__):
            part(Project(part.__name__, work, checkout, recording))
        print(f"{part.__name__:16}{time.perf_counter() - start:7.0f} s", flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(do, [part for part in PARTS if not only or part.__name__ in only]))
    found = dict(sorted(recording.found.items()))
    seconds = dict(sorted(recording.seconds.items(), key=lambda one: -one[1]))
    file.write_text(json.dumps({"found": found, "seconds": seconds}, ensure_ascii=False, indent=1), encoding="utf-8")
    errors = [key for key, one in found.items() if str(one["value"]).startswith("error: ") and ":text" not in key]
    for key in errors:
        print(f"{key}: {found[key]['value']}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = f"{time.perf_counter() - begun:.0f} s ({used.ru_utime + used.ru_stime:.0f} s of processors)"
    print(f"{len(found):,} keys, {len(errors)} errors, {took}: {file}")


def compare(old_file: Path, new_file: Path, ignore_new: bool) -> bool:
    """Print each key that differs; return whether any does. Keys of the new file alone may be left out."""
    old, new = (json.loads(file.read_text(encoding="utf-8"))["found"] for file in (old_file, new_file))
    gone, come = [key for key in old if key not in new], [key for key in new if key not in old]
    for key in list(gone):
        # One name for another: the same values, under another label of the same file, or in another file.
        same = [other for other in come if old[key]["digest"] == new[other]["digest"]]
        near = [other for other in same if other.rpartition(":")[0] == key.rpartition(":")[0]]
        near = near or [other for other in same if other.rpartition(":")[2] == key.rpartition(":")[2]]
        if len(near) == 1:
            print(f"renamed  {key} -> {near[0]}")
            gone.remove(key)
            come.remove(near[0])
    if ignore_new:
        come = []
    for key in gone:
        print(f"gone     {key}: {shortened(old[key]['value'])}")
    for key in come:
        print(f"new      {key}: {shortened(new[key]['value'])}")
    differ = [key for key in old if key in new and old[key]["digest"] != new[key]["digest"]]
    for key in differ:
        print(f"differs  {key}")
        for line in differences(old[key]["value"], new[key]["value"]):
            print(f"           {line}")
    counted = sum(key not in new for key in old)
    print(f"{len(old):,} keys, {len(new):,} keys: {counted} gone or renamed, {len(come)} new, {len(differ)} differ")
    return bool(differ or come or counted)


def shortened(value: Any, limit: int = 100) -> str:
    """Return a value on one line."""
    text = " ".join(str(value).split())
    return text if len(text) <= limit else f"{text[:limit]}…"


def differences(old: Any, new: Any, limit: int = 8) -> list[str]:
    """Return the first lines that differ."""
    was, now = (value if isinstance(value, list) else str(value).splitlines() for value in (old, new))
    lines = [
        line for line in difflib.unified_diff(was, now, n=0, lineterm="") if not line.startswith(("---", "+++", "@@"))
    ]
    if not lines:
        return ["(beyond what is kept beside the digest)"]
    return [shortened(line, 200) for line in lines[:limit]] + ["…"] * (len(lines) > limit)


def main() -> None:
    """Record, or compare."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command")
    recorder = commands.add_parser("record")
    recorder.add_argument("file", type=Path)
    recorder.add_argument("--checkout", type=Path, default=ROOT)
    recorder.add_argument("--work", type=Path, help="an empty folder, which is kept; a temporary one by default")
    recorder.add_argument("--only", nargs="+", default=[], choices=[part.__name__ for part in PARTS])
    recorder.add_argument("--jobs", type=int, default=2, help="experiments at a time")
    comparer = commands.add_parser("compare")
    comparer.add_argument("old", type=Path)
    comparer.add_argument("new", type=Path)
    comparer.add_argument("--ignore-new", action="store_true", help="where OLD is a recording of some parts only")
    asked = parser.parse_args()
    if asked.command is None:  # as `make bench` calls it
        parser.print_help()
        return
    if asked.command == "compare":
        raise SystemExit(compare(asked.old, asked.new, asked.ignore_new))
    with tempfile.TemporaryDirectory(prefix="riskml-golden-") as temporary:
        work = (asked.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        record(asked.file, asked.checkout.resolve(), work, asked.only, asked.jobs)


if __name__ == "__main__":
    main()
