"""Calibration files, as camera_calibration writes them and camera_calibration_parsers reads."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CameraInfo, Image

from ..core.errors import ConfigError
from . import qos

_MATRICES = {'k': ('camera_matrix', 9), 'r': ('rectification_matrix', 9),
             'p': ('projection_matrix', 12), 'd': ('distortion_coefficients', None)}


class Calibration:
    """Topic ``camera_info``: the calibration with each image that it is for.

    :ivar problem: why it is not published, for people; empty: it is, or there is none.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._publisher = node.create_publisher(CameraInfo, 'camera_info', qos.IMAGE)
        self._info: CameraInfo | None = None
        self.problem = ''

    def load(self, place: str) -> None:
        """Read a file. :param place: see :func:`read`; empty: none.

        :raises ConfigError: it cannot be used.
        """
        self._info, self.problem = read(place) if place else None, ''

    def publish(self, image: Image) -> None:
        """Say how the camera sees that took this image; nothing for another size."""
        info = self._info
        if not info:
            return
        fits = (info.width, info.height) == (image.width, image.height)
        self.problem = '' if fits else (
            f'camera_info is for {info.width}×{info.height}, images are {image.width}×'
            f'{image.height}: set input_width and input_height to its size')
        if fits:
            info.header = image.header
            self._publisher.publish(info)


def read(place: str) -> CameraInfo:
    """CameraInfo of a YAML file; the header is empty.

    :param place: path, ``file://`` or ``package://PACKAGE/PATH``.
    :raises ConfigError: there is no such file, or it is not a calibration.
    """
    try:
        values = yaml.safe_load(_path(place).read_text(encoding='utf-8'))
    except (OSError, PackageNotFoundError) as error:
        raise ConfigError(f'camera_info {place} cannot be read: check the path') from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f'camera_info {place} is not YAML: write it with '
                          'camera_calibration') from error
    try:
        return _message(values)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f'camera_info {place} is not a calibration ({error}): write it with '
                          'camera_calibration') from error


def _path(place: str) -> Path:
    parts = urlsplit(place)
    if parts.scheme == 'package':
        return Path(get_package_share_directory(parts.netloc), unquote(parts.path).lstrip('/'))
    return Path(unquote(parts.path) if parts.scheme == 'file' else place).expanduser()


def _message(values: Any) -> CameraInfo:
    width, height = int(values['image_width']), int(values['image_height'])
    if min(width, height) <= 0:
        raise ValueError(f'images of {width}×{height}')
    message = CameraInfo(width=width, height=height,
                         distortion_model=str(values['distortion_model']))
    for field, (name, count) in _MATRICES.items():
        numbers = [float(number) for number in values[name]['data']]
        if count and len(numbers) != count:
            raise ValueError(f'{name} has {len(numbers)} numbers, not {count}')
        setattr(message, field, numbers)
    return message
