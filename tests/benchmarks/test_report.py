"""The page of results: what holds, what does not, what is not measured yet."""

from pathlib import Path

from benchmarks.report import markdown, write_report
from benchmarks.run import keep

from dubash.core.files import read_json

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SUM = {"rows": 8, "tokens": 100, "supervised": 40, "loss": 280.0}


def result(**changes):
    answer = {"seconds": 2.0, "peak_mb": 100.0, **SUM}
    pair = {"ours": answer, "theirs": answer, "ratio": 5.5, "first": "ours", "load": 0.1}
    models = {"title": "tiny", "parameters": 10}
    return {
        "case": "gemma-trainer", "work": "full", "peer": "Trainer", "kind": "train", "wanted": 5.0,
        "rows": {"source": "lognormal", "count": 8, "seed": 1, "prompt_tokens": 60,
                 "target_tokens": 40},
        "models": {"ours": models, "theirs": models}, "dtype": "fp32", "device": "cpu",
        "threads": 2, "machine": {"processor": "x", "cores": 2, "memory_gb": 8.0},
        "date": "2026-01-01", "commit": None, "command": "python -m benchmarks.run",
        "ours": {}, "theirs": {}, "pairs": [pair], "check": {"difference": 1e-7, "invalid": ""},
        "invalid": "", "median": 5.5, "low": 5.1, "high": 5.9, "holds": True, **changes,
    }  # fmt: skip


def test_the_report_says_what_holds_and_gives_no_number_for_an_invalid_case(tmp_path):
    invalid = result(case="gemma-trl", invalid="losses differ by 0.3", holds=None)
    keep(tmp_path / "results.json", result(holds=False, wanted=6.0))
    keep(tmp_path / "results.json", invalid)
    keep(tmp_path / "results.json", result())
    real = {**result()["rows"], "source": "manythings"}
    keep(tmp_path / "results.json", result(rows=real, median=4.1, low=4.0, high=4.2, holds=False))
    write_report(tmp_path / "results.json")
    page = (tmp_path / "RESULTS.md").read_text()
    assert page.count("| full | Trainer |") == 3
    assert "| full | Trainer | manythings | fp32 | 4.10× (4.00–4.20) | 1 | ≥ 5× | **no** |" in page
    assert "| 5.50× (5.10–5.90) | 1 | ≥ 5× | yes |" in page
    assert "invalid (losses differ by 0.3) | 1 | ≥ 5× | – |" in page
    picture = (tmp_path / "results.svg").read_text()
    assert picture.startswith("<svg")
    assert "gemma-trainer" in picture
    assert "gemma-trl" not in picture


def test_a_peer_without_memory_is_a_bound(tmp_path):
    page = markdown([result(kind="memory", note="ran out", median=0.2, low=0.2, high=0.2)])
    assert "| ≤ 0.20 (0.20–0.20) | 1 | ≤ 5 |" in page


def test_what_was_promised_and_not_measured_is_named():
    page = markdown([result()])
    assert "not measured yet" in page
    assert "- peak memory, Gemma-3-270M full, steps of 8,192 tokens | HF Trainer, one batch" in page
    assert "- full fine-tuning, Gemma-3-270M shape | HF Trainer default" not in page


def test_a_setup_timed_again_shows_its_rounds():
    tried = {"packed-256": {"seconds": 25.3, "again": [31.2, 29.9]}, "grouped": {"seconds": 40.0}}
    page = markdown([result(tried=tried, variant="packed-256")])
    assert "packed-256 25.30s (again 31.20s, 29.90s), grouped 40.00s; taken: packed-256" in page


def test_the_page_and_the_picture_are_those_of_the_results(tmp_path):
    (tmp_path / "results.json").write_bytes((BENCHMARKS / "results.json").read_bytes())
    write_report(tmp_path / "results.json")
    for name in ("RESULTS.md", "results.svg"):
        assert (tmp_path / name).read_text() == (BENCHMARKS / name).read_text(), name
    assert read_json(BENCHMARKS / "results.json")["cases"]


def test_the_readme_shows_what_was_measured():
    page = (BENCHMARKS / "RESULTS.md").read_text()
    table = (BENCHMARKS.parent / "README.md").read_text().split("<!-- speed -->")[1]
    rows = [line for line in table.splitlines() if line.endswith("× |")]
    assert len(rows) >= 6
    for row in rows:
        assert row.removesuffix(" |") + " (" in page, row
