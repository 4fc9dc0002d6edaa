"""The fields of a protocol buffer, without parsing what is in them: large weights cost nothing.

A message is a list of fields, in any order. Where one that holds a message comes twice, readers
take the second as more of the first. So fields put at the end add to a file.
"""

from collections.abc import Iterator

_VARINT, _EIGHT_BYTES, _SIZED, _FOUR_BYTES = 0, 1, 2, 5


def fields(data: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """The fields of a protocol buffer: number, all of its bytes, and its content alone.

    :raises ValueError: this is not one. :raises IndexError: likewise.
    """
    end = 0
    while end < len(data):
        start = end
        tag, content = _number(data, start)
        kind = tag & 7
        if kind == _SIZED:
            size, content = _number(data, content)
            end = content + size
        elif kind == _VARINT:
            _, end = _number(data, content)
        else:
            end = content + {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}.get(kind, len(data))
        if end > len(data):
            raise ValueError('it ends inside a field')
        yield tag >> 3, data[start:end], data[content:end]


def opening(number: int, size: int) -> bytes:
    """What stands before the content, of ``size`` bytes, of a field."""
    return _varint(number << 3 | _SIZED) + _varint(size)


def field(number: int, content: bytes) -> bytes:
    """A field that holds text, bytes or a message."""
    return opening(number, len(content)) + content


def _number(data: memoryview, at: int) -> tuple[int, int]:
    """A number and where it ends: seven bits a byte, lowest first; the last is below 128."""
    number = shift = 0
    while True:
        number |= (data[at] & 0x7f) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return number, at


def _varint(number: int) -> bytes:
    digits = []
    while number > 0x7f:
        digits.append(number & 0x7f | 0x80)
        number >>= 7
    return bytes([*digits, number])
