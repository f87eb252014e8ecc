"""The language tokens of multilingual encoder-decoders: M2M-100, NLLB, mBART-50.

They write a language in three ways: `__hi__`, `hin_Deva` (ISO 639-3 and ISO 15924) and `hi_IN`.
Which of them a model knows shows in its tokenizer's special tokens.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any

from dubash.core.errors import RecipeError
from dubash.core.languages import Language, LanguagePair

_M2M100 = re.compile(r"__([a-z]{2,3})__")
_NLLB = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}")
_MBART = re.compile(r"[a-z]{2}_[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class LanguageTokens:
    """The ids of the two languages: `source` begins what the encoder reads, `target` what the
    decoder writes."""

    source: int
    target: int


def language_tokens(tokenizer: Any, pair: LanguagePair) -> LanguageTokens | None:
    """The tokens of the pair's languages; None for a tokenizer that has none for languages.

    Raises RecipeError for a language that the tokenizer lacks, and for mBART-25, which puts the
    language behind the text and begins to decode with it.
    """
    tokens = _known(tokenizer)
    if len(tokens) < 2:
        return None
    if type(tokenizer).__name__.startswith("MBartTokenizer"):
        raise RecipeError(
            "mBART-25 orders its language tokens in a way of its own, which dubash does not know.",
            where="model.name",
            fix="Take mBART-50, M2M-100 or NLLB.",
        )
    return LanguageTokens(
        _find(pair.source, "source", tokens), _find(pair.target, "target", tokens)
    )


def _known(tokenizer: Any) -> dict[str, int]:
    """The tokenizer's special tokens that are written as a language, with their ids."""
    found = dict(zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True))
    found |= getattr(tokenizer, "lang_token_to_id", {})  # M2M-100 need not have added them
    for token, added in tokenizer.added_tokens_decoder.items():
        if added.special:
            found[str(added.content)] = token
    shapes = (_M2M100, _NLLB, _MBART)
    return {
        str(words): int(token)
        for words, token in found.items()
        if any(shape.fullmatch(str(words)) for shape in shapes)
    }


def _find(language: Language, side: str, tokens: dict[str, int]) -> int:
    """The id of the language's token, by the first of its ways of writing that is there."""
    wanted = _ways(language, tokens)
    for way in wanted:
        if way in tokens:
            return tokens[way]
    base = wanted[0].strip("_").split("_")[0]
    same = [token for token in sorted(tokens) if token.strip("_").split("_")[0] == base]
    near = same or difflib.get_close_matches(wanted[0], sorted(tokens), n=3)
    has = f"It has {', '.join(near)}" if near else f"It has {len(tokens)}, none of them near"
    raise RecipeError(
        f"the model has no token for {language.name}: {' or '.join(wanted)} was looked for.",
        where=f"languages.{side}",
        fix=f"{has}; to take another language's, give "
        "{code: its code, such as hi or hin-Deva, name: …, script: …}.",
    )


def _ways(language: Language, tokens: dict[str, int]) -> list[str]:
    """How this model would write the language, the likeliest first."""
    base, _, behind = language.code.partition("-")
    variant = behind or language.variant
    short = _SHORT.get(base, base)
    if any(_M2M100.fullmatch(token) for token in tokens):
        return [f"__{short}__"]
    if any(_NLLB.fullmatch(token) for token in tokens):
        return [f"{_ISO_639_3.get(base, base)}_{script}" for script in _scripts(language, variant)]
    regions = sorted(token for token in tokens if token.startswith(f"{short}_"))
    exact = f"{short}_{variant.upper()}"
    return [exact] if exact in regions else regions or [f"{short}_XX"]


def _scripts(language: Language, variant: str) -> list[str]:
    """ISO 15924 codes of the script that was asked for, or of all the language is written in."""
    if re.fullmatch(r"[A-Za-z]{4}", variant):
        return [variant.title()]
    if language.scripts == ("CJK",) and variant.upper() in ("TW", "HK", "MO"):
        return ["Hant"]
    found = [code for script in language.scripts for code in _ISO_15924.get(script, ())]
    return found or ["Latn"]


# Where a model writes a language by another one's code.
_SHORT = {"fil": "tl", "nb": "no"}

_ISO_15924 = {
    "ARABIC": ("Arab",), "ARMENIAN": ("Armn",), "BENGALI": ("Beng",), "CJK": ("Hans", "Hant"),
    "CYRILLIC": ("Cyrl",), "DEVANAGARI": ("Deva",), "ETHIOPIC": ("Ethi",), "GEORGIAN": ("Geor",),
    "GREEK": ("Grek",), "GUJARATI": ("Gujr",), "GURMUKHI": ("Guru",), "HANGUL": ("Hang",),
    "HEBREW": ("Hebr",), "HIRAGANA": ("Jpan",), "KANNADA": ("Knda",), "KHMER": ("Khmr",),
    "LAO": ("Laoo",), "LATIN": ("Latn",), "MALAYALAM": ("Mlym",), "MEETEI": ("Mtei",),
    "MYANMAR": ("Mymr",), "OL": ("Olck",), "ORIYA": ("Orya",), "SINHALA": ("Sinh",),
    "TAMIL": ("Taml",), "TELUGU": ("Telu",), "THAI": ("Thai",), "TIBETAN": ("Tibt",),
    "TIFINAGH": ("Tfng",),
}  # fmt: skip

# Two letters to three, as NLLB has them: a macrolanguage goes by its largest member.
_TABLE = """
af afr|am amh|ar arb|as asm|az azj|be bel|bg bul|bn ben|bo bod|bs bos|ca cat|cs ces|cy cym
da dan|de deu|el ell|en eng|eo epo|es spa|et est|eu eus|fa pes|fi fin|fil tgl|fr fra|ga gle
gl glg|gn grn|gu guj|ha hau|he heb|hi hin|hr hrv|ht hat|hu hun|hy hye|id ind|ig ibo|is isl
it ita|ja jpn|jv jav|ka kat|kk kaz|km khm|kn kan|ko kor|ks kas|ku kmr|ky kir|lo lao|lt lit
lv lvs|mg plt|mi mri|mk mkd|ml mal|mn khk|mr mar|ms zsm|mt mlt|my mya|nb nob|ne npi|nl nld
nn nno|no nob|ny nya|om gaz|or ory|pa pan|pl pol|ps pbt|pt por|qu quy|ro ron|ru rus|rw kin
sa san|sd snd|si sin|sk slk|sl slv|sn sna|so som|sq als|sr srp|st sot|su sun|sv swe|sw swh
ta tam|te tel|tg tgk|th tha|ti tir|tk tuk|tl tgl|tn tsn|tr tur|tt tat|ug uig|uk ukr|ur urd
uz uzn|vi vie|wo wol|xh xho|yi ydd|yo yor|zh zho|zu zul
"""

_ISO_639_3 = dict(entry.split() for row in _TABLE.strip().splitlines() for entry in row.split("|"))
