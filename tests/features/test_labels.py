"""The outcome of each rule, and who is looked at: the as-of date is 2021-07-01, the performance window 30 days."""

from __future__ import annotations

import pytest

KNOWN = ("contacts", "customer day", [(1, "2021-01-10")])


def no_purchase(**said):
    return {"rule": "no_purchase", "table": "orders", "days": 30, **said}


@pytest.fixture
def bought(judged_on):
    """Return state and outcome of customer 1 who bought so: (day, amount) each."""

    def found(outcome, *bought, **said):
        orders = ("purchases", "customer day amount", [(1, *one) for one in (*bought, ("2019-01-01", 1.0))])
        return tuple(judged_on({"orders": orders, "calls": KNOWN}, outcome, **said).loc[1])

    return found


@pytest.mark.parametrize(
    ("day", "event"),
    [("2021-06-30", 1), ("2021-07-01", 0), ("2021-07-30", 0), ("2021-07-31", 1)],
)
def test_no_purchase_reads_the_window_from_its_first_day_to_its_last(bought, day, event):
    assert bought(no_purchase(), (day, 5.0)) == ("kept", event)


@pytest.mark.parametrize(
    ("day", "event"),
    [("2021-07-01", 1), ("2021-07-10", 1), ("2021-07-11", 0), ("2021-08-09", 0), ("2021-08-10", 1)],
)
def test_after_a_gap_the_window_begins_later(bought, day, event):
    assert bought(no_purchase(gap=10), (day, 5.0)) == ("kept", event)


def test_a_purchase_counts_for_the_outcome_however_late_it_was_recorded(judged_on):
    orders = ("purchases", "customer day recorded amount", [(1, "2021-07-10", "2022-01-01", 5.0)])
    assert judged_on({"orders": orders, "calls": KNOWN}, no_purchase()).loc[1, "outcome"] == 0


@pytest.mark.parametrize(("after", "event"), [(50.0, 1), (50.01, 0), (None, 1)])
def test_spending_that_fell_by_the_share_or_more_is_the_event(bought, after, event):
    outcome = {"rule": "spending_fall", "table": "orders", "days": 30, "fall": 0.5}
    assert bought(
        outcome, ("2021-06-30", 60.0), ("2021-06-01", 40.0), ("2021-05-31", 900.0), ("2021-07-30", after)
    ) == ("kept", event)


def test_a_return_is_no_purchase(bought):
    active = {"population": {"active_days": 30}}
    assert bought(no_purchase(), ("2021-06-10", 5.0), ("2021-07-10", -5.0), **active) == ("kept", 1)
    assert bought(no_purchase(), ("2021-06-10", -5.0), **active)[0] == "not active"


def test_returns_lower_spending(bought):
    outcome = {"rule": "spending_fall", "table": "orders", "days": 30, "fall": 0.5}
    assert bought(outcome, ("2021-06-15", 100.0), ("2021-07-05", 80.0), ("2021-07-06", -40.0)) == ("kept", 1)


def test_spending_after_a_gap_is_compared_with_that_before_the_as_of_date(bought):
    outcome = {"rule": "spending_fall", "table": "orders", "days": 30, "gap": 10}
    assert bought(outcome, ("2021-06-30", 100.0), ("2021-07-05", 100.0), ("2021-07-31", 49.0)) == ("kept", 1)
    assert bought(outcome, ("2021-06-30", 100.0), ("2021-07-11", 100.0)) == ("kept", 0)


def test_who_spent_nothing_has_nothing_to_fall_from(bought):
    outcome = {"rule": "spending_fall", "table": "orders", "days": 30}
    assert bought(outcome, ("2021-05-31", 100.0), ("2021-07-05", 100.0))[0] == "nothing to fall from"


@pytest.fixture(params=["status", "cancellation"])
def marked(request, judged_on):
    """Return state and outcome of customer 1 who was given these statuses: (day, kind) each."""

    def found(*marks, **said):
        outcome = {
            "rule": request.param,
            "table": "marks",
            "days": 30,
            "values": ["gone", "lost"],
            "gap": said.pop("gap", 0),
        }
        marks = ("statuses", "customer day kind", [(1, *one) for one in marks])
        return tuple(judged_on({"marks": marks, "calls": KNOWN}, outcome, **said).loc[1])

    return found


