"""Features of one's own: a Python file with a function for each."""

from __future__ import annotations

import pytest

from riskml.errors import ConfigError
from riskml.features.catalog import custom_features
from riskml.features.panel_store import build

ORDERS = [
    (1, "2021-06-30", 30.0, "gifts"), (1, "2021-06-20", 10.0, "food"), (1, "2021-05-10", 60.0, "food"),
    (2, "2021-05-10", 5.0, "food"),
]  # fmt: skip
HEAD = "import narwhals as nw\nfrom riskml.features.window import Window, feature\n"


@pytest.fixture
def built(panel_of, tmp_path):
    """Return the panel's rows by customer, with a file of features."""

    def rows(code, name="own.py"):
        file = tmp_path / name
        file.write_text(HEAD + code, encoding="utf-8")
        tables = {
            "orders": ("purchases", "customer day amount kind", ORDERS),
            "marks": ("statuses", "customer day kind", [(1, "2021-01-01", "fine")]),
        }
        outcome = {"rule": "no_purchase", "table": "orders", "days": 30}
        asked = panel_of(tables, outcome=outcome, until="2021-12-01", own=str(file))
        made = build(asked, tmp_path / "panel")
        return made.frame().set_index("customer").sort_index(), made.columns.set_index("column")

    return rows


SHARE = """
@feature("orders", unit="share", description="gifts in the spending of {days} days")
def gift_share(orders: Window) -> nw.Expr:
    return orders.where(orders.column("kind") == "gifts", "amount").sum() / orders["amount"].sum()
"""
LARGEST = """
@feature("orders", unit="money", description="largest order of the last {days} days")
def top(orders):
    return orders["amount"].max()
"""


def test_a_feature_of_ones_own_has_a_column_for_each_window(built):
    rows, columns = built(SHARE + LARGEST)
    assert rows.loc[1, ["orders_gift_share_30d", "orders_gift_share_90d"]].tolist() == [0.75, 0.3]
    assert rows.loc[1, ["orders_top_30d", "orders_top_90d"]].tolist() == [30, 60]
    assert columns.loc["orders_gift_share_30d", "description"] == "gifts in the spending of 30 days"
    assert columns.loc["orders_top_90d", "unit"] == "money"


def test_without_windows_there_is_one_column(built):
    code = LARGEST.replace('days")', 'days", windowed=False)')
    assert "orders_top" in built(code)[0]


def test_what_a_customer_without_records_gets_may_be_said(built):
    code = LARGEST.replace('days")', 'days", empty=-1)')
    assert built(code)[0].loc[2, ["orders_top_30d", "orders_top_90d"]].tolist() == [-1, 5]


def test_helpers_beside_the_features_are_no_features(built):
    code = "def half(x):\n    return x / 2\n" + LARGEST.replace('["amount"].max()', '["amount"].max() / half(4.0)')
    assert built(code)[0].loc[1, "orders_top_30d"] == 15


def test_another_table_and_the_window_before_can_be_used(built):
    code = LARGEST.replace(
        'orders["amount"].max()', 'orders.before.count() + orders.count(orders.column("amount") > 20)'
    )
    assert built(code)[0].loc[1, "orders_top_30d"] == 1 + 1


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x =", "cannot be run: SyntaxError"),
        ("import nonesuch", "cannot be run: ModuleNotFoundError: No module named 'nonesuch'"),
        ("def top(r):\n    return r['amount'].max()", "declares no feature"),
        (LARGEST.replace('"orders"', '"order"'), "the feature 'top' reads the table 'order'"),
        (LARGEST.replace('"orders"', '"marks"'), "the feature 'top' reads the table 'marks'"),
        (
            LARGEST + LARGEST.replace("def top", "def recency").replace('days")', 'days", windowed=False)'),
            "two features are called",
        ),
        (LARGEST.replace('"amount"', '"amuont"'), "amuont"),
        (LARGEST.replace(".max()", ""), "cannot be computed"),
        (LARGEST.replace("return ", ""), "cannot be computed"),
        (LARGEST.replace('orders["amount"].max()', "1 / 0"), "cannot be computed: ZeroDivisionError"),
        (LARGEST.replace('"amount"', '"kind"'), "gives String, not a number"),
    ],
)
def test_what_is_wrong_with_a_file_of_features_is_said(built, code, said):
    with pytest.raises(ConfigError) as error:
        built(code)
    assert said in error.value.what
    assert error.value.where.startswith("panel")


def test_a_feature_that_names_a_column_wrongly_is_told_the_columns(built):
    with pytest.raises(ConfigError, match="orders has the columns.*amount") as error:
        built(LARGEST.replace('"amount"', '"amuont"'))
    assert error.value.where == "panel.own: top"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="does not exist") as error:
        custom_features(tmp_path / "own.py")
    assert "own.py" in error.value.where


def test_a_file_that_the_features_miss_is_not_taken_for_their_own(tmp_path):
    (tmp_path / "own.py").write_text("open('limits.csv')")
    with pytest.raises(ConfigError, match="cannot be run: FileNotFoundError.*limits.csv"):
        custom_features(tmp_path / "own.py")
