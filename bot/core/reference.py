"""The short name of a request that people read out on the phone: OMS-7K3F."""

import re

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
_ROUNDS = 4
_SHAPE = re.compile(f"OMS-[{_ALPHABET}]{{4,12}}(-[0-9]{{1,6}})?")


def is_reference(text: str) -> bool:
    """Whether `text` could be the name of a request."""
    return _SHAPE.fullmatch(text) is not None


def reference(contact: int, count: int) -> str:
    """The name of a contact's `count`-th request.

    Different for every pair, since it is a permutation of the contact's number and not a random draw; shuffled,
    so that it does not tell how many people have asked. It is a name, not a secret.
    """
    letters = 4
    while contact >= 32**letters:
        letters += 2
    shuffled = _shuffle(contact, letters * 5 // 2)
    code = "".join(_ALPHABET[shuffled >> 5 * place & 31] for place in reversed(range(letters)))
    return f"OMS-{code}" if count == 1 else f"OMS-{code}-{count}"


def _shuffle(number: int, half: int) -> int:
    """A Feistel network over two halves of `half` bits: a bijection whatever the round function is."""
    left, right = number >> half, number & (1 << half) - 1
    for step in range(_ROUNDS):
        mixed = (right * 0x9E3779B1 + step * 0x85EBCA77 + 0x2545F491) & 0xFFFFFFFF
        left, right = right, left ^ ((mixed ^ mixed >> 15) * 0x2C1B3C6D >> 12) & (1 << half) - 1
    return left << half | right
