"""An airline's flights and bookings, in SQLite. FLIGHTS_DB names the file; without it there is one a run."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OWN = tempfile.TemporaryDirectory(prefix="flights-")
SCHEMA = """
CREATE TABLE flights (number TEXT PRIMARY KEY, destination TEXT, day TEXT, price INTEGER, seats INTEGER, late INTEGER);
CREATE TABLE bookings (reference TEXT PRIMARY KEY, number TEXT, name TEXT, state TEXT);
INSERT INTO flights VALUES ('K17', 'Lisbon', '3 May', 210, 4, 0), ('K23', 'Lisbon', '4 May', 180, 1, 0);
INSERT INTO flights VALUES ('K41', 'Lisbon', '19 May', 150, 9, 1), ('K90', 'Oslo', '5 May', 130, 7, 0);
INSERT INTO bookings VALUES ('R1001', 'K17', 'Guest', 'confirmed'), ('R1002', 'K90', 'Guest', 'waiting for payment');
"""


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    """The airline's database; what was done in it is kept."""
    path = Path(os.environ.get("FLIGHTS_DB") or Path(_OWN.name) / "flights.sqlite")
    fresh = not path.exists()
    connection = sqlite3.connect(path, timeout=10)
    try:
        if fresh:
            connection.executescript(SCHEMA)
        yield connection
        connection.commit()
    finally:
        connection.close()


def destinations() -> list[str]:
    """Where flights go."""
    with database() as airline:
        return [name for (name,) in airline.execute("SELECT DISTINCT destination FROM flights ORDER BY 1")]


def flights_to(destination: str, *, late: bool) -> list[str]:
    """The flights with free seats, soon or late."""
    query = "SELECT number, day, price FROM flights WHERE destination = ? AND late = ? AND seats > 0 ORDER BY day"
    with database() as airline:
        rows = airline.execute(query, (destination, late)).fetchall()
    return [f"{number} on {day} for {price}" for number, day, price in rows]


def book(number: str, name: str) -> str | None:
    """Take a seat; the booking's reference, or None where there is no seat."""
    with database() as airline:
        took = airline.execute("UPDATE flights SET seats = seats - 1 WHERE number = ? AND seats > 0", (number,))
        if took.rowcount != 1:
            return None
        (bookings,) = airline.execute("SELECT COUNT(*) FROM bookings").fetchone()
        reference = f"R{1001 + bookings}"
        airline.execute("INSERT INTO bookings VALUES (?, ?, ?, 'confirmed')", (reference, number, name))
        return reference


def booking(reference: str) -> tuple[str, str] | None:
    """A booking's flight and state."""
    with database() as airline:
        row = airline.execute("SELECT number, state FROM bookings WHERE reference = ?", (reference,)).fetchone()
        return None if row is None else (row[0], row[1])
