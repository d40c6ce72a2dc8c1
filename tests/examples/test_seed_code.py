"""The examples hold the seed's code word for word, but for what examples/seed/README.md names."""

from __future__ import annotations

import hashlib
import re
import textwrap

import pytest
from tests.examples.rehearsal import SEED

BLOCK = re.compile(r"# --- block (\d+) of the seed, word for word ---\n(.*?)# --- its end ---\n", re.DOTALL)
SHA256 = {
    1: "d3d5074b442e6383ed5e6f3d581172be77f38ea62fd00f08d9df83239ee9296a",
    2: "03886deaa1635ec22ab8faab0e835d727dadad4c3dd08b50e55dbdb7f7ae7392",
    3: "83079a566a01e063ba75f7045ee849389348821b78e31f1f0ef9bb6e0b4b4362",
    4: "55ab9f5aebae9f54becdd50f5804a7d8ec4f55ffd9210ae429290fec7c32188b",
    5: "26e978ddf5507e1e16fc0b7230878db4c66838d33db2ba7a70c13a062ebe10f4",
    6: "79f87e1b99a106819fc7d96a2d0068ab27c3bb2087ec8a6b9bfda278d569a96c",
    7: "d805d1914b9c2b52397ac85891c3a546b8ab51fd967f3d7c19347b53edc59aeb",
    8: "aa743546784155a1a16bc42a5c30ebee86028ff6b2a0dad683b4a407eec03649",
    9: "d1de0bf1a358c95c07d622642d9b7002a9690071e48913cc3b559b4f30826d98",
    10: "5d8b2336e47bb5c953b9a8c4a86959cd36cebf0bb715ac6808ce4c0400e26ad2",
    11: "dcd7a07d6f922d98ee1d65ff94ca8aedf03078080c9802a09a5ae8620fc7f82e",
    12: "8dc894c4efefa998bd8216f81ca714110f768697a5a5a75a9e096f8a66980666",
    13: "a2126d8cef43f346bf9058431a8d6868e09be409706c73c5a9d91db0a03d83b2",
    14: "eaed587b8724c2139eba20486b630b5f68e0500503125fab8017bc1411125fc6",
    15: "dacc52423375039043adeeb7ffe806e87f017665bba6e17a4953d309b5558304",
    16: "01f8ad7a71db3307adfe590e8eabf2f675c24eca54d537adb73d35f29b5b18c9",
}
"""Of each block of the seed that defines an agent, a guideline, a journey, a tool or a server."""

QUICK_START = "72376b43dc5edb910f34bf80abca5082f5eb93989da23e0c904526afd2c0b384"
TOP_LEVEL = (1, 4)
"""Blocks that await at their top level, which only an interactive interpreter takes: each stands in a function."""


def blocks() -> dict[int, str]:
    """The seed's code in the examples, what was changed in it changed back."""
    found: dict[int, str] = {}
    for path in sorted(SEED.glob("*.py")):
        for number, text in BLOCK.findall(path.read_text(encoding="utf-8")):
            found[int(number)] = as_written(int(number), text.rstrip("\n") + "\n")
    return found


def as_written(number: int, text: str) -> str:
    if number in TOP_LEVEL:
        text = textwrap.dedent(text.partition("\n")[2])
    text = text.replace("import jurat.sdk as p", "import parlant.sdk as p")
    return text.replace('f"{SHIPPING_API}/track/', 'f"https://api.shipping.com/track/')


@pytest.mark.parametrize("number", SHA256)
def test_a_block_stands_in_an_example_word_for_word(number: int) -> None:
    assert hashlib.sha256(blocks()[number].encode()).hexdigest() == SHA256[number]


def test_the_quick_start_is_the_seeds_last_block() -> None:
    shell = (SEED / "quick_start.sh").read_text(encoding="utf-8")
    written = shell.replace("import jurat.sdk as p", "import parlant.sdk as p")
    assert hashlib.sha256(written.encode()).hexdigest() == QUICK_START
