"""Paths around an experiment file: project, runs, panel, notebooks."""

from __future__ import annotations

from pathlib import Path

import riskml
from riskml.errors import ConfigError, RunError


def experiment_file(name: str | Path) -> Path:
    """Return the absolute path of an experiment file, from a path or a name in the nearest ``experiments/`` folder.

    A path with its suffix need not exist; an unknown name raises ConfigError.
    """
    path = Path(name).expanduser()
    if path.suffix in {".yaml", ".yml"}:
        return path.absolute()
    here = Path.cwd()
    for folder in (here, *here.parents):
        file = folder / "experiments" / f"{name}.yaml"
        if file.is_file():
            return file
    raise ConfigError(
        f"there is no experiment {str(name)!r}",
        where=f"the folder experiments/ in {here}, or in a folder above it",
        fix="name the experiment file itself, or write one with `riskml new`",
    )


def nearest_project() -> Path:
    """Return the nearest folder with ``experiments/``, from the current one upwards; else the current folder."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "experiments").is_dir()), here)


def project_folder(file: Path) -> Path:
    """Return the project of an experiment file: the folder with ``experiments/``, or the file's own folder.

    >>> project_folder(Path("/home/ann/credit/experiments/loans.yaml")).as_posix()
    '/home/ann/credit'
    """
    return file.parent.parent if file.parent.name == "experiments" else file.parent


def runs_folder(file: Path) -> Path:
    """Return the folder of the runs of an experiment file: beside it."""
    return file.parent / "runs"


def panel_folder(file: Path, name: str) -> Path:
    """Return the folder of an experiment's panel, which its runs share."""
    return runs_folder(file) / name / "panel"


def notebook_file(stage: str, file: Path) -> Path:
    """Return the notebook of a stage: the project's own, or the one of the package."""
    package = Path(riskml.__file__).parent
    # In a checkout the notebooks are two folders above the package; in an installation they are in it.
    for folder in (*file.parents, package, package.parents[1]):
        notebook = folder / "notebooks" / f"{stage}.ipynb"
        if notebook.is_file():
            return notebook
    raise RunError(f"the notebook {stage}.ipynb is missing", where=str(package), fix="install riskml again")
