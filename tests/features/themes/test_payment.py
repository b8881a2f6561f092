"""How customers pay, worked out by hand: the as-of date is 2021-07-01, the windows are 30 and 90 days."""

from __future__ import annotations

import math

import pytest

CONTACTS = ("contacts", "customer day", [(1, "2021-01-10"), (2, "2021-01-10")])


@pytest.fixture
def owes(looked_at):
    """Return the row of customer 1: invoices are (day, due, amount, number), payments (number, day, amount)."""

    def row(invoices, payments=(), **said):
        billed = ("invoices", "customer day due amount invoice", [(1, *one) for one in invoices])
        paid = (
            "payments",
            "customer invoice day amount",
            [(1, *one) for one in payments] or [(1, "none", "2021-01-01", 1.0)],
        )
        return looked_at({"bills": billed, "paid": paid, "calls": CONTACTS}, **said).loc[1]

    return row


@pytest.fixture
def settles(looked_at):
    """Return the row of customer 1 whose invoices say themselves (day, due, amount, paid, paid_amount)."""

    def row(*invoices, part=True):
        more = {"paid": "paid", **({"paid_amount": "got"} if part else {})}
        billed = ("invoices", "customer day due amount paid got", [(1, *one) for one in invoices], more)
        return looked_at({"bills": billed, "calls": CONTACTS}).loc[1]

    return row


def test_an_open_invoice_is_past_due_by_the_days_since_it_was_due(owes):
    row = owes([("2021-05-01", "2021-06-01", 100.0, "a"), ("2021-05-01", "2021-06-21", 50.0, "b")])
    assert (row["bills_dpd_now"], row["bills_overdue_now"], row["bills_owed_now"]) == (30, 150, 150)
    assert (row["bills_worst_dpd_30d"], row["bills_mean_dpd_30d"]) == (30, 20)


def test_an_invoice_due_on_the_as_of_date_is_owed_and_not_yet_overdue(owes):
    row = owes([("2021-05-01", "2021-07-01", 100.0, "a")])
    assert (row["bills_dpd_now"], row["bills_overdue_now"], row["bills_owed_now"]) == (0, 0, 100)
    assert row["bills_count_90d"] == 0


def test_an_invoice_due_the_day_before_is_one_day_past_due(owes):
    row = owes([("2021-05-01", "2021-06-30", 100.0, "a")])
    assert (row["bills_dpd_now"], row["bills_count_30d"], row["bills_since_late"]) == (1, 1, 1)


def test_an_invoice_that_falls_due_later_is_owed_alone(owes):
    row = owes([("2021-06-15", "2021-08-15", 100.0, "a")])
    assert (row["bills_dpd_now"], row["bills_overdue_now"], row["bills_owed_now"], row["bills_sum_90d"]) == (
        0,
        0,
        100,
        0,
    )
    assert math.isnan(row["bills_late_90d"])


def test_a_payment_on_the_as_of_date_or_later_is_not_known_and_the_invoice_is_open(owes):
    row = owes([("2021-05-01", "2021-06-01", 100.0, "a")], [("a", "2021-07-01", 100.0)])
    assert (row["bills_dpd_now"], row["bills_overdue_now"]) == (30, 100)


def test_a_payment_recorded_later_is_not_known(looked_at):
    bills = ("invoices", "customer day due amount invoice", [(1, "2021-05-01", "2021-06-01", 100.0, "a")])
    paid = ("payments", "customer invoice day recorded amount", [(1, "a", "2021-06-05", "2021-07-02", 100.0)])
    assert looked_at({"bills": bills, "paid": paid}).loc[1, "bills_dpd_now"] == 30


def test_a_settled_invoice_was_past_due_until_its_last_payment(owes):
    row = owes([("2021-05-01", "2021-06-01", 100.0, "a")], [("a", "2021-05-20", 40.0), ("a", "2021-06-11", 60.0)])
    assert (row["bills_dpd_now"], row["bills_owed_now"], row["bills_worst_dpd_30d"]) == (0, 0, 10)
    assert (row["bills_late_30d"], row["bills_part_30d"], row["bills_since_late"]) == (1, 1, 30)


def test_a_payment_on_the_due_date_is_in_time(owes):
    row = owes([("2021-05-01", "2021-06-01", 100.0, "a")], [("a", "2021-06-01", 100.0)])
    assert (row["bills_worst_dpd_30d"], row["bills_late_30d"], row["bills_part_30d"]) == (0, 0, 0)


def test_of_a_part_that_was_paid_the_rest_is_owed(owes):
    row = owes([("2021-05-01", "2021-06-01", 100.0, "a")], [("a", "2021-05-20", 30.0)])
    assert (row["bills_overdue_now"], row["bills_dpd_now"], row["bills_part_30d"]) == (70, 30, 1)


