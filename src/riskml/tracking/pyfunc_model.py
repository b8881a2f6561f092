"""What MLflow runs to score with a logged model: it loads the packaged model that lies beside it.

This file is stored with the model as code, so that neither riskml nor a pickle is needed to load it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext


class PackagedModel(PythonModel):
    """The package ``riskml_<name>``, as an MLflow model."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the package from the model's own files."""
        self._package = _module(Path(context.artifacts["package"]).resolve())

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return probability, points where the model has them, and tier of each row."""
        options = dict(params or {})
        scores: pd.DataFrame = self._package.score(model_input, options.get("cut_offs"))
        n, language = int(options.get("reasons") or 0), options.get("language") or None
        return scores if n < 1 else scores.assign(**self._reasons(model_input, n, language))

    def _reasons(self, customers: pd.DataFrame, n: int, language: str | None) -> dict[str, pd.Series[Any]]:
        reasons = self._package.explain(customers.reset_index(drop=True), n, language)
        texts = reasons["column"] + " = " + reasons["value"] if language is None else reasons["statement"]
        texts.index = pd.MultiIndex.from_frame(reasons[["customer", "rank"]])
        wide = texts.unstack("rank").reindex(index=range(len(customers)), columns=range(1, n + 1))
        return {f"reason_{rank}": wide[rank].fillna("").astype(object).set_axis(customers.index) for rank in wide}


def _module(folder: Path) -> ModuleType:
    # By its place, not by its name: a challenger and its champion are two versions of one package, and must not be
    # mistaken for each other in one process.
    name = f"{folder.name}_{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"the model's package cannot be loaded: {folder}")
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


set_model(PackagedModel())
