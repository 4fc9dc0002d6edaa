"""The stand-in for vision_msgs has upstream's type hashes, so robots understand it."""

import json
from pathlib import Path

import pytest
from ament_index_python import get_package_share_directory

UPSTREAM = {
    'Classification': 'f74db28d0eaef3afb78f48bf2161cd709a1383a0309d3454383b25be11345143',
    'LabelInfo': '3d37df4015cdf660cc851c51897f2acd957e1ca6205ba0a99aebffb9406b0783',
    'ObjectHypothesis': '51da43cec11c01957a64d1e05a24acd18aae7745ec30b74348ad5f6d634f7f90',
    'VisionClass': '1e4a11f0fed50b5623cb8ff26ca0e37952a48a9c074d16f804b44e9164c2037a',
    'VisionInfo': '95d3116a17484ad91c9a2686e1d54890bbfc3ff6c6a2de137738c4950d45d284',
}


@pytest.mark.parametrize('name', sorted(UPSTREAM))
def test_type_hash_is_upstreams(name):
    path = Path(get_package_share_directory('vision_msgs'), 'msg', f'{name}.json')
    hashes = json.loads(path.read_text())['type_hashes']
    found = [of['hash_string'] for of in hashes if of['type_name'] == f'vision_msgs/msg/{name}']
    assert found == [f'RIHS01_{UPSTREAM[name]}']
