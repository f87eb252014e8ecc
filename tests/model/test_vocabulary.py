"""A cut vocabulary: what it knows, and that kept tokens are cut from text as they were."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from dubash.core.errors import ModelError
from dubash.core.languages import LanguagePair, language
from dubash.data.phrasebook import folder
from dubash.model.options import TrimOptions
from dubash.model.scripts import script_word, scripts_in
from dubash.model.selection import Selection, Usage, compare, select
from dubash.model.vocabulary import BYTES, Vocabulary
from tiny import TOKENIZERS

KINDS = ("llama", "llama3", "qwen2", "gemma3", "mt5", "mt5-bytes", "nllb")
EN_ES = LanguagePair(language("en"), language("es"))


@cache
def sides(name: str) -> tuple[str, ...]:
    """All segments of a phrasebook."""
    lines = (folder() / f"{name}.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return tuple(side for line in lines for side in line.split("\t")[1:])


@cache
def content(kind: str) -> dict[str, Any]:
    """A tokenizer.json of 3,000 tokens that knows English, Spanish, Hindi and Gujarati."""
    family = {"llama3": "llama", "mt5-bytes": "mt5"}.get(kind, kind)
    texts = [*sides("en-es"), *sides("hi-gu") * 6]
    found = json.loads(TOKENIZERS[family](texts, 3000).backend_tokenizer.to_str())
    if kind == "llama3":  # a whole word of the vocabulary is taken as it is
        found["model"]["ignore_merges"] = True
    if kind == "mt5-bytes":  # as google/mt5-small has them, and transformers leaves them unused
        found["model"]["vocab"][3:3] = [[byte, 0.0] for byte in BYTES]
        for each in found["added_tokens"]:
            each["id"] += 256 * (each["id"] > 2)
    return found


def usage(vocabulary: Vocabulary, texts: list[str]) -> Usage:
    found, tokenizer = Usage(), Tokenizer.from_str(json.dumps(vocabulary.content))
    for text in texts:
        found.add([tokenizer.encode(text, add_special_tokens=False).ids], [])
    return found


def choose(vocabulary: Vocabulary, segments: int = 1296, **options: Any) -> Selection:
    """For a pair of Latin script, on half of the phrasebook or less."""
    found = usage(vocabulary, list(sides("en-es")[:segments]))
    return select(vocabulary, found, (), EN_ES, TrimOptions.model_validate(options))


@cache
def cut(kind: str) -> tuple[Vocabulary, list[int], Tokenizer, Tokenizer]:
    """Cut to what the rows alone need, so that the more is dropped."""
    vocabulary = Vocabulary(content(kind), kind)
    order = vocabulary.order(choose(vocabulary, unchanged=0).kept)
    whole, few = (
        Tokenizer.from_str(json.dumps(each)) for each in (content(kind), vocabulary.cut(order))
    )
    return vocabulary, order, whole, few


WORDS = sorted(
    {word for name in ("en-es", "hi-gu") for side in sides(name) for word in side.split()}
)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=4)), max_size=12).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=12).map("".join),
)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=150)
@given(text=TEXTS)
@example(text="Where is the clinic? ¿Dónde está la clínica?")
@example(text="કૂવો ક્યાં છે? कुआँ कहाँ है? 字 🙂 \u200d\u0301")
def test_any_text_is_known_comes_back_and_kept_tokens_stay(kind: str, text: str) -> None:
    vocabulary, order, whole, few = cut(kind)
    before, after = (each.encode(text, add_special_tokens=False) for each in (whole, few))
    old = [order[token] for token in after.ids]
    model = content(kind)["model"]
    unknown = model.get("unk_id", vocabulary.ids.get(model.get("unk_token")))

    if vocabulary.never_unknown:
        assert unknown not in old
    elif unknown in old:
        assert unknown in before.ids
    if {*before.ids} <= {*order} and unknown not in before.ids:
        assert old == before.ids
        assert after.offsets == before.offsets
    if unknown not in before.ids:
        assert few.decode(after.ids) == whole.decode(before.ids)


@pytest.mark.parametrize("kind", KINDS)
def test_much_is_dropped_and_the_pairs_own_text_stays_word_for_word(kind: str) -> None:
    vocabulary, order, whole, few = cut(kind)
    assert len(order) < 0.85 * len(vocabulary)
    assert few.get_vocab_size() == len(order)
    for text in sides("en-es")[:1296]:
        ids = few.encode(text, add_special_tokens=False).ids
        assert [order[token] for token in ids] == whole.encode(text, add_special_tokens=False).ids
    hindi = compare(vocabulary, order, [side for side in sides("hi-gu") if len(side) > 20])
    assert hindi.unchanged < 0.9  # so that the tests above have something to show
    assert hindi.after > hindi.before


def test_an_unknown_does_not_become_likelier_than_kept_pieces():
    """Unigram reckons an unknown from the worst score there is, so that one must stay."""
    scores = {"▁": -2, "a": -10, "b": -10, "cd": -10, "abc": -1, "d": -150}
    pieces = [["<unk>", 0.0], *([byte, 0.0] for byte in BYTES), *map(list, scores.items())]
    small = copy.deepcopy(content("mt5-bytes")) | {"added_tokens": [], "post_processor": None}
    small["model"] |= {"vocab": pieces, "unk_id": 0}
    vocabulary = Vocabulary(small, "it")
    kept = vocabulary.atoms() | {vocabulary.ids[each] for each in ("a", "b", "cd", "abc")}
    assert compare(vocabulary, kept, ["abcd"]).unchanged == 1
    for each in (vocabulary, Vocabulary(vocabulary.cut(vocabulary.order(kept)), "it")):
        tokenizer = Tokenizer.from_str(json.dumps(each.content))
        assert tokenizer.encode("abcd").tokens == ["▁", "a", "b", "cd"]


def test_what_mt5_would_not_know_falls_into_bytes():
    _, _, whole, few = cut("mt5-bytes")
    text = "Good 字"
    assert content("mt5-bytes")["model"]["unk_id"] in whole.encode(text).ids
    assert few.encode(text, add_special_tokens=False).tokens[-3:] == ["<0xE5>", "<0xAD>", "<0x97>"]
    assert few.decode(few.encode(text).ids) == text


def test_a_merge_on_the_way_to_a_kept_token_is_kept():
    vocabulary = Vocabulary(content("llama"), "llama")
    long = max(vocabulary.pieces, key=lambda token: len(vocabulary.derivation(token) or ()))
    text = vocabulary.text(long)
    assert text is not None
    bytes_and_it = vocabulary.atoms() | {long}
    closed = vocabulary.close(bytes_and_it)
    assert len(closed) > len(bytes_and_it)
    for kept, same in ((bytes_and_it, False), (closed, True)):
        assert (compare(vocabulary, kept, [text]).unchanged == 1) is same


def test_what_bpe_never_comes_to_is_not_taken_for_its_script():
    changed = copy.deepcopy(content("llama"))
    changed["model"]["vocab"]["zzzzzzzz"] = len(changed["model"]["vocab"])
    vocabulary = Vocabulary(changed, "llama")
    assert vocabulary.ids["zzzzzzzz"] not in vocabulary.of_scripts(["LATIN"])
    assert vocabulary.ids["Ġthe"] in vocabulary.of_scripts(["LATIN"])


@pytest.mark.parametrize("kind", ["llama", "gemma3", "mt5"])
def test_scripts_that_are_named_are_kept_whole(kind: str) -> None:
    vocabulary = Vocabulary(content(kind), kind)
    hindi = [
        token
        for token in vocabulary.pieces
        if scripts_in(vocabulary.text(token) or "") == {"DEVANAGARI"}
    ]
    without, named = (choose(vocabulary, scripts=each) for each in ((), ("Deva",)))
    assert len(hindi) > 100
    assert not {*hindi} <= without.kept
    assert {*hindi} <= named.kept
    assert named.reasons["of the scripts named"] > 100


def test_the_share_asked_for_decides_how_much_of_the_pairs_scripts_is_kept():
    vocabulary = Vocabulary(content("llama"), "llama")
    rows, most, whole = (choose(vocabulary, 200, unchanged=each) for each in (0, 0.99, 1))
    assert rows.expected < 0.99 <= most.expected < whole.expected
    assert rows.kept < most.kept < whole.kept
    unseen = list(sides("en-es")[1296:])
    shares = [compare(vocabulary, each.kept, unseen).unchanged for each in (rows, most, whole)]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert shares[1] == pytest.approx(most.expected, abs=0.01)
    assert shares[0] == pytest.approx(rows.expected, abs=0.02)


def test_the_expected_share_is_that_of_groups_left_out_one_by_one():
    vocabulary = Vocabulary(content("llama"), "llama")
    a, b, c = (vocabulary.ids[each] for each in ("Ġthe", "Ġand", "Ġyou"))
    found = Usage()
    found.add([[a, a, b]], [])
    found.add([[a, c, c]], [[b]])
    options = TrimOptions(unchanged=0)
    # of six tokens, b once and c twice stand in one group only
    assert select(vocabulary, found, (), EN_ES, options).expected == pytest.approx(0.5)
    assert select(vocabulary, found, (c,), EN_ES, options).expected == pytest.approx(5 / 6)


def test_ids_written_elsewhere_follow():
    vocabulary = Vocabulary(content("gemma3"), "gemma3")
    order = vocabulary.order(choose(vocabulary, unchanged=0).kept)
    found = vocabulary.cut(order)
    for each in found["added_tokens"]:
        assert vocabulary.added[order[each["id"]]]["content"] == each["content"]
    written = found["post_processor"]["special_tokens"]["<bos>"]["ids"]
    assert [found["model"]["vocab"]["<bos>"]] == written
    roberta = {**content("gemma3"), "post_processor": {"type": "RobertaProcessing"}}
    roberta["post_processor"] |= {"sep": ["zz", 2000], "cls": ["yy", 1000]}
    vocabulary = Vocabulary(roberta, "it")
    assert {1000, 2000} <= vocabulary.atoms()
    found = vocabulary.cut(vocabulary.order(vocabulary.atoms()))["post_processor"]
    assert vocabulary.order(vocabulary.atoms())[found["sep"][1]] == 2000


def test_an_added_word_nobody_uses_goes_but_blanks_and_specials_stay():
    changed = copy.deepcopy(content("gemma3"))
    size = len(changed["model"]["vocab"])
    kind = changed["added_tokens"][0]
    for at, (word, special) in enumerate((("<unused0>", False), ("\n\n\n", False), ("<s>", True))):
        changed["added_tokens"].append(
            kind | {"id": size + at, "content": word, "special": special}
        )
    kept = choose(Vocabulary(changed, "gemma3")).kept
    assert [size + at in kept for at in range(3)] == [False, True, True]


@pytest.mark.parametrize("change", [{"type": "WordPiece"}, {"continuing_subword_prefix": "##"}])
def test_other_kinds_are_refused(change: dict[str, str]) -> None:
    with pytest.raises(ModelError, match=r"its tokenizer"):
        Vocabulary({**content("llama"), "model": {**content("llama")["model"], **change}}, "it")


def test_scripts_go_by_code_or_name_and_marks_belong_to_theirs():
    assert script_word("deva") == script_word("DEVANAGARI") == "DEVANAGARI"
    assert TrimOptions(scripts=("Gujr", "gujarati")).scripts == ("GUJARATI",)
    with pytest.raises(ValueError, match="no script 'Devo'"):
        script_word("Devo")
    assert scripts_in("कि १") == {"DEVANAGARI"}
    assert scripts_in("1, 2 … !\u200d") == frozenset()
    assert scripts_in("e\u0301 я") == {"LATIN", "CYRILLIC"}
