import pytest

from recognizer_ros.core.errors import LabelError
from recognizer_ros.core.labels import MAX_LABEL_LENGTH, MAX_LABELS, join, normalise, parse


@pytest.mark.parametrize(('text', 'tags'), [
    ('mug', ('mug',)),
    ('mug,pen', ('mug', 'pen')),
    ('mug;pen', ('mug', 'pen')),
    ('pen ; Mug\nCUP', ('pen', 'mug', 'cup')),
    ('  Coffee   Mug ,pen', ('coffee mug', 'pen')),
    ('coffee\tmug', ('coffee mug',)),
    ('mug,,; ,', ('mug',)),
    ('mug,MUG, mug ', ('mug',)),
    ('ÄPFEL', ('äpfel',)),
    ('<b>, "quoted"', ('<b>', '"quoted"')),
    ('', ()),
    (' ;\n, ', ()),
])
def test_a_line_of_tags_is_cut_trimmed_and_lowered(text: str, tags: tuple[str, ...]) -> None:
    assert parse(text) == tags


def test_what_is_joined_is_read_back() -> None:
    tags = ('coffee mug', 'pen', 'äpfel')
    assert parse(join(tags)) == tags


@pytest.mark.parametrize('tag', ['a,b', 'a;b'])
def test_a_separator_inside_a_tag_is_refused(tag: str) -> None:
    with pytest.raises(LabelError, match='separator'):
        normalise([tag])


@pytest.mark.parametrize('tag', ['mug\x00', 'a\x07b', '\x1b[31mred', 'a\u202eb', 'a\u200bb'])
def test_a_control_character_is_refused_and_shown_escaped(tag: str) -> None:
    with pytest.raises(LabelError, match='control character') as raised:
        normalise([tag])
    assert str(raised.value).isprintable()


def test_length_has_a_limit_after_trimming() -> None:
    longest = 'x' * MAX_LABEL_LENGTH
    assert normalise([f'  {longest}  ']) == (longest,)
    with pytest.raises(LabelError, match=f'too long: use at most {MAX_LABEL_LENGTH}'):
        normalise([longest + 'x'])


def test_number_has_a_limit_after_duplicates_are_dropped() -> None:
    most = [f'tag {number}' for number in range(MAX_LABELS)]
    assert normalise(most + most) == tuple(most)
    with pytest.raises(LabelError, match=f'17 tags are too many: give at most {MAX_LABELS}'):
        normalise([*most, 'one more'])
