"""Figure in the kit's style, with its description and a PNG form for notebooks."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.ticker import MaxNLocator, PercentFormatter

from riskml.display.colours import GRID, INK, MUTED, PAPER
from riskml.io import replacing

# Wide faces with Chinese, Japanese and Korean letters, in the order of preference; the first that is installed is used.
_EAST_ASIAN = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Sans CJK JP",
    "SimHei",
    "Arial Unicode MS",
)
_DOTS_PER_INCH = 150
# Notebooks show pictures at this scale, so that the finer dots above make them crisp and not bigger.
_SHOWN_PER_INCH = 96


class Picture(Figure):
    """A matplotlib figure that needs no pyplot, shows itself in a notebook, and says in words what it shows.

    Parameters
    ----------
    width, height : float
        Size in inches.
    alt : str
        What the picture shows, with its main numbers, for those who cannot see it.
    """

    def __init__(self, width: float, height: float, alt: str = "") -> None:
        with house_style():
            super().__init__(figsize=(width, height), dpi=100, layout="constrained")
        self.alt = alt
        self._png = b""

    def draw(self, renderer: Any) -> None:
        """Draw in the kit's style, whatever the session's settings are."""
        # Tick labels are made as late as this.
        with house_style():
            super().draw(renderer)
        # A second layout starts from the first and moves things by a hair: the same picture, but not the same bytes.
        self.set_layout_engine("none")

    def savefig(self, fname: Any, *, transparent: bool | None = None, **kwargs: Any) -> None:
        """Write the picture in the kit's style; a PNG holds the description, and no name of the software."""
        kwargs.setdefault("dpi", _DOTS_PER_INCH)
        kind = kwargs.get("format") or Path(str(fname)).suffix.removeprefix(".") or "png"
        if kind == "png":
            kwargs["metadata"] = {"Software": None, "Description": self.alt} | (kwargs.get("metadata") or {})
        with house_style():
            super().savefig(fname, transparent=transparent, **kwargs)

    def png(self) -> bytes:
        """Return the picture as PNG: the same bytes for the same picture."""
        # A notebook keeps a picture as a file and then shows it: it is drawn once.
        if self.stale or not self._png:
            buffer = io.BytesIO()
            self.savefig(buffer, format="png")
            self._png = buffer.getvalue()
            self.stale = False
        return self._png

    def save(self, path: str | Path) -> Path:
        """Write the picture as a PNG file, which replaces an earlier one only when it is complete.

        Parameters
        ----------
        path : path
            The file, as ``figures/roc.png``.

        Returns
        -------
        Path
            The file.
        """
        with replacing(path) as temporary:
            temporary.write_bytes(self.png())
        return Path(path)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        width, height = (round(side * _SHOWN_PER_INCH) for side in self.get_size_inches())
        data = {"image/png": base64.b64encode(self.png()).decode("ascii"), "text/plain": self.alt}
        return data, {"image/png": {"width": width, "height": height, "alt": self.alt}}


@contextmanager
def house_style() -> Iterator[None]:
    """Apply the kit's style inside the block, and leave the session's settings alone."""
    style: Any = _style()
    with mpl.rc_context(style), warnings.catch_warnings():
        # A letter that no installed face has is drawn as a box; that is no reason to lose the picture.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


@cache
def _style() -> dict[str, Any]:
    installed = {face.name for face in fontManager.ttflist}
    wide = [name for name in _EAST_ASIAN if name in installed][:1]
    return {
        # First back to matplotlib's own settings: a user's style sheet must not mix with this one.
        **{key: value for key, value in mpl.rcParamsDefault.items() if key.startswith(_DRAWN)},
        "font.family": ["DejaVu Sans", *wide],
        "font.size": 9.5,
        "text.color": INK,
        # A dollar sign in a column's name is a dollar sign.
        "text.parse_math": False,
        "text.usetex": False,
        "figure.facecolor": PAPER,
        "savefig.facecolor": PAPER,
        "figure.constrained_layout.h_pad": 0.07,
        "figure.constrained_layout.w_pad": 0.07,
        "axes.edgecolor": "#b8c0c8",
        "axes.facecolor": PAPER,
        "axes.labelcolor": MUTED,
        "axes.labelsize": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 9.5,
        "axes.titlecolor": MUTED,
        "axes.titlepad": 7,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.unicode_minus": True,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "xtick.color": "#b8c0c8",
        "ytick.color": "#b8c0c8",
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
        "lines.linewidth": 1.8,
        "lines.solid_capstyle": "round",
    }


_DRAWN = ("axes.", "font.", "grid.", "legend.", "lines.", "patch.", "text.", "xtick.", "ytick.", "savefig.", "path.")


# Behind a number that a line may cross.
CLEAR = {"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.85}


def headline(picture: Picture, title: str, top: float | None = None) -> None:
    """Set the picture's title, flush left and bold; ``top`` inches from the page's, where the layout is manual."""
    place = {} if top is None else {"y": 1 - top / picture.get_figheight(), "va": "top"}
    left = 0.132 / picture.get_figwidth() if place else 0.012
    picture.suptitle(title, x=left, ha="left", fontsize=12, fontweight="bold", color=INK, **place)


def as_percent(axis: Any, top: float) -> None:
    """Label an axis of shares, up to ``top``, in percent: round steps, and as many decimals as they need."""
    # Steps of 2.5 would be rounded to 2, 5, 8.
    axis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(PercentFormatter(1.0, decimals=0 if top >= 0.05 else 1 if top >= 0.005 else 2))


def rows_from_the_top(axes: Axes, labels: list[str]) -> None:
    """Make the y axis a list of labels, the first one on top."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


def empty(axes: Axes, why: str) -> None:
    """Say why there is nothing to see."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, why, ha="center", va="center", color=MUTED, transform=axes.transAxes)
