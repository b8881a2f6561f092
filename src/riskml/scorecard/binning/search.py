"""Search for one column's bins, and the diagnosis where there are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from riskml.errors import FitError
from riskml.runtime.frame import Floats
from riskml.scorecard.binning.candidates import Binning, Constraints, Trend
from riskml.scorecard.binning.counts import LevelCounts, coarse_starts
from riskml.scorecard.binning.optimal import AUTO, choose_trend
from riskml.scorecard.binning.options import ColumnOptions
from riskml.scorecard.binning.woe import Objective


@dataclass(frozen=True)
class Search:
    """Arguments of `choose_trend`, and the options that the constraints come from."""

    counts: Floats  # non-events and events of each pre-bin, in order
    trends: tuple[Trend, ...]  # trends to choose from
    constraints: Constraints
    totals: Floats  # non-events and events of all rows
    objective: Objective
    by_period: Floats | None
    names: Mapping[str, str]

    @classmethod
    def of(cls, counts: Floats, totals: Floats, options: ColumnOptions, by_period: Floats | None) -> Search:
        """Return the search that a column's options ask for."""
        trends: tuple[Trend, ...]
        if options.monotonic == "auto":
            trends = AUTO
        else:
            trends = ("ascending", "descending") if options.monotonic == "auto_asc_desc" else (options.monotonic,)
        constraints, names = options.constraints(totals), options.named(totals)
        return cls(counts, trends, constraints, totals, options.objective, by_period, names)

    def best(self) -> Binning | None:
        """Return the best binning, or None where there is none."""
        return choose_trend(
            self.counts,
            self.trends,
            self.constraints,
            totals=self.totals,
            objective=self.objective,
            by_period=self.by_period,
        )

    def asking(self, **constraints: float) -> Search:
        """Return the same search under other constraints."""
        return replace(self, constraints=replace(self.constraints, **constraints))  # type: ignore[arg-type]

    def bins(self, binning: Binning) -> Floats:
        """Return the non-events and events of each bin."""
        return np.asarray(np.add.reduceat(self.counts, list(binning.starts), axis=0))

    def allows(self, bins: Floats, trend: Trend) -> bool:
        """Return whether bins satisfy the constraints and a trend over all periods together."""
        exactly = self.asking(min_bins=len(bins), max_bins=len(bins))
        return replace(exactly, counts=bins, trends=(trend,), by_period=None).best() is not None


def best_bins(column: str, search: Search, *, smoothing: float, keep: bool) -> tuple[tuple[int, ...], Trend, str]:
    """Return the first pre-bin of each bin, the trend asked of them, and what there is to say about them."""
    best = search.best()
    if best is None and search.constraints.min_bins > 1:
        if not keep:
            raise infeasible(column, search)
        note = f"fewer than min_bins={search.constraints.min_bins}: what binds is {diagnose(search)}"
        best = search.asking(min_bins=1).best()
        return (best.starts, best.trend, note) if best else ((0,), search.trends[0], too_little(search))
    if best is None:
        note = too_little(search)
        if search.counts.sum() > 0 and not keep:
            raise FitError(
                note, where=f"column {column!r}", fix="ask for less, leave the column out, or set constant='keep'"
            )
        return (0,), search.trends[0], note if search.counts.sum() > 0 else why_one_bin(search)
    best, note = _smoothed(search, best, smoothing)
    return best.starts, best.trend, why_one_bin(search) if len(best.starts) == 1 else note


def _smoothed(search: Search, best: Binning, smoothing: float) -> tuple[Binning, str]:
    """Return bins whose trend holds for smoothed rates too, and where that is impossible, the same bins and a note."""
    average = search.totals / search.totals.sum()
    bins, free = search.bins(best), replace(search, constraints=Constraints())
    if not smoothing or best.trend == "none" or free.allows(bins + smoothing * average, best.trend):
        return best, ""
    # Smoothing moves small bins more than large ones: the trend has to hold for both rates.
    both = replace(search.asking(smoothing=smoothing), trends=(best.trend,)).best()
    return (both, "") if both else (best, f"smoothing breaks the {best.trend} trend")


