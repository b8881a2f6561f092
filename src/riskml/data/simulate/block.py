"""All tables of one block of customers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskml.data.simulate.accounts import (
    balance_rows,
    bureau_rows,
    customer_rows,
    draw_accounts,
    limit_rows,
    status_rows,
)
from riskml.data.simulate.calendar import Calendar
from riskml.data.simulate.data_errors import HAPPENED, RECORDED, with_delays, with_errors
from riskml.data.simulate.events import first_customers
from riskml.data.simulate.market import Market
from riskml.data.simulate.orders import invoice_rows, order_rows, payment_rows
from riskml.data.simulate.service import contact_rows, login_rows, ticket_rows
from riskml.data.simulate.settings import BLOCK, Settings
from riskml.data.simulate.tables import arrow_table
from riskml.data.simulate.trajectories import draw_profiles, draw_trajectories
from riskml.data.simulate.true_risk import truth_rows

# Random streams of a block, by position: the number of draws of one does not change the others. Append new ones.
_STREAMS = (
    "profiles", "trajectories", "accounts", "balances", "bureau", "orders", "invoices", "payments", "tickets",
    "contacts", "logins", "late", "dirty",
)  # fmt: skip


@dataclass(frozen=True)
class Block:
    """The tables of a block's customers."""

    tables: dict[str, Any]  # Arrow tables
    dirty: dict[str, Counter[str]]  # rows with errors, by table and kind


def generator(settings: Settings, *place: int) -> np.random.Generator:
    """Return the random numbers of a part of the simulation: 0 is the market, and 1 the first block."""
    return np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=place))


def simulate_block(settings: Settings, calendar: Calendar, market: Market, block: int) -> Block:
    """Simulate one block of customers."""

    def rng(stream: str, table: int = 0) -> np.random.Generator:
        return generator(settings, block + 1, _STREAMS.index(stream), table)

    number = block * BLOCK + 1
    profile = draw_profiles(calendar, rng("profiles"))
    trajectories = draw_trajectories(settings, calendar, market, profile, rng("trajectories"))
    accounts = draw_accounts(trajectories, calendar, rng("accounts"))
    orders = order_rows(trajectories, calendar, number, rng("orders"))
    invoices = invoice_rows(orders, trajectories, calendar, rng("invoices"))
    rows = {
        "customers": customer_rows(trajectories, accounts, calendar),
        "orders": orders,
        "invoices": invoices,
        "payments": payment_rows(invoices, trajectories, calendar, settings.switches.late_payers, rng("payments")),
        "balances": balance_rows(trajectories, accounts, calendar, rng("balances")),
        "tickets": ticket_rows(trajectories, calendar, number, rng("tickets")),
        "contacts": contact_rows(trajectories, calendar, rng("contacts")),
        "logins": login_rows(trajectories, calendar, rng("logins")),
        "limits": limit_rows(trajectories, accounts, calendar),
        "bureau": bureau_rows(trajectories, calendar, rng("bureau")),
        "statuses": status_rows(trajectories, calendar),
        "truth": truth_rows(settings, calendar, trajectories),
    }
    # The last block is simulated completely and cut, so that its customers do not depend on their number.
    present = min(BLOCK, settings.customers - block * BLOCK)
    switches, dirty = settings.switches, {}
    for place, table in enumerate(HAPPENED):
        if table in RECORDED:
            rows[table] = with_delays(table, rows[table], switches.late, calendar, rng("late", place))
        if switches.dirty:
            rows[table], dirty[table] = with_errors(table, rows[table], switches.dirty, present, rng("dirty", place))
        else:
            rows[table] = first_customers(rows[table], present)
    rows |= {table: first_customers(rows[table], present) for table in rows.keys() - HAPPENED.keys()}
    return Block({name: arrow_table(name, columns, number) for name, columns in rows.items()}, dirty)
