"""Aliases of the registry: champion, challenger, and the decisions about them."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from riskml.errors import InputError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHALLENGER, CHAMPION = "challenger", "champion"
GATE, REASON, AUC_LOST = "riskml.gate", "riskml.gate_reason", "riskml.auc_lost"
PASSED, NOT_PASSED = "passed", "not passed"
BY_THE_GATE = "the gate"
DECIDED, TAKEN_BACK = "riskml.decided", "taken_back"
_BEFORE = "riskml.champions_before"
_MOST_REMEMBERED = 50
_ATTEMPTS, _PAUSE_SECONDS = 4, 0.2


@dataclass(frozen=True)
class Decision:
    """Who makes a version the champion, why, and when."""

    by: str
    why: str
    at: dt.datetime

    def tags(self, done: str) -> dict[str, str]:
        """Return the decision as tags of a version: ``riskml.<done>_by``, ``_why``, ``_at``, and what was done last."""
        values = {"by": self.by, "why": self.why, "at": self.at.isoformat(timespec="seconds")}
        return {DECIDED: done, **{f"riskml.{done}_{key}": value for key, value in values.items()}}


@dataclass(frozen=True)
class Succession:
    """Two versions of a model: the champion now, and the one before ("" for none)."""

    name: str
    champion: str
    before: str


def registered(client: MlflowClient, name: str) -> list[ModelVersion]:
    """Return a model's versions, the newest first.

    Parameters
    ----------
    name : str
        Of the registered model; there need not be one.
    """
    versions: list[ModelVersion] = []
    token: str | None = None
    while token is None or token:
        page = client.search_model_versions(f"name = '{name}'", page_token=token)
        versions += page
        token = page.token or ""
    return sorted(versions, key=lambda version: int(version.version), reverse=True)


def aliases(client: MlflowClient, name: str) -> dict[str, str]:
    """Return a model's aliases and the versions they stand for; none where there is no such model."""
    # Not by get_model_version_by_alias: its error is the same for a missing alias and a server that is away.
    models = client.search_registered_models(f"name = '{name}'")
    return {alias: str(version) for alias, version in models[0].aliases.items()} if models else {}


def champion(client: MlflowClient, name: str) -> ModelVersion | None:
    """Return the champion's version, or None."""
    version = aliases(client, name).get(CHAMPION)
    return None if version is None else client.get_model_version(name, version)


def tag(client: MlflowClient, version: ModelVersion, tags: Mapping[str, str]) -> None:
    """Write tags on a version."""
    for key, value in tags.items():
        client.set_model_version_tag(version.name, version.version, key, value)


def challenge(client: MlflowClient, name: str) -> None:
    """Make a model's newest version the challenger."""
    pointed = ""
    # Looked at again afterwards: a newer one may have been registered, and pointed to, in between.
    while (newest := str(registered(client, name)[0].version)) != pointed:
        _point(client, name, CHALLENGER, newest)
        pointed = newest


def make_champion(client: MlflowClient, version: ModelVersion, decision: Decision) -> Succession:
    """Make a version the champion; it remembers those before it."""
    name, number = version.name, str(version.version)
    before = champion(client, name)
    line = [] if before is None else [*_line(before), str(before.version)]
    tag(client, version, {_BEFORE: " ".join(line[-_MOST_REMEMBERED:]), **decision.tags("promoted")})
    _point(client, name, CHAMPION, number)
    return Succession(name, number, line[-1] if line else "")


