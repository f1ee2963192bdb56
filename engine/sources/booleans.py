"""How programs spell yes and no: in JSON and databases, in Excel in its languages, and in lists of ERPs."""

from __future__ import annotations

from collections.abc import Mapping

_TRUE = """
1 -1 t true y yes
wahr ja j
vrai oui
vero si sì
verdadero sí
verdadeiro sim
waar
sant sand sann
tosi kyllä
prawda tak
pravda ano
"""
"""English and the digits, of which Access has -1; then German, French, Italian, Spanish, Portuguese, Dutch, Swedish,
Danish and Norwegian (with the German yes), Finnish, Polish, Czech: what Excel shows, and the word for yes."""

_FALSE = """
0 f false n no
falsch nein
faux non
falso
não nao
onwaar nee
falskt falsk usann nej nei
epätosi ei
fałsz nie
nepravda ne
"""

BOOLEANS: Mapping[str, bool] = {
    **dict.fromkeys(_TRUE.split(), True),
    **dict.fromkeys(_FALSE.split(), False),
}
"""Each spelling, in lower case -> what it means."""


def spelled(text: str) -> bool | None:
    """Return what a text means if it spells yes or no, in any case; else None."""
    return BOOLEANS.get(text.casefold())
