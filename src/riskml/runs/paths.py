"""Where things lie around an experiment file: its project, its runs, its notebooks, its records."""

from __future__ import annotations

from pathlib import Path

import riskml
from riskml.errors import ConfigError, RunError


def experiment_file(name: str | Path) -> Path:
    """Return the file of an experiment, given as a path, or by name in the nearest ``experiments/`` folder above.

    Returns
    -------
    Path
        Absolute; a file that is named with its suffix need not exist.

    Raises
    ------
    ConfigError
        When no experiment has this name.
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
    """Return the nearest folder, from the current one upwards, that holds ``experiments/``; else the current one."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "experiments").is_dir()), here)


def project_folder(file: Path) -> Path:
    """Return the folder that an experiment file belongs to: the one that holds ``experiments/``, or the file's own.

    >>> project_folder(Path("/home/ann/credit/experiments/loans.yaml")).as_posix()
    '/home/ann/credit'
    """
    return file.parent.parent if file.parent.name == "experiments" else file.parent


def runs_folder(file: Path) -> Path:
    """Return the folder of the runs of an experiment file: beside it."""
    return file.parent / "runs"


def panel_folder(file: Path, name: str) -> Path:
    """Return where the panel of an experiment is kept: beside its runs, which share it."""
    return runs_folder(file) / name / "panel"


def notebook_file(stage: str, file: Path) -> Path:
    """Return the notebook of a stage: the project's own, or else the one that riskml ships."""
    package = Path(riskml.__file__).parent
    # Of a checkout, the notebooks lie two folders above the package; of an installed riskml, in it.
    for folder in (*file.parents, package, package.parents[1]):
        notebook = folder / "notebooks" / f"{stage}.ipynb"
        if notebook.is_file():
            return notebook
    raise RunError(f"the notebook {stage}.ipynb is missing", where=str(package), fix="install riskml again")