def infeasible(column: str, search: Search) -> FitError:
    """Return the error that says which constraints leave a column without any binning."""
    constraints = search.constraints
    most = next((n for n in range(constraints.min_bins - 1, 0, -1) if search.asking(min_bins=n, max_bins=n).best()), 0)
    possible = f"at most {most} {'bins are' if most > 1 else 'bin is'} possible" if most else "not even one is possible"
    return FitError(
        f"no binning with {constraints.min_bins} to {constraints.max_bins} bins satisfies the constraints: {possible}; "
        f"what binds is {diagnose(search)}",
        where=f"column {column!r}",
        fix="loosen that constraint for this column (overrides), ask for fewer bins, or set constant='keep'",
    )


def diagnose(search: Search) -> str:
    """Return which constraints have to give way for a binning to exist, as a phrase: one of them, or two together."""
    there, least = len(search.counts), search.constraints.min_bins
    if there < least:
        return f"min_bins={least}: only {there} different values, levels that are not rare, or pre-bins (max_prebins)"
    loosened = dict(_loosened(search))
    alone = [phrase for phrase, looser in loosened.items() if _all_of([looser], search).best()]
    if alone:
        return " or ".join(alone)
    pairs = [
        f"{one} together with {other}"
        for one, other in combinations(loosened, 2)
        if _all_of([loosened[one], loosened[other]], search).best()
    ]
    return " or ".join(pairs) or f"several constraints together: {', '.join(loosened)}"


