"""Hyperparameter search of a family: one Optuna study that a later process can resume."""

from __future__ import annotations

import time
import uuid
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import pandas as pd
from joblib import effective_n_jobs

from riskml.errors import ConfigError, RiskmlError
from riskml.models.family import Family
from riskml.models.search.cv_task import Task
from riskml.models.search.trials import LEAST, BestTrials, Figure, FinishedTrial, whole_seconds

_RANDOM = 8  # trials before the sampler models the results
_READING = 0.02  # share of the time that may go into asking the storage what others have found
_COMPLETE, _PRUNED = optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED
_FAILED = optuna.trial.TrialState.FAIL
_RACES = ("exist", "unique", "duplicate", "locked")  # what databases say where two processes make the same tables
_PAUSES = (0.1, 0.3, 0.9)  # seconds

Storage = optuna.storages.BaseStorage


@dataclass(frozen=True)
class Progress:
    """One finished trial."""

    family: str
    trial: int
    trials: int
    auc_cv: float


class Search:
    """The trials of one family."""

    def __init__(self, family: Family, task: Task, storage: Storage | None = None) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.family, self.task = family, task
        self.reason = ""
        self.error: Exception | None = None
        self.trials: list[FinishedTrial] = []
        self._free = {name: space for name, space in family.space.items() if name not in task.fixed.get(self.name, {})}
        defaults = {name: family.defaults[name] for name in self._free}
        self.leaders = BestTrials(len(task.folds()), max(family.n_averaged, 1))
        self.spent, self.longest, self.stale = 0.0, 0.0, 0
        self._study = optuna.create_study(direction="maximize", pruner=optuna.pruners.MedianPruner(n_startup_trials=4))
        self._shared = None if storage is None else _Shared(storage, f"riskml {task.digest(family)} {self.name}")
        self.refresh()
        place = self._shared.place if self._shared else 0
        # A process that others have come before is told apart from them: it would else try what they try.
        words = (task.random_state, len(self.trials), place)
        self._sample(_seed(*words) if place else task.random_state + len(self.trials))
        if self.leaders.best is None:
            self._study.enqueue_trial(defaults)
        turn = place % max(len(family.starts), 1)  # processes that began together try different ones
        self._starts = [
            {**defaults, **{name: start[name] for name in start.keys() & defaults.keys()}} for start in family.starts
        ]
        self._starts = self._starts[turn:] + self._starts[:turn]

    @property
    def name(self) -> str:
        """The family's name."""
        return self.family.name

    @property
    def count(self) -> int:
        """Trials that have ended, in any process."""
        return len(self.trials)

    @property
    def best(self) -> float:
        """The highest mean AUC of a trial on all folds; minus infinity before the first."""
        return self.leaders.best.auc if self.leaders.best else -np.inf

    @property
    def params(self) -> dict[str, Any]:
        """The hyperparameters of the best trial."""
        return dict(self.leaders.settings()[0].params)

    def refresh(self) -> None:
        """Take in what other processes have found."""
        news = self._shared.news() if self._shared else []
        for frozen in news:
            self._study.add_trial(frozen)
            self._take_in(frozen)
        if news and self._shared and self._shared.own:
            # Processes that began together would otherwise try the same settings.
            self._sample(_seed(self.task.random_state, self.count, min(self._shared.own)))

    def trial(self, limit: float = np.inf) -> float:
        """Run one trial and return its mean AUC on the folds it reached."""
        if self.leaders.best is not None:
            for start in self._starts:
                if start not in [trial.params for trial in self.trials]:
                    self._study.enqueue_trial(start)
                    break
        trial = self._study.ask(dict(self._free))
        begun = time.monotonic()
        outs, settings = self.task.held_out(), trial.params | LEAST.params(self.family)
        figures, slowest = list[Figure](), 0.0
        # One fit shows whether a family is within reach; two show whether a setting is promising.
        probe = 1 if limit < np.inf else 2
        try:
            for part in filter(None, (outs[:probe], outs[probe:])):
                at = time.monotonic()
                margins = self.task.margins(self.name, [(out, settings) for out in part])
                slowest = max(slowest, self._fit_seconds(time.monotonic() - at, part))
                for out, margin in zip(part, margins, strict=True):
                    figures += self.task.figures(out, margin)
                if part == outs[:1]:
                    folds, spent = len(self.task.folds()), time.monotonic() - begun
                    if whole_seconds(slowest, folds, [len(out) for out in outs]) > limit:
                        needed = spent + whole_seconds(slowest, folds, [])
                        if needed > limit:
                            self.reason = f"its defaults need about {needed:.1f} s; {limit:.1f} s are left for them"
                        break
                elif part == outs[:2] != outs:
                    trial.report(float(np.mean([auc for _, _, auc in figures])), 2)
                    if trial.should_prune():
                        break
        except Exception as error:
            # One bad setting, or one fold that a family cannot fit, must not end the comparison.
            self._end(trial, _FAILED)
            if self.leaders.best is None:
                self.reason, self.error = error_line(error), error
            return float("nan")
        complete = len(figures) == sum(map(len, outs))
        value = float(np.mean([auc for _, _, auc in figures]))
        # One entry: a database takes its time for each.
        trial.set_user_attr("tried", {"figures": figures, "seconds": time.monotonic() - begun, "fit_seconds": slowest})
        ended = self._end(trial, _COMPLETE if complete else _PRUNED, value if complete else None)
        if limit < np.inf and not complete and not self.reason:
            self.leaders.untried = ended
        return value

    def _fit_seconds(self, seconds: float, part: Sequence[tuple[int, ...]]) -> float:
        """Return how long a fit on all rows takes, from how long some on fewer rows took side by side."""
        folds, cores = len(self.task.folds()), int(effective_n_jobs(-1))
        return seconds / -(-len(part) // cores) * folds / (folds - len(part[0]))

    def table(self) -> pd.DataFrame:
        """Return the trials that have ended: ``family``, ``trial``, ``auc_cv``, ``complete``, ``params``."""
        rows = [
            (self.name, trial.number, trial.auc, trial.complete, dict(trial.params))
            for trial in self.trials
            if trial.figures
        ]
        return pd.DataFrame(rows, columns=["family", "trial", "auc_cv", "complete", "params"])

    def _sample(self, seed: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_RANDOM, multivariate=True)

    def _end(self, trial: optuna.Trial, state: optuna.trial.TrialState, value: float | None = None) -> FinishedTrial:
        frozen = self._study.tell(trial, value, state=state)
        if self._shared is not None:
            self._shared.add(frozen)
        return self._take_in(frozen)

    def _take_in(self, frozen: optuna.trial.FrozenTrial) -> FinishedTrial:
        """Note a trial that has ended."""
        facts = frozen.user_attrs.get("tried", {})
        trial = FinishedTrial(
            len(self.trials),
            frozen.params,
            tuple((unseen, judged, auc) for unseen, judged, auc in facts.get("figures", ())),
            facts.get("seconds", 0.0),
            facts.get("fit_seconds", 0.0),
            frozen.state == _COMPLETE,
        )
        self.trials.append(trial)
        better = trial.complete and self.leaders.add(trial)
        self.stale = 0 if better else self.stale + 1
        self.spent, self.longest = self.spent + trial.seconds, max(self.longest, trial.seconds)
        return trial


class _Shared:
    """A study in a shared storage: it receives finished trials, and returns those of other processes."""

    def __init__(self, storage: Storage, name: str) -> None:
        study = _patiently(
            lambda: optuna.create_study(direction="maximize", study_name=name, storage=storage, load_if_exists=True)
        )
        self._storage: Storage | None = storage
        self._study = storage.get_study_id_from_name(study.study_name)
        self._seen = set[int]()
        self.own = set[int]()  # trials of this process
        self._next = 0.0  # when it may be asked again
        self.place = self._registered()

    def _registered(self) -> int:
        """Return a number that tells this process from those that have come to the study: 0 where it is the first."""
        assert self._storage is not None
        name = f"process {time.time():017.6f} {uuid.uuid4().hex}"
        self._storage.set_study_user_attr(self._study, name, True)
        there = sorted(key for key in self._storage.get_study_user_attrs(self._study) if key.startswith("process "))
        # The same place among more of them is another number.
        return 0 if len(there) == 1 else len(there) ** 2 + there.index(name)

    def add(self, frozen: optuna.trial.FrozenTrial) -> None:
        """Tell the storage of a trial; a storage that fails is left alone from then on."""
        if self._storage is not None:
            try:
                self.own.add(self._storage.create_new_trial(self._study, template_trial=frozen))
            except Exception as error:
                self._give_up(error)

    def news(self) -> list[optuna.trial.FrozenTrial]:
        """Return the trials of others that have ended since the last time."""
        begun = time.monotonic()
        if self._storage is None or begun < self._next:
            return []
        try:
            ended = self._storage.get_all_trials(self._study, deepcopy=False, states=(_COMPLETE, _PRUNED, _FAILED))
        except Exception as error:
            self._give_up(error)
            return []
        news = [trial for trial in ended if trial._trial_id not in self._seen | self.own]
        self._seen |= {trial._trial_id for trial in news}
        now = time.monotonic()
        self._next = now + (now - begun) * (1.0 / _READING - 1.0)
        return news

    def _give_up(self, error: Exception) -> None:
        self._storage = None
        # Its text may hold the address, and with it a password.
        warnings.warn(
            f"the search goes on without its storage, which fails: {type(error).__name__}", UserWarning, stacklevel=2
        )


def _seed(*words: int) -> int:
    return int(np.random.SeedSequence(words).generate_state(1)[0])


def error_line(error: Exception) -> str:
    """Return an error in a line."""
    if isinstance(error, RiskmlError):
        return "; ".join(part for part in (error.what, error.where, error.fix) if part)
    return f"{type(error).__name__}: {error}"


def opened(storage: str | None) -> Storage | None:
    """Return an Optuna storage, or None for trials that are not kept."""
    if storage is None:
        return None
    if "${" in storage:
        from riskml.data.sources.databases import expanded

        storage = expanded(storage, "models.storage")
    try:
        if storage.endswith(".log"):
            from optuna.storages.journal import JournalFileBackend

            return optuna.storages.JournalStorage(JournalFileBackend(storage))
        made: Storage = _patiently(lambda: optuna.storages.get_storage(storage))
        return made
    except Exception as error:
        # The text of a database's error may hold the address, and with it a password.
        raise ConfigError(
            f"the search's storage cannot be opened: {type(error).__name__}",
            where="models.storage",
            fix="check the address, and that its driver is installed",
        ) from None


def _patiently(make: Callable[[], Any]) -> Any:
    """Return the result, retried when another process makes the same rows."""
    for pause in _PAUSES:
        try:
            return make()
        except Exception as error:
            if not any(word in str(error).lower() for word in _RACES):
                raise
            time.sleep(pause)
    return make()


Listener = Callable[[Progress], None]
