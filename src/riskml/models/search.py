"""A family's search for hyperparameters: one Optuna study, trial by trial, that a later process can go on with."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import pandas as pd

from riskml.errors import ConfigError, InputError
from riskml.models.families import Family, suggest
from riskml.models.task import Task

_RANDOM = 8  # trials before the sampler models the results
_COMPLETE, _PRUNED = optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED


@dataclass(frozen=True)
class Progress:
    """One finished trial."""

    family: str
    trial: int
    trials: int
    auc_cv: float


@dataclass
class Search:
    """The trials of one family.

    Parameters
    ----------
    family : Family
    task : Task
        Its folds are those that the search may look at.
    storage : str, optional
        Where trials are kept: an Optuna storage URL, or the path of a journal file (``.log``). Several processes and
        machines may share it. In memory when None.

    Attributes
    ----------
    reason : str
        Why the family is out of the comparison; "" while it is in it.
    """

    family: Family
    task: Task
    storage: str | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        """Open the study."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._free = {
            name: what for name, what in self.family.space.items() if name not in self.task.fixed.get(self.name, {})
        }
        self._study = optuna.create_study(
            direction="maximize",
            study_name=None if self.storage is None else f"riskml {self.task.digest()} {self.name}",
            storage=opened(self.storage),
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
        )
        known = len(self._study.trials)
        # Another seed after each resumption: the same one would suggest the same random trials again.
        seed = self.task.random_state + known
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_RANDOM, multivariate=True)
        if not known:
            self._study.enqueue_trial({name: self.family.start[name] for name in self._free})

    @property
    def name(self) -> str:
        """The family's name."""
        return self.family.name

    @property
    def count(self) -> int:
        """Trials that have ended, in any process."""
        return sum(trial.state.is_finished() for trial in self._study.get_trials(deepcopy=False))

    @property
    def best(self) -> float:
        """The highest mean AUC of a trial on all folds; minus infinity before the first."""
        values = [trial.value for trial in self._complete() if trial.value is not None]
        return max(values, default=-np.inf)

    @property
    def params(self) -> dict[str, Any]:
        """The hyperparameters of the best trial."""
        best = max(self._complete(), key=lambda trial: (trial.value or 0.0, -trial.number))
        return dict(best.params)

    @property
    def seconds(self) -> list[float]:
        """How long each trial took, in whatever process."""
        trials = self._study.get_trials(deepcopy=False)
        return [trial.user_attrs["seconds"] for trial in trials if "seconds" in trial.user_attrs]

    @property
    def longest(self) -> float:
        """Seconds of the longest trial; 0 before the first."""
        return max(self.seconds, default=0.0)

    @property
    def stale(self) -> int:
        """Trials since the best one."""
        trials = [trial for trial in self._study.get_trials(deepcopy=False) if trial.state in (_COMPLETE, _PRUNED)]
        best = self.best
        since = [place for place, trial in enumerate(trials) if trial.state == _COMPLETE and trial.value == best]
        return len(trials) - 1 - since[0] if since else 0

    def trial(self, limit: float = np.inf) -> float:
        """Run the next trial and return its mean AUC; unpromising ones are given up after two folds.

        Parameters
        ----------
        limit : float
            Seconds that a first trial may take, judged by its first two folds: beyond, the family is out.

        Returns
        -------
        float
            NaN where the trial failed.
        """
        trial = self._study.ask()
        params = suggest(trial, self._free)
        begun = time.monotonic()
        folds, aucs = self.task.folds(), list[float]()
        try:
            for step, part in enumerate((folds[:2], folds[2:])):
                margins = self.task.margins(self.name, {**params, **self.family.while_searching}, part)
                aucs += [self.task.auc_of_fold(margin, fold) for margin, fold in zip(margins, part, strict=True)]
                trial.report(float(np.mean(aucs)), step)
                if step == 0 and part != folds:
                    needed = (time.monotonic() - begun) * len(folds) / len(part)
                    if needed > limit:
                        self.reason = (
                            f"its defaults need about {needed:.1f} s, more than the {limit:.1f} s left for them"
                        )
                        break
                    if trial.should_prune():
                        break
        except InputError:
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
            raise
        except Exception as error:
            # One bad setting, or one fold that a family cannot fit, must not end the comparison.
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
            self.reason = "" if self.best > -np.inf else f"{type(error).__name__}: {error}"
            return float("nan")
        trial.set_user_attr("seconds", time.monotonic() - begun)
        value = float(np.mean(aucs))
        if len(aucs) == len(folds):
            self._study.tell(trial, value)
        else:  # what it had reached is in its report
            self._study.tell(trial, state=_PRUNED)
        return value

    def table(self) -> pd.DataFrame:
        """Return the trials that have ended: ``family``, ``trial``, ``auc_cv``, ``complete``, ``params``."""
        rows = [
            {
                "family": self.name,
                "trial": trial.number,
                "auc_cv": _value(trial),
                "complete": trial.state == _COMPLETE,
                "params": trial.params,
            }
            for trial in self._study.get_trials(deepcopy=False)
            if trial.state in (_COMPLETE, _PRUNED)
        ]
        return pd.DataFrame(rows, columns=["family", "trial", "auc_cv", "complete", "params"])

    def _complete(self) -> list[optuna.trial.FrozenTrial]:
        return self._study.get_trials(deepcopy=False, states=(_COMPLETE,))


def _value(trial: optuna.trial.FrozenTrial) -> float:
    values = trial.intermediate_values
    return float(values[max(values)]) if values else float("nan")


def opened(storage: str | None) -> Any:
    """Return an Optuna storage.

    Parameters
    ----------
    storage : str, optional
        A URL, or the path of a journal file that ends in ``.log``.

    Raises
    ------
    ConfigError
        When it cannot be opened; a password in the URL is not shown.
    """
    if storage is None:
        return optuna.storages.InMemoryStorage()
    try:
        if storage.endswith(".log"):
            from optuna.storages.journal import JournalFileBackend

            return optuna.storages.JournalStorage(JournalFileBackend(storage))
        return optuna.storages.RDBStorage(storage)
    except Exception as error:
        # The text of a database's error may hold the address, and with it a password.
        raise ConfigError(
            f"the search's storage cannot be opened: {type(error).__name__}",
            where="models.storage",
            mend="check the address, and that its driver is installed",
        ) from None


Listener = Callable[[Progress], None]
