"""What `jurat check FOLDER` takes from files on disk to the printed report: `python benchmarks/solver/files.py [GUIDELINES …]`.

The command line as a process of its own, on a policy of many files: first with nothing remembered (an empty JURAT_CACHE),
then again, and then each time with one bound changed in one file.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from measuring import Took, heading, timed
from synthetic import policy_files

FILES = 100
EDITS = 5


def main() -> None:
    """Print one table row a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("guidelines", nargs="*", type=int, default=[1000, 10_000])
    sizes = parser.parse_args().guidelines
    print(heading("jurat"))
    print("| guidelines | files | cold | nothing changed | one file changed, median | slowest |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            print(row(size, Path(folder)), flush=True)


def row(size: int, home: Path) -> str:
    """One size."""
    folder = home / "policy"
    folder.mkdir()
    paths = [folder / f"topics-{number:03}.yaml" for number in range(FILES)]
    texts = policy_files(size, FILES)
    for path, text in zip(paths, texts, strict=False):
        path.write_text(text, encoding="utf-8")
    cold, again = (_checked(home) for _ in range(2))
    edits = sorted((_edited(home, path) for path in paths[:EDITS]), key=lambda took: took.wall)
    middle = Took(statistics.median(e.wall for e in edits), statistics.median(e.cpu for e in edits))
    return f"| {size:,} | {len(texts)} | {cold} | {again} | {middle} | {edits[-1]} |"


def _edited(home: Path, path: Path) -> Took:
    """Bring the last bound of the first topic down by one, which leaves the ranges apart."""
    text = path.read_text(encoding="utf-8")
    bound = re.search(r"amount < (1000)", text)
    assert bound is not None
    path.write_text(f"{text[: bound.start(1)]}999{text[bound.end(1) :]}", encoding="utf-8")
    return _checked(home)


def _checked(home: Path) -> Took:
    command = [sys.executable, "-m", "jurat", "check", str(home / "policy")]
    environment = {**os.environ, "JURAT_CACHE": str(home / "cache")}
    took, ran = timed(lambda: subprocess.run(command, env=environment, capture_output=True, check=False))
    if ran.returncode:
        raise SystemExit(ran.stderr.decode())
    return took


if __name__ == "__main__":
    main()