def test_a_part_that_was_paid_late_is_not_a_part_in_time(owes):
    row = owes([("2021-05-01", "2021-06-01", 100.0, "a")], [("a", "2021-06-20", 30.0)])
    assert (row["bills_overdue_now"], row["bills_part_30d"]) == (70, 0)


def test_what_is_less_than_half_a_cent_is_not_owed(owes):
    row = owes([("2021-05-01", "2021-06-01", 100.0, "a")], [("a", "2021-05-20", 99.996)])
    assert (row["bills_dpd_now"], row["bills_owed_now"]) == (0, 0)


def test_what_was_paid_in_time_stays_so_when_more_is_paid_later(owes):
    row = owes([("2021-05-01", "2021-06-01", 100.0, "a")], [("a", "2021-05-20", 100.0), ("a", "2021-06-20", 100.0)])
    assert (row["bills_worst_dpd_30d"], row["bills_late_30d"]) == (0, 0)


def test_a_refund_settles_nothing(owes):
    payments = [("a", "2021-06-06", 120.0), ("a", "2021-06-26", -20.0)]
    row = owes([("2021-05-01", "2021-06-01", 100.0, "a")], payments)
    assert row["bills_worst_dpd_30d"] == 5


def test_a_refund_opens_the_invoice_again(owes):
    payments = [("a", "2021-05-20", 100.0), ("a", "2021-06-26", -20.0)]
    row = owes([("2021-05-01", "2021-06-01", 100.0, "a")], payments)
    assert (row["bills_owed_now"], row["bills_dpd_now"]) == (20, 30)


def test_the_worst_of_a_window_counts_old_invoices_that_were_past_due_still(owes):
    old = ("2021-01-01", "2021-03-01", 100.0, "a")
    row = owes([old])
    assert (row["bills_worst_dpd_30d"], row["bills_worst_dpd_90d"]) == (122, 122), "122 days past due, and open"
    assert row["bills_count_90d"] == 0
    row = owes([old, ("2021-05-01", "2021-06-20", 1.0, "b")], [("a", "2021-05-31", 100.0)])
    assert (row["bills_worst_dpd_30d"], row["bills_worst_dpd_90d"]) == (11, 91), "the old one was paid 31 days ago"
    assert owes([old], [("a", "2021-06-01", 100.0)])["bills_worst_dpd_30d"] == 92, "and 30 days ago"


def test_the_worst_of_a_window_without_invoices_due_or_past_due_is_missing(owes):
    paid = [("a", "2021-03-01", 100.0)]
    assert math.isnan(owes([("2021-01-01", "2021-03-01", 100.0, "a")], paid)["bills_worst_dpd_90d"])


def test_windows_look_back_from_when_an_invoice_was_due(owes):
    bills = [
        ("2021-01-01", "2021-06-01", 1.0, "a"),
        ("2021-01-01", "2021-05-31", 2.0, "b"),
        ("2021-01-01", "2021-04-01", 4.0, "c"),
    ]
    row = owes(bills)
    assert (row["bills_count_30d"], row["bills_sum_30d"]) == (1, 1)
    assert (row["bills_count_90d"], row["bills_sum_90d"]) == (2, 3)
    assert row["bills_dpd_now"] == 91, "an open invoice is owed however old it is"


def test_late_invoices_roll_on_beyond_thirty_days(owes):
    bills = [
        ("2021-04-01", "2021-04-10", 1.0, "a"),
        ("2021-04-01", "2021-05-10", 1.0, "b"),
        ("2021-04-01", "2021-05-10", 1.0, "c"),
        ("2021-06-01", "2021-06-10", 1.0, "d"),
    ]
    row = owes(bills, [("a", "2021-05-10", 1.0), ("b", "2021-06-10", 1.0), ("c", "2021-05-01", 1.0)])
    assert row["bills_late_90d"] == pytest.approx(3 / 4)
    assert row["bills_roll_30_90d"] == pytest.approx(1 / 2), "30 days late, and 31; in time; too young to tell"
    assert row["bills_roll_30_30d"] == 1, "the second alone could go over in these days"
    assert math.isnan(row["bills_roll_60_90d"])


@pytest.mark.parametrize(
    ("due", "found"), [("2021-06-01", None), ("2021-05-31", 1), ("2021-05-02", 1), ("2021-05-01", None)]
)
def test_an_invoice_rolls_on_the_day_on_which_it_is_over_the_bucket(owes, due, found):
    row = owes([("2021-04-01", due, 1.0, "a")])
    assert row["bills_roll_30_30d"] == pytest.approx(found if found is not None else math.nan, nan_ok=True)


