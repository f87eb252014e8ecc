import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.core.errors import LeakError
from dubash.core.types import Pair
from dubash.data.leaks import find, guard, steps
from dubash.data.overlap import in_common
from dubash.data.splits import Splits

SOURCE = "Señor Núñez's train didn't leave: why?"
TARGET = "El tren del señor Núñez no salió; ¿por qué?"

disguises = st.lists(
    st.sampled_from([
        str.upper,
        str.lower,
        str.swapcase,
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: unicodedata.normalize("NFKC", text),
        lambda text: text.replace("'", "’"),
        lambda text: text.replace(" ", "  "),
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: text.replace(" ", " \u200b"),
        lambda text: text.replace("e", "e\u200d"),
        lambda text: text.rstrip("?") + "!!",
        lambda text: text.replace(": ", " - ").replace("; ", ", "),
        lambda text: f"  «{text}» ",
        lambda text: text.strip("¿?"),
    ]),
    max_size=4,
)  # fmt: skip


def disguised(text, steps):
    for step in steps:
        text = step(text)
    return text


@pytest.fixture(scope="module")
def clean(distinct_rows):
    rows = distinct_rows(60)
    return {"train": rows[:40], "dev": rows[40:48], "test": rows[48:]}


@given(
    kind=st.sampled_from(["pair", "source", "target"]),
    between=st.sampled_from([("train", "test"), ("train", "dev"), ("dev", "test")]),
    places=st.tuples(st.integers(0, 100), st.integers(0, 100)),
    how=st.tuples(disguises, disguises),
)
def test_a_planted_leak_is_always_found(clean, kind, between, places, how):
    splits = {name: list(rows) for name, rows in clean.items()}
    planted = Pair(SOURCE, TARGET, "", "held.tsv:7")
    copy = Pair(
        disguised(SOURCE, how[0]) if kind != "target" else "Something else altogether",
        disguised(TARGET, how[1]) if kind != "source" else "Otra cosa del todo",
        "",
        "other.tsv:9",
    )
    for name, row, place in zip(between[::-1], (planted, copy), places, strict=True):
        splits[name].insert(place % (len(splits[name]) + 1), row)
    with pytest.raises(LeakError) as error:
        guard(Splits(**splits), 0.8)
    (leak,) = find(Splits(**splits), 0.8).leaks[between]
    assert (leak.kind, leak.held_out, leak.found_in) == (kind, planted, copy)
    message = str(error.value)
    assert f"1 {between[1]} row stands in {between[0]} (1 with the same {kind})" in message
    assert f"held.tsv:7 ({between[1]}) = other.tsv:9 ({between[0]}), same {kind}" in message


@given(start=st.integers(0, 10_000), sizes=st.tuples(*[st.integers(0, 30)] * 3))
def test_rows_that_share_nothing_are_never_refused(distinct_rows, start, sizes):
    rows = distinct_rows(sum(sizes), start)
    train, dev = sizes[0], sizes[0] + sizes[1]
    splits = Splits(rows[:train], rows[train:dev], rows[dev:])
    done = []
    account = guard(splits, 0.8, done.append)
    assert sum(done) == steps(splits)
    assert all(found["count"] == 0 for found in account["near_duplicates"].values())
    assert not any(account["short_targets"].values())


def test_short_targets_are_counted_and_long_ones_stop():
    train, short = [Pair("Yes, certainly", "Por supuesto.")], [Pair("Of course", "¡Por supuesto!")]
    account = guard(Splits(train, [], short), 0.8)
    assert account["short_targets"] == {"train-test": 1}
    assert account["pairs"] == [["train", "test"]]
    for letters, leak in ((19, False), (20, True)):
        splits = Splits([Pair("one", "x" * letters)], [], [Pair("two", "X" * letters + "...")])
        if leak:
            with pytest.raises(LeakError, match="same target"):
                guard(splits, 0.8)
        else:
            guard(splits, 0.8)


def test_near_duplicates_are_counted_in_held_out_rows_and_shown():
    near = "The train to the harbour leaves at nine from platform two"
    train = [Pair(near, "uno"), Pair(near + ", I think", "dos")]
    test = [Pair(near + " today", "tres", "", "t:1"), Pair("Nothing of the kind", "cuatro")]
    account = guard(Splits(train, [], test), 0.8)
    found = account["near_duplicates"]["train-test"]
    assert found["count"] == 1
    (example,) = found["examples"]
    assert (example["a"], example["b"]) == (near, near + " today")
    assert example["side"] == "source"
    assert 0.8 <= example["similarity"] < 1
    stricter = guard(Splits(train, [], test), 0.95)
    assert stricter["near_duplicates"]["train-test"]["count"] == 0


