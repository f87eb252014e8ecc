"""The report page: whole, closed to the network, and its numbers those of scores.json."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dubash.core.errors import DataError
from dubash.core.files import read_json, read_jsonl, write_json, write_jsonl
from dubash.core.run import RunFolder
from dubash.report import words
from dubash.report.html import write_report


class Page(HTMLParser):
    """What a browser would see: tags with attributes, visible text, scripts, `<data>` values."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.values: list[float] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag == "script":
            self.scripts.append("")
        if tag == "data":
            self.values.append(float(found["value"] or "nan"))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "script" in self._open:
            self.scripts[-1] += data
        elif "style" not in self._open:
            self.text += data

    @property
    def sections(self) -> list[str]:
        return [str(found.get("id")) for tag, found in self.tags if tag == "section"]


def page(run: RunFolder) -> Page:
    return Page(write_report(run).read_text(encoding="utf-8"))


def said(text: str) -> str:
    return " ".join(text.split())


def test_every_section_is_there(build_run: Any) -> None:
    found = page(build_run())
    assert found.sections == ["result", "worries", "rows", "behaviour", "training", "data", "run"]
    charts = [attributes for tag, attributes in found.tags if tag == "svg"]
    assert len(charts) == 9
    assert all(each["role"] == "img" and each["aria-labelledby"] for each in charts)
    names = [found["id"] for _, found in found.tags if "id" in found]
    assert len(names) == len(set(names))


def test_nothing_is_loaded_from_anywhere(build_run: Any) -> None:
    found = page(build_run())
    for tag, attributes in found.tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base"}
        assert "src" not in attributes
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
    policies = [each["content"] for tag, each in found.tags if "http-equiv" in each]
    assert len(policies) == 1
    assert "default-src 'none'" in str(policies[0])
    assert "unsafe" not in str(policies[0])


def test_the_policy_allows_exactly_the_page_s_own_style_and_script(build_run: Any) -> None:
    import base64
    import hashlib

    text = write_report(build_run()).read_text(encoding="utf-8")
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert style
    assert script
    for part in (style[1], script[1]):
        digest = base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        assert f"sha256-{digest}".replace("+", "&#43;") in text or f"sha256-{digest}" in text


def test_hostile_rows_stay_text(build_run: Any) -> None:
    run = build_run()
    found = page(run)
    assert len(found.scripts) == 2
    assert not any("alert(1)" in script for script in found.scripts[1:])
    assert "<script>" not in found.scripts[0]
    assert not [tag for tag, _ in found.tags if tag == "img"]
    # whole and unchanged once the browser has read the JSON
    assert json.loads(found.scripts[0])["rows"] == list(read_jsonl(run.rows))


def test_each_number_of_the_table_is_that_of_the_scores(build_run: Any) -> None:
    run = build_run()
    found, scores = page(run), read_json(run.scores)
    expected: list[float] = []
    for system in scores["systems"]:  # a row each, then one of the differences
        expected += [system["scores"][metric]["value"] for metric in ("chrf++", "bleu")]
        expected += [system["stops"][stop] for stop in ("end", "limit")]
        named = ("length_ratio", "tokens", "tokens_per_second", "seconds_per_segment")
        expected += [system[key] for key in named]
    expected += [scores["differences"]["S1"][metric]["value"] for metric in ("chrf++", "bleu")]
    assert found.values == pytest.approx(expected, rel=1e-12)
    for system in scores["systems"]:
        score = system["scores"]["chrf++"]
        assert f"[{score['low']:.1f}, {score['high']:.1f}]" in found.text
        assert score["signature"] in found.text
        assert f"{system['length_ratio']:.2f}" in found.text


def test_a_system_is_a_row_so_that_a_phone_shows_them_all_with_the_gain(build_run: Any) -> None:
    text = write_report(build_run()).read_text(encoding="utf-8")
    table = re.search(r'<table class="scores">.*?</table>', text, re.DOTALL)
    assert table
    heads = re.findall(r'<th scope="row">(?:<i [^>]*></i>)?(.*?) <small>', table[0])
    assert heads == ["S0", "S0-cut", "S1", "S1 − S0"]
    columns = re.findall(r'<th scope="col">(.*?) <small>', table[0])
    assert columns[:2] == ["chrF++", "BLEU"]
    rows = table[0].split("<tr")[2:]
    assert [row.count("<td") for row in rows] == [len(columns)] * len(heads)


def test_each_difference_says_which_form_of_s0_it_is_from(build_run: Any) -> None:
    run = build_run()
    text = said(page(run).text)
    for metric, form in (("chrf++", "S0-cut"), ("bleu", "S0")):
        change = read_json(run.scores)["differences"]["S1"][metric]
        assert change["against"] == form
        shown = f"+{change['value']:.1f} [+{change['low']:.1f}, +{change['high']:.1f}] p < 0.001"
        assert f"{shown} against {form} " in text
    assert "By sentence chrF++ against S0-cut" in text


