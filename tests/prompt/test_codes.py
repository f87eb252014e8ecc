"""Languages as multilingual encoder-decoders write them, and what they make of a row."""

import pytest
from transformers import MBart50Tokenizer, MBartTokenizer
from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES as M2M100
from transformers.models.mbart50.tokenization_mbart50 import FAIRSEQ_LANGUAGE_CODES as MBART
from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES as NLLB

from dubash.core.errors import RecipeError
from dubash.core.languages import LANGUAGES, Language, LanguagePair, language
from dubash.core.types import Pair
from dubash.prompt.codes import language_tokens
from dubash.prompt.options import PromptOptions
from dubash.prompt.template import Template

NONE_IN_NLLB = {"brx", "doi", "gom", "raj", "sat", "tcy"}  # its sat is written sat_Beng


@pytest.fixture(scope="module")
def mbart50():
    pieces = [(word, 0.0) for word in ("<unk>", "<s>", "</s>")]
    pieces += [("▁", -1.0), *((letter, -2.0) for letter in "Whereis हाँ।")]
    return MBart50Tokenizer(vocab=pieces)


def written(tokenizer, code) -> str:
    """The token that a language's code comes to."""
    found = language_tokens(tokenizer, LanguagePair(language("en"), language(code)))
    return str(tokenizer.convert_ids_to_tokens(found.target))


# -- codes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "m2m100", "nllb", "mbart"),
    [
        ("en", "__en__", "eng_Latn", "en_XX"),
        ("es", "__es__", "spa_Latn", "es_XX"),
        ("hi", "__hi__", "hin_Deva", "hi_IN"),
        ("gu", "__gu__", "guj_Gujr", "gu_IN"),
        ("kn", "__kn__", "kan_Knda", None),
        ("ja", "__ja__", "jpn_Jpan", "ja_XX"),
        ("ko", "__ko__", "kor_Hang", "ko_KR"),
        ("zh", "__zh__", "zho_Hans", "zh_CN"),
        ("zh-Hant", "__zh__", "zho_Hant", "zh_CN"),
        ("zh_TW", "__zh__", "zho_Hant", "zh_CN"),
        ("yue", None, "yue_Hant", None),
        ("sr", "__sr__", "srp_Cyrl", None),
        ("ks", None, "kas_Arab", None),
        ("ks-Deva", None, "kas_Deva", None),
        ("sat-Beng", None, "sat_Beng", None),
        ("ar", "__ar__", "arb_Arab", "ar_AR"),
        ("nb", "__no__", "nob_Latn", None),
        ("fil", "__tl__", "tgl_Latn", "tl_XX"),
        ("pt-BR", "__pt__", "por_Latn", "pt_XX"),
    ],
)
def test_a_code_comes_to_what_the_model_writes(tokenizer, mbart50, code, m2m100, nllb, mbart):
    for model, expected in (
        (tokenizer("m2m100"), m2m100), (tokenizer("nllb"), nllb), (mbart50, mbart),
    ):  # fmt: skip
        if expected:
            assert written(model, code) == expected
        else:
            with pytest.raises(RecipeError, match="the model has no token for"):
                written(model, code)


def test_every_language_that_nllb_has_is_found(tokenizer):
    found = {code: written(tokenizer("nllb"), code) for code in LANGUAGES.keys() - NONE_IN_NLLB}
    assert set(found.values()) <= set(NLLB)
    shared = {"no": "nb", "fil": "tl"}  # two codes of ours for one of its languages
    assert len(set(found.values())) == len(found) - len(shared)
    for code in NONE_IN_NLLB:
        with pytest.raises(RecipeError, match=f"no token for {LANGUAGES[code].name}"):
            written(tokenizer("nllb"), code)


def test_every_language_that_the_others_have_is_found(tokenizer, mbart50):
    for code in LANGUAGES.keys() & set(M2M100["m2m100"]):
        assert written(tokenizer("m2m100"), code) == f"__{code}__"
    for theirs in MBART:
        if theirs[:2] in LANGUAGES:
            assert written(mbart50, theirs[:2]) == theirs


