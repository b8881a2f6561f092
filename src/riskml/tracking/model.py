"""Logging of a packaged model to MLflow."""

from __future__ import annotations

import os
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from packaging.requirements import Requirement

from riskml.export.wheel import write_package
from riskml.runtime.frame import columns as read_columns
from riskml.runtime.package import Artifact

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

_SCRIPT = Path(__file__).with_name("pyfunc_model.py")


def log_model(artifact_folder: str | Path, *, name: str, run_id: str, input_example: pd.DataFrame) -> str:
    """Log a model from its artifact folder, as code and files: no pickle, and riskml is not needed to load it.

    Parameters
    ----------
    artifact_folder : path
        What `riskml.export.artifact.write_artifact` wrote.
    name : str
        The model's name within its run.
    run_id : str
        The run it belongs to, active or not.
    input_example : DataFrame of shape (n, any)
        A few raw rows; columns that the model does not read are left out.

    Returns
    -------
    str
        The logged model's id; it is loaded as ``models:/<id>``.

    Raises
    ------
    PackageError
        When the artifact is incomplete or was altered.
    """
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow.pyfunc
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    artifact = Artifact.load(artifact_folder)
    client = mlflow.MlflowClient()
    # mlflow.pyfunc.log_model knows the active run only, and would import a web server to try the example once more.
    model = client.create_logged_model(
        client.get_run(run_id).info.experiment_id,
        name=name,
        source_run_id=run_id,
        model_type=artifact.family,
        tags={"family": artifact.family, "version": artifact.version},
    )
    mlmodel = Model(
        artifact_path=model.artifact_location, run_id=run_id, model_uuid=model.model_id, model_id=model.model_id
    )
    with tempfile.TemporaryDirectory() as parent, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"mlflow\.")  # of MLflow's own use of pandas
        files = Path(parent) / "model"
        mlflow.pyfunc.save_model(
            files,
            mlflow_model=mlmodel,
            python_model=str(_SCRIPT),
            artifacts={"package": str(write_package(artifact_folder, parent))},
            signature=signature(artifact),
            input_example=as_input(artifact, input_example),
            # Exact versions, and given: to infer them MLflow would load the model in another process.
            pip_requirements=[f"{name}=={version(name)}" for name in _names(artifact)],
        )
        client.log_model_artifacts(model.model_id, str(files))
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    return str(model.model_id)


def signature(artifact: Artifact) -> ModelSignature:
    """Return what goes into a model and what comes out, in MLflow's words."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

    # A table of raw columns, or of features with the derived columns themselves.
    kinds = {column["name"]: column["kind"] for column in (*artifact.columns, *artifact.raw)}
    types = {"numeric": DataType.double, "categorical": DataType.string}
    # A column that is not required may hold nothing; that it is there, the package itself demands.
    inputs: list[ColSpec | TensorSpec] = [ColSpec(types[kind], name, required=False) for name, kind in kinds.items()]
    points = [ColSpec(DataType.double, "points")] if getattr(artifact.model, "base_points", None) is not None else []
    outputs: list[ColSpec | TensorSpec] = [
        ColSpec(DataType.double, "probability"),
        *points,
        ColSpec(DataType.string, "tier"),
    ]
    cut_offs = [tier.from_probability for tier in artifact.tiers]
    params = [
        ParamSpec("cut_offs", DataType.double, cut_offs, shape=(-1,)),
        ParamSpec("reasons", DataType.long, 0),
        ParamSpec("language", DataType.string, ""),
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs), params=ParamSchema(params))


def as_input(artifact: Artifact, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that a model reads, in the types of its signature."""
    kinds = artifact.kinds_read([str(name) for name in frame.columns])
    data = {
        name: pd.Series(values, index=frame.index, dtype="float64" if kinds[name] == "numeric" else object)
        for name, values in read_columns(frame, kinds).items()
    }
    return pd.DataFrame(data, index=frame.index)


def _names(artifact: Artifact) -> list[str]:
    return [Requirement(text).name for text in artifact.requires]
