"""In which encoding a text file is read: UTF-8, or what its byte order mark or the mapping says. It is never guessed.

Only the message about a file that is not UTF-8 has a guess, so that it can say what to write in the mapping.
"""

from __future__ import annotations

from io import BufferedReader, TextIOWrapper
from typing import BinaryIO, cast

from engine.errors import SourceError

UTF_8 = "utf-8-sig"
"""UTF-8, with or without its mark."""

_MARKS = ((b"\xef\xbb\xbf", UTF_8), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_UTF_32 = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")

_WESTERN = "äöüÄÖÜßéèêëàâáãçñóòôõíìîïúùûýåøæœÅØÆÉÈÀÁÇÑÓÍÚ€·°§©®«»²³\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u2026"
_EASTERN = "ąćęłńóśźżĄĆĘŁŃŚŹŻčďěňřšťůžČĎĚŇŘŠŤŮŽőűŐŰăâîșțşţ"
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ"

_CANDIDATES = (
    ("cp1252", _WESTERN),
    ("cp850", _WESTERN),
    ("mac-roman", _WESTERN),
    ("cp1250", _EASTERN),
    ("cp1251", _CYRILLIC),
)
"""Encodings of old Windows, DOS and Mac programs, the most common first, with the letters that their texts have."""


def encoding_of(file: BinaryIO, name: str, said: str | None) -> str:
    """Return the encoding of an open file that nothing was read of. `said`: by the mapping. A mark decides before it.

    Raises `SourceError` for UTF-32.
    """
    start = cast("BufferedReader", file).peek(4)[:4] if hasattr(file, "peek") else b""
    if start in _UTF_32:
        message = f"{name}, line 1, byte 1: the file is UTF-32: save it as UTF-8"
        raise SourceError(message, file=name, line=1)
    return next((encoding for mark, encoding in _MARKS if start.startswith(mark)), said or UTF_8)


def opened(file: BinaryIO, encoding: str) -> TextIOWrapper:
    """Return an open file as text, with its line ends as they are."""
    return TextIOWrapper(file, encoding=encoding, newline="")


def probable(data: bytes) -> str | None:
    """Return the encoding that bytes which are not UTF-8 are probably in; None: there is no telling."""
    best, most = None, 0.5  # of the characters beyond ASCII, at least half are letters of that part of the world
    for encoding, letters in _CANDIDATES:
        beyond = [one for one in data.decode(encoding, "replace") if not one.isascii()]
        share = sum(one in letters for one in beyond) / len(beyond) if beyond else 0
        if share > most:
            best, most = encoding, share
    return best


def misencoded(file: BinaryIO, name: str, encoding: str) -> SourceError:
    """Return the error for a file that is not in its encoding. `file`: the same one, at its beginning.

    It names the first byte that is not UTF-8, and the encoding that the text is probably in.
    """
    if encoding != UTF_8:
        words = f"{name} is not {encoding} throughout: name the right `encoding` in the mapping, or export it as UTF-8"
        return SourceError(words, file=name)
    for number, line in enumerate(file, 1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            place = f"{name}, line {number}, byte {error.start + 1}"
            guess = probable(line + file.read(100_000))
            said = f'; it is probably {guess}: say so in the mapping, encoding = "{guess}"' if guess else ""
            advice = 'or save the file as UTF-8 (in Excel: "CSV UTF-8")' if guess else ": save the file as UTF-8"
            message = f"{place}: 0x{line[error.start]:02X} is not UTF-8{said}{', ' if guess else ''}{advice}"
            return SourceError(message, file=name, line=number)
    return SourceError(f"{name} changed while it was read: try again", file=name)
