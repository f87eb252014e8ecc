"""What dubash knows about a language: its English name, its scripts, its BLEU tokenizer."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import lru_cache

from dubash.core.errors import RecipeError


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the pair.

    `scripts` are Unicode script words as they begin a character's Unicode name ("LATIN",
    "DEVANAGARI"); a letter of any of them counts as right. `bleu` is sacrebleu's tokenizer.
    """

    code: str
    name: str
    scripts: tuple[str, ...]
    bleu: str = "13a"
    variant: str = field(default="", compare=False)

    @property
    def right_to_left(self) -> bool:
        """Whether the language's main script is written from right to left."""
        return self.scripts[0] in {"ARABIC", "HEBREW", "THAANA", "SYRIAC", "NKO"}


@dataclass(frozen=True, slots=True)
class LanguagePair:
    """The direction of translation."""

    source: Language
    target: Language


_TABLE = """
af Afrikaans LATIN | am Amharic ETHIOPIC | ar Arabic ARABIC | as Assamese BENGALI
az Azerbaijani LATIN | be Belarusian CYRILLIC | bg Bulgarian CYRILLIC | bho Bhojpuri DEVANAGARI
bn Bengali BENGALI | bo Tibetan TIBETAN | brx Bodo DEVANAGARI | bs Bosnian LATIN
ca Catalan LATIN | ceb Cebuano LATIN | cs Czech LATIN | cy Welsh LATIN | da Danish LATIN
de German LATIN | doi Dogri DEVANAGARI | el Greek GREEK | en English LATIN | eo Esperanto LATIN
es Spanish LATIN | et Estonian LATIN | eu Basque LATIN | fa Persian ARABIC | fi Finnish LATIN
fil Filipino LATIN | fr French LATIN | ga Irish LATIN | gl Galician LATIN | gn Guarani LATIN
gom Konkani DEVANAGARI | gu Gujarati GUJARATI | ha Hausa LATIN | he Hebrew HEBREW
hi Hindi DEVANAGARI | hne Chhattisgarhi DEVANAGARI | hr Croatian LATIN | ht Haitian LATIN
hu Hungarian LATIN | hy Armenian ARMENIAN | id Indonesian LATIN | ig Igbo LATIN
is Icelandic LATIN | it Italian LATIN | ja Japanese HIRAGANA,KATAKANA,CJK
jv Javanese LATIN | ka Georgian GEORGIAN | kk Kazakh CYRILLIC | km Khmer KHMER
kn Kannada KANNADA | ko Korean HANGUL,CJK | ks Kashmiri ARABIC,DEVANAGARI | ku Kurdish LATIN
ky Kyrgyz CYRILLIC | lo Lao LAO | lt Lithuanian LATIN | lv Latvian LATIN | mag Magahi DEVANAGARI
mai Maithili DEVANAGARI | mg Malagasy LATIN | mi Maori LATIN | mk Macedonian CYRILLIC
ml Malayalam MALAYALAM | mn Mongolian CYRILLIC | mni Meitei MEETEI,BENGALI | mr Marathi DEVANAGARI
ms Malay LATIN | mt Maltese LATIN | my Burmese MYANMAR | nb Norwegian LATIN | ne Nepali DEVANAGARI
nl Dutch LATIN | nn Nynorsk LATIN | no Norwegian LATIN | ny Chichewa LATIN | om Oromo LATIN
or Odia ORIYA | pa Punjabi GURMUKHI | pl Polish LATIN | ps Pashto ARABIC | pt Portuguese LATIN
qu Quechua LATIN | raj Rajasthani DEVANAGARI | ro Romanian LATIN | ru Russian CYRILLIC
rw Kinyarwanda LATIN | sa Sanskrit DEVANAGARI | sat Santali OL | sd Sindhi ARABIC,DEVANAGARI
si Sinhala SINHALA | sk Slovak LATIN | sl Slovenian LATIN | sn Shona LATIN | so Somali LATIN
sq Albanian LATIN | sr Serbian CYRILLIC,LATIN | st Sotho LATIN | su Sundanese LATIN
sv Swedish LATIN | sw Swahili LATIN | ta Tamil TAMIL | tcy Tulu KANNADA | te Telugu TELUGU
tg Tajik CYRILLIC | th Thai THAI | ti Tigrinya ETHIOPIC | tk Turkmen LATIN | tl Tagalog LATIN
tn Tswana LATIN | tr Turkish LATIN | tt Tatar CYRILLIC | ug Uyghur ARABIC | uk Ukrainian CYRILLIC
ur Urdu ARABIC | uz Uzbek LATIN | vi Vietnamese LATIN | wo Wolof LATIN | xh Xhosa LATIN
yi Yiddish HEBREW | yo Yoruba LATIN | yue Cantonese CJK | zh Chinese CJK | zu Zulu LATIN
"""

# Scripts written without spaces: word-based BLEU says nothing there, so sacrebleu's own
# tokenizer for the language is used, or characters where it has none.
_BLEU = {
    "ja": "ja-mecab", "ko": "ko-mecab", "zh": "zh", "yue": "zh",
    "th": "char", "lo": "char", "km": "char", "my": "char", "bo": "char",
}  # fmt: skip


def _read_table() -> dict[str, Language]:
    rows = (row.split() for line in _TABLE.strip().splitlines() for row in line.split(" | "))
    return {
        code: Language(code, name, tuple(scripts.split(",")), _BLEU.get(code, "13a"))
        for code, name, scripts in rows
    }


LANGUAGES: dict[str, Language] = _read_table()


def language(code: str) -> Language:
    """The language of a code such as `hi` or `pt-BR` (the region makes no other language).

    Codes are not guessed. Raises RecipeError for an unknown code.
    """
    base, _, variant = code.replace("_", "-").partition("-")
    if found := LANGUAGES.get(base.lower()):
        return replace(found, variant=variant) if variant else found
    raise RecipeError(
        f"unknown language code '{code}'.",
        fix="Give a code such as en, hi, gu; for a language without one, give "
        "{code: …, name: …, script: …} instead.",
    )


@lru_cache(maxsize=65536)
def script_of(character: str) -> str:
    """The first word of a letter's Unicode name ("LATIN"), or "" for what is no letter."""
    if not character.isalpha():
        return ""
    name = unicodedata.name(character, "UNKNOWN")
    name = name.removeprefix("FULLWIDTH ").removeprefix("HALFWIDTH ")
    return name.split(" ")[0].split("-")[0]


def script_share(text: str, scripts: tuple[str, ...]) -> float | None:
    """The share of the text's letters that belong to `scripts`; None where it has no letter."""
    counts = Counter(script for character in text if (script := script_of(character)))
    total = sum(counts.values())
    return sum(counts[script] for script in scripts) / total if total else None
