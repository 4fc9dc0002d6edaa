"""The files of config/ for rqt, RViz, Foxglove and diagnostics name what the nodes have."""

import importlib
import json
import re
from ast import literal_eval
from pathlib import Path

import pytest
import yaml

from docs.interfaces import ENDPOINTS, Role
from recognizer_ros.core.config import NODES

CONFIG = Path(__file__).parents[2] / 'config'
PUBLISHED = {item.name.lstrip('/'): item for item in ENDPOINTS if item.role is Role.PUBLISHES}
SERVED = {item.name for item in ENDPOINTS if item.role is Role.SERVES}
IMAGE = 'sensor_msgs/msg/Image'


@pytest.fixture
def rviz():
    return yaml.safe_load((CONFIG / 'recognizer.rviz').read_text())


@pytest.fixture
def plugins():
    """Of the rqt perspective."""
    data = json.loads((CONFIG / 'recognizer.perspective').read_text())
    return data['groups']['pluginmanager']


@pytest.fixture
def foxglove():
    return json.loads((CONFIG / 'foxglove.json').read_text())


@pytest.fixture
def analyzers():
    return yaml.safe_load((CONFIG / 'diagnostics.yaml').read_text())['analyzers'][
        'ros__parameters']


def test_rviz_shows_images_that_are_published_as_they_are_published(rviz):
    displays = rviz['Visualization Manager']['Displays']
    assert [item['Topic']['Value'] for item in displays] == ['image_overlay', 'explanation']
    for display in displays:
        topic, published = display['Topic'], PUBLISHED[display['Topic']['Value']]
        assert display['Class'] == 'rviz_default_plugins/Image'
        assert published.type == IMAGE
        assert (topic['Reliability Policy'] == 'Reliable') == published.qos.reliable
        assert topic['Durability Policy'] == 'Volatile'


def test_rviz_names_are_relative_so_that_a_namespace_moves_them(rviz):
    assert not [item for item in rviz['Visualization Manager']['Displays']
                if item['Topic']['Value'].startswith('/')]


def test_the_perspective_shows_and_calls_what_is_there(plugins):
    image, call = (settings(plugins, name) for name in (
        'plugin__rqt_image_view__ImageView__1', 'plugin__rqt_service_caller__ServiceCaller__1'))
    assert PUBLISHED[image['topic'].lstrip('/')].type == IMAGE
    assert call['current_service_name'].lstrip('/') in SERVED


def test_the_perspective_sets_up_only_plugins_that_it_opens(plugins):
    opened = literal_eval(plugins['keys']['running-plugins']['repr'])
    names = {f'plugin__{plugin.replace("/", "__")}__{number}'
             for plugin, numbers in opened.items() for number in numbers}
    assert len(names) == 5
    assert set(plugins['groups']) <= names


def test_foxglove_shows_fields_that_the_messages_have(foxglove):
    paths = re.findall(r'"(/[^"]+)"', json.dumps(foxglove))
    assert len(paths) == 6
    for path in paths:
        topic, _, field = path[1:].partition('.')
        fields = re.findall(r'\w+(?=[.\[]|$)', re.sub(r'\[\d+\]', '', field))
        assert_fields(PUBLISHED[topic].type, fields)


def test_foxglove_lays_out_each_panel_once(foxglove):
    def leaves(part):
        return [part] if isinstance(part, str) else [
            *leaves(part['first']), *leaves(part['second'])]

    assert sorted(leaves(foxglove['layout'])) == sorted(foxglove['configById'])


@pytest.mark.parametrize('namespace', ['', 'robot/', 'site/robot/'])
def test_each_node_has_its_analyzer_in_any_namespace(analyzers, namespace):
    known = {name: item for name, item in analyzers.items() if isinstance(item, dict)}
    assert set(known) == set(NODES)
    for node in NODES:
        found = [name for name, item in known.items()
                 if any(re.fullmatch(regex, namespace + node) for regex in item['regex'])]
        assert found == [node]
        assert known[node]['num_items'] == 1


def settings(plugins, name):
    """As qt_gui reads them: Python literals."""
    keys = plugins['groups'][name]['groups']['plugin']['keys']
    return {key: literal_eval(value['repr']) for key, value in keys.items()}


def assert_fields(kind, fields):
    """A message has a field that has a field..."""
    for field in fields:
        package, folder, name = kind.split('/')
        message = getattr(importlib.import_module(f'{package}.{folder}'), name)
        types = message.get_fields_and_field_types()
        assert field in types
        kind = re.sub(r'^sequence<|>$', '', types[field]).replace('/', '/msg/')
