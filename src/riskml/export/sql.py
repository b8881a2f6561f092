"""A model as one SQL statement: scorecards, additive models and decision trees, in the words of several databases.

One syntax tree is built for each model, and written for each dialect; names and texts are quoted by it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial, reduce

import numpy as np
from sqlglot import exp

from riskml.errors import InputError, did_you_mean
from riskml.runtime.additive import Additive, Pairwise, Segmented
from riskml.runtime.encoding import LARGEST
from riskml.runtime.model import Blend, Model, Tree
from riskml.runtime.package import Artifact
from riskml.runtime.shapes import Levels, Line, Shape, Step

DIALECTS = ("duckdb", "postgres", "sqlite", "spark", "tsql", "snowflake")
_STEEPEST = 700.0  # log-odds: further out, exp leaves the range of a double, and the probability is 0 or 1 to 1e-300
# What Python takes for blank; databases trim spaces alone unless told otherwise.
_BLANKS = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
_BLANKS += "\u200a\u2028\u2029\u202f\u205f\u3000"

_LINE_BREAKS = "\n\x0b\x0c\r\x1c\x1d\x1e\x85\u2028\u2029"

Sql = exp.Expression


def to_sql(artifact: Artifact, table: str, *, dialect: str = "duckdb", keep: Sequence[str] = ()) -> str:
    """Return a query that scores the rows of a table.

    Parameters
    ----------
    artifact : Artifact
        A scorecard (segmented too), a logistic model, an EBM, a tree, or a blend of them.
    table : str
        Its name; schema and database before it, parted by dots. Every part is quoted.
    keep : sequence of str, optional
        Columns that are carried through, such as the customer.

    Returns
    -------
    str
        It answers with what is kept, ``probability``, ``points`` where the model has them, ``tier``. A row that
        ``score`` would refuse (an infinite number; a level never seen, where the model refuses those) has none of them.

    Raises
    ------
    InputError
        When the dialect is not known, the model has boosted trees, or a kept column has the name of a result.

    Notes
    -----
    Numeric columns are cast to double precision, others to text: levels are compared as text, to the letter.
    """
    if dialect not in DIALECTS:
        raise InputError(
            f"SQL for {dialect!r} is not written",
            fix=did_you_mean(dialect, DIALECTS) or f"choose one of {', '.join(DIALECTS)}",
        )
    results = ["probability", "points", "tier"]
    if taken := [name for name in keep if name.lower() in results]:
        raise InputError(f"a kept column has the name of a result: {taken[0]!r}", fix="rename it in the table")
    kept = dict.fromkeys(keep)
    writer = _Writer(artifact, dialect)
    read = exp.select(*[_column(name) for name in kept], *writer.inputs()).from_(_table(table))
    ids = [_column(name) for name in kept]
    sums = {"margin": writer.margin(artifact.model)}
    if (points := writer.points(artifact.model)) is not None:
        sums["points"] = points
    own = [_aliased(value, name) for name, value in sums.items()]
    added = exp.select(*ids, writer.valid(), *own).from_(_named("riskml_read"))
    chance = _aliased(_if_valid(writer.probability()), "probability")
    likely = exp.select(*ids, _column("valid"), chance, *[_column(name) for name in sums if name == "points"]).from_(
        _named("riskml_sum")
    )
    final: list[Sql] = [_column("probability")]
    if "points" in sums:
        final.append(_aliased(_if_valid(_column("points")), "points"))
    final.append(_aliased(writer.tier(), "tier"))
    query = exp.select(*ids, *final).from_(_named("riskml_probability"))
    for name, step in (("riskml_read", read), ("riskml_sum", added), ("riskml_probability", likely)):
        query = query.with_(exp.to_identifier(name, quoted=True), as_=step)
    return f"{query.sql(dialect=dialect, pretty=True)}\n"


def _column(name: str) -> exp.Column:
    return exp.Column(this=exp.to_identifier(name, quoted=True))


def _aliased(value: Sql, name: str) -> Sql:
    return exp.Alias(this=value, alias=exp.to_identifier(name, quoted=True))


def _named(name: str) -> exp.Table:
    return exp.Table(this=exp.to_identifier(name, quoted=True))


def _table(name: str) -> exp.Table:
    parts = [exp.to_identifier(part, quoted=True) for part in name.split(".")]
    if not all(parts) or len(parts) > 3:
        raise InputError(f"{name!r} is no table's name", fix="write table, schema.table or database.schema.table")
    return exp.Table(**dict(zip(("this", "db", "catalog"), parts[::-1], strict=False)))


def number(value: float) -> Sql:
    """Return a number that every dialect takes for a double: with an exponent, to the last bit."""
    text = repr(float(value))
    literal = exp.Literal.number(text.removeprefix("-") if "e" in text else f"{text.removeprefix('-')}E0")
    return exp.Neg(this=literal) if text.startswith("-") else literal


def _all(conditions: Sequence[Sql]) -> Sql:
    return reduce(lambda left, right: exp.And(this=left, expression=right), conditions)


def _case(branches: Sequence[tuple[Sql, Sql]], otherwise: Sql) -> Sql:
    if not branches:
        return otherwise
    return exp.Case(ifs=[exp.If(this=when, true=then) for when, then in branches], default=otherwise)


def _if_valid(value: Sql) -> Sql:
    return _case([(exp.EQ(this=_column("valid"), expression=exp.Literal.number(1)), value)], exp.Null())


class _Writer:
    """Writes the parts of a query; a column of the model is ``x0``, ``x1``, … in it."""

    def __init__(self, artifact: Artifact, dialect: str) -> None:
        self._artifact, self._dialect = artifact, dialect
        self._kinds = artifact.model.kinds
        self._names = {name: f"x{place}" for place, name in enumerate(self._kinds)}

    # -- what is read

    def inputs(self) -> list[Sql]:
        """Return the model's columns: doubles and texts, NULL where nothing is known."""
        read = {"numeric": self._double, "categorical": self._text}
        words = self._artifact.missing_words
        return [
            _aliased(read[kind](_column(name), sorted(words.get(name, ()))), self._names[name])
            for name, kind in self._kinds.items()
        ]

    def _double(self, column: Sql, words: Sequence[str]) -> Sql:
        """Return a column as double: a float32 as the shortest decimal it prints, blanks and NaN as NULL."""
        double: Sql = exp.cast(column, "double")
        if self._dialect == "tsql":  # it has no NaN
            return double
        text = exp.cast(column, "text", dialect=self._dialect)
        trimmed = exp.Trim(this=text)
        known = _case([(self._in(trimmed, ["", *words]), exp.Null())], trimmed.copy())
        printed = exp.cast(known, "double")
        if self._dialect == "sqlite":  # it has no NaN, and reads text that is no number as 0
            return _case([(self._is_type(column, "text"), printed)], double)
        if self._dialect == "postgres":  # each branch must fit the column, whatever its type is
            flags = [
                (exp.EQ(this=text.copy(), expression=exp.Literal.string(word)), number(value))
                for word, value in (("true", 1.0), ("false", 0.0))
            ]
            double = _case(flags, printed)
        elif self._dialect in ("duckdb", "spark"):
            double = _case([(self._is_type(column, "float", "varchar", "string"), printed)], double)
        return exp.Nullif(this=double, expression=exp.cast(exp.Literal.string("NaN"), "double"))

    def _text(self, column: Sql, words: Sequence[str]) -> Sql:
        """Return a column as the text of its levels: 1 for 1.0, True for true, NULL for blanks."""
        text = exp.cast(column, "nvarchar(max)" if self._dialect == "tsql" else "text", dialect=self._dialect)
        blank = exp.EQ(this=exp.Trim(this=text, expression=self._string(_BLANKS)), expression=exp.Literal.string(""))
        branches: list[tuple[Sql, Sql]] = [(blank, exp.Null())]
        if words:
            branches.append((self._in(exp.Trim(this=text.copy()), words), exp.Null()))
        if self._dialect in ("duckdb", "postgres", "spark"):
            spellings = [
                (exp.EQ(this=text.copy(), expression=exp.Literal.string(word)), exp.Literal.string(word.capitalize()))
                for word in ("true", "false")
            ]
            nothing = exp.EQ(this=exp.Lower(this=text.copy()), expression=exp.Literal.string("nan"))
            fraction = exp.Like(this=text.copy(), expression=exp.Literal.string("%.%"))
            branches.append((self._is_type(column, "boolean"), _case(spellings, exp.Null())))
            branches.append((exp.And(this=self._is_decimal(column), expression=nothing), exp.Null()))
            branches.append((exp.And(this=self._is_decimal(column), expression=fraction), self._without_zeros(text)))
        elif self._dialect == "sqlite":
            branches.append((self._is_type(column, "real"), self._without_zeros(text)))
        return _case(branches, text.copy())

    def _type(self, column: Sql) -> Sql:
        """Return the name of a column's type in lower case."""
        call = exp.Anonymous(this="pg_typeof" if self._dialect == "postgres" else "typeof", expressions=[column.copy()])
        return exp.Lower(this=exp.cast(call, "text", dialect=self._dialect))

    def _is_type(self, column: Sql, *names: str) -> Sql:
        return exp.In(this=self._type(column), expressions=[exp.Literal.string(name) for name in names])

    def _is_decimal(self, column: Sql) -> Sql:
        """Return whether a column's type has fractions."""
        names = self._is_type(column, "double", "float", "double precision", "real", "numeric")
        decimals = exp.Like(this=self._type(column), expression=exp.Literal.string("decimal%"))
        return exp.Paren(this=exp.Or(this=names, expression=decimals))

    def _without_zeros(self, text: Sql) -> Sql:
        """Return the text of a number without zeros at the end of its fraction."""
        zeros = exp.Trim(this=text.copy(), expression=exp.Literal.string("0"), position="TRAILING")
        return exp.Trim(this=zeros, expression=exp.Literal.string("."), position="TRAILING")

    def _x(self, name: str) -> Sql:
        return _column(self._names[name])

    def valid(self) -> Sql:
        """Return 1 for a row that the model takes, else 0."""
        broken: list[Sql] = []
        for column in [column for column in self._artifact.columns if column["name"] in self._kinds]:
            x = self._x(column["name"])
            if column["kind"] == "numeric" and self._dialect != "tsql":
                broken.append(exp.GT(this=exp.Abs(this=x), expression=number(np.finfo(np.float64).max)))
            elif column["kind"] != "numeric" and self._artifact.unseen == "refuse":
                broken.append(exp.Not(this=self._in(x, [*column["levels"], *column["special"]])))
        branches: list[tuple[Sql, Sql]] = [(one, exp.Literal.number(0)) for one in broken]
        return _aliased(_case(branches, exp.Literal.number(1)), "valid")

    def _in(self, x: Sql, levels: Sequence[str]) -> Sql:
        """Return whether a text is one of some levels; no NULL is."""
        if not levels:
            return exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(0))
        if self._dialect != "tsql":
            return exp.In(this=x, expressions=[self._string(level) for level in levels])
        # SQL Server compares without regard to case unless told otherwise.
        exact = exp.Collate(this=x, expression=exp.Var(this="Latin1_General_100_BIN2"))
        return exp.In(this=exact, expressions=[self._string(level) for level in levels])

    # -- what is added up

    def margin(self, model: Model) -> Sql:
        """Return log-odds of the event."""
        if isinstance(model, Additive):
            return self._sum(model.intercept, [self._shape(shape) for shape in model.shapes])
        if isinstance(model, Pairwise):
            main = model.main
            pairs = [self._pair(pair.first, pair.second, pair.value) for pair in model.pairs]
            return self._sum(main.intercept, [*(self._shape(shape) for shape in main.shapes), *pairs])
        if isinstance(model, Segmented):
            return self._segments(model, [self.margin(card) for card in model.models])
        if isinstance(model, Tree):
            return exp.cast(self._tree(model), "double")
        if isinstance(model, Blend):
            parts = zip(model.weights, model.models, strict=True)
            return self._sum(model.intercept, [exp.Mul(this=number(w), expression=self._part(m)) for w, m in parts])
        raise InputError(
            f"SQL for {self._artifact.family} is not written: its trees are too many for a query",
            fix="use the wheel, or ONNX",
        )

    def _part(self, model: Model) -> Sql:
        return exp.Paren(this=self.margin(model))

    def points(self, model: Model) -> Sql | None:
        """Return the card's points, or None where a model has none."""
        if isinstance(model, Additive) and model.base_points is not None:
            shapes = [shape for shape in model.shapes if isinstance(shape, (Step, Levels))]
            return self._sum(model.base_points, [self._slots(shape, shape.points) for shape in shapes])
        if isinstance(model, Segmented) and model.base_points is not None:
            cards = [self.points(card) for card in model.models]
            return self._segments(model, [card for card in cards if card is not None])
        return None

    def _sum(self, start: float, parts: Sequence[Sql]) -> Sql:
        first: Sql = exp.cast(number(start), "double")
        return reduce(lambda left, right: exp.Add(this=left, expression=right), parts, first)

    def _shape(self, shape: Shape) -> Sql:
        return self._line(shape) if isinstance(shape, Line) else self._slots(shape, shape.value)

    def _slots(self, shape: Step | Levels, values: Sequence[float]) -> Sql:
        return self._by_slot(shape, [number(value) for value in values])

    def _by_slot(self, shape: Step | Levels, values: Sequence[Sql]) -> Sql:
        """Return the value of the slot that a row falls into."""
        x = self._x(shape.column)
        if isinstance(shape, Levels):
            groups = len(shape.value) - 2
            branches = [(_null(x), values[groups])]
            for group in range(groups):
                own = [level for level, slot in shape.levels.items() if slot == group]
                if own:
                    branches.append((self._in(x, own), values[group]))
            return _case(branches, values[groups + 1])
        branches = [(_null(x), values[len(shape.splits) + 1])]
        branches += self._codes(x, shape.special, values[len(shape.splits) + 2 :])
        branches += [
            (exp.LT(this=x, expression=number(split)), value)
            for split, value in zip(shape.splits, values, strict=False)
        ]
        return _case(branches, values[len(shape.splits)])

    def _codes(self, x: Sql, codes: Sequence[float], values: Sequence[Sql]) -> list[tuple[Sql, Sql]]:
        # Of a code that is there twice, the later value counts.
        by_code = dict(zip(codes, values, strict=True))
        return [(exp.EQ(this=x, expression=number(code)), value) for code, value in by_code.items()]

    def _line(self, shape: Line) -> Sql:
        x, knots, values = self._x(shape.column), shape.knots, shape.value
        branches: list[tuple[Sql, Sql]] = [(_null(x), number(values[len(knots)]))]
        branches += self._codes(x, shape.special, [number(value) for value in values[len(knots) + 1 :]])
        branches.append((exp.LT(this=x, expression=number(knots[0])), number(values[0])))
        for i in range(len(knots) - 1):
            slope = (values[i + 1] - values[i]) / (knots[i + 1] - knots[i])
            beyond = exp.Paren(this=exp.Sub(this=x, expression=number(knots[i])))
            value = exp.Add(this=exp.Mul(this=number(slope), expression=beyond), expression=number(values[i]))
            branches.append((exp.LT(this=x, expression=number(knots[i + 1])), value))
        return _case(branches, number(values[len(knots) - 1]))

    def _pair(self, first: Step | Levels, second: Step | Levels, values: Sequence[Sequence[float]]) -> Sql:
        return self._by_slot(first, [self._slots(second, row) for row in values])

    def _segments(self, model: Segmented, cards: Sequence[Sql]) -> Sql:
        def at(place: int) -> Sql:
            if place < 0:
                return exp.Paren(this=cards[~place].copy())
            split = model.splits[place]
            return self._by_slot(split.shape, [at(to) for to in split.to])

        return at(0 if model.splits else ~0)

    # -- a tree

    def _tree(self, model: Tree) -> Sql:
        """Return the value of the leaf that a row reaches: one branch for each leaf, for nesting has limits."""
        branches: list[tuple[list[Sql], float]] = []

        def walk(node: int, path: list[Sql]) -> None:
            if model.left[node] < 0:
                branches.append((path, model.value[node]))
                return
            for goes_left, child in ((True, model.left[node]), (False, model.right[node])):
                walk(child, [*path, self._goes(model, node, goes_left)])

        walk(0, [])
        *some, (_, last) = branches
        return _case([(_all(path), number(value)) for path, value in some], number(last))

    def _goes(self, model: Tree, node: int, left: bool) -> Sql:
        """Return whether a row goes left, or right; true or not, and never NULL alone where the way is open."""
        name, levels = list(model.encoding.levels.items())[model.feature[node]]
        x, threshold = self._x(name), model.threshold[node]
        if levels is None:
            side = self._side(x, threshold, left)
            known = [] if side is None else [side]
        else:
            own = [level for level, place in levels.items() if (np.float32(place) <= threshold) == left]
            known = [self._in(x, own)] if own else []
        if model.missing_left[node] == left:
            # What is in no list is missing to a tree, as NULL is.
            absent: Sql = _null(x)
            if levels is not None and levels:
                absent = exp.Or(this=absent, expression=exp.Not(this=self._in(x, list(levels))))
            known.append(absent)
        if not known:
            return exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(0))
        return exp.Paren(this=reduce(lambda one, other: exp.Or(this=one, expression=other), known))

    def _side(self, x: Sql, threshold: float, left: bool) -> Sql | None:
        bound, included = as_double(threshold)
        if np.isinf(bound):
            # All that is there goes one way.
            return exp.Not(this=_null(x)) if (bound > 0) == left else None
        if left:
            return (exp.LTE if included else exp.LT)(this=x, expression=number(bound))
        return (exp.GT if included else exp.GTE)(this=x, expression=number(bound))

    # -- what is answered

    def probability(self) -> Sql:
        """Return the logistic function of the margin, without overflow."""
        m = _column("margin")
        e = exp.Exp(this=exp.Neg(this=exp.Paren(this=_case(
            [(exp.GT(this=exp.Abs(this=m), expression=number(_STEEPEST)), number(_STEEPEST))], exp.Abs(this=m)
        ))))  # fmt: skip
        one = number(1.0)
        sum_ = exp.Paren(this=exp.Add(this=one, expression=e))
        divide = partial(exp.Div, typed=True, safe=False)
        upper, lower = divide(this=one, expression=sum_), divide(this=e, expression=sum_)
        return _case([(exp.GTE(this=m, expression=number(0.0)), upper)], lower)

    def tier(self) -> Sql:
        """Return the name of the probability's tier."""
        tiers, p = self._artifact.tiers, _column("probability")
        branches: list[tuple[Sql, Sql]] = [(_null(p), exp.Null())]
        branches += [
            (exp.GTE(this=p, expression=number(tier.from_probability)), self._string(tier.name))
            for tier in tiers[:0:-1]
        ]
        return _case(branches, self._string(tiers[0].name))

    def _string(self, text: str) -> Sql:
        """Return a text literal; line breaks are written as codes, so that no tool that reads the file changes them."""
        code = {"tsql": "NCHAR", "sqlite": "CHAR"}.get(self._dialect, "CHR")
        parts: list[Sql] = []
        for part in re.split(r"([\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029])", text):
            if len(part) == 1 and part in _LINE_BREAKS:
                parts.append(exp.Anonymous(this=code, expressions=[exp.Literal.number(ord(part))]))
            elif part:
                parts.append(exp.National(this=part) if self._dialect == "tsql" else exp.Literal.string(part))
        join = exp.Add if self._dialect == "tsql" else exp.DPipe
        joined = (
            reduce(lambda left, right: join(this=left, expression=right), parts) if parts else exp.Literal.string("")
        )
        return exp.Paren(this=joined) if len(parts) > 1 else joined


def _null(x: Sql) -> Sql:
    return exp.Is(this=x, expression=exp.Null())


def as_double(threshold: float) -> tuple[float, bool]:
    """Return the double up to which numbers go left, of a tree that compares them as float32."""
    if threshold >= LARGEST:
        return float("inf"), True
    if threshold < -LARGEST:
        return float("-inf"), False
    single = np.float32(threshold)
    if float(single) > threshold:
        single = np.nextafter(single, np.float32(-np.inf))
    above = np.nextafter(single, np.float32(np.inf))
    middle = (float(single) + float(above)) / 2
    # Half-way, the even one of both is taken.
    even = (int(single.view(np.int32)) & 1) == 0
    return middle, even
