"""Try every hostile input, print what was tried by kind, and list what failed."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.hostile.case import Case, Result, emptied, try_case
from tests.hostile.kinds import all_cases

CASES = all_cases()
PLACES = {(case.kind, case.name): place for place, case in enumerate(CASES)}


def tried(cases: Sequence[Case]) -> list[Result]:
    """Try cases in two processes, each in a folder of its own."""
    places = [PLACES[case.kind, case.name] for case in cases]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        return [
            Result(case, failures, seconds)
            for case, (failures, seconds) in zip(cases, pool.map(_tried, places, chunksize=5), strict=True)
        ]


def _tried(place: int) -> tuple[tuple[str, ...], float]:
    with tempfile.TemporaryDirectory(prefix="riskml-hostile-") as folder:
        result = try_case(CASES[place], Path(folder))
        emptied(Path(folder))
    return result.failures, result.seconds


def main() -> int:
    """Return 1 if an input did harm."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("kinds", nargs="*", help="kinds to try (default: all)")
    chosen = parser.parse_args().kinds
    by_kind: dict[str, list[Case]] = {}
    for case in CASES:
        by_kind.setdefault(case.kind, []).append(case)
    results: list[Result] = []
    print(f"{'kind':<14}{'tried':>7}{'held':>7}{'failed':>8}{'seconds':>9}")
    for kind, cases in by_kind.items():
        if not chosen or kind in chosen:
            of_kind = tried(cases)
            _show(kind, of_kind)
            results += of_kind
    _show("all", results)
    failed = [result for result in results if result.failures]
    for result in failed:
        print(f"\n{result.case.kind}: {result.case.name}\n  " + "\n  ".join(result.failures))
    return int(bool(failed))


def _show(kind: str, results: Sequence[Result]) -> None:
    bad, seconds = sum(bool(result.failures) for result in results), sum(result.seconds for result in results)
    print(f"{kind:<14}{len(results):>7}{len(results) - bad:>7}{bad:>8}{seconds:>9.1f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
