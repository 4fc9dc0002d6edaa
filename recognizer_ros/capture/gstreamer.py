"""A CSI camera of a Jetson through an OpenCV that has GStreamer: the one of JetPack, not pip's."""

import re
import threading
from dataclasses import replace
from functools import partial

import cv2

from ..core.config import CameraConfig
from ..core.errors import SourceError
from .device import Capture, grabbed
from .newest import LiveSource
from .scale import FLIPS
from .source import Clock

# JetPack's cameras hang upside down: jetson-utils swaps these two, and so do we.
_SWAPPED = {'none': 'rotate-180', 'rotate-180': 'none'}


def open_gstreamer(number: str, config: CameraConfig, clock: Clock, stop: threading.Event
                   ) -> LiveSource:
    """Open a CSI camera.

    :raises SourceError: this OpenCV has no GStreamer.
    """
    name = f'camera csi://{number}'
    if not re.search(r'GStreamer:\s+YES', cv2.getBuildInformation()):
        raise SourceError(f'{name} needs jetson_utils, or an OpenCV with GStreamer: take the '
                          'python3-opencv of JetPack, or a camera node of its maker and '
                          'topic://image_raw')
    pipeline = pipeline_of(number, config)
    # The pipeline turns the picture.
    frames = partial(grabbed, name, partial(_capture, name, pipeline),
                     replace(config, input_flip='none'), clock)
    return LiveSource(name, frames, stop, 'restart nvargus-daemon, and check its cable')


def pipeline_of(number: str, config: CameraConfig) -> str:
    """Return the pipeline, as jetson-utils builds it."""
    width, height = config.input_width or 1280, config.input_height or 720
    flip = list(FLIPS).index(_SWAPPED.get(config.input_flip, config.input_flip))
    return (f'nvarguscamerasrc sensor-id={number} ! video/x-raw(memory:NVMM), '
            f'width=(int){width}, height=(int){height}, '
            f'framerate=(fraction){max(1, round(config.input_rate))}/1, format=(string)NV12 ! '
            f'nvvidconv flip-method={flip} ! video/x-raw, format=(string)BGRx ! '
            'videoconvert ! video/x-raw, format=(string)BGR ! '
            'appsink drop=true max-buffers=1 sync=false')


def _capture(name: str, pipeline: str) -> Capture:
    capture = cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER)
    if not capture.isOpened():
        raise SourceError(f'{name} cannot be opened: check its cable and number, close the '
                          'program that uses it, or restart nvargus-daemon')
    return capture
