"""Figures by example: what counts as kept, and what is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.core.languages import language
from dubash.core.types import Pair
from dubash.evaluate.behaviour.figures import changed_figures, lost_figures
from dubash.evaluate.behaviour.numerals import numbers, plain_digits, readings
from dubash.evaluate.behaviour.units import close, conversions


@pytest.mark.parametrize(
    ("source", "text", "target"),
    [
        # digits of other scripts, and separators of either convention
        ("It costs 1,234.50", "Cuesta 1.234,50", "es"),
        ("It costs 12,500", "Cuesta 12 500", "es"),
        ("100,000 people", "१,००,००० लोग", "hi"),
        ("In 1998", "೧೯೯೮ರಲ್ಲಿ", "kn"),
        ("वर्ष १९९८", "વર્ષ ૧૯૯૮", "gu"),
        ("room 12", "１２号室", "ja"),
        # spelled out
        ("the 12 apostles", "los doce apóstoles", "es"),
        ("aged 35", "de treinta y cinco años", "es"),
        ("aged 35", "पैंतीस साल का", "hi"),
        ("3 senators", "ત્રણેય સેનેટરો", "gu"),
        ("2 people", "ಇಬ್ಬರು", "kn"),
        ("15 years", "十五年", "ja"),
        ("350 people", "三百五十人", "ja"),
        ("1.5 lakh", "डेढ़ लाख", "hi"),
        ("2½ years", "dos años y medio", "es"),
        ("the 36th meeting", "la trigésima sexta reunión", "es"),
        ("the 20th century", "el siglo XX", "es"),
        ("decenio de 20 años", "two decades", "en"),
        # scaled
        ("$5 million", "50 लाख डॉलर", "hi"),
        ("5 million", "500万", "ja"),
        ("320 million", "3億2000万", "ja"),
        ("£2.8bn", "2800 millones", "es"),
        ("£125m", "१२.५ करोड़ पाउंड", "hi"),
        ("200 billion", "200 डॉलर बिलियन", "hi"),
        ("from $10 to $15 million", "de 10 a 15 millones", "es"),
        ("約1億2000万人", "about 120 million", "en"),
        ("310万人", "3.1 million people", "en"),
        # times, dates, years
        ("at 7:30 p.m.", "a las 19:30", "es"),
        ("at 5.30pm", "午後5時半", "ja"),
        ("at 2:30", "a las dos y media", "es"),
        ("at 6:45", "a las siete menos cuarto", "es"),
        ("at 12 p.m.", "al mediodía", "es"),
        ("12時45分", "at 12:45", "en"),
        ("the 1990s", "los años 90", "es"),
        ("in 2016-17", "en 2016-2017", "es"),
        ("SS19", "primavera-verano 2019", "es"),
        ("in 2019", "平成31年", "ja"),
        ("in 2019", "令和元年", "ja"),
        ("10月2日に", "on October 2", "en"),
        # other units
        ("80 °F", "26 °C", "es"),
        ("up to 80 degrees", "hasta 26 grados", "es"),
        ("385 miles away", "a 620 kilómetros", "es"),
        ("2 to 4 inches", "entre 5 y 10 centímetros", "es"),
        ("a 6-foot-6 forward", "un alero de 198 cm", "es"),
        ("30 minutes", "media hora", "es"),
        # the number is said in words that are no number
        ("100 percent certain", "totalmente seguro", "es"),
    ],
)
def test_the_same_number_in_another_form_is_kept(source: str, text: str, target: str) -> None:
    assert lost_figures(source, text, language(target)) == []


@pytest.mark.parametrize(
    ("source", "text", "target", "lost"),
    [
        ("20 people came in 1998", "Vinieron 30 personas en 1998", "es", ["20"]),
        ("20 people came in 1998", "Vinieron personas", "es", ["20", "1998"]),
        ("£2.8bn", "2800 billones", "es", ["2.8bn"]),
        ("11 million pounds", "11 libras", "es", ["11 million"]),
        ("120 मिलियन पाउंड", "120 કરોડ પાઉન્ડ", "gu", ["120 मिलियन"]),
        ("at 7:30", "a las 8:30", "es", ["7:30"]),
        ("80 °F", "46 °C", "es", ["80"]),
        ("100% of them", "el 10% de ellos", "es", ["100"]),
        ("5.6 points and 2.6 rebounds", "5.6ポイントと8.2リバウンド", "ja", ["2.6"]),
        ("रूपये १२५", "રૂપિયા ૧૫૨", "gu", ["125"]),
    ],
)
def test_another_number_is_a_lost_one(source: str, text: str, target: str, lost: list[str]) -> None:
    assert lost_figures(source, text, language(target)) == lost


def test_the_evidence_shows_what_came_instead() -> None:
    row = Pair("It is 385 km and 20 minutes away.", "Está a 385 km y 20 minutos.")
    assert changed_figures("Está a 358 km y 20 minutos.", row, language("es")) == (["385"], ["358"])


def test_what_the_reference_drops_or_changes_as_well_is_no_change() -> None:
    row = Pair("As Tom, 37, said in 2016", "Como dijo Tom en 2016")
    assert changed_figures("Como Tom dijo en 2016", row, language("es")) == ([], [])
    assert changed_figures("Como Tom dijo", row, language("es")) == (["2016"], [])


def test_figures_of_links_placeholders_and_tags_are_not_language() -> None:
    row = Pair('Open %1$s at https://a.org/7 <x id="3"/>', "")
    assert changed_figures("Abre", row, language("es")) == ([], [])


def test_a_language_whose_number_words_are_not_known_keeps_digits_only() -> None:
    assert lost_figures("5 million", "5 Millionen", language("de")) == []
    assert lost_figures("12 apostles", "zwölf Apostel", language("de")) == ["12"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1234", (1234,)),
        ("1.234", (1.234, 1234)),
        ("1,5", (1.5,)),
        ("1.234,56", (1234.56,)),
        ("1,234,567", (1234567,)),
        ("1,00,000", (100000,)),
        ("10:30", ()),
    ],
)
def test_a_number_is_read_by_every_convention(written: str, meant: tuple[float, ...]) -> None:
    assert readings(written) == meant


@given(
    st.integers(0, 10**9),
    st.sampled_from(["०१२३४५६७८९", "૦૧૨૩૪૫૬૭૮૯", "೦೧೨೩೪೫೬೭೮೯", "０１２３４５６７８９"]),
)
def test_digits_of_every_script_are_the_same_number(number: int, digits: str) -> None:
    written = str(number).translate(str.maketrans("0123456789", digits))
    assert plain_digits(written) == str(number)
    assert lost_figures(str(number), written, language("hi")) == []
    assert lost_figures(written, f"{number:,}", language("en")) == []


@given(st.integers(10_000, 10**6), st.integers(10_000, 10**6))
def test_two_different_numbers_are_not_one(one: int, other: int) -> None:
    lost = [] if one == other else [str(one)]
    assert lost_figures(f"x {one} x", f"x {other} x", language("de")) == lost


def test_every_number_word_is_found_by_itself_and_together() -> None:
    assert {3e8, 2e7, 3.2e8} <= numbers("3億2000万円", language("ja")).values
    assert 2300 in numbers("二千三百", language("ja")).values
    assert 200_000 in numbers("two hundred thousand", language("en")).values
    assert 12_000_000 in numbers("1 करोड़ 20 लाख", language("hi")).values
    assert 500_000 in numbers("half a million", language("en")).values


def test_conversions_are_by_the_unit_that_follows() -> None:
    assert any(close(26, each) for each in conversions(80, "", " °F"))
    assert any(close(160, each) for each in conversions(100, "", " miles"))
    assert conversions(100, "", " people") == []
    assert conversions(2005, "", " in Xining") == []
