"""Summary of a run for comparison: settings and results, from its folder or from MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskml.errors import InputError
from riskml.io import parse_yaml, read_json

if TYPE_CHECKING:
    import pandas as pd

SETTINGS = "experiment.yaml"
ARTIFACTS = ("data.json", "leaderboard.csv", "validation.json", "predictions.parquet")


@dataclass(frozen=True)
class RunSummary:
    """A run's settings and results.

    Parameters
    ----------
    name : str
        Experiment and time, as ``credit_default/20260102-030405``.
    where : str
        The run's folder, or its address in MLflow.
    settings : mapping
        Content of ``experiment.yaml``; another version of riskml may have written it.
    artifacts : mapping of file name to content
        The artifacts that exist.
    """

    name: str
    where: str
    settings: Mapping[str, Any]
    artifacts: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of_folder(cls, folder: Path, *, name: str, where: str) -> RunSummary:
        """Read a run's folder, or one with the same files; raise InputError without settings or on a damaged file."""
        if not (folder / SETTINGS).is_file():
            raise _lacks(name, where, SETTINGS)
        try:
            settings = parse_yaml((folder / SETTINGS).read_text(encoding="utf-8"))
            content = {file: _content(folder / file) for file in ARTIFACTS if (folder / file).is_file()}
        except (OSError, ValueError) as error:
            raise InputError(f"the run {name} cannot be read: {error}", where=where) from None
        if not isinstance(settings, dict):
            raise InputError(f"the run {name} has an {SETTINGS} without keys", where=where)
        return cls(name, where, settings, content)

    def lacking(self) -> list[str]:
        """Return the missing artifacts."""
        return [file for file in ARTIFACTS if file not in self.artifacts]

    def of(self, artifact: str) -> Any:
        """Return the content of an artifact; raise InputError if the run lacks it."""
        if artifact not in self.artifacts:
            raise _lacks(self.name, self.where, artifact)
        return self.artifacts[artifact]

    @property
    def task(self) -> str:
        """The task: default or churn."""
        return str(self.settings.get("task", ""))

    @property
    def tiers(self) -> Sequence[Mapping[str, Any]]:
        """Name and lower bound of each tier, the safest first."""
        tiers: Sequence[Mapping[str, Any]] = self.settings.get("tiers", ())
        return tiers

    @property
    def data(self) -> Mapping[str, Any]:
        """Content of data.json."""
        card: Mapping[str, Any] = self.of("data.json")
        return card

    @property
    def champion(self) -> Mapping[str, Any]:
        """The chosen family's row of the leaderboard."""
        board = self.of("leaderboard.csv")
        row: Mapping[str, Any] = board.loc[board["chosen"].astype(bool)].iloc[0].to_dict()
        return row

    @property
    def holdout(self) -> pd.DataFrame:
        """``_target``, ``probability`` and ``tier`` of the hold-out rows; index: the customer."""
        frame: pd.DataFrame = self.of("predictions.parquet")
        rows = frame.loc[frame["_part"] != "train", ["_target", "probability", "tier"]]
        # Customers may be numbers in the run's folder; in MLflow they are text.
        return rows.set_axis(rows.index.astype(str))

    @property
    def train_scores(self) -> pd.Series:
        """Out-of-fold probabilities of the training rows."""
        frame: pd.DataFrame = self.of("predictions.parquet")
        return frame.loc[frame["_part"] == "train", "probability"]


def _content(path: Path) -> Any:
    import pandas as pd

    if path.suffix == ".json":
        return read_json(path)
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


def _lacks(name: str, where: str, artifact: str) -> InputError:
    return InputError(
        f"the run {name} lacks {artifact}",
        where=where,
        fix="finish the run (riskml run FILE --resume RUN), or write it to MLflow again (riskml track RUN)",
    )
