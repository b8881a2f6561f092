"""Widget of the bin editor for JupyterLab."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import anywidget
import pandas as pd
import traitlets

from riskml.display.format import number
from riskml.errors import ConfigError, InputError
from riskml.scorecard import OptimalBinner, Scorecard
from riskml.scorecard.binning.counts import Counts
from riskml.scorecard.card.file import OneLine, yaml_text
from riskml.scorecard.display.tables import binner_of, binning_table
from riskml.scorecard.editor.page import column_page
from riskml.scorecard.editor.session import CountSource, RowSource, Session

Language = Literal["python", "yaml", "edit"]


def code_of(overrides: Mapping[str, Mapping[str, Any]], language: Literal["python", "yaml"] = "python") -> str:
    """Return overrides as text."""
    if language == "python":
        lines = [f"    {str(column)!r}: {dict(options)!r}," for column, options in overrides.items()]
        return "\n".join(["overrides = {", *lines, "}"]) if lines else "overrides = {}"
    options_by_column = {str(column): OneLine(options) for column, options in overrides.items()}
    text = yaml_text({"overrides": options_by_column})
    return "# in an experiment file: beneath models: fixed: scorecard:\n" + text.rstrip("\n")


def edits_of(bins: Mapping[str, Mapping[str, Any]], fit_arguments: Sequence[str] = ()) -> str:
    """Return edited bins as calls of `Scorecard.edit`, which puts them on record with who, why and when."""
    # Blank: the card refuses an edit by nobody, or for no reason.
    rest = ", ".join(["by=''", "why=''", "when=''", "X=X", "y=y", *(f"{name}={name}" for name in fit_arguments)])
    edits = {
        column: ", ".join(f"{name}={value!r}" for name, value in options.items()) for column, options in bins.items()
    }
    lines = [f"card = card.edit({str(column)!r}, {options}, {rest})" for column, options in edits.items()]
    return "\n".join(lines) or "# no bin is changed"


_HERE = Path(__file__).parent
_BLIND = "These bins were made to hold in every period: with periods=… the editor shows whether edited ones do."


class BinEditor(anywidget.AnyWidget):
    """Edit bins interactively: merge and split them, see the effect at once, and copy the result as code.

    Every click has a method, so that a notebook may hold the edits as calls. The binner itself is not changed.

    Parameters
    ----------
    binner : OptimalBinner or Scorecard
        Fitted.
    X : DataFrame of shape (n, p), optional
        The rows it was fitted on.
    periods : array of shape (n,), optional
        As for ``OptimalBinner.fit``: each period's event rate is then drawn, and named where it breaks the trend.
    counts : mapping of column to NumericCounts or LevelCounts, optional
        Instead of rows; bins can then be cut at the edges of these pre-bins only.
    column : str, optional
        The column to begin with; the one of the highest information value by default.

    Raises
    ------
    ConfigError, DataError
        When neither rows nor counts are given, or they are not those that the binner was fitted on.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 22, 25, 31, 40, 44, 51, 60] * 10})
    >>> y = [1, 1, 0, 1, 0, 0, 1, 0] * 5 + [1, 1, 1, 0, 0, 0, 0, 0] * 5
    >>> editor = BinEditor(OptimalBinner(max_bins=2).fit(X, y), X, y)
    >>> editor.split(1, at=50)
    >>> editor.overrides
    {'age': {'splits': [36, 50]}}
    >>> editor.binner().tables_["age"]["bin"].tolist()
    ['(-inf, 36)', '[36, 50)', '[50, inf)']
    """

    _esm = _HERE / "editor.js"
    _css = _HERE / "editor.css"
    page = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        binner: OptimalBinner | Scorecard,
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        *,
        periods: Any = None,
        counts: Mapping[str, Counts] | None = None,
        column: str | None = None,
    ) -> None:
        fitted = binner_of(binner)
        if (X is None or y is None) == (counts is None):
            raise ConfigError("the editor needs either rows (X and y) or counts", fix="hand in one of the two")
        source = RowSource.of(fitted, X, y, sample_weight, periods) if counts is None else CountSource(counts)
        self._session = Session(fitted, source, column)
        self._turn = 0
        blind = len(fitted.by_period_) and periods is None if hasattr(fitted, "by_period_") else False
        super().__init__(page=self._page(_BLIND if blind else ""))
        self.on_msg(self._on_click)

    @property
    def overrides(self) -> dict[str, dict[str, Any]]:
        """What makes these bins in ``OptimalBinner(overrides=...)``: the binner's own overrides, and every edit."""
        return self._session.overrides

    @property
    def edits(self) -> dict[str, dict[str, Any]]:
        """The edited columns' ``splits`` or ``groups`` alone, as `Scorecard.edit` takes them."""
        return self._session.edits

    @property
    def table(self) -> pd.DataFrame:
        """The bins of the current column, as ``OptimalBinner.tables_`` has them."""
        return self._session.draft.bins.table()

    def code(self, language: Language = "python") -> str:
        """Return the bins as text to paste: overrides in Python or for an experiment file, or edits of a card.

        Raises
        ------
        ConfigError
            When the language is another one.
        """
        if language not in get_args(Language):
            known = ", ".join(map(repr, get_args(Language)))
            raise ConfigError(f"there is no code in {language!r}; it is one of {known}", where="language")
        if language == "edit":
            return edits_of(self.edits, self._session.source.fit_arguments)
        return code_of(self.overrides, language)

    def binner(self) -> OptimalBinner:
        """Return a fitted binner with the edited bins; its ``overrides`` make the same bins again."""
        return self._session.binner()

    def pick(self, column: str) -> None:
        """Look at another column."""
        self._show(self._session.pick(column))

    def merge(self, bin_: int, other: int | None = None) -> None:
        """Make two bins one: a bin (counted from 0) and the next one, or any two groups of levels."""
        self._show(self._session.merge(bin_, other))

    def split(self, bin_: int, at: float | None = None) -> None:
        """Cut a bin (counted from 0) in two: at a value, or where the information value gains most.

        Raises
        ------
        ConfigError
            When there is no such bin, the value is no number or does not lie inside it, or no row would be left beside
            the cut.
        """
        self._show(self._session.split(bin_, at))

    def take_out(self, level: str) -> None:
        """Move one level into its own group."""
        self._show(self._session.take_out(level))

    def undo(self) -> None:
        """Take the last change back."""
        self._show(self._session.undo())

    def redo(self) -> None:
        """Make the change again that was taken back last."""
        self._show(self._session.redo())

    def reset(self) -> None:
        """Reset the bins of the current column."""
        self._show(self._session.reset())

    def _on_click(self, _: Any, request: Mapping[str, Any], __: Any = None) -> None:
        acts: dict[str, Callable[[], None]] = {
            "pick": lambda: self.pick(str(request["column"])),
            "merge": lambda: self.merge(int(request["bin"]), int(request["other"])),
            "split": lambda: self.split(int(request["bin"]), _typed(request.get("at"))),
            "take_out": lambda: self.take_out(str(request["level"])),
            "undo": self.undo,
            "redo": self.redo,
            "reset": self.reset,
        }
        try:
            acts[request["do"]]()
        except InputError as error:
            self.page = self._page(str(error), refused=True)

    def _show(self, message: str) -> None:
        self.page = self._page(message)

    def _page(self, message: str = "", *, refused: bool = False) -> dict[str, Any]:
        session = self._session
        edited = set(session.edited)
        # An answer that changes nothing is an answer too: the page waits for one.
        self._turn += 1
        return {
            **column_page(session.draft, session.start.bins, session.in_periods),
            "turn": self._turn,
            "columns": [
                {"name": name, "iv": number(session.iv(name)), "edited": name in edited} for name in session.columns
            ],
            "can_undo": bool(session.done),
            "can_redo": bool(session.undone),
            "can_reset": session.column in edited,
            "message": message,
            "refused": refused,
            "python": self.code(),
            "yaml": self.code("yaml"),
            "edit": self.code("edit"),
        }

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            # A page that is read later, without a kernel, shows the bins all the same.
            bundle[0]["text/html"] = binning_table(self.table, self._session.column).__html__()
        return bundle


def _typed(text: Any) -> float | None:
    if text is None or text == "":
        return None
    try:
        return float(text)
    except (TypeError, ValueError):
        raise ConfigError(f"a number is needed to cut at; got {text!r}") from None