@pytest.mark.parametrize(
    ("day", "kind", "event"),
    [
        ("2021-07-01", "gone", 1),
        ("2021-07-30", "lost", 1),
        ("2021-07-31", "gone", 0),
        ("2021-07-10", "fine", 0),
        ("2021-07-10", None, 0),
    ],
)
def test_a_status_of_the_event_in_the_window(marked, day, kind, event):
    assert marked((day, kind)) == ("kept", event)


def test_who_had_the_status_before_is_left_out_or_not(marked):
    assert marked(("2021-06-30", "gone"))[0] == "event before"
    assert marked(("2021-06-30", "gone"), ("2021-07-02", "gone"), population={"already": False}) == ("kept", 1)


def test_who_has_the_event_in_the_gap_is_left_out(marked):
    assert marked(("2021-07-10", "gone"), gap=10)[0] == "event in the gap"
    assert marked(("2021-07-11", "gone"), gap=10) == ("kept", 1)
    assert marked(("2021-08-10", "gone"), gap=10) == ("kept", 0)


def test_a_status_recorded_later_was_not_known_before(judged_on):
    outcome = {"rule": "status", "table": "marks", "days": 30, "values": ["gone"]}
    marks = ("statuses", "customer day recorded kind", [(1, "2021-06-30", "2021-07-02", "gone")])
    assert tuple(judged_on({"marks": marks, "calls": KNOWN}, outcome).loc[1]) == ("kept", 0)


@pytest.fixture
def owed(judged_on):
    """Return state and outcome of customer 1: invoices are (day, due, amount, number), payments (number, day, sum)."""

    def found(outcome, invoices, payments=(), **said):
        bills = ("invoices", "customer day due amount invoice", [(1, *one) for one in invoices])
        paid = (
            "payments",
            "customer invoice day amount",
            [(1, *one) for one in payments] or [(1, "none", "2021-01-01", 1.0)],
        )
        return tuple(judged_on({"bills": bills, "paid": paid, "calls": KNOWN}, outcome, **said).loc[1])

    return found


def past_due(**said):
    return {"rule": "days_past_due", "table": "bills", "days": 30, "over": 10, **said}


@pytest.mark.parametrize(
    ("due", "found"),
    [
        ("2021-06-19", ("event before", 1)),  # 12 days past due on the as-of date
        ("2021-06-20", ("event before", 1)),  # more than 10 days past due on the as-of date itself: known that morning
        ("2021-06-21", ("kept", 1)),
        ("2021-07-19", ("kept", 1)),  # 11 days past due on 2021-07-30, the window's last day
        ("2021-07-20", ("kept", 0)),
    ],
)
def test_days_past_due_are_over_the_threshold_within_the_window(owed, due, found):
    assert owed(past_due(), [("2021-05-01", due, 100.0, "a")]) == found


@pytest.mark.parametrize(("paid", "event"), [("2021-07-11", 0), ("2021-07-12", 1), ("2021-09-01", 1)])
def test_an_invoice_paid_before_the_threshold_is_no_event(owed, paid, event):
    assert owed(past_due(), [("2021-05-01", "2021-07-01", 100.0, "a")], [("a", paid, 100.0)]) == ("kept", event)


def test_an_invoice_of_the_window_itself_may_be_the_event(owed):
    assert owed(past_due(), [("2021-07-02", "2021-07-05", 100.0, "a")]) == ("kept", 1)


def test_days_past_due_in_the_gap_leave_out(owed):
    bills = [("2021-05-01", "2021-06-25", 100.0, "a")]  # over the threshold on 2021-07-06
    assert owed(past_due(gap=6), bills)[0] == "event in the gap"
    assert owed(past_due(gap=5), bills) == ("kept", 1)


def test_nothing_that_happens_after_the_window_changes_the_outcome(owed):
    bill, paid = [("2021-05-01", "2021-07-01", 100.0, "a")], [("a", "2021-07-02", 100.0)]
    assert owed(past_due(), bill, paid) == owed(past_due(), bill, [*paid, ("a", "2021-07-31", -100.0)]) == ("kept", 0)


def test_who_paid_what_was_long_past_due_may_be_looked_at_again(owed):
    bill = [("2021-01-01", "2021-02-01", 100.0, "a")]
    assert owed(past_due(), bill, [("a", "2021-06-30", 100.0)]) == ("kept", 0)
    assert owed(past_due(), bill, [("a", "2021-07-01", 100.0)])[0] == "event before"


