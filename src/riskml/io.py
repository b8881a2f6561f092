"""Files that are either the old ones or the new ones, never half of each."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from riskml.errors import InputError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, which takes its place when the block ends without an error.

    Parameters
    ----------
    path : path
        The file to write, or a folder that is not there yet. The folder above it is made where it is missing.

    Yields
    ------
    Path
        What to write to.

    Raises
    ------
    InputError
        When the folder cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(f"no permission to write in {path.parent}")
        yield temporary
        temporary.replace(path)
    except (PermissionError, NotADirectoryError, FileExistsError, IsADirectoryError) as error:
        raise InputError(
            f"cannot be written: {error.strerror or error}",
            where=str(path),
            fix="choose a folder that you may write to",
        ) from error
    finally:
        # Where the folder itself could not be made, there is nothing to remove.
        with suppress(OSError):
            shutil.rmtree(temporary) if temporary.is_dir() else temporary.unlink(missing_ok=True)


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON, sorted as given, in UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """Read JSON in UTF-8."""
    return json.loads(Path(path).read_text(encoding="utf-8"))
