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
from riskml.data.simulate.data_errors import HAPPENED, RECORDED, recorded, soiled
from riskml.data.simulate.events import of_first
from riskml.data.simulate.market import Market
from riskml.data.simulate.orders import invoice_rows, order_rows, payment_rows
from riskml.data.simulate.service import contact_rows, login_rows, ticket_rows
from riskml.data.simulate.settings import BLOCK, Book
from riskml.data.simulate.tables import arrow_table
from riskml.data.simulate.trajectories import draw_traits, live
from riskml.data.simulate.true_risk import truth_rows

# The place of a part's random numbers among a block's: a part that draws more or fewer leaves the others as they are.
# New ones go to the end.
_STREAMS = (
    *("traits", "lives", "accounts", "balances", "bureau", "orders", "invoices", "payments"),
    *("tickets", "contacts", "logins", "late", "dirty"),
)


@dataclass(frozen=True)
class Block:
    """The tables of a block's customers, in Arrow, and how many of their rows are dirty, by table and kind."""

    tables: dict[str, Any]
    dirty: dict[str, Counter[str]]


def generator(book: Book, *place: int) -> np.random.Generator:
    """Return the random numbers of a place in a book: 0 is the market, and 1 the first block."""
    return np.random.default_rng(np.random.SeedSequence(book.seed, spawn_key=place))


def simulate_block(book: Book, calendar: Calendar, drawn: Market, block: int) -> Block:
    """Simulate one block of customers."""

    def rng(stream: str, table: int = 0) -> np.random.Generator:
        return generator(book, block + 1, _STREAMS.index(stream), table)

    number = block * BLOCK + 1
    lives = live(book, calendar, drawn, draw_traits(calendar, rng("traits")), rng("lives"))
    held = draw_accounts(lives, calendar, rng("accounts"))
    orders = order_rows(lives, calendar, number, rng("orders"))
    invoices = invoice_rows(orders, lives, calendar, rng("invoices"))
    rows = {
        "customers": customer_rows(lives, held, calendar),
        "orders": orders,
        "invoices": invoices,
        "payments": payment_rows(invoices, lives, calendar, book.switches.late_payers, rng("payments")),
        "balances": balance_rows(lives, held, calendar, rng("balances")),
        "tickets": ticket_rows(lives, calendar, number, rng("tickets")),
        "contacts": contact_rows(lives, calendar, rng("contacts")),
        "logins": login_rows(lives, calendar, rng("logins")),
        "limits": limit_rows(lives, held, calendar),
        "bureau": bureau_rows(lives, calendar, rng("bureau")),
        "statuses": status_rows(lives, calendar),
        "truth": truth_rows(book, calendar, lives),
    }
    # The last block is simulated whole and cut: its customers, too, are the same in a book of any size.
    present = min(BLOCK, book.customers - block * BLOCK)
    dirty = {}
    for place, table in enumerate(HAPPENED):
        if table in RECORDED:
            rows[table] = recorded(table, rows[table], book.switches.late, calendar, rng("late", place))
        if book.switches.dirty:
            rows[table], dirty[table] = soiled(table, rows[table], book.switches.dirty, present, rng("dirty", place))
        else:
            rows[table] = of_first(rows[table], present)
    rows |= {table: of_first(found, present) for table, found in rows.items() if table not in HAPPENED}
    return Block({name: arrow_table(name, found, number) for name, found in rows.items()}, dirty)
