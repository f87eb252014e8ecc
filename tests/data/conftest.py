"""What the data tests share: English to Spanish, and rows that share nothing."""

import random

import pytest
from hypothesis import settings

from dubash.core.languages import LanguagePair, language
from dubash.core.types import Pair

settings.register_profile("no deadline", deadline=None)  # a busy machine is no failure
settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def en_es() -> LanguagePair:
    return LanguagePair(language("en"), language("es"))


@pytest.fixture(scope="session")
def distinct_rows():
    """`distinct_rows(n)`: n rows of made-up words; no two are alike, not even nearly."""

    def make(count: int, start: int = 0) -> list[Pair]:
        rows = []
        for number in range(start, start + count):
            draw = random.Random(number)
            sides = [
                " ".join("".join(draw.choices("abdefgiklmnoprstu", k=6)) for _ in range(5))
                for _ in range(2)
            ]
            rows.append(Pair(sides[0], sides[1], "", f"rows.tsv:{number + 1}"))
        return rows

    return make
