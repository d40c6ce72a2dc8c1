"""The shop's database: SQLite, created and filled on first use.

It is `support.sqlite` in the user's state folder, or the file that the environment variable JURAT_SUPPORT_DB names.
The example starts afresh each day, so that order 1042 always is twelve days old.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

from platformdirs import user_state_path

SCHEMA = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, postcode TEXT NOT NULL, tier TEXT NOT NULL
);
CREATE TABLE orders (
    id TEXT PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers, status TEXT NOT NULL, placed_on TEXT NOT NULL,
    total_cents INTEGER NOT NULL CHECK (total_cents >= 0)
);
CREATE TABLE items (
    order_id TEXT NOT NULL REFERENCES orders, name TEXT NOT NULL, quantity INTEGER NOT NULL, price_cents INTEGER NOT NULL
);
CREATE TABLE refunds (
    order_id TEXT PRIMARY KEY REFERENCES orders, amount_cents INTEGER NOT NULL, paid_on TEXT NOT NULL
);
CREATE TABLE upgrades (name TEXT PRIMARY KEY, benefit TEXT NOT NULL, price_cents INTEGER NOT NULL);
CREATE TABLE notes (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers, text TEXT NOT NULL);
CREATE TABLE handovers (ticket INTEGER PRIMARY KEY, opened_on TEXT NOT NULL, session TEXT NOT NULL);
CREATE TABLE filled (day TEXT NOT NULL);
"""

CUSTOMERS = [
    (1, "Mira Lindqvist", "10115", "gold"),
    (2, "Jonas Weber", "20095", "standard"),
    (3, "Aiko Tanaka", "80331", "silver"),
    (4, "Samuel Osei", "50667", "platinum"),
    (5, "Elena Rossi", "60311", "standard"),
]
PRODUCTS = [
    ("rain jacket", 12900), ("wool socks", 1495), ("two-person tent", 34900), ("head torch", 3950),
    ("sleeping bag", 18900), ("camping stove", 6450), ("trekking poles", 7900), ("down parka", 59900),
]  # fmt: skip
STATUSES = ["delivered", "shipped", "processing", "delivered", "cancelled"]
UPGRADES = [
    ("Express delivery", "next-day delivery for a year", 4900),
    ("Extended warranty", "five years of warranty on every item", 7900),
    ("Rental club", "two free equipment rentals a year", 11900),
]
NOTES = [
    (1, "Called about a zip. Paid with card 4111 1111 1111 1111."),
    (2, "Asked for an invoice. Gave SSN 078-05-1120 although nobody asked."),
    (3, "Prefers e-mail."),
]


def today() -> date:
    """The day where the shop is."""
    return datetime.now().astimezone().date()


@contextmanager
def connect() -> Iterator[sqlite3.Connection]:
    """A connection whose changes are kept together, or not at all when an error leaves the block."""
    path = Path(os.environ.get("JURAT_SUPPORT_DB") or user_state_path("jurat") / "support.sqlite")
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN IMMEDIATE")
        try:
            _fill_once_a_day(connection)
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _fill_once_a_day(connection: sqlite3.Connection) -> None:
    tables = [row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    day = today().isoformat()
    if "filled" in tables and connection.execute("SELECT day FROM filled").fetchone()["day"] == day:
        return
    for table in reversed([line.split()[2] for line in SCHEMA.splitlines() if line.startswith("CREATE TABLE")]):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute("INSERT INTO filled VALUES (?)", [day])
    connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?)", CUSTOMERS)
    connection.executemany("INSERT INTO upgrades VALUES (?, ?, ?)", UPGRADES)
    connection.executemany("INSERT INTO notes (customer, text) VALUES (?, ?)", NOTES)
    for number in range(1001, 1051):
        _insert_order(connection, number)


def _insert_order(connection: sqlite3.Connection, number: int) -> None:
    """An order made from its number: every third of them is older than the 30 days of the return policy."""
    items = [(PRODUCTS[number % 8], 1), (PRODUCTS[(number // 8 + 1) % 8], 1 + number % 2)]
    customer, status, age = 1 + number % 5, STATUSES[number % 5], (number * 11) % 45
    if number == 1042:
        items, customer, status, age = [(PRODUCTS[0], 1), (PRODUCTS[1], 2)], 1, "delivered", 12
    total = sum(price * quantity for (_, price), quantity in items)
    placed_on = (today() - timedelta(days=age)).isoformat()
    connection.execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", [str(number), customer, status, placed_on, total])
    rows = [(str(number), name, quantity, price) for (name, price), quantity in items]
    connection.executemany("INSERT INTO items VALUES (?, ?, ?, ?)", rows)