@pytest.mark.parametrize(
    ("paid", "event"), [("2021-06-30", 0), ("2021-07-01", 1), ("2021-07-20", 1), ("2021-09-01", 1)]
)
def test_where_those_in_default_are_looked_at_they_have_the_event_until_they_pay(owed, paid, event):
    bill, kept = [("2021-01-01", "2021-02-01", 100.0, "a")], {"population": {"already": False}}
    assert owed(past_due(), bill, [("a", paid, 100.0)], **kept) == ("kept", event)


def test_who_is_in_default_and_it_is_not_known_yet_is_looked_at_and_has_the_event(judged_on):
    bills = ("invoices", "customer day recorded due amount", [(1, "2021-05-01", "2021-07-05", "2021-06-01", 100.0)])
    assert tuple(judged_on({"bills": bills, "calls": KNOWN}, past_due()).loc[1]) == ("kept", 1)


def unpaid(**said):
    return {"rule": "unpaid_amount", "table": "bills", "days": 30, "over": 100, **said}


@pytest.mark.parametrize(
    ("due", "paid", "found"),
    [
        ("2021-07-30", (), ("kept", 1)),  # due on the window's last day
        ("2021-07-31", (), ("kept", 0)),
        ("2021-07-10", [("a", "2021-07-30", 50.0)], ("kept", 0)),  # exactly the threshold remains
        ("2021-07-10", [("a", "2021-07-30", 49.0)], ("kept", 1)),
        ("2021-07-10", [("a", "2021-07-31", 150.0)], ("kept", 1)),  # paid after the window
        ("2021-06-30", (), ("event before", 1)),
    ],
)
def test_an_amount_is_unpaid_at_the_end_of_the_window(owed, due, paid, found):
    assert owed(unpaid(), [("2021-05-01", due, 150.0, "a")], paid) == found


def test_unpaid_amounts_add_up_and_a_gap_moves_the_window(owed):
    bills = [("2021-05-01", "2021-07-20", 60.0, "a"), ("2021-05-01", "2021-08-05", 60.0, "b")]
    assert owed(unpaid(), bills) == ("kept", 0)
    assert owed(unpaid(gap=10), bills) == ("kept", 1)
    assert owed(unpaid(gap=10), [("2021-05-01", "2021-07-05", 150.0, "a")])[0] == "event in the gap"


def test_a_payment_counts_for_the_outcome_however_late_it_was_recorded(judged_on):
    bills = ("invoices", "customer day due amount invoice", [(1, "2021-05-01", "2021-07-05", 150.0, "a")])
    paid = ("payments", "customer invoice day recorded amount", [(1, "a", "2021-07-06", "2021-08-20", 150.0)])
    for outcome in (past_due(), unpaid()):
        assert judged_on({"bills": bills, "paid": paid, "calls": KNOWN}, outcome).loc[1, "outcome"] == 0


@pytest.mark.parametrize(("first", "state"), [("2021-06-01", "kept"), ("2021-06-02", "too new")])
def test_customers_younger_than_the_least_history_are_too_new(judged_on, first, state):
    orders = ("purchases", "customer day amount", [(1, first, 5.0)])
    found = judged_on({"orders": orders}, no_purchase(), population={"min_history_days": 30})
    assert found.loc[1, "state"] == state


@pytest.mark.parametrize(
    ("last", "state"), [("2021-06-01", "kept"), ("2021-05-31", "not active"), ("2021-07-01", "not active")]
)
def test_customers_without_a_purchase_of_late_are_not_active(bought, last, state):
    assert bought(no_purchase(), (last, 5.0), population={"active_days": 30})[0] == state


def test_use_of_the_service_is_activity_too(judged_on):
    tables = {
        "orders": ("purchases", "customer day amount", [(1, "2020-06-01", 5.0), (2, "2020-06-01", 5.0)]),
        "logins": ("activity", "customer day", [(1, "2021-06-30")]),
    }
    found = judged_on(tables, no_purchase(), population={"active_days": 30})
    assert found["state"].tolist() == ["kept", "not active"]


def test_a_customer_first_seen_on_the_as_of_date_is_not_looked_at(judged_on):
    orders = ("purchases", "customer day amount", [(1, "2021-06-30", 5.0), (2, "2021-07-01", 5.0)])
    assert judged_on({"orders": orders}, no_purchase()).index.tolist() == [1]


def test_everyone_is_judged_once(judged_on):
    orders = (
        "purchases",
        "customer day amount",
        [(1, "2021-06-30", 5.0), (1, "2021-07-02", 5.0), (1, "2021-07-02", 5.0)],
    )
    assert len(judged_on({"orders": orders, "calls": KNOWN}, no_purchase(), population={"active_days": 90})) == 1
