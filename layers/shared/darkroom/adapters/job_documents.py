"""Jobs' documents as they are stored: in little space, for each write is charged for the whole row by the kilobyte.

What the planner is told is the same in each turn but for some lines, and has 30 kB. Its phrases are kept in
`job_phrases.json`; a stored document has their numbers instead, and is compressed (RFC 1950) with a preset dictionary
of what documents have in common. Reading gives the text back byte by byte, whatever today's prompt says: phrases and
dictionaries are added to that file, and never changed or removed. `python -m local.job_phrases` adds those of today.
"""

import json
import re
import zlib
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

PATH: Final = Path(__file__).with_name("job_phrases.json")
# With the columns beside it, a longer document would not fit one unit of writing.
LONGEST_TEXT: Final = 600
_NUMBER: Final = re.compile("\x01([0-9]+)\x02")
# RFC 1950: a preset dictionary is announced in the second byte, and named by its checksum in the four that follow.
_HAS_DICTIONARY: Final = 0x20


class Phrases(NamedTuple):
    """Args: phrases: as in documents' JSON, which holds no control characters. dictionaries: the last one is in use."""

    phrases: tuple[str, ...]
    dictionaries: tuple[bytes, ...]


@cache
def known() -> Phrases:
    kept = json.loads(PATH.read_text(encoding="utf-8"))
    return Phrases(tuple(kept["phrases"]), tuple(each.encode() for each in kept["dictionaries"]))


def numbered(text: str, phrases: tuple[str, ...]) -> str:
    """A JSON text with numbers in the place of phrases."""
    for number, phrase in enumerate(phrases):
        text = text.replace(phrase, f"\x01{number}\x02")
    return text


def pack(text: str) -> str | bytes:
    """Args: text: JSON, in which control characters are escaped. Short ones stay as they are."""
    if len(text) <= LONGEST_TEXT:
        return text
    phrases, dictionaries = known()
    packer = zlib.compressobj(9, zdict=dictionaries[-1])
    return packer.compress(numbered(text, phrases).encode()) + packer.flush()


def unpack(stored: str | bytes) -> str:
    """The text that was packed, by this version or an earlier one.

    Raises:
        KeyError: it was packed with a dictionary of a later version.
        IndexError: it has a phrase of a later version.
    """
    if isinstance(stored, str):
        return stored
    phrases, dictionaries = known()
    by_checksum = {zlib.adler32(each): each for each in dictionaries}
    unpacker = (
        zlib.decompressobj(zdict=by_checksum[int.from_bytes(stored[2:6])])
        if stored[1] & _HAS_DICTIONARY
        else zlib.decompressobj()
    )
    text = (unpacker.decompress(stored) + unpacker.flush()).decode()
    return _NUMBER.sub(lambda found: phrases[int(found[1])], text)
