"""Places in running text where a host's dot, or a scheme's colon, may stand."""

_LATIN, _DIGIT, _GAP, _FIRST, _D, _COLON, _DOT = 1, 2, 4, 8, 32, 64, 128
"""What a character can be in a host, as in `rules.hosts_in_text`."""
_NAME = _LATIN | _DIGIT


def dots(codes: memoryview, kind_of: memoryview, places: memoryview) -> int:
    """Writes the places (int64), as many as there is room for; returns how many there are.

    codes: uint32[n], texts as written, with a NUL after each and three more at the end; kind_of: uint8[0x110000].
    """
    room, count = len(places), 0
    earlier, before = 0, 0
    kind = kind_of[codes[0]]
    for at in range(len(codes) - 3):
        following = kind_of[codes[at + 1]]
        # Most dots end a sentence: another sign or nothing follows.
        if kind >= _D and following & (_LATIN | _GAP | _COLON) and (kind != _D | _LATIN or before & _GAP):
            spaced = (before & _GAP) != 0 and (earlier & (_NAME | _GAP)) != 0
            found = False
            if kind & _DOT and (spaced or before & _NAME):
                found = (following & _LATIN) != 0
                if not found and following & _GAP:
                    found = (kind_of[codes[at + 2]] & (_GAP | (_LATIN if spaced else _FIRST))) != 0
            if not found and kind & _D and spaced:
                found = (kind_of[codes[at + 3]] & _GAP) != 0
            if not found and kind & _COLON and before & (_LATIN | _GAP):
                found = ((following | kind_of[codes[at + 2]]) & _COLON) != 0
            if found:
                if count < room:
                    places[count] = at
                count += 1
        earlier, before, kind = before, kind, following
    return count