def promote(
    client: MlflowClient, name: str, version: str | None, decision: Decision, *, force: bool = False
) -> Succession:
    """Make a version the champion because a person says so.

    Parameters
    ----------
    name : str
        Of the registered model.
    version : str or None
        The challenger when it is None.
    force : bool
        Whether a version that has not passed the gate may become champion.

    Raises
    ------
    InputError
        When there is no such model or version, it is the champion already, or the gate has not let it pass.
    """
    known = _versions(client, name)
    held = aliases(client, name)
    number = held.get(CHALLENGER) if version is None else version
    if number is None:
        raise InputError(
            "the model has no challenger", where=name, fix=f"name a version: {', '.join(known)} are registered"
        )
    if number not in known:
        raise InputError(
            f"there is no version {number!r}", where=name, fix=f"the versions are {', '.join(known)}; see riskml models"
        )
    if held.get(CHAMPION) == number:
        raise InputError(f"version {number} is the champion already", where=name)
    chosen = known[number]
    if chosen.tags.get(GATE) != PASSED and not force:
        raise InputError(
            f"version {number} has not passed the gate: {chosen.tags.get(REASON, 'it was never judged')}",
            where=name,
            fix="add --force, with --by and --why, to make it champion nevertheless",
        )
    tag(client, chosen, {"riskml.promoted_forced": str(chosen.tags.get(GATE) != PASSED).lower(), AUC_LOST: "0"})
    return make_champion(client, chosen, decision)


def take_back(client: MlflowClient, name: str, decision: Decision) -> Succession:
    """Make the champion before this one the champion again.

    Parameters
    ----------
    name : str
        Of the registered model.

    Raises
    ------
    InputError
        When there is no such model, no champion, or none before it.
    """
    known = _versions(client, name)
    held = aliases(client, name).get(CHAMPION)
    if held is None:
        raise InputError("the model has no champion", where=name, fix=f"riskml promote {name} VERSION")
    line = [number for number in _line(known[held]) if number in known]
    if not line:
        raise InputError(
            f"no champion is known before version {held}: there is nothing to go back to",
            where=name,
            fix=f"name a version: riskml promote {name} VERSION",
        )
    *earlier, before = line
    tag(client, known[held], decision.tags(TAKEN_BACK))
    tag(client, known[before], {_BEFORE: " ".join(earlier), AUC_LOST: "0", **decision.tags("promoted")})
    _point(client, name, CHAMPION, before)
    return Succession(name, before, held)


def standings(client: MlflowClient, name: str = "") -> pd.DataFrame:
    """Return the versions of one model or of all: what they are called, what the gate said, and who decided."""
    ours = client.search_registered_models("name LIKE 'riskml_%'", max_results=1000) if not name else []
    names = [name] if name else sorted(model.name for model in ours)
    rows = []
    for model in names:
        held = aliases(client, model)
        for number, version in _versions(client, model).items():
            tags = version.tags
            called = ", ".join(sorted(alias for alias, of in held.items() if of == number))
            done = tags.get(DECIDED, "promoted")
            decision = [tags.get(f"riskml.{done}_{key}", "") for key in ("by", "why", "at")]
            gate = [tags.get("family", ""), tags.get(GATE, "not judged"), tags.get(REASON, "")]
            rows.append((model, int(number), called, *gate, done.replace("_", " ") if decision[0] else "", *decision))
    columns = ["model", "version", "aliases", "family", "gate", "reason"]
    return pd.DataFrame(rows, columns=[*columns, "decision", "decided_by", "decided_why", "decided_at"])


def _point(client: MlflowClient, name: str, alias: str, version: str) -> None:
    """Let an alias stand for a version; MLflow fails where two set a new alias in the same instant."""
    from mlflow.exceptions import MlflowException

    for _ in range(_ATTEMPTS):
        try:
            client.set_registered_model_alias(name, alias, version)
        except MlflowException as error:
            if error.error_code not in {"BAD_REQUEST", "TEMPORARILY_UNAVAILABLE"}:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return
    client.set_registered_model_alias(name, alias, version)


def _line(version: ModelVersion) -> list[str]:
    """Return the champions before a version, the oldest first."""
    history: str = version.tags.get(_BEFORE, "")
    return history.split()


def _versions(client: MlflowClient, name: str) -> dict[str, ModelVersion]:
    versions = {str(version.version): version for version in registered(client, name)} if "'" not in name else {}
    if not versions:
        raise InputError(
            f"no model is registered as {name!r}",
            where="the registry of MLflow",
            fix="`riskml models` lists those that are; a whole `riskml run`, without --sample, registers one",
        )
    return versions