def _loosened(search: Search) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each constraint that asks for something, in words, and what to change for it to ask nothing."""
    constraints, bins = search.constraints, search.constraints.min_bins
    nonevents, events = search.counts.sum(axis=0)
    for field, there, unit in (
        ("min_size", nonevents + events, "rows"),
        ("min_event", events, "events"),
        ("min_nonevent", nonevents, "non-events"),
    ):
        least = getattr(constraints, field)
        if least > 0:
            yield f"{search.names[field]} ({bins} bins need {bins * least:,.6g} of {there:,.6g} {unit})", {field: 0.0}
    if constraints.min_rate_difference > 0:
        yield f"min_rate_difference={constraints.min_rate_difference:g}", {"min_rate_difference": 0.0}
    if constraints.max_p_value < 1:
        yield f"max_p_value={constraints.max_p_value:g}", {"max_p_value": 1.0}
    if search.by_period is not None:
        yield f"periods (the trend in each of {len(search.by_period)})", {"by_period": None}
    if search.trends != ("none",):
        monotonic = {AUTO: "auto", ("ascending", "descending"): "auto_asc_desc"}.get(search.trends, search.trends[0])
        yield f"monotonic={monotonic!r}", {"trends": ("none",)}


def _all_of(changes: list[dict[str, object]], search: Search) -> Search:
    for change in changes:
        own = {name: value for name, value in change.items() if name in ("by_period", "trends")}
        rest = {name: value for name, value in change.items() if name not in own}
        search = replace(search.asking(**rest), **own)  # type: ignore[arg-type]
    return search


def too_little(search: Search) -> str:
    """Return why not even all rows together make a bin."""
    constraints, total = search.constraints, float(search.totals.sum())
    nonevents, events = map(float, search.counts.sum(axis=0))
    short = [
        f"{search.names[field]}, and they hold {there:,.6g} {unit}"
        for field, least, there, unit in (
            ("min_size", constraints.min_size, nonevents + events, f"of {total:,.6g} rows"),
            ("min_event", constraints.min_event, events, "events"),
            ("min_nonevent", constraints.min_nonevent, nonevents, "non-events"),
        )
        if there < least
    ]
    message = "all values that are not missing or special codes together do not make one bin: " + "; ".join(short)
    if total < 2 or not np.allclose(search.totals, search.totals.round()):
        message += f"; these are sums of weights, and the weights sum to {total:,.6g}: scale them to a mean of 1"
    return message


def why_one_bin(search: Search) -> str:
    """Return why a column was left with one regular bin."""
    if len(search.counts) < 2:
        return "one value only" if search.counts.sum() else "no value that is not missing or a special code"
    if search.constraints.max_bins < 2:
        return "max_bins=1"
    cut = search.asking(min_bins=2, max_bins=2)
    if cut.by_period is not None and replace(cut, by_period=None).best():
        return "no cut keeps its trend in every period"
    loose = cut.asking(min_event=0.0, min_nonevent=0.0).best()
    if loose and not search.bins(loose).all():
        return (
            "every cut leaves a bin without events or without non-events (min_events, min_nonevents): "
            "the column may give the outcome away"
        )
    if cut.best():
        return "no cut is worth anything"
    return f"no cut is allowed by {diagnose(cut)}"


@dataclass(frozen=True)
class BinSearchResult:
    """What the search for bins found."""

    search: Search
    starts: tuple[int, ...]
    trend: Trend
    note: str


def search_bins(
    column: str, counts: Floats, totals: Floats, options: ColumnOptions, periods: Sequence[Floats], note: str = ""
) -> BinSearchResult:
    """Return the best bins of pre-bins in order; a note in hand comes before what the search says."""
    search = Search.of(counts, totals, options, np.stack(list(periods)) if periods else None)
    starts, trend, more = best_bins(column, search, smoothing=options.smoothing, keep=options.constant == "keep")
    return BinSearchResult(search, starts, trend, "; ".join(filter(None, [note, more])))


def search_groups(
    column: str, counts: LevelCounts, options: ColumnOptions, alone: Sequence[int], periods: Sequence[Floats]
) -> tuple[list[list[int]], frozenset[int], BinSearchResult | None]:
    """Return groups of levels, which levels were pooled as rare, and the search; levels are ordered by event rate."""
    rows = counts.counts.sum(axis=1)
    total = float(counts.totals.sum())
    is_special = np.isin(np.arange(len(rows)), alone)
    is_rare = (rows < options.rare_share * total) & ~is_special
    units = [[int(i)] for i in np.flatnonzero(~is_rare & ~is_special)]
    rare = [int(i) for i in np.flatnonzero(is_rare)]
    if rare:
        units.append(rare)
    level_options = _of_levels(options)
    if not units:
        nothing = Search.of(np.zeros((0, 2)), counts.totals, level_options, None)
        return [], frozenset(), BinSearchResult(nothing, (), "none", why_one_bin(nothing))
    merged = np.array([counts.counts[unit].sum(axis=0) for unit in units])
    rate = merged[:, 1] / np.maximum(merged.sum(axis=1), 1e-300)
    # Names break ties, so that the order does not depend on the rows' order.
    order = sorted(range(len(units)), key=lambda u: (rate[u], units[u] == rare, counts.levels[units[u][0]]))
    first = coarse_starts(merged[order], options.max_prebins)
    note = f"{len(order):,} levels were taken together to {len(first)} (max_prebins)" if len(first) < len(order) else ""
    ends = [*first[1:].tolist(), len(order)]
    ranked = [[i for u in order[a:b] for i in units[u]] for a, b in zip(first.tolist(), ends, strict=True)]
    ordered = np.array([counts.counts[unit].sum(axis=0) for unit in ranked])
    in_periods = [np.array([part[unit].sum(axis=0) for unit in ranked]) for part in periods]
    result = search_bins(column, ordered, counts.totals, level_options, in_periods, note)
    ends = [*result.starts[1:], len(ranked)]
    groups = [[i for unit in ranked[a:b] for i in unit] for a, b in zip(result.starts, ends, strict=True)]
    return groups, frozenset(rare), result


def unmet(bins: Floats, totals: Floats, options: ColumnOptions, *, levels: bool) -> str:
    """Return the option that these bins cannot have been found with, or nothing."""
    # One bin is what a column without any allowed cut is left with, whatever the options; fixed bins are not checked.
    if len(bins) < 2 or options.splits is not None or options.groups is not None:
        return ""
    if len(bins) > options.max_bins:
        return f"max_bins={options.max_bins}"
    search = Search.of(bins, totals, _of_levels(options) if levels else options, None)
    search = search.asking(min_bins=len(bins), max_bins=len(bins))
    return "" if search.best() else diagnose(search)


def _of_levels(options: ColumnOptions) -> ColumnOptions:
    # Levels are put in the order of their event rate first.
    return options if options.monotonic == "none" else replace(options, monotonic="ascending")


def note_of(result: BinSearchResult | None, slots: Floats, row: Sequence[int], regular: int) -> str:
    """Return what there is to say of bins; missing values that joined one of them are looked at again."""
    if result is None:
        return ""
    bins = np.zeros((regular, 2))
    joined = [(slot, bin_) for slot, bin_ in enumerate(row) if bin_ < regular]
    np.add.at(bins, [bin_ for _, bin_ in joined], slots[[slot for slot, _ in joined]])
    broken = len(joined) > regular > 1 and not result.search.allows(bins, result.trend)
    note = "the missing values that joined the nearest bin break the trend, or a constraint between neighbours"
    return "; ".join(filter(None, [result.note, note if broken else ""]))