def test_behaviour_is_told_by_what_was_seen_and_what_was_not(build_run: Any) -> None:
    run = build_run()
    found = page(run)
    counts = [system["behaviour"] for system in read_json(run.scores)["systems"]]
    seen = {flag for each in counts for flag, count in each.items() if count}
    assert seen
    assert set(counts[0]) - seen
    (_, unseen) = said(found.text).split("Looked for and found in no row: ")
    unseen = unseen.split(".")[0]
    for name in counts[0]:
        assert (words.flag(name) in unseen) == (name not in seen)
        assert words.flag(name) in found.text
    shown = json.loads(found.scripts[0])
    assert set(shown["warnings"]) <= set(shown["flags"])


def test_the_dev_metric_is_called_what_it_is(build_run: Any) -> None:
    text = page(build_run()).text
    assert "chrF++ on a sample of dev" in text
    assert not re.findall(r"chrF(?!\+\+)", re.sub(r"chrF2\+\+\S*", "", text))


def test_the_data_account_is_told(build_run: Any) -> None:
    run = build_run()
    text = said(page(run).text)
    account = read_json(run.data / "account.json")
    assert "1,172 rows read; 1,118 rows kept, 54 rows set aside." in text
    for reason in account["dropped"]:
        assert reason in text
    for split in account["splits"].values():
        assert split["fingerprint"] in text
    assert account["files"][0]["sha256"] in text
    assert "similarity 0.83" in text


def test_the_rows_are_sorted_and_marked_by_the_tuned_system(build_run: Any) -> None:
    run = build_run()
    scores = read_json(run.scores)
    scores["systems"].append({**scores["systems"][0], "name": "S1-merged"})
    write_json(run.scores, scores)
    found = page(run)
    assert json.loads(found.scripts[0])["judged"] == "S1"
    assert "most signs of trouble in S1" in found.text
    assert "those that S1 has not" in said(found.text)
    assert "most terms wrong in" in found.scripts[1]


def test_what_was_run_is_told(build_run: Any) -> None:
    text = said(page(build_run()).text)
    for piece in ("HuggingFaceTB/SmolLM2-135M-Instruct", "139,399,488", "AMD EPYC", "torch 2.13.0",
                  "f69366b0c1d2", "learning_rate: 0.001", "7.1 min in all"):  # fmt: skip
        assert piece in text


def test_no_home_folder_is_printed(build_run: Any) -> None:
    run = build_run()
    text = write_report(run).read_text(encoding="utf-8")
    assert "/home/" not in text
    assert str(Path.home()) + "/" not in text
    assert "~/corpora/en-es.tsv" in text


def test_a_prepared_run_says_what_is_missing(build_run: Any) -> None:
    found = page(build_run("prepared"))
    text = said(found.text)
    assert found.values == []
    assert "nothing is trained or scored yet" in text
    assert "There are no scores yet." in text
    assert "There are no scored rows to browse yet." in text
    assert "Nothing was trained in this run so far." in text


def test_a_trained_run_shows_its_curves_and_no_scores(build_run: Any) -> None:
    found = page(build_run("trained"))
    assert "Trained for 60 steps, not scored yet" in found.text
    titles = {str(each["aria-labelledby"]) for tag, each in found.tags if tag == "svg"}
    assert "fig-loss-t fig-loss-d" in titles
    assert "fig-chrfpp-t fig-chrfpp-d" not in titles


def test_a_run_with_only_s0_scored(build_run: Any) -> None:
    run = build_run()
    scores = read_json(run.scores)
    scores["systems"] = scores["systems"][:1]
    del scores["differences"]
    write_json(run.scores, scores)
    rows = list(read_jsonl(run.rows))
    for row in rows:
        row["systems"] = {"S0": row["systems"]["S0"]}
        row["gain"] = None
    write_jsonl(run.rows, rows)
    text = said(page(run).text)
    assert "Only one side is scored so far: S0 at" in text
    assert "beats" not in text
    assert "By sentence chrF++" not in text


def test_a_right_to_left_target_is_marked_as_such(build_run: Any) -> None:
    run = build_run()
    write_json(run.scores, read_json(run.scores) | {"target_language": "ar"})
    target = json.loads(page(run).scripts[0])["target"]
    assert target == {"code": "ar", "name": "Arabic", "dir": "rtl"}


def test_rows_that_are_not_the_scored_rows_are_refused(build_run: Any) -> None:
    run = build_run()
    write_jsonl(run.rows, list(read_jsonl(run.rows))[:-1])
    with pytest.raises(DataError, match="19 rows, but the scores were made on 20"):
        write_report(run)
    assert not run.report.exists()


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no run"):
        write_report(RunFolder(tmp_path))
