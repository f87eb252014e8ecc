"""BLEU, chrF++ and TER are sacrebleu's own: held against its real command on real rows."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from sacrebleu.metrics import CHRF
from sacrebleu.tokenizers import tokenizer_ja_mecab

from dubash.core.errors import ComparisonError, UserError
from dubash.core.languages import Language, language
from dubash.evaluate.metrics import bleu_metric, chrf, chrf_metric, one_line, ter_metric

ROWS = 300


def column(path: Path, number: int) -> list[str]:
    lines = path.read_text(encoding="utf-8").split("\n")[:ROWS]
    return [line.split("\t")[number] for line in lines]


def sacrebleu_command(
    folder: Path, hypotheses: list[str], references: list[str], tokenizer: str, *more: str
) -> dict[str, dict[str, object]]:
    """What the command prints of two files, one segment a line, with ten digits."""
    for name, texts in (("hypotheses", hypotheses), ("references", references)):
        (folder / name).write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    command = [
        str(Path(sys.executable).with_name("sacrebleu")), str(folder / "references"),
        "--input", str(folder / "hypotheses"), "--metrics", "bleu", "chrf", "ter",
        "--chrf-word-order", "2", "--tokenize", tokenizer, "--format", "json", "--width", "10",
        *more,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return {each["name"]: each for each in json.loads(done.stdout)}


def hypotheses_for(data: Path, pair: str, kind: str) -> list[str]:
    """Another translator's text where there is one, else references cut short, some empty."""
    if pair == "en-es":
        return column(data / "en-es.ntrex128-ref2.tsv", 1)
    texts = column(data / f"{pair}.{kind}.tsv", 1)
    return [text[: len(text) * (i % 5) // 4] for i, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("pair", "tokenizer"),
    [
        ("en-es", "13a"),
        ("hi-gu", "13a"),
        ("en-ja", "ja-mecab"),
        ("en-ja", "char"),
        ("en-ja", "zh"),
    ],
)
def test_scores_and_signatures_are_those_of_the_command(
    pair: str, tokenizer: str, shared_data: Path, tmp_path: Path
) -> None:
    if tokenizer == "ja-mecab" and not importlib.util.find_spec("MeCab"):
        pytest.skip("the ja extra is not installed")
    references = column(shared_data / f"{pair}.ntrex128.tsv", 1)
    hypotheses = hypotheses_for(shared_data, pair, "ntrex128")
    code = pair.split("-")[1]
    target = Language(code, "Target", ("LATIN",), tokenizer)

    theirs = sacrebleu_command(tmp_path, hypotheses, references, tokenizer)

    for metric, name in ((bleu_metric(target), "BLEU"), (chrf_metric(), "chrF2++")):
        ours = metric.score(metric.statistics(hypotheses, references).sum(axis=0))
        assert 1 < ours < 99
        assert round(ours, 10) == theirs[name]["score"]
        assert metric.signature == theirs[name]["signature"]


@pytest.mark.parametrize(
    ("pair", "flags"),
    [("en-es", []), ("hi-gu", []), ("en-ja", ["--ter-normalized", "--ter-asian-support"])],
)
def test_ter_is_that_of_the_command(
    pair: str, flags: list[str], shared_data: Path, tmp_path: Path
) -> None:
    references = column(shared_data / f"{pair}.ntrex128.tsv", 1)[:100]
    hypotheses = hypotheses_for(shared_data, pair, "ntrex128")[:100]
    theirs = sacrebleu_command(tmp_path, hypotheses, references, "char", *flags)["TER"]
    metric = ter_metric(language(pair[3:]))
    assert metric is not None
    ours = metric.score(metric.statistics(hypotheses, references).sum(axis=0))
    assert 1 < ours < 99
    assert round(ours, 10) == theirs["score"]
    assert metric.signature == theirs["signature"]
    assert not metric.higher_is_better


def test_ter_has_nothing_to_say_where_words_cannot_be_told_apart() -> None:
    assert ter_metric(language("th")) is None
    assert ter_metric(language("ko")) is not None


def test_several_systems_are_counted_as_each_by_itself() -> None:
    references = ["Buenos días a todos", "Sí, claro", "El bus llega tarde hoy"]
    one = ["Buenos días", "Sí claro", "El bus tarde"]
    other = ["Buenos días", "", "Hoy llega\ntarde el bus"]
    spanish = language("es")
    for metric in (bleu_metric(spanish), chrf_metric(), ter_metric(spanish)):
        assert metric is not None
        together = metric.statistics_of([one, other], references)
        for texts, counts in zip((one, other), together, strict=True):
            assert (counts == metric.statistics(texts, references)).all()


def test_languages_have_the_tokenizers_that_sacrebleu_has_for_them() -> None:
    assert [language(code).bleu for code in ("es", "gu", "ja", "zh", "ko", "th")] == [
        "13a", "13a", "ja-mecab", "zh", "ko-mecab", "char",
    ]  # fmt: skip


def test_a_hypothesis_of_several_lines_counts_as_one_line(tmp_path: Path) -> None:
    spoken = ["Where is\r\nthe well-\nknown clinic?\n", "\nIt is\rhere."]
    wanted = ["Where is the well- known clinic?", "It is here, I think."]
    theirs = sacrebleu_command(tmp_path, [one_line(text) for text in spoken], wanted, "13a")
    metric = bleu_metric(language("en"))
    ours = metric.score(metric.statistics(spoken, wanted).sum(axis=0))
    assert round(ours, 10) == theirs["BLEU"]["score"]
    assert round(chrf(spoken, wanted), 10) == theirs["chrF2++"]["score"]


def test_a_sentence_score_is_sacrebleus_sentence_score() -> None:
    hypotheses, references = ["Hola a todos", "", "Sí."], ["Hola a todas", "Nada", "Sí."]
    metric = chrf_metric()
    ours = metric.sentence_scores(metric.statistics(hypotheses, references))
    scorer = CHRF(word_order=2)
    theirs = [
        scorer.sentence_score(hypothesis, [reference]).score
        for hypothesis, reference in zip(hypotheses, references, strict=True)
    ]
    assert ours == theirs
    assert ours[1:] == [0.0, 100.0]


def test_no_other_tokenizer_takes_the_place_of_a_missing_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokenizer_ja_mecab, "MeCab", None)  # as sacrebleu has it where not found
    with pytest.raises(UserError, match=r"ja-mecab.*not installed.*pip install -e '\.\[ja\]'"):
        bleu_metric(language("ja"))


@pytest.mark.skipif(bool(importlib.util.find_spec("mecab_ko")), reason="it is installed here")
def test_korean_without_its_tokenizer_is_refused() -> None:
    with pytest.raises(UserError, match=r"Korean.*ko-mecab.*pip install 'sacrebleu\[ko\]'"):
        bleu_metric(language("ko"))


def test_unequal_or_empty_sets_are_refused() -> None:
    with pytest.raises(ComparisonError, match="1 hypotheses against 2 references"):
        chrf(["a"], ["a", "b"])
    with pytest.raises(ComparisonError, match="no rows"):
        chrf([], [])
