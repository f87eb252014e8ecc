"""`python -m benchmarks.run [CASE…]`: dubash beside its peers, in turn, on the same rows.

Each side is a process of its own that lives through the case and has all cores while it works; the
other sleeps. The first round of each is warm-up. A ratio is theirs / ours in seconds for the same
work (for memory: ours / theirs in peak), the median over the pairs. A case whose sides did not do
the same work, by their tokens and their loss, is invalid and has no number.

`--device cuda` runs the training cases on a GPU (TRL packed with Liger among them) and adds model
FLOPs to the report. It was never run on one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from benchmarks.cases import CASES, chosen
from benchmarks.measure import Settings, Tried, measure
from benchmarks.report import as_text, write_report
from benchmarks.rows import has_manythings
from dubash.core.errors import UserError
from dubash.core.files import read_json, write_json
from dubash.core.progress import say

RESULTS = Path(__file__).parent / "results.json"


def main(arguments: list[str] | None = None) -> int:
    """The command; the exit code."""
    asked = _parser().parse_args(arguments)
    if asked.list:
        for case in CASES.values():
            wish = "" if case.wanted is None else f" (wanted: {case.wanted:g})"
            print(f"{case.name:28} {case.work}: {case.peer}{wish}")
        return 0
    rows = asked.rows
    if rows == "manythings" and not has_manythings():
        say("  no manythings rows on this machine: lengths are drawn log-normal instead")
        rows = "lognormal"
    settings = Settings(
        asked.pairs, rows, asked.per_round, asked.dtype, asked.device, asked.seed,
        asked.peak_tflops,
    )  # fmt: skip
    tried: Tried = {}
    try:
        for case in chosen(asked.cases, asked.device):
            keep(asked.out, measure(case, settings, tried))
            write_report(asked.out)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(as_text(list(read_json(asked.out)["cases"].values())))
    return 0


def keep(path: Path, result: dict[str, Any]) -> None:
    """Put a case's result into the file, over an older one of the same case, precision and rows."""
    before = read_json(path)["cases"].values() if path.exists() else []
    found = {
        f"{each['case']} {each['dtype']} {each['rows']['source']}": each
        for each in (*before, result)
    }
    order = {name: number for number, name in enumerate(CASES)}

    def place(item: tuple[str, dict[str, Any]]) -> tuple[int, bool, bool]:
        each = item[1]
        drawn = each["rows"]["source"] == "lognormal"
        return order[each["case"]], each["dtype"] != "fp32", drawn

    write_json(path, {"cases": dict(sorted(found.items(), key=place))})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "cases", nargs="*", metavar="CASE",
        help="see --list; all of which something was promised, unless named",
    )  # fmt: skip
    parser.add_argument("--list", action="store_true", help="name the cases")
    parser.add_argument("--pairs", type=int, default=5, help="counted rounds of each side")
    parser.add_argument("--rows", choices=["manythings", "lognormal"], default="manythings",
                        help="where the rows' lengths come from")  # fmt: skip
    parser.add_argument("--per-round", type=int, help="rows in a round, unless as in the case")
    parser.add_argument("--dtype", choices=["fp32", "bf16"], default="fp32",
                        help="of both sides")  # fmt: skip
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu",
                        help="cuda was never run")  # fmt: skip
    parser.add_argument("--peak-tflops", type=float, help="of the device in this precision, for "
                        "model FLOPs utilisation")  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="of rows, order and adapters")
    parser.add_argument("--out", type=Path, default=RESULTS, help="results.json to add to")
    return parser


if __name__ == "__main__":
    sys.exit(main())
