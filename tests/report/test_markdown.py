"""The short version of a report."""

import re

import pytest

from dubash.core.files import read_json, write_json
from dubash.report.facts import read_facts
from dubash.report.markdown import as_markdown, plain, write_markdown
from dubash.report.words import verdict


def test_it_says_what_the_report_says(build_run):
    run = build_run()
    text = write_markdown(run).read_text(encoding="utf-8")
    facts = read_facts(run)
    assert text.startswith(f"**{plain(verdict(facts).headline)}**\n")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({row.count("|") - row.count("\\|") for row in rows}) == 1
    for system in facts.scores["systems"]:
        assert f"| {system['name']} |" in rows[0] or system["name"] in rows[0]
        assert f"{system['scores']['chrf++']['value']:.1f} [" in text
    for note in verdict(facts).notes:
        assert f"- {note}" in text.replace("\\", "")
    assert facts.scores["systems"][0]["scores"]["bleu"]["signature"] in text


@pytest.mark.parametrize("until", ["prepared", "trained"])
def test_a_run_without_scores_has_a_headline_only(build_run, until):
    text = as_markdown(read_facts(build_run(until)))
    assert text.startswith("**")
    assert "|" not in text


def test_a_name_cannot_write_markdown(build_run):
    run = build_run()
    scores = read_json(run.scores)
    scores["systems"][-1]["name"] = "S1|<b>*x*"
    scores["differences"] = {}
    write_json(run.scores, scores)
    text = as_markdown(read_facts(run))
    assert "S1\\|\\<b\\>\\*x\\*" in text


def test_a_text_of_others_becomes_neither_image_nor_link(build_run):
    run = build_run()
    planted = "![x](http://example.org/p.png) [y](http://example.org)"
    told = {"severity": "fault", "about": "leaks", "text": planted}
    write_json(run.path / "audit.json", {"findings": [told]})
    scores = read_json(run.scores)
    for system in scores["systems"]:
        system["scores"]["bleu"]["signature"] = f"a`\n{planted}"
    write_json(run.scores, scores)
    text = as_markdown(read_facts(run))
    assert "![x\\](http://example.org/p.png) [y\\](http" in text
    assert f"- BLEU: `a' {planted}`" in text  # in code, where it means nothing
    text = re.sub(r"`[^`]*`", "", text)
    assert not re.search(r"(?<!\\)\]\s*[(\[:]", text)  # an escaped bracket closes nothing