def test_many_leaks_show_five_and_what_to_do(distinct_rows):
    rows = distinct_rows(20)
    with pytest.raises(LeakError) as error:
        guard(Splits(rows, [], rows[:8]), 0.8)
    message = str(error.value)
    assert "8 test rows stand in train (8 with the same pair)" in message
    assert message.count("same pair:") == 5
    assert "and 3 more" in message
    assert "Take these rows out of the training data" in message


def test_the_one_row_that_real_corpora_share_is_short_and_counted(shared_data):
    def read(name):
        lines = (shared_data / name).read_text(encoding="utf-8").splitlines()
        return [Pair(*line.split("\t"), "", f"{name}:{i + 1}") for i, line in enumerate(lines)]

    test = read("en-kn.ntrex128.tsv")
    train = read("en-kn.storyweaver.tsv")
    assert guard(Splits(train, [], test), 0.8)["short_targets"] == {"train-test": 1}  # “Oh, no.”
    del train[1067]
    assert guard(Splits(train, [], test), 0.8)["short_targets"] == {"train-test": 0}


def test_short_sources_in_common_are_a_leak_where_they_are_many(distinct_rows):
    test = [Pair("Oh, no.", "ಓಹ್"), Pair("Thanks!", "ಧನ್ಯವಾದ"), *distinct_rows(198)]
    few = guard(Splits([Pair("Oh no!", "ಅಯ್ಯೋ"), Pair("Thanks", "ಥ್ಯಾಂಕ್ಸ್")], [], test), 0.8)
    assert few["short_targets"] == {"train-test": 2}
    with pytest.raises(LeakError, match=r"2 test rows stand in train \(2 with the same source\)"):
        guard(Splits([Pair("Oh no!", "ಅಯ್ಯೋ"), Pair("Thanks", "ಥ್ಯಾಂಕ್ಸ್")], [], test[:199]), 0.8)


@pytest.mark.parametrize(
    ("row", "text"), [(Pair(TARGET, "x"), TARGET), (Pair("x", SOURCE), SOURCE)]
)
def test_data_of_the_reversed_direction_is_a_leak_too(row, text):
    with pytest.raises(LeakError) as error:
        guard(Splits([row], [], [Pair(SOURCE, TARGET)]), 0.8)
    assert "1 with the same text on the other side" in str(error.value)
    assert f"same text on the other side: “{text}”" in str(error.value)


def test_finding_refuses_nothing_and_says_all_that_guard_does(distinct_rows):
    rows = distinct_rows(30)
    clean = Splits(rows[:20], rows[20:25], rows[25:])
    assert find(clean, 0.8).account() == guard(clean, 0.8)
    leaky = find(Splits(rows[:20], [], rows[15:]), 0.8)
    assert len(leaky.leaks["train", "test"]) == 5
    assert leaky.matrix["train-test"]["exact"]["pair"] == 5


def test_the_matrix_counts_held_out_rows_by_kind_and_side():
    long = "The train to the harbour leaves at nine from platform two"
    others = [Pair("Yes.", "Sí."), Pair(long, "uno"), Pair("Hola", "Hello"), Pair("five", "")]
    held_out = [
        Pair("yes!", "¡Sí!"),  # the same pair, so the same source and target too
        Pair("Yes", "Claro"),  # the same source
        Pair("Of course", "Sí"),  # the same target
        Pair("Hello", "Buenas"),  # stands on the other side
        Pair(long + " today", "dos"),  # near by its source
        Pair("Nothing of the kind", ""),
    ]
    assert in_common(others, held_out, 0.8) == {
        "rows": 6,
        "exact": {"pair": 1, "source": 2, "target": 2, "crossed": 1},
        "near": {"source": 1, "target": 0},
    }


@given(
    rows=st.lists(st.builds(Pair, *[st.sampled_from(["", "one", "two", "three"])] * 2)),
    others=st.lists(st.builds(Pair, *[st.sampled_from(["", "one", "two", "three"])] * 2)),
)
def test_what_is_in_common_is_never_more_than_there_is(rows, others):
    found = in_common(others, rows, 0.8)
    assert all(0 <= count <= len(rows) for count in found["exact"].values())
    assert found["exact"]["pair"] <= found["exact"]["source"]
    assert in_common([], rows, 0.8)["exact"] == dict.fromkeys(found["exact"], 0)
    itself = in_common(rows, rows, 0.8)["exact"]
    assert itself["source"] == sum(bool(row.source) for row in rows)
    assert itself["target"] == sum(bool(row.target) for row in rows)
