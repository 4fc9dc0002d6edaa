import pytest

from recognizer_ros.core.config import NODES, Value, settings
from recognizer_ros.core.errors import ConfigError
from recognizer_ros.core.options import Option, by_node, options


def option(name: str) -> Option:
    return next(item for item in options() if item.name == name)


def test_the_options_of_the_original_recognizer_are_there() -> None:
    assert {'host', 'port', 'ssl_key', 'ssl_cert', 'title', 'input', 'input_width',
            'input_height', 'input_rate', 'input_loop', 'data', 'net', 'net_width', 'net_height',
            'batch_size', 'workers', 'optimizer', 'learning_rate', 'print_freq', 'threshold',
            'smoothing'} <= {item.name for item in options()}


def test_nodes_that_share_an_option_agree_on_its_default() -> None:
    for item in options():
        defaults = {getattr(NODES[node](), item.name) for node in item.nodes}
        assert defaults == {item.default}, item.name


def test_a_flag_has_dashes() -> None:
    assert option('net_width').flag == '--net-width'


@pytest.mark.parametrize(('name', 'text', 'value'), [
    ('port', '80', 80),
    ('threshold', '1', 1.0),
    ('learning_rate', '1e-4', 1e-4),
    ('augmentation', 'no', False),
    ('augmentation', 'True', True),
    ('augmentation', 'ON', True),
    ('augmentation', '0', False),
    ('input', 'pattern://mug?seed=1', 'pattern://mug?seed=1'),
    ('optimizer', 'sgd', 'sgd'),
])
def test_text_is_read_as_the_type_of_the_default(name: str, text: str, value: Value) -> None:
    parsed = option(name).parse(text)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(('name', 'text', 'message'), [
    ('port', 'http', "port must be between 0 and 65535, not 'http'"),
    ('port', '80.5', 'port must be between 0 and 65535'),
    ('port', '65536', 'port must be between 0 and 65535, not 65536'),
    ('port', '', 'port must be between 0 and 65535'),
    ('threshold', 'nan', r'threshold must be between 0\.0 and 1\.0, not nan'),
    ('augmentation', 'maybe', "augmentation must be true or false, not 'maybe'"),
    ('optimizer', 'rmsprop', 'optimizer must be one of adam, sgd'),
])
def test_other_text_is_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        option(name).parse(text)


def test_values_go_to_every_node_that_has_the_setting() -> None:
    assert by_node({'data': 'there', 'port': 80}) == {
        'camera': {}, 'classifier': {}, 'recorder': {'data': 'there'},
        'trainer': {'data': 'there'}, 'web': {'port': 80}}


def test_options_of_some_nodes_only() -> None:
    names = {item.name for item in options(('trainer',))}
    assert {'data', 'net'} <= names
    assert 'port' not in names
    assert all(name in settings(NODES['trainer']) for name in names)
