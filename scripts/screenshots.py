#!/usr/bin/env python3
"""Takes the pictures of docs/pages.md: the example is served with a script in the place of a model, and a browser visits it.

    python scripts/screenshots.py            writes docs/screenshots/*.png
    python scripts/screenshots.py --to DIR   writes them elsewhere

It needs Chromium (scripts/programs.sh installs it) and the environment of the tests.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.server.browser import Page, browser  # noqa: E402 - the repository has to be found first
from tests.server.pages.visiting import HELD, KEY, enter, go, inspect, say  # noqa: E402

SCRIPT = r"""
judge:
  asks_refund: [refund, money back]
  accepts_refund: [pay it out]
  wants_human: [manager]
  asks_upgrade: [upgrade]
  asks_order_status: 0.08
  reports_account_problem: 0.42
arguments:
  check_order_status: {order_id: '\b\d{4}\b'}
  verify_return_policy: {order_id: '\b\d{4}\b'}
  verify_identity: {order_id: '\b\d{4}\b', postcode: '\b\d{5}\b'}
replies:
  - Order 1042 can still be refunded. That would be 158.90 euros. Shall I pay it out?
  - The 158.90 euros for order 1042 are paid out, and on their way to you.
  - >-
    There are three upgrades. Express delivery costs 49.00 euros a year, the extended warranty 79.00 euros, and the rental
    club 119.00 euros.
  - I understand that you are upset. A colleague takes over now.
  - Order 1042 can still be refunded.
"""
MESSAGES = (
    "I want my money back for order 1042",
    "Yes, pay it out. My postcode is 10115.",
    "Can I have an upgrade?",
    "And that other refund? Get me a manager",
)
BYTES = 200_000
"""That a picture may have."""


def main() -> None:
    """Serve, visit, and save a picture of each page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=ROOT / "docs/screenshots", metavar="DIR")
    to: Path = parser.parse_args().to
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server, browser() as page:
        second_version(server)
        for name in visit(page, server, to):
            size = (to / f"{name}.png").stat().st_size
            print(f"{name}.png: {size:,} bytes")
            assert size < BYTES, f"{name}.png has {size:,} bytes, and {BYTES:,} are allowed"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a server of its own, with a database that nobody else writes to."""
    (folder / "script.yaml").write_text(SCRIPT)
    places = {
        "JURAT_SUPPORT_DB": folder / "shop.sqlite",
        "JURAT_CACHE": folder / "cache",
        "JURAT_DATA": folder / "data",
    }
    environment = {**os.environ, **{name: str(place) for name, place in places.items()}, "JURAT_API_KEY": KEY}
    command = [sys.executable, "-m", "jurat", "serve", "examples/support", "--script", str(folder / "script.yaml")]
    with subprocess.Popen(
        [*command, "--port", "0"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().partition(" at ")[2].split()[0]
        finally:
            process.terminate()


def second_version(server: str) -> None:
    """A version that asks for a review of smaller refunds, so that there is something to compare."""
    with httpx2.Client(base_url=server, headers=HELD, timeout=120) as client:
        files = client.get("/v1/versions/1").json()["files"]
        files["policy.yaml"] = (
            files["policy.yaml"].replace("order.total > 500", "order.total > 300").replace("above 500", "above 300")
        )
        made = client.post("/versions", json={"files": files, "comment": "Review refunds from 300 euros on"})
        assert made.status_code == 201, made.text


def scroll_to(page: Page, title: str) -> None:
    """Have a part of a turn at the top."""
    found = f"[...document.querySelectorAll('.turn h3')].find((each) => each.textContent.startsWith('{title}'))"
    page.value(f"{found}.scrollIntoView()")


def visit(page: Page, server: str, to: Path) -> Iterator[str]:
    """Go through the pages as a person would; the names of the pictures taken."""

    def taken(name: str) -> str:
        page.value("document.activeElement?.blur()")
        page.value(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )  # scrolled, and drawn
        page.picture(to / f"{name}.png")
        return name

    page.size(1280, 800)
    enter(page, server)
    for message in MESSAGES[:2]:
        say(page, message)
    yield taken("chat")
    for message in MESSAGES[2:]:
        say(page, message)
    session = page.value("sessionStorage.getItem('session')")
    inspect(page, session, 4)
    page.value(
        "document.getElementById('why-not').value = 'refund-check'; document.querySelector('.turn form').requestSubmit()"
    )
    page.wait("document.querySelector('.answer .card')")
    yield taken("inspector")
    inspect(page, session, 1)
    scroll_to(page, "What the model")
    yield taken("judged")
    inspect(page, session, 2)
    scroll_to(page, "Time")
    yield taken("time")
    go(page, "#/policy/refund-review", "article")
    page.wait("document.querySelector('.box-of.current')")
    yield taken("policy")
    go(page, "#/versions/2/1", "#texts .diff")
    page.wait("document.querySelector('#behaviour .card')", 100)
    page.value("document.querySelector('#texts').scrollIntoView()")
    yield taken("versions")
    page.size(360, 740)
    page.dark()
    inspect(page, session, 1)
    yield taken("phone")


if __name__ == "__main__":
    main()
