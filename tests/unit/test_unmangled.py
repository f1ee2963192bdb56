"""UTF-8 that was read as cp1252 is told from real names."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from engine.guards.damaged_text import unmangled
from tests.unit.model_server import STEADY

ALPHABETS = {
    "Croatian, Slovene, Serbian": "abcčćdđefghijklmnoprsštuvzž",
    "Czech": "aábcčdďeéěfghiíjklmnňoópqrřsštťuúůvwxyýzž",
    "Danish, Norwegian": "abcdefghijklmnopqrstuvwxyzæøå",
    "Dutch": "abcdefghijklmnopqrstuvwxyzéëï",
    "French": "abcdefghijklmnopqrstuvwxyzàâçéèêëîïôœùûü",
    "German": "abcdefghijklmnopqrstuvwxyzäöüß",
    "Hungarian": "aábcdeéfghiíjklmnoóöőpqrstuúüűvwxyz",
    "Icelandic": "aábdðeéfghiíjklmnoóprstuúvxyýþæö",
    "Italian": "abcdefghilmnopqrstuvzàèéìòù",
    "Polish": "aąbcćdeęfghijklłmnńoóprsśtuwyzźż",
    "Portuguese": "abcdefghijklmnopqrstuvwxyzáâãàçéêíóôõú",
    "Romanian": "aăâbcdefghiîjklmnopqrsștțuvwxyz",
    "Slovak": "aáäbcčdďeéfghiíjklĺľmnňoóôpqrŕsštťuúvwxyýzž",
    "Spanish": "abcdefghijklmnñopqrstuvwxyzáéíóúü",
    "Swedish, Finnish": "abcdefghijklmnopqrstuvwxyzåäö",
    "Turkish": "abcçdefgğh\u0131ijklmnoöprsştuüvyz",
}
VOWELS = "aeiouyáàâäãåæéèêëěíìîïóòôöõøőúùûüűůýąęă\u0131œ"

SURE_ENDS = ("", ".", " \u2013 2")
UNSURE = "ÂÃÄÅÈ"
"""Capitals after which a sign looks like the half of a mangled letter: Ä and ® are what is left of a mangled Į."""


@st.composite
def words(draw: st.DrawFn) -> str:
    """Draw a word that can be said: of no two letters with marks side by side is the second a consonant of its own.

    Some are written in capitals, as charts of accounts often are.
    """
    alphabet = ALPHABETS[draw(st.sampled_from(sorted(ALPHABETS)))]
    vowels = [letter for letter in alphabet if letter in VOWELS]
    others = [letter for letter in alphabet if letter not in VOWELS]
    syllable = st.builds(str.__add__, st.sampled_from(others), st.sampled_from(vowels))
    end = st.sampled_from([*others, ""])
    word = "".join(draw(st.lists(syllable, min_size=1, max_size=4))) + draw(end)
    return draw(st.sampled_from([word, word.capitalize(), word.upper()]))


@STEADY
@given(
    st.lists(words(), min_size=1, max_size=3).map(" ".join),
    st.sampled_from([*SURE_ENDS, "\u2019S", "®", "™", "…", "°"]),
)
@example("KNÍŽKA", "")
@example("VÝŠKA", "")
@example("LÍŠKA", "")
@example("CAFÉ", "\u2019S")
@example("NESCAFÉ", "®")
@example("JOSÉ", "™")
@example("CAFÉ", "…")
@example("ÚŽITOK", "")
def test_a_real_name_is_never_taken_for_mangled(name: str, end: str) -> None:
    assume(name[-1] not in UNSURE or end in SURE_ENDS)
    assert unmangled(name + end) is None


@STEADY
@given(st.lists(words(), min_size=1, max_size=3).map(" ".join))
@example("Société Générale \u2013 Müller\u2019s")
@example("Zażółć gęślą jaźń")
@example("Ελληνικά")
@example("Бухгалтерия")
@example("חשבונות")
@example("東京店")
@example("Phở Việt")
@example("50 €")
@example("ACME™")
def test_a_mangled_name_is_caught(name: str) -> None:
    assume(not name.isascii())
    try:
        mangled = name.encode().decode("cp1252")
    except UnicodeDecodeError:  # five bytes have no character in cp1252: programs make control characters of them
        assume(False)
    assert unmangled(mangled) == name


@pytest.mark.parametrize("text", ["Cash", "Caf\u00e9", "Ã", "Â", "naïve", "50 €", "ŽIŽKŮV", "Ã\u0081"])
def test_what_cannot_have_been_utf_8_is_not_mangled(text: str) -> None:
    assert unmangled(text) is None
