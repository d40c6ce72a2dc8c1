"""A small clinic: its calendar and its laboratory, in SQLite. CLINIC_DB names the file; without it there is one a run."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OWN = tempfile.TemporaryDirectory(prefix="clinic-")
SCHEMA = """
CREATE TABLE slots (name TEXT PRIMARY KEY, week INTEGER, patient TEXT);
CREATE TABLE results (patient TEXT PRIMARY KEY, report TEXT, fine INTEGER);
INSERT INTO slots VALUES ('Monday 9:30', 1, NULL), ('Tuesday 14:00', 1, NULL), ('Thursday 11:15', 1, NULL);
INSERT INTO slots VALUES ('Monday 8:00', 2, NULL), ('Friday 16:45', 2, NULL);
INSERT INTO results VALUES ('mina', 'blood count and cholesterol are within their ranges', 1);
INSERT INTO results VALUES ('juno', 'iron is below its range', 0);
"""


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    """The clinic's database; what was done in it is kept."""
    path = Path(os.environ.get("CLINIC_DB") or Path(_OWN.name) / "clinic.sqlite")
    fresh = not path.exists()
    connection = sqlite3.connect(path, timeout=10)
    try:
        if fresh:
            connection.executescript(SCHEMA)
        yield connection
        connection.commit()
    finally:
        connection.close()


def free_slots(week: int) -> list[str]:
    """The times that nobody has in a week, this one being the first."""
    with database() as clinic:
        rows = clinic.execute("SELECT name FROM slots WHERE week = ? AND patient IS NULL ORDER BY rowid", (week,))
        return [name for (name,) in rows]


def take_slot(name: str, patient: str) -> bool:
    """Give a time to a patient; whether it was free."""
    with database() as clinic:
        taken = clinic.execute("UPDATE slots SET patient = ? WHERE name = ? AND patient IS NULL", (patient, name))
        return taken.rowcount == 1


def results_of(patient: str) -> tuple[str, bool] | None:
    """A patient's report and whether it is fine; None where there is none yet."""
    with database() as clinic:
        row = clinic.execute("SELECT report, fine FROM results WHERE patient = ?", (patient,)).fetchone()
        return None if row is None else (row[0], bool(row[1]))