def test_invoices_roll_on_from_thirty_days_to_sixty(owes):
    bills = [("2021-03-01", "2021-04-20", 1.0, "a"), ("2021-03-01", "2021-04-21", 1.0, "b")]
    row = owes(bills, [("a", "2021-06-10", 1.0)])
    assert (row["bills_roll_30_90d"], row["bills_roll_60_90d"]) == (1, 1 / 2)


def test_changes_compare_what_fell_due(owes):
    row = owes([("2021-01-01", "2021-06-20", 30.0, "a"), ("2021-01-01", "2021-05-20", 60.0, "b")])
    assert row["bills_count_change_30_90d"] == pytest.approx(3 * 1 / 2)
    assert row["bills_sum_change_30_90d"] == pytest.approx(3 * 30 / 90)


def test_an_invoice_of_the_as_of_date_is_not_known(owes):
    assert owes([("2021-07-01", "2021-08-01", 100.0, "a")])["bills_owed_now"] == 0


def test_of_a_customer_without_invoices_nothing_is_owed_and_habits_are_missing(owes):
    row = owes([("2021-07-01", "2021-08-01", 100.0, "a")])
    assert (row["bills_dpd_now"], row["bills_overdue_now"], row["bills_count_90d"], row["bills_sum_30d"]) == (
        0,
        0,
        0,
        0,
    )
    assert row[["bills_since_late", "bills_worst_dpd_90d", "bills_late_90d", "bills_roll_30_90d"]].isna().all()


def test_an_invoice_without_an_amount_is_open_until_something_is_paid(owes):
    row = owes(
        [("2021-05-01", "2021-06-01", None, "a"), ("2021-05-01", "2021-06-11", None, "b")], [("b", "2021-06-21", 5.0)]
    )
    assert (row["bills_dpd_now"], row["bills_overdue_now"], row["bills_worst_dpd_30d"], row["bills_mean_dpd_30d"]) == (
        30,
        0,
        30,
        20,
    )


def test_an_invoice_without_a_due_date_does_not_count(owes):
    assert owes([("2021-05-01", None, 100.0, "a")])["bills_owed_now"] == 0


def test_a_credit_note_is_no_invoice(owes):
    row = owes([("2021-05-01", "2021-06-20", 100.0, "a"), ("2021-05-01", "2021-06-21", -30.0, "b")])
    assert (row["bills_count_30d"], row["bills_sum_30d"], row["bills_late_30d"], row["bills_owed_now"]) == (
        1,
        100,
        1,
        100,
    )


def test_a_payment_of_an_unknown_invoice_settles_nothing(owes):
    assert owes([("2021-05-01", "2021-06-01", 100.0, "a")], [("z", "2021-05-20", 100.0)])["bills_owed_now"] == 100


def test_a_payment_needs_no_customer_its_invoice_has_one(looked_at):
    bills = ("invoices", "customer day due amount invoice", [(1, "2021-05-01", "2021-06-01", 100.0, "a")])
    paid = ("payments", "customer invoice day amount", [(None, "a", "2021-05-05", 100.0), (1, "b", "2021-05-05", 1.0)])
    assert looked_at({"bills": bills, "paid": paid}).iloc[0]["bills_owed_now"] == 0


def test_an_invoice_may_say_itself_when_it_was_paid(settles):
    row = settles(
        ("2021-05-01", "2021-06-01", 100.0, "2021-06-11", 100.0),
        ("2021-05-01", "2021-06-02", 50.0, "2021-05-20", 20.0),
        ("2021-05-01", "2021-06-03", 10.0, "2021-07-01", 10.0),
        ("2021-05-01", "2021-06-04", 5.0, None, None),
    )
    assert (row["bills_dpd_now"], row["bills_owed_now"]) == (29, 30 + 10 + 5)
    assert (row["bills_late_30d"], row["bills_part_30d"]) == (1, 1 / 4)


def test_an_invoice_paid_without_saying_how_much_was_paid_whole(settles):
    paid = ("2021-05-01", "2021-06-01", 100.0, "2021-05-11", None)
    assert settles(paid)["bills_owed_now"] == settles(paid, part=False)["bills_owed_now"] == 0


def test_without_payments_an_invoice_stays_open(looked_at):
    bills = ("invoices", "customer day due amount", [(1, "2021-05-01", "2021-06-01", 100.0)])
    row = looked_at({"bills": bills}).loc[1]
    assert (row["bills_dpd_now"], row["bills_overdue_now"], row["bills_late_30d"]) == (30, 100, 1)
