import json
import math
from dataclasses import replace
from typing import Any

import makers
import pytest

from recognizer_ros.core.bundle import Bundle, from_json, to_json
from recognizer_ros.core.errors import ModelError
from recognizer_ros.core.scores import ClassScore, Scores


def full() -> Bundle:
    labels = ('grüne tasse', 'pen')
    return replace(
        makers.bundle(labels, (0.75, 0.25), version=12), parent=11, stage='finetune',
        scores=Scores(5, 0.8, 0.75, 0.7, 0.9, 0.1, labels,
                      (ClassScore(1.0, 0.5, 2 / 3, 2, -0.5), ClassScore(0.75, 1.0, 0.857, 3, 0)),
                      ((1, 1), (0, 3)), warning='only one burst', mode='single'))


def test_what_is_written_is_read_back() -> None:
    assert from_json(to_json(full())) == full()


def test_nan_is_written_as_null_and_read_back_as_nan() -> None:
    written = replace(full(), scores=replace(
        full().scores, accuracy=makers.NAN,
        per_class=(ClassScore(makers.NAN, 0.5, makers.NAN, 2), full().scores.per_class[1])))
    text = to_json(written)
    assert 'NaN' not in text
    read = from_json(text).scores
    assert math.isnan(read.accuracy)
    assert math.isnan(read.per_class[0].precision)
    assert math.isnan(read.per_class[0].f1)
    assert (read.balanced_accuracy, read.per_class[0].recall) == (0.75, 0.5)


@pytest.mark.parametrize('other', [1, 3])
def test_another_format_is_refused_with_the_way_out(other: int) -> None:
    with pytest.raises(ModelError, match=f'has format {other}, this program reads 2: use the '
                                         'version of recognizer_ros that wrote it'):
        from_json(json.dumps({**json.loads(to_json(full())), 'format': other}))


@pytest.mark.parametrize('text', [
    '', 'null', '[]', '7', '"text"', '{', 'not JSON', to_json(full())[:-20], '\x00' * 100])
def test_text_that_is_no_bundle_is_refused(text: str) -> None:
    with pytest.raises(ModelError):
        from_json(text)


@pytest.mark.parametrize('field', sorted(json.loads(to_json(full())).keys() - {'reason'}))
def test_every_field_is_needed(field: str) -> None:
    data = json.loads(to_json(full()))
    del data[field]
    with pytest.raises(ModelError):
        from_json(json.dumps(data))


@pytest.mark.parametrize(('field', 'value'), [
    ('labels', []),
    ('labels', ['mug']),
    ('labels', ['mug', 'mug']),
    ('labels', ['mug', '']),
    ('labels', ['mug', 7]),
    ('labels', ['mug', ['pen']]),
    ('labels', 7),
    ('labels', 'ab'),
    ('labels', None),
    ('label_mode', 'some'),
    ('label_mode', None),
    ('probe', []),
    ('probe', [0.5, None]),
    ('probe', ['x', 0]),
    ('probe', 0.5),
    ('sha256', {}),
    ('sha256', []),
    ('sha256', None),
    ('sha256', 5),
    ('sha256', ['backbone.onnx', 'head.safetensors']),
    ('sha256', {'backbone.onnx': 'a' * 64}),
    ('sha256', {'head.safetensors': 'a' * 64}),
    ('sha256', {'backbone.onnx': 'a' * 64, 'head.safetensors': 7}),
    ('preprocessing', {}),
    ('preprocessing', None),
    ('scores', {}),
    ('scores', []),
    ('surprise', 1),
])
def test_damaged_fields_are_refused(field: str, value: Any) -> None:
    with pytest.raises(ModelError, match='damaged'):
        from_json(json.dumps({**json.loads(to_json(full())), field: value}))


@pytest.mark.parametrize(('field', 'value'), [
    ('width', 0), ('width', -8), ('height', 5000), ('width', '8'), ('width', None),
    ('mean', None), ('std', 3), ('mean', [0.1]), ('std', [1, 1, 'x']), ('colour_order', 'hsv'),
    ('resize', 'crop'), ('surprise', 1)])
def test_damaged_preprocessing_is_refused(field: str, value: Any) -> None:
    data = json.loads(to_json(full()))
    data['preprocessing'][field] = value
    with pytest.raises(ModelError, match='damaged'):
        from_json(json.dumps(data))


@pytest.mark.parametrize('error_text', ['{', '[]'])
def test_the_message_is_one_line(error_text: str) -> None:
    with pytest.raises(ModelError) as raised:
        from_json(error_text)
    assert '\n' not in str(raised.value)
