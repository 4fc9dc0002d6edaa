"""Photos of a folder, shown as if a camera saw them."""

import os
import threading
from collections.abc import Generator
from pathlib import Path

import cv2

from ..core.config import CameraConfig
from ..core.errors import SourceError
from .pacer import Pacer
from .scale import fit
from .skipped import Skipped
from .source import Clock, Frame, Image

SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp')


class FolderSource:
    """The photos of a folder and of its sub-folders (one for each class), in order of name.

    A photo is decoded before the wait for its turn, so only one is ever held. Photos that cannot
    be read are left out and counted in ``skipped``.

    :raises SourceError: there is no such folder, or no photo in it that can be read.
    """

    def __init__(self, path: str, config: CameraConfig, clock: Clock, stop: threading.Event,
                 pacer: Pacer | None = None) -> None:
        self._folder = Path(path).expanduser()
        self._config, self._clock, self._stop = config, clock, stop
        self._pacer = pacer or Pacer(stop)
        self._paths = list_photos(self._folder)
        self.skipped = Skipped()
        self._photos = self._decoded()
        self._first = next(self._photos, None)

    def read(self) -> Frame | None:
        """See :class:`~.source.Source`."""
        image, self._first = self._first, None
        if image is None:
            image = next(self._photos, None)
        if image is None or not self._pacer.wait(1 / self._config.input_rate):
            return None
        return Frame(image, self._clock())

    def close(self) -> None:
        """See :class:`~.source.Source`."""
        self._photos.close()
        self._first = None

    def _decoded(self) -> Generator[Image, None, None]:
        while True:
            readable = False
            for path in self._paths:
                if self._stop.is_set():
                    return
                image = self._decode(path)
                if image is not None:
                    readable = True
                    yield image
            if not readable:
                raise SourceError(f'none of the {len(self._paths)} photos in {self._folder} can '
                                  'be read: check the files')
            if not self._config.input_loop:
                return

    def _decode(self, path: Path) -> Image | None:
        """Return a photo upright (EXIF) and in frame size; ``None`` and counted: unreadable."""
        try:
            photo = cv2.imread(str(path), cv2.IMREAD_COLOR)
        except cv2.error:  # more pixels than OpenCV takes
            photo = None
        if photo is None:
            self.skipped.add(path.relative_to(self._folder).as_posix())
            return None
        return fit(photo, self._config)


def list_photos(folder: Path) -> list[Path]:
    """Return the photos of a folder and of its sub-folders, hidden ones left out, sorted.

    :raises SourceError: the folder is missing, cannot be listed or has no photo.
    """
    if not folder.is_dir():
        raise SourceError(f'no folder {folder}: check the path after folder://')
    try:
        found = [path for place in (folder, *_shown(folder)) if place.is_dir()
                 for path in _shown(place) if path.suffix.lower() in SUFFIXES and path.is_file()]
    except OSError as error:
        raise SourceError(f'folder {folder} cannot be listed ({error.strerror}): check its '
                          'permissions') from error
    if not found:
        raise SourceError(f'no photo in folder {folder}: put {", ".join(SUFFIXES)} files there or '
                          'in its sub-folders')
    return sorted(found, key=lambda path: path.relative_to(folder).parts)


def _shown(folder: Path) -> list[Path]:
    return [folder / name for name in os.listdir(folder) if not name.startswith('.')]
