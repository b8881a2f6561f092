"""Status of a run's model, as the first line of its description in MLflow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from textwrap import shorten
from typing import TYPE_CHECKING

from riskml.display.format import markdown
from riskml.tracking.registry import aliases as registry

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

NOTE = "mlflow.note.content"
_LINE = re.compile(r"[\w-]+, gate (?:passed|not passed|not judged)\b")
_REASON_LENGTH = 600  # the whole of it is in the tag riskml.gate_reason


def with_standing(client: MlflowClient, run_id: str, text: str) -> str:
    """Return a run's description that begins with the standing of its model, where it has a judged one."""
    # A run whose model was refitted has more than one.
    versions = client.search_model_versions(f"run_id = '{run_id}'")
    newest = max(versions, key=lambda version: int(version.version), default=None)
    if newest is None or not {registry.GATE, "riskml.promoted_by"} & set(newest.tags):
        return text
    rest = text.partition("\n")[2].lstrip("\n") if _LINE.match(text) else text
    held = registry.aliases(client, newest.name)
    return f"{standing(newest, held)}\n\n{rest}".rstrip()


def refresh_descriptions(client: MlflowClient, name: str, *versions: str) -> None:
    """Bring the descriptions of the runs that some versions came from up to date."""
    from mlflow.exceptions import MlflowException

    for number in filter(None, versions):
        run_id = client.get_model_version(name, number).run_id
        if not run_id:
            continue  # registered by other hands
        try:
            text = client.get_run(run_id).data.tags.get(NOTE, "")
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            continue  # the run was deleted; its model is still there
        client.set_tag(run_id, NOTE, with_standing(client, run_id, text))


def standing(version: ModelVersion, aliases: Mapping[str, str]) -> str:
    """Return in a line what the gate said of a version, and what it is now."""
    tags, number = version.tags, str(version.version)
    passed = tags.get(registry.GATE) == registry.PASSED
    model = f"version {number} of `{version.name}`"
    if aliases.get(registry.CHAMPION) == number:
        now = f"{model} is the champion{'' if passed else ' nevertheless'}{_decision(tags, 'promoted')}"
    elif tags.get(registry.DECIDED) == registry.TAKEN_BACK:  # not by the times: two may fall in one second
        now = f"{model} was the champion, and was taken back{_decision(tags, registry.TAKEN_BACK)}"
    elif "riskml.promoted_at" in tags:
        now = f"{model} was the champion{_decision(tags, 'promoted')} before another"
    elif aliases.get(registry.CHALLENGER) == number:
        now = f"{model} is the challenger{', and a person decides' if passed else ''}"
    else:
        now = f"{model} was a challenger"
    reason = markdown(shorten(tags.get(registry.REASON, "it was never judged"), _REASON_LENGTH, placeholder=" …"))
    # Plain text: the table of runs shows its first words as they are.
    return f"{tags.get('family', 'model')}, gate {tags.get(registry.GATE, 'not judged')} ({reason}); {now}."


def _decision(tags: Mapping[str, str], done: str) -> str:
    """Return who decided it, when, and why; the gate's own reason is told already."""
    by, at, why = (tags.get(f"riskml.{done}_{key}", "") for key in ("by", "at", "why"))
    text = f" by {markdown(by)} on {at[:10]}" if by else ""
    return (
        f"{text} (“{markdown(shorten(why, _REASON_LENGTH, placeholder=' …'))}”)"
        if why and by != registry.BY_THE_GATE
        else text
    )