def test_a_language_that_is_not_there_is_refused_with_what_is(tokenizer):
    with pytest.raises(RecipeError) as caught:
        written(tokenizer("nllb"), "sr-Latn")
    assert caught.value.where == "languages.target"
    assert "srp_Latn was looked for. It has srp_Cyrl;" in str(caught.value)
    pair = LanguagePair(language("brx"), language("en"))
    with pytest.raises(RecipeError, match="brx_Deva was looked for") as caught:
        language_tokens(tokenizer("nllb"), pair)
    assert caught.value.where == "languages.source"


def test_a_language_without_a_code_may_borrow_anothers_token(tokenizer):
    bhili = LanguagePair(Language("hi", "Bhili", ("DEVANAGARI",)), language("en"))
    by_script = LanguagePair(Language("hin-Deva", "Bhili", ("DEVANAGARI",)), language("en"))
    for pair in (bhili, by_script):
        found = language_tokens(tokenizer("nllb"), pair)
        assert tokenizer("nllb").convert_ids_to_tokens(found.source) == "hin_Deva"


@pytest.mark.parametrize("family", ["mt5", "llama", "gemma3"])
def test_other_tokenizers_have_no_language_tokens(tokenizer, make, family, en_hi):
    assert language_tokens(tokenizer(family), en_hi) is None
    assert make(family).decoder_prefix == ()


def test_m2m100_is_known_by_its_table_where_its_languages_were_not_added(tokenizer):
    class Bare:
        """What `M2M100Tokenizer` is without `additional_special_tokens`."""

        all_special_tokens, all_special_ids, added_tokens_decoder = (), (), {}
        lang_token_to_id = tokenizer("m2m100").lang_token_to_id

    found = language_tokens(Bare(), LanguagePair(language("en"), language("hi")))
    assert found.target == tokenizer("m2m100").get_lang_id("hi")


def test_mbart_25_is_refused(en_hi):
    with pytest.raises(RecipeError, match="Take mBART-50"):
        language_tokens(MBartTokenizer(), en_hi)


# -- rows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["m2m100", "nllb", "mbart50"])
def test_a_row_is_what_the_tokenizer_itself_makes_of_it(tokenizer, mbart50, family):
    """With its languages set, as its documentation says; and that setting is left alone."""
    model = mbart50 if family == "mbart50" else tokenizer(family)
    before = model.src_lang
    pair = LanguagePair(language("hi"), language("en"))
    template = Template(PromptOptions(), model, "seq2seq", pair, "translation")
    example = template.example(Pair("हाँ।", "Where is", origin="row"))
    codes = {
        "m2m100": ("hi", "en"),
        "nllb": ("hin_Deva", "eng_Latn"),
        "mbart50": ("hi_IN", "en_XX"),
    }
    assert model.src_lang == before
    try:
        model.src_lang, model.tgt_lang = codes[family]
        assert list(example.prompt) == model("हाँ।").input_ids
        assert list(example.target) == model(text_target="Where is").input_ids
    finally:
        model.src_lang = before
    assert example.target[:1] == template.decoder_prefix


@pytest.mark.parametrize("family", ["m2m100", "nllb"])
def test_nothing_is_asked_in_words_unless_the_recipe_does(make, family):
    assert make(family).prompt_text("Hi") == "Hi"
    assert make(family, text="{target_language}: {source}").prompt_text("Hi") == "Hindi: Hi"


@pytest.mark.parametrize(("family", "token"), [("m2m100", "__gu__"), ("nllb", "guj_Gujr")])
def test_a_text_that_spells_a_language_token_is_no_language_token(make, family, token):
    template = make(family)
    gujarati = template.tokenizer.convert_tokens_to_ids(token)
    example = template.example(Pair(f"say {token}", f"बोलो {token}", origin="row"))
    assert gujarati not in example.prompt
    assert gujarati not in example.target
