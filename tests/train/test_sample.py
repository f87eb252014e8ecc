"""The dev row that is shown: one that fits a line, each of its texts by name."""

from dubash.train.sample import Sample, pick


def test_the_row_shown_is_of_a_readable_length():
    sources = ["Yes.", "Where is the well of this old village?", "word " * 100]
    assert pick(sources) == 1
    assert pick(sources[:1]) == 0


def test_each_text_has_its_name():
    names = [name for name, _ in Sample("a", "b\nc", "d").lines()]
    assert names == ["source", "hypothesis", "reference"]
