"""camera_info, from a file as camera_calibration writes it."""

from pathlib import Path

import numpy as np
import pytest
from ros_graph import UNCONFIGURED, Graph, wait_for
from sensor_msgs.msg import CameraInfo, Image

from recognizer_ros.core.errors import ConfigError
from recognizer_ros.nodes import calibration, lifecycle, qos
from recognizer_ros.nodes.camera import Camera

FILE = """\
image_width: 64
image_height: 48
camera_name: head camera
camera_matrix:
  rows: 3
  cols: 3
  data: [71.5, 0, 31.5, 0, 72.25, 23.5, 0, 0, 1]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [0.1, -0.25, 0.001, -0.002, 0]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1, 0, 0, 0, 1, 0, 0, 0, 1]
projection_matrix:
  rows: 3
  cols: 4
  data: [70, 0, 31, 0, 0, 71, 23, 0, 0, 0, 1, 0]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / 'my camera.yaml'
    path.write_text(FILE)
    return path


def start(graph: Graph, place: object, width: int = 64) -> Camera:
    return graph.start(Camera, input='pattern://apple', camera_info=str(place), input_width=width,
                       input_height=48, frame_id='head')


def test_it_comes_with_the_header_of_each_image(graph: Graph, file: Path) -> None:
    infos = graph.listen(CameraInfo, 'camera_info', qos.RECORDED)
    images = graph.listen(Image, 'image_raw', qos.RECORDED)
    start(graph, file)
    infos.wait(4)
    info = infos[0]
    assert (info.width, info.height, info.distortion_model) == (64, 48, 'plumb_bob')
    assert info.k.tolist() == [71.5, 0, 31.5, 0, 72.25, 23.5, 0, 0, 1]
    assert info.r.tolist() == np.eye(3).ravel().tolist()
    assert info.p.tolist() == [70, 0, 31, 0, 0, 71, 23, 0, 0, 0, 1, 0]
    assert list(info.d) == [0.1, -0.25, 0.001, -0.002, 0]
    wait_for(lambda: images[-1].header.stamp.sec >= infos[0].header.stamp.sec)
    heads = [message.header for message in list(images)]
    assert sum(message.header in heads for message in list(infos)) >= 2


def test_images_of_another_size_go_without_and_it_is_told(graph: Graph, file: Path) -> None:
    infos = graph.listen(CameraInfo, 'camera_info', qos.RECORDED)
    start(graph, file, width=80)
    told = graph.diagnosed('camera', 'camera_info is for 64×48, images are 80×48: set input_width')
    assert told.level == lifecycle.WARN
    assert not infos


def test_a_file_that_is_missing_stops_the_start(graph: Graph, tmp_path: Path) -> None:
    camera = graph.add(Camera, input='pattern://', camera_info=str(tmp_path / 'none.yaml'))
    assert camera.failure == f'camera_info {tmp_path}/none.yaml cannot be read: check the path'
    assert graph.state('camera') == UNCONFIGURED


def test_a_file_is_named_in_three_ways(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, 'get_package_share_directory',
                        lambda name: str(file.parent) if name == 'my_robot' else 1 / 0)
    read = [calibration.read(place) for place in (
        str(file), file.as_uri(), 'package://my_robot/my%20camera.yaml')]
    assert read[0].k.tolist()[0] == 71.5
    assert read[0] == read[1] == read[2]


@pytest.mark.parametrize(('text', 'says'), [
    ('', 'not a calibration'), ('[', 'not YAML'), ('a: 1', 'not a calibration'),
    (FILE.replace('0, 0, 1]', '0, 1]', 1), 'camera_matrix has 8 numbers, not 9'),
    (FILE.replace('71.5', 'wide'), 'not a calibration'),
    (FILE.replace('64', '-1'), 'not a calibration'),
    (FILE.replace('plumb_bob', '!!python/object/apply:os.getcwd []'), 'not YAML')])
def test_what_is_no_calibration(text: str, says: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match=says) as error:
        calibration.read(str(file))
    assert '\n' not in str(error.value)


def test_a_package_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match='cannot be read: check the path'):
        calibration.read('package://no_such_package/a.yaml')
