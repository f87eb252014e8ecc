"""What must come through a translation unchanged: links, placeholders, tags."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from dubash.core.types import Pair

_LINK = re.compile(
    r"(?:(?:https?|ftp)://|\bwww\.)[\w.~:/?#\[\]@!$&'()*+,;=%-]+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    re.ASCII | re.IGNORECASE,
)
_FIELD = re.compile(r"\{\{\s*[\w.$|:-]+\s*\}\}|[$%#]?\{\s*\$?[\w.:!-]*\s*\}", re.ASCII)
_PRINTF = re.compile(
    r"(?<![%\d])%(?:\([\w.]+\)|(?P<place>\d+)\$)?[-+#0]*\d*(?:\.\d+)?(?:hh?|ll?|[zjtL])?"
    r"(?:[diusS]|[oxXeEfgGc@](?![A-Za-z]))",
    re.ASCII,
)
_TAG = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z_][\w:.-]*)"
    r"(?P<more>(?:\s+[\w:.-]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>]+))?)*)\s*(?P<alone>/?)>",
    re.ASCII,
)
_ALONE = frozenset({"br", "hr", "img", "wbr", "p", "li"})
_TRANSLATED = re.compile(
    r"\s+(?:title|alt|label|placeholder|aria-label)\s*=\s*(?:\"[^\"]*\"|'[^']*')"
)
_TRAILING = ".,;:!?'\")]"


def links(text: str) -> list[str]:
    """Web and mail addresses, without the sentence's signs behind them and without a last slash."""
    if "://" not in text and "@" not in text and "www." not in text.lower():
        return []
    found = (_trimmed(match.group()) for match in _LINK.finditer(text))
    return [each.removesuffix("/") for each in found]


def _trimmed(link: str) -> str:
    while link[-1] in _TRAILING and not (link[-1] == ")" and link.count("(") >= link.count(")")):
        link = link[:-1]
    return link


def placeholders(text: str) -> list[str]:
    """`{name}`, `{{x}}`, `${x}`, `%s`, `%1$d`, `%(x)s`: what a program fills in.

    Those of printf are numbered, since translations may write `%s … %s` as `%2$s … %1$s`; "50%d"
    and "%%" are none.
    """
    if "{" not in text and "%" not in text:
        return []
    found = ["".join(each.group().split()) for each in _FIELD.finditer(text)]
    place = 0
    for each in _PRINTF.finditer(text):
        spelled = each.group()
        if not each["place"] and not spelled.startswith("%("):
            place += 1
            spelled = f"%{place}${spelled[1:]}"
        found.append(spelled)
    return found


def tags(text: str) -> list[str]:
    """Tags of HTML, XML and XLIFF, without attributes whose text is itself translated.

    A word in angle brackets is one only where it is closed, is known to stand alone or has
    attributes: in `cp <file>` it is a word to be translated.
    """
    if "<" not in text:
        return []
    found = list(_TAG.finditer(text))
    closed = {each["name"] for each in found if each["close"]}
    opened = {each["name"] for each in found if not each["close"]}
    return [
        " ".join(_TRANSLATED.sub("", each.group()).split()).replace(" />", "/>")
        for each in found
        if each["more"] or each["alone"] or each["name"].lower() in _ALONE
        or each["name"] in closed & opened
    ]  # fmt: skip


def without_markup(text: str) -> str:
    """The text without links, placeholders and tags: what is to be read as language."""
    for find in (_LINK, _TAG, _FIELD, _PRINTF):
        text = find.sub(" ", text)
    return text


def changes(text: str, row: Pair, find: Callable[[str], list[str]]) -> tuple[list[str], list[str]]:
    """What the hypothesis lost of what `find` sees in the source, and what it has beyond it.

    What the reference loses or adds as well is not counted.
    """
    given, wanted = Counter(find(text)), Counter(find(row.source))
    if given == wanted:
        return [], []
    reference = Counter(find(row.target))
    lost = (wanted - given) - (wanted - reference if row.target else Counter())
    added = (given - wanted) - (reference - wanted)
    return list(lost.elements()), list(added.elements())


def is_badly_nested(text: str) -> bool:
    """Whether tags close in another order than they opened, or before."""
    opened: list[str] = []
    for tag in tags(text):
        name = tag.strip("</>").split()[0]
        if tag.startswith("</"):
            if not opened or opened.pop() != name:
                return True
        elif not tag.endswith("/>") and name.lower() not in _ALONE:
            opened.append(name)
    return bool(opened)
