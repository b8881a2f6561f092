"""The plan for a book: what each customer gets, what it is worth, and why."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.config.policy import policy_of
from riskml.errors import ConfigError, DataError
from riskml.policy.actions import assign, plan
from riskml.policy.customers import scored_by_rules

TODAY = dt.date(2026, 1, 31)


def test_each_customer_gets_what_must_be_done_and_the_best_of_what_may(said, book):
    found = assign(policy_of(said), book, TODAY).set_index(["customer", "action"])
    # Ann's reason is income; Bob's is late payment; of Cid the second reason is the first that belongs to a group.
    assert found.index.tolist() == [("ann", "watch"), ("ann", "plan"), ("bob", "freeze"), ("cid", "watch")]
    assert found["reason"].tolist() == ["liquidity", "liquidity", "delinquency", "liquidity"]
    assert found["because"].tolist() == ["income", "income", "late_90d", "cash_now"]
    assert found["mandatory"].tolist() == [True, False, False, True]
    assert found["owner"].tolist() == ["risk", "finance", "risk", "risk"]
    assert found["due"].dt.strftime("%Y-%m-%d").tolist() == ["2026-02-05", "2026-02-14", "2026-02-02", "2026-02-05"]


def test_benefits_are_those_worked_out_by_hand(said, book):
    found = assign(policy_of(said), book, TODAY).set_index(["customer", "action"])["expected_benefit"]
    assert found["ann", "watch"] == pytest.approx(0.5 * 1000 * 0.5 * 0.1 - 1)
    # What must be done has avoided a tenth of the loss already.
    assert found["ann", "plan"] == pytest.approx(250 * 0.9 * 0.4 + 0.5 * 200 * 0.5 - 10)
    assert found["bob", "freeze"] == pytest.approx(0.4 * 500 * 0.5 * 0.2 - 0.6 * 50 * 0.1 - 2)


def test_of_churn_the_value_is_at_stake_and_the_incentive_is_taken_by_who_stays_as_well(book):
    offer = {"kind": "retention_offer", "title": "t", "owner": "sales", "deadline_days": 7, "cost": 1, "effect": 0.3}
    policy = policy_of(
        {
            "name": "p",
            "task": "churn",
            "tiers": ["low", "high"],
            "amounts": {"value": "worth"},
            "treatments": {"offer": offer | {"incentive": 10}},
            "rules": [{"tier": "low"}, {"tier": "high", "may": ["offer"]}],
        }
    )
    found = assign(policy, book, TODAY).set_index("customer").loc["ann"]
    # As ChurnCosts(value=200, contact_cost=1, success_rate=0.3, incentive=10) has it, per customer.
    assert found["cost"] == pytest.approx(1 + 10 * (0.5 * 0.3 + 0.5))
    assert found["expected_benefit"] == pytest.approx(0.5 * 0.3 * (200 - 10) - 0.5 * 10 - 1)


def test_an_action_that_does_not_pay_is_not_chosen(said, book):
    said["treatments"]["freeze"]["cost"] = 1000
    assert "freeze" not in set(assign(policy_of(said), book, TODAY)["action"])


def test_within_a_budget_those_come_first_for_whom_it_brings_most(said, book):
    said["limits"] = {"budget": 12.5}  # two must be watched for 1 each: left are 10.5 for one plan of 10
    found = plan(policy_of(said), book, TODAY)
    chosen = found.actions[~found.actions["mandatory"]]
    assert chosen["customer"].tolist() == ["ann"]
    assert found.left_out["customer"].tolist() == ["bob"]
    assert "the budget went where" in found.left_out["why"][0] or "left of the budget" in found.left_out["why"][0]
    limits = found.limits.set_index("limit").loc["limits.budget"]
    assert (limits["must"], limits["may"], limits["left"]) == (2.0, 10.0, 0.5)


def test_what_must_be_done_and_cannot_is_an_error_that_names_the_limit(said, book):
    said["limits"] = {"budget": 1.5}
    with pytest.raises(ConfigError, match=r"(?s)need 2.00 EUR, the limit is 1.50 EUR.*limits.budget"):
        plan(policy_of(said), book, TODAY)


def test_a_valuable_customer_is_negotiated_with_and_not_dismissed(said, book):
    book.loc["bob", "worth"] = 5000.0
    book.loc["bob", "debt"] = 20_000.0
    assert assign(policy_of(said), book, TODAY).set_index("customer").loc["bob", "action"] == "freeze"
    said["negotiation"] = {"only": "value >= 1000", "never": ["freeze"], "instead": ["plan"]}
    found = assign(policy_of(said), book, TODAY).set_index("customer")
    assert found.loc["bob", "action"] == "plan"
    assert "negotiates" in found.loc["bob", "why"]


def test_value_at_stake_alone_can_turn_the_choice_from_dismissal_to_a_plan(said, book):
    said["rules"][1]["must"] = []
    book.loc["ann", ["debt", "worth"]] = [100.0, 0.0]
    assert assign(policy_of(said), book, TODAY).set_index("customer").loc["ann", "action"] == "freeze"
    book.loc["ann", "worth"] = 500.0
    assert assign(policy_of(said), book, TODAY).set_index("customer").loc["ann", "action"] == "plan"


def test_a_treatment_is_only_for_whom_its_condition_holds(said, book):
    said["treatments"]["watch"]["only"] = "exposure >= 500 and not isnull(income_known)"
    book["income_known"] = [1.0, 1.0, np.nan, np.nan]
    found = assign(policy_of(said), book, TODAY)
    assert found.loc[found["action"] == "watch", "customer"].tolist() == ["ann"]


def test_a_cost_may_follow_the_customer(said, book):
    said["treatments"]["plan"]["cost"] = "5 + 0.01 * exposure"
    found = assign(policy_of(said), book, TODAY).set_index(["customer", "action"])
    assert found.loc[("ann", "plan"), "cost"] == 15.0


def test_why_tells_the_risk_the_reason_the_benefit_and_what_else_there_was(said, book):
    found = assign(policy_of(said), book, TODAY).set_index(["customer", "action"])["why"]
    assert found["ann", "watch"] == (
        "Risk 50% (tier high); main reason: tight finances (income). “look at it” must be done for this tier; "
        "expected to bring 24.00 EUR for 1.00 EUR."
    )
    assert found["ann", "plan"].endswith("taken off; the next best, “no more credit”, would bring 97.00 EUR less.")
    assert found["bob", "freeze"].endswith("nothing else that pays is allowed here.")


def test_why_tells_the_price_of_what_is_scarce_and_what_would_have_brought_more(said, large_book):
    said["limits"] = {"roles": {"finance": {"hours": 5}}}
    said["rules"][1]["must"] = []
    found = plan(policy_of(said), large_book(400), TODAY)
    price = found.limits.set_index("limit").loc["limits.roles.finance.hours", "price"]
    assert price > 0
    assert found.actions["why"].str.contains("what it takes of the limits is worth").any()
    assert found.actions["why"].str.contains("worth more elsewhere").any()


def test_why_can_be_told_in_chinese(said, book):
    found = plan(policy_of(said), book, TODAY, language="zh").actions
    assert found["why"][0].startswith("风险 50%（等级 high），主要原因：资金紧张（income）。")


def test_who_is_held_out_gets_only_what_must_be_done_and_is_the_same_every_month(said, large_book):
    said["hold_out"] = {"share": 0.2, "salt": "a"}
    book = large_book(3_000)
    first, second = (plan(policy_of(said), part, TODAY) for part in (book, book.sample(frac=1, random_state=1)))
    held = set(first.left_out.loc[first.left_out["held_out"], "customer"])
    assert held == set(second.left_out.loc[second.left_out["held_out"], "customer"])
    assert len(held) == pytest.approx(0.2 * (book["tier"] == "high").sum(), rel=0.15)
    optional = first.actions[~first.actions["mandatory"]]
    assert not held & set(optional["customer"])
    assert held & set(first.actions["customer"])  # they are watched


def test_the_template_is_the_treatments_own_or_that_of_the_reason(said, book):
    said["treatments"]["plan"]["template"] = "market"
    found = assign(policy_of(said), book, TODAY).set_index(["customer", "action"])
    assert found.loc[("ann", "plan"), "template"] == "market"
    assert found.loc[("bob", "freeze"), "template"] == "delinquency"
    assert found.loc[("ann", "watch"), ["channel", "template"]].tolist() == ["", ""]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda book: book.assign(tier="hgh"), r"'hgh' is not in the policy"),
        (lambda book: book.assign(tier=None), "have no tier"),
        (lambda book: book.assign(probability=2.0), "from 0 to 1"),
        (lambda book: book.assign(probability=np.nan), "from 0 to 1"),
        (lambda book: book.drop(columns="probability"), "no column 'probability'"),
        (lambda book: pd.concat([book, book]), "more than once"),
        (lambda book: book.assign(debt=[1, 2, np.nan, 4]), r"(?s)missing.*'cid'.*amounts.exposure"),
        (lambda book: book.assign(debt=-1.0), "below 0"),
        (lambda book: book.assign(reason="liqudity"), "is not in the policy"),
    ],
)
def test_a_book_that_is_not_what_the_policy_needs_is_told(said, book, change, told):
    with pytest.raises(DataError, match=told):
        plan(policy_of(said), change(book), TODAY)


def test_an_unknown_column_is_told_with_the_place(said, book):
    with pytest.raises(ConfigError, match=r"(?s)'worth'.*amounts.value"):
        plan(policy_of(said), book.drop(columns="worth"), TODAY)


def test_an_amount_that_nobody_stated_is_no_zero_to_a_condition(said, book):
    del said["amounts"]["value"]
    said["negotiation"] = {"only": "value >= 1000", "never": ["freeze"], "instead": ["plan"]}
    with pytest.raises(ConfigError, match=r"(?s)'value'.*negotiation.only"):
        plan(policy_of(said), book, TODAY)


def test_a_missing_amount_may_be_given_a_meaning(said, book):
    said["amounts"]["if_missing"] = 0
    book["debt"] = np.nan
    assert len(plan(policy_of(said), book, TODAY).actions)


def test_an_as_of_date_that_is_none_is_refused(said, book):
    with pytest.raises(DataError, match="expected a date"):
        plan(policy_of(said), book, "2026-01-31")  # type: ignore[arg-type]


def test_a_book_of_nobody_has_an_empty_plan(said, book):
    found = plan(policy_of(said), book.iloc[:0], TODAY)
    assert len(found.actions) == len(found.left_out) == 0
    assert list(found.actions.columns) == list(plan(policy_of(said), book, TODAY).actions.columns)


def test_a_template_that_cannot_be_filled_stops_the_plan_before_anything_is_planned(said, book):
    said["messages"] = {"templates": {"phone/liquidity": "Good day {{ name }}"}}
    with pytest.raises(ConfigError, match="'name'"):
        plan(policy_of(said), book, TODAY)


@given(
    st.integers(1, 80),
    st.integers(0, 1_000),
    st.one_of(st.none(), st.floats(0, 500)),
    st.one_of(st.none(), st.floats(0, 20)),
    st.one_of(st.none(), st.integers(0, 20)),
)
def test_budgets_and_capacities_are_never_exceeded(small_policy, large_book, n, seed, budget, hours, places):
    said = small_policy | {"limits": {"budget": budget, "roles": {"finance": {"hours": hours, "budget": budget}}}}
    said["rules"] = [*small_policy["rules"][:1], {"tier": "high", "may": ["plan", "freeze"]}]
    kinds = small_policy["treatments"]
    said["treatments"] = kinds | {"freeze": kinds["freeze"] | {"capacity": places}}
    policy = policy_of(said)
    found = plan(policy, large_book(n, seed), TODAY).actions
    by = found.groupby("action")["cost"]
    if budget is not None:
        assert found["cost"].sum() <= budget + 1e-9
        assert found.loc[found["owner"] == "finance", "cost"].sum() <= budget + 1e-9
    if hours is not None:
        assert by.size().get("plan", 0) * 1.0 <= hours
    if places is not None:
        assert by.size().get("freeze", 0) <= places
    assert (found["expected_benefit"] > 0).all()
    assert found["customer"].is_unique


def test_the_same_book_has_the_same_plan(said, large_book):
    said["limits"] = {"budget": 300}
    policy, book = policy_of(said), large_book(500)
    pd.testing.assert_frame_equal(plan(policy, book, TODAY).actions, plan(policy, book, TODAY).actions)


def test_a_book_without_a_model_is_planned_by_rules(said, book):
    said["without_model"] = {
        "rules": [
            {"when": "debt > 800 and worth > 100", "tier": "high", "reason": "liquidity", "probability": 0.4},
            {"when": "debt > 100", "tier": "high", "reason": "delinquency", "probability": 0.3},
        ],
        "otherwise": 0.02,
    }
    policy = policy_of(said)
    scored = scored_by_rules(policy, book[["debt", "worth"]])
    assert scored["tier"].tolist() == ["high", "high", "low", "high"]
    assert scored["reason"].tolist() == ["liquidity", "delinquency", "other", "delinquency"]
    assert scored["probability"].tolist() == [0.4, 0.3, 0.02, 0.3]
    assert set(plan(policy, scored, TODAY).actions["customer"]) == {"ann", "bob", "dan"}


def test_a_policy_without_such_rules_needs_a_model(said, book):
    with pytest.raises(ConfigError, match="without a model"):
        scored_by_rules(policy_of(said), book)
