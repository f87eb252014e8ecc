"""Known benchmarks, by hub name and by file name: what a score is measured on is no food."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath

from dubash.core.errors import DataError
from dubash.data.options import Entry

_ALWAYS = {
    "flores": r"flores[-_ ]?(101|200|plus|\+)|(^|[/_-])flores([._-]|$)"
    r"|[a-z]{3}_[A-Z][a-z]{3}\.(dev|devtest)$",
    "in22": r"in22[-_]?(conv|gen)|(^|[/_-])in22([._-]|$)",
    "ntrex": r"ntrex",
    "newstest": r"news(test|dev|discusstest|discussdev)[-_]?(b)?\d{4}|generaltest\d{4}"
    r"|wmt[-_]?(test|ttest)[-_]?\d{2,4}|wmt\d{2,4}[-_.]?(general)?[-_.]?test",
    "wmt24pp": r"wmt24(pp|\+\+)",
    "tatoeba-test": r"tatoeba[-_]?(test|dev|mt|challenge[-_.]?(test|dev))",
    "tico-19": r"tico[-_]?19",
    "belebele": r"belebele",
    "bouquet": r"(^|[/_-])bouquet([._-]|$)",
    "iwslt-test": r"iwslt[-_.]?\w*[-_.](test|tst|dev)|(^|[/._-])tst20\d\d",
}
"""Name → what a hub name, or the last two parts of a path, hold."""

_BY_SPLIT = {
    "newstest": r"(^|/)wmt[-_]?\d\d",
    "opus-100-test": r"opus[-_]?100$",
    "iitb-test": r"iitb[-_]english[-_]hindi$",
    "iwslt-test": r"(^|/)iwslt",
    "multi30k-test": r"multi30k",
}
"""Hub data sets with a training split of their own: only their other splits are meant."""


def benchmark_of(entry: Entry) -> tuple[str, str] | None:
    """The benchmark that an entry reads from, and the name that gave it away; or None."""
    if entry.hub:
        owner_free = entry.hub.split("/")[-1]
        held_out = re.match(r"(test|valid|dev)", entry.hub_split) is not None
        for name, pattern in (_BY_SPLIT if held_out else {}).items():
            if re.search(pattern, owner_free, re.IGNORECASE):
                return name, f"{entry.hub}:{entry.hub_split}"
        given = [entry.hub]
    else:
        given = [each for each in (entry.path, entry.source_path, entry.target_path) if each]
    for text in given:
        tail = "/".join(PurePosixPath(text.replace("\\", "/")).parts[-2:])
        for name, pattern in _ALWAYS.items():
            if re.search(pattern, tail, re.IGNORECASE):
                return name, text
    return None


def refuse_benchmarks(train: Collection[Entry], allowed: Collection[str]) -> None:
    """Raise DataError for a training entry that is a known benchmark, unless it is in `allowed`
    by the benchmark's name, its hub name, or its path as written.
    """
    permitted = {each.casefold() for each in allowed}
    for entry in train:
        found = benchmark_of(entry)
        if found is None:
            continue
        name, text = found
        if not permitted & {name, text.casefold(), (entry.hub or "").casefold()}:
            raise DataError(
                f"this is the benchmark '{name}': a model trained on it cannot be scored on it, "
                "nor compared with others.",
                where=f"data.train: {text}",
                fix=f"Train on other data, or name it on purpose: data.allow_benchmarks: [{name}].",
            )
