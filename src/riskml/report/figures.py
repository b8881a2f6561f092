"""The pictures of a run as the report shows them: embedded, described, each in its part of the page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import yaml
from PIL import Image

_CSS_PIXELS_PER_INCH = 96


@dataclass(frozen=True)
class Figure:
    """A picture of the run as the page shows it."""

    source: str  # the PNG file itself, as a data URI
    alt: str  # what it shows, for those who cannot see it
    width: int  # in CSS pixels
    height: int
    caption: str  # how to read it


@lru_cache
def _captions() -> list[tuple[str, str, str]]:
    """Return each name of a picture, its part of the page and its caption, in the order of the page."""
    captions = yaml.safe_load(files("riskml.report").joinpath("captions.yaml").read_text(encoding="utf-8"))
    return [
        (name, one["part"], one["caption"])
        for key, one in captions.items()
        for name in (key, *filter(None, one.get("also", "").split(", ")))
    ]


def run_figures(folder: Path) -> dict[str, list[Figure]]:
    """Return the pictures in the run's folder ``figures`` by the part of the page they belong to, in their order."""
    by_part: dict[str, list[tuple[int, Figure]]] = {}
    captions = _captions()
    for path in sorted((folder / "figures").glob("*.png")):
        content = path.read_bytes()
        try:
            image = Image.open(io.BytesIO(content), formats=["PNG"])
            image.verify()
        except (OSError, SyntaxError, ValueError):  # a picture that was cut short
            continue
        place, part, caption = next(
            (
                (place, part, caption)
                for place, (name, part, caption) in enumerate(captions)
                if path.stem == name or (name.endswith("_") and path.stem.startswith(name))
            ),
            (len(captions), "more", path.stem.replace("_", " ")),
        )
        scale = _CSS_PIXELS_PER_INCH / image.info.get("dpi", (_CSS_PIXELS_PER_INCH,))[0]
        figure = Figure(
            source="data:image/png;base64," + base64.b64encode(content).decode("ascii"),
            alt=image.info.get("Description") or path.stem.replace("_", " "),
            width=round(image.width * scale),
            height=round(image.height * scale),
            caption=caption,
        )
        by_part.setdefault(part, []).append((place, figure))
    return {part: [figure for _, figure in sorted(of, key=lambda pair: pair[0])] for part, of in by_part.items()}
