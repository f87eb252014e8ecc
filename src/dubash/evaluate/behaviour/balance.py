"""Quotation marks and brackets that have no partner: warnings, since sources forget them too."""

from __future__ import annotations

import re

from dubash.core.types import Pair

_OPENING = {"(": "(", "[": "[", "{": "{", "（": "(", "［": "[", "【": "【", "〔": "〔", "《": "《"}
_CLOSING = {")": "(", "]": "[", "}": "{", "）": "(", "］": "[", "】": "【", "〕": "〔", "》": "《"}
_BRACKET = re.compile("[" + re.escape("".join([*_OPENING, *_CLOSING])) + "]")
_ITEM = re.compile(r"(?:^|[\s,;])(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})$")
_SMILEY = re.compile(r"(?<!\w)[:;=]['’]?-?[()\[\]]|[(\[]['’]?-?[:;=](?!\w)")

_TWO_SINGLE = re.compile(r"''|’’|‘‘|``")
_INCHES = re.compile(r"(?<=\d)[\"″”](?=[\s,.;x×)-]|$)")
_DOUBLE = re.compile('["“”„‟＂〝〞〟]')
_GUILLEMETS = re.compile("[«»]")
_CORNERS = (("「｢", "」｣"), ("『", "』"))
_MARKS = (('"“', '"”'), ("'‘", "'’"))
_OPENS, _CLOSES = (
    [re.compile(pattern.format(marks[side])) for marks in _MARKS]
    for side, pattern in enumerate(
        (
            r"(?:^|(?<=[\s(\[—–:\"'“‘-]))[{}](?=[^\s.,;:!?])",
            r"(?<=\S)[{}](?=$|[\s.,;:!?।॥)\]—–\"'”’-])",
        )
    )
)
_POSSESSIVE = re.compile(r"(?<=s)['’](?=\s[a-z])")


def lone_brackets(text: str) -> list[str]:
    """Brackets without a partner, of both widths; the closing ones of "a)" and ":)" need none."""
    if not _BRACKET.search(text):
        return []
    text = _SMILEY.sub("", text)
    opened: list[str] = []
    lone: list[str] = []
    for found in _BRACKET.finditer(text):
        each = found.group()
        if each in _OPENING:
            opened.append(_OPENING[each])
        elif _CLOSING[each] in opened:
            while opened[-1] != _CLOSING[each]:
                lone.append(opened.pop())
            opened.pop()
        elif each not in ")）" or not _ITEM.search(text[max(0, found.start() - 6) : found.start()]):
            lone.append(each)
    return lone + opened


def lone_quotes(text: str) -> list[str]:
    """Quotation marks without a partner.

    Double ones (and two single ones in a row) count together, since many texts mix “ and ": an odd
    number has a lone one. Inches (5") do not count. An apostrophe looks like a single quotation
    mark, so of those only a ‘ that nothing closes counts.
    """
    text = _TWO_SINGLE.sub('"', _INCHES.sub("", text))
    lone = []
    for family in (_DOUBLE, _GUILLEMETS):
        marks = family.findall(text)
        if len(marks) % 2:
            lone.append(marks[-1])
    for opening, closing in _CORNERS:
        opened, closed = (sum(map(text.count, marks)) for marks in (opening, closing))
        if opened != closed:
            lone.append(opening[0] if opened > closed else closing[0])
    if "‘" in text and text.count("‘") > text.count("’") + text.count("'"):
        lone.append("‘")
    return lone


def quotes_may_run_on(text: str) -> bool:
    """Whether a quotation begins or ends outside this text, as far as one can tell: by lone marks,
    or by marks at the beginning of words that are not as many as those at the end of words."""
    plain = _POSSESSIVE.sub("", text)
    return bool(lone_quotes(text)) or any(
        len(opens.findall(plain)) != len(closes.findall(plain))
        for opens, closes in zip(_OPENS, _CLOSES, strict=True)
    )


def unbalanced_quotes(text: str, row: Pair) -> list[str]:
    """Lone quotation marks of the hypothesis, where source and reference are in balance."""
    lone = lone_quotes(text)
    return [] if lone and (quotes_may_run_on(row.source) or lone_quotes(row.target)) else lone


def unbalanced_brackets(text: str, row: Pair) -> list[str]:
    """Lone brackets of the hypothesis, where source and reference have none."""
    lone = lone_brackets(text)
    return [] if lone and (lone_brackets(row.source) or lone_brackets(row.target)) else lone
