"""Run of an experiment: its folder, the files in it, and the status of its stages.

Everything a run produces is a file in its folder, written completely or not at all: an interrupted run can be resumed,
and an earlier run is never changed.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from riskml import __version__
from riskml.config.experiment import Experiment, read_experiment
from riskml.display.format import markdown
from riskml.errors import ConfigError, InputError
from riskml.io import read_json, replacing, write_json

if TYPE_CHECKING:
    import pandas as pd

    from riskml.data.dataset import Dataset
    from riskml.report.plots.picture import Picture
    from riskml.schema import Schema

STAGES = ("1_features", "2_models", "3_validation", "4_export", "5_prediction")
Status = Literal["pending", "running", "finished", "failed"]
# The pipeline writes the status of stages while a second thread writes what MLflow returned.
_LOCK = threading.RLock()
_DATASET_COLUMNS = {"_target": "y", "_part": "part", "_fold": "fold", "_date": "date"}


def stage_name(text: str) -> str:
    """Return a stage's full name from its number, its word, or both.

    Examples
    --------
    >>> stage_name("models"), stage_name("2"), stage_name("2_models")
    ('2_models', '2_models', '2_models')
    """
    for stage in STAGES:
        if text in {stage, *stage.split("_", 1)}:
            return stage
    raise ConfigError(f"there is no stage {text!r}", fix=f"the stages are {', '.join(STAGES)}")


@dataclass(frozen=True)
class Run:
    """A run's folder.

    Parameters
    ----------
    folder : Path
        Absolute.
    experiment : Experiment
        The settings with which the run began.
    hosted : bool, default False
        Whether the pipeline executes the current stage and records its status.
    """

    folder: Path
    experiment: Experiment
    hosted: bool = False
    opened: float = field(default_factory=time.monotonic, repr=False, compare=False)

    @classmethod
    def start(
        cls,
        experiment: Experiment,
        runs: Path,
        *,
        at: dt.datetime,
        sample: int = 0,
        by_hand: bool = False,
        file_digest: str | None = None,
    ) -> Run:
        """Make the folder of a new run beneath ``runs/<experiment>/``.

        Parameters
        ----------
        at : datetime
            Names the folder; a number is added when that name is taken.
        sample : int, default 0
            Number of rows drawn; 0 for all.
        by_hand : bool, default False
            Whether the notebooks are run interactively.
        file_digest : str, optional
            Digest of the experiment file's settings before any override.

        Raises
        ------
        InputError
            When the folder cannot be made.
        """
        folder = _new_folder(runs.absolute() / experiment.name, f"{at:%Y%m%d-%H%M%S}")
        text = experiment.to_yaml()
        if experiment.data.features_file is not None:  # the run keeps a copy
            file, function = experiment.data.features_file
            shutil.copyfile(file, folder / file.name)
            text = experiment.with_features(f"{file.name}:{function}").to_yaml()
            experiment = experiment.with_features(f"{folder / file.name}:{function}")
        run = cls(folder, experiment)
        with replacing(run.path("experiment.yaml")) as temporary:
            temporary.write_text(text, encoding="utf-8")
        state: dict[str, Any] = {
            "experiment": experiment.name,
            "title": experiment.title,
            "task": experiment.task,
            "status": "running",
            "created": at.isoformat(timespec="seconds"),
            "riskml": __version__,
            "config_digest": experiment.digest(),
            "file_digest": file_digest or experiment.digest(),
            "data_digest": None,
            "sample": sample,
            "seed": experiment.split.seed,
            "by_hand": by_hand,
            "stages": [{"name": stage, "status": "pending", "seconds": None} for stage in STAGES],
            "leaderboard": [],
            "left_out": {},
            "champion": None,
            "wheel": None,
            "report": None,
            "mlflow_run_id": None,
            "mlflow_uri": None,
        }
        write_json(run.path("run.json"), state)
        return run

    @classmethod
    def open(cls, folder: str | Path, *, hosted: bool = False) -> Run:
        """Open the folder of a run that was started before.

        Raises
        ------
        InputError
            When the folder holds no run.
        """
        folder = Path(folder).resolve()  # `latest` is a link to a run
        for needed in ("experiment.yaml", "run.json"):
            if not (folder / needed).is_file():
                raise InputError(
                    f"not the folder of a run: it has no {needed}",
                    where=str(folder),
                    fix="name a folder in experiments/runs/<experiment>/",
                )
        return cls(folder, read_experiment(folder / "experiment.yaml"), hosted)

    def path(self, *parts: str) -> Path:
        """Return the absolute path of a file in the run's folder."""
        return self.folder.joinpath(*parts)

    @property
    def panel(self) -> Path:
        """The folder of the experiment's panel, which its runs share."""
        return self.folder.parent / "panel"

    def _repr_markdown_(self) -> str:
        stages = " · ".join(f"{entry['name']} {entry['status']}" for entry in self.state["stages"])
        return f"**{markdown(self.experiment.title)}**  \n<code>{markdown(str(self.folder))}</code>  \n{stages}"

    # -- status

    @property
    def state(self) -> dict[str, Any]:
        """The content of run.json."""
        state = read_json(self.path("run.json"))
        _check_state(state, self.path("run.json"))
        return dict(state)

    def update(self, **changes: Any) -> None:
        """Change entries of run.json, and update its summary of the results."""
        with _LOCK:
            write_json(self.path("run.json"), self.state | self._results() | changes)

    def status(self, stage: str) -> Status:
        """Return the status of one stage."""
        return next(entry["status"] for entry in self.state["stages"] if entry["name"] == stage)

    def mark(self, stage: str, status: Status, seconds: float | None = None, /, **changes: Any) -> None:
        """Set the status of a stage, and that of later stages to pending."""
        after = STAGES.index(stage)
        now = {"name": stage, "status": status, "seconds": None if seconds is None else round(seconds, 2)}
        later = [{"name": name, "status": "pending", "seconds": None} for name in STAGES[after + 1 :]]
        with _LOCK:
            self.update(stages=[*self.state["stages"][:after], now, *later], **changes)

    def become_latest(self) -> None:
        """Point the link ``latest``, beside the run's folder, to this run, if the file system supports links."""
        link = self.folder.with_name("latest")
        temporary = self.folder.with_name(f".latest.{os.getpid()}")
        with suppress(OSError):
            temporary.symlink_to(self.folder.name, target_is_directory=True)
            temporary.replace(link)
        temporary.unlink(missing_ok=True)

    def lacking(self, upto: str) -> list[str]:
        """Return the unfinished stages, up to and including one."""
        done = {entry["name"] for entry in self.state["stages"] if entry["status"] == "finished"}
        return [stage for stage in STAGES[: STAGES.index(upto) + 1] if stage not in done]

    def _results(self) -> dict[str, Any]:
        results: dict[str, Any] = {}
        if self.path("data.json").is_file():
            results["data_digest"] = read_json(self.path("data.json"))["digest"]
        if self.path("leaderboard.csv").is_file():
            rows = _records(self.leaderboard())
            results["leaderboard"] = rows
            results["champion"] = next((row for row in rows if row["chosen"]), None)
        results["left_out"] = self.left_out
        wheels = sorted(self.path("dist").glob("*.whl"))
        results["wheel"] = f"dist/{wheels[-1].name}" if wheels else None
        results["report"] = "report.html" if self.path("report.html").is_file() else None
        return results

    # -- files

    def write_json(self, name: str, content: Any) -> None:
        """Write one of the run's JSON files."""
        write_json(self.path(name), content)

    def read_json(self, name: str) -> Any:
        """Read one of the run's JSON files."""
        return read_json(self.path(name))

    def write_csv(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Write one of the run's CSV files without its index, safe for spreadsheets, and return the frame."""
        from riskml.runtime.batch import harmless

        with replacing(self.path(name)) as temporary:
            harmless(frame).to_csv(temporary, index=False, lineterminator="\n")
        return frame

    def read_csv(self, name: str) -> pd.DataFrame:
        """Read one of the run's CSV files, as ``write_csv`` wrote it."""
        import pandas as pd

        frame = pd.read_csv(self.path(name))
        for column in frame.columns:
            if pd.api.types.is_string_dtype(frame[column].dtype):
                frame[column] = frame[column].str.replace(r"^'(?=[=+\-@\t\r])", "", regex=True)
        return frame

    def write_parquet(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Write one of the run's Parquet files with its index, and return the frame."""
        with replacing(self.path(name)) as temporary:
            frame.to_parquet(temporary)
        return frame

    def read_parquet(self, name: str) -> pd.DataFrame:
        """Read one of the run's Parquet files."""
        import pandas as pd

        return pd.read_parquet(self.path(name))

    def keep(self, name: str, picture: Picture) -> Picture:
        """Write a picture to figures/<name>.png, and return it for display."""
        picture.save(self.path("figures", f"{name}.png"))
        return picture

    def write_features(self, features: Dataset) -> None:
        """Write features.parquet."""
        roles = {
            name: getattr(features, role)
            for name, role in _DATASET_COLUMNS.items()
            if getattr(features, role) is not None
        }
        self.write_parquet("features.parquet", features.X.assign(**roles).rename_axis(index="customer"))

    def features(self) -> Dataset:
        """Read features.parquet."""
        from riskml.data.dataset import Dataset

        frame = self.read_parquet("features.parquet")
        roles = {role: frame.pop(name) for name, role in _DATASET_COLUMNS.items() if name in frame}
        return Dataset(X=frame, **roles)

    def schema(self) -> Schema:
        """Return the schema of the features, from data.json."""
        from riskml.schema import Schema

        card = self.read_json("data.json")
        return Schema.from_dict(
            {"columns": card["schema"], "inputs": card.get("inputs", ()), "made": card.get("made", {})}
        )

    def leaderboard(self) -> pd.DataFrame:
        """Read leaderboard.csv: one row per family, best first."""
        return self.read_csv("leaderboard.csv")

    @property
    def fit(self) -> dict[str, Any]:
        """The content of fit.json: seconds, failures, settings and weights of the families, and the nested AUC."""
        fit: dict[str, Any] = self.read_json("fit.json") if self.path("fit.json").is_file() else {}
        return fit

    @property
    def left_out(self) -> dict[str, str]:
        """Requested families that could not be fitted, and the reasons."""
        return dict(self.fit.get("failures", {}))

    @property
    def champion(self) -> str:
        """The chosen family."""
        board = self.leaderboard()
        return str(board.loc[board["chosen"], "family"].iloc[0])


def newest(runs: Path, experiment: Experiment, **state: Any) -> Run | None:
    """Return the newest run with an experiment's settings whose run.json has these entries.

    Parameters
    ----------
    **state : values
        Entries of run.json that must be equal.
    """
    required = {"config_digest": experiment.digest(), **state}
    for file in sorted((runs / experiment.name).glob("[0-9]*/run.json"), reverse=True):
        record = read_json(file)
        if all(record.get(key) == value for key, value in required.items()):
            return Run.open(file.parent)
    return None


_STATE: Mapping[str, type | tuple[type, ...]] = {
    "experiment": str, "status": str, "sample": int, "by_hand": bool, "config_digest": str, "stages": list,
    "leaderboard": list, "champion": (dict, type(None)), "wheel": (str, type(None)),
}  # fmt: skip


def _check_state(state: Any, file: Path) -> None:
    """Refuse a run.json without an entry, or with one of another type."""
    fix = "restore run.json, or run the experiment again"
    if not isinstance(state, dict):
        raise InputError("the file is damaged: it is no JSON object", where=str(file), fix=fix)
    for name, kind in _STATE.items():
        if name not in state or not isinstance(state[name], kind):
            problem = "has another type" if name in state else "is missing"
            raise InputError(f"the file is damaged: {name!r} {problem}", where=str(file), fix=fix)
    known = [entry.get("name") if isinstance(entry, dict) and "status" in entry else None for entry in state["stages"]]
    if known != list(STAGES):
        raise InputError(f"the file is damaged: 'stages' are not {', '.join(STAGES)}", where=str(file), fix=fix)


def _new_folder(parent: Path, name: str) -> Path:
    for number in range(1, 1000):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not folder.is_dir():
                raise _folder_error(folder, "a file is in its place") from None
        except OSError as error:
            raise _folder_error(folder, error.strerror or str(error)) from None
        else:
            return folder
    raise _folder_error(parent / name, "the name is taken")  # pragma: no cover


def _folder_error(folder: Path, reason: str) -> InputError:
    return InputError(
        f"the run's folder cannot be made: {reason}",
        where=str(folder),
        fix="move the experiment file to a folder with write permission; its runs are written beside it",
    )


def _records(frame: pd.DataFrame) -> Sequence[dict[str, Any]]:
    # JSON knows no NaN.
    return [
        {str(key): None if value != value else value for key, value in row.items()}
        for row in frame.to_dict(orient="records")
    ]
