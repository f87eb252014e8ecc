"""Translation units that hypothesis makes: tags that nest and that do not, any script, dates."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from dubash.data.normalise import normalise
from dubash.memory.tm.unit import Content, Tag, TranslationUnit, joined, plain

TEXT = st.text(
    st.one_of(
        st.sampled_from("aeioun .,:;<>&\"'\\"),
        st.sampled_from("\n\tनमस્કન્નડ日本語שלוםمرحبا\u200d\u200f\u202b😀𝔘"),
        st.characters(
            codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn"),
            exclude_characters="\ufffe\uffff\ufeff",
        ),
    ),
    max_size=40,
)  # fmt: skip
WORD = st.text(st.sampled_from(string.ascii_letters + string.digits), min_size=1, max_size=8)
CODE = st.sampled_from(["<b>", "</b>", "{0}", "%s", "<br/>", "\\n"])


@st.composite
def tmx_contents(draw: st.DrawFn, depth: int = 2) -> Content:
    """Text with TMX's tags: codes that stand alone or in pairs, and `hi` around text."""
    pieces: list[str | Tag] = []
    for kind in draw(st.lists(st.sampled_from(["text", "ph", "pair", "hi", "it"]), max_size=5)):
        if kind == "text":
            pieces.append(draw(TEXT))
        elif kind == "ph":
            pieces.append(Tag("alone", "ph", draw(CODE), (("x", draw(WORD)),)))
        elif kind == "it":
            pieces.append(Tag("open", "it", draw(CODE), (("pos", "begin"),)))
        elif depth:
            inside = draw(tmx_contents(depth - 1))
            number = (("i", draw(WORD)),)
            first, last = (
                (Tag("open", "bpt", draw(CODE), number), Tag("close", "ept", draw(CODE), number))
                if kind == "pair"
                else (Tag("open", "hi", "", (("type", draw(WORD)),)), Tag("close", "hi"))
            )
            pieces += [first, *inside, last]
    return joined(pieces)


def with_text(contents: st.SearchStrategy[Content]) -> st.SearchStrategy[Content]:
    """Only contents with something to translate, as `normalise` sees it."""
    return contents.filter(lambda content: bool(normalise(plain(content))))


FACT = TEXT.filter(str.strip)


@st.composite
def units(draw: st.DrawFn, contents: st.SearchStrategy[Content] | None = None) -> TranslationUnit:
    """A unit as a reader hands it on."""
    source, target = (draw(with_text(contents or tmx_contents())) for _ in range(2))
    texts = [normalise(plain(each)) for each in (source, target)]
    kept = [
        () if content == (text,) else content
        for content, text in zip((source, target), texts, strict=True)
    ]
    time = st.just("") | st.datetimes().map(lambda at: f"{at:%Y-%m-%dT%H:%M:%SZ}".zfill(20))
    return TranslationUnit(
        texts[0], texts[1],
        source_language=draw(st.sampled_from(["en", "en-US", "EN-GB"])),
        target_language=draw(st.sampled_from(["es", "es-MX"])),
        document=draw(st.just("") | WORD), previous=draw(st.just("") | FACT),
        following=draw(st.just("") | FACT),
        created=draw(time), changed=draw(time), creator=draw(st.just("") | WORD),
        source_content=kept[0], target_content=kept[1],
    )  # fmt: skip
