"""Node ``web``: the page and its REST, and nothing that matters of its own."""

from typing import Any

from ..core import resources
from ..core.config import WebConfig
from ..server.app import create_app
from ..server.serve import Server
from . import lifecycle
from .bridge import RosBridge


class Web(lifecycle.RecognizerNode[WebConfig]):
    """See ``docs/reference.md`` for topics and paths."""

    def __init__(self, **options: Any) -> None:
        super().__init__('web', WebConfig, **options)
        self.bridge = RosBridge(self)
        self._server: Server | None = None

    def start(self) -> None:
        """Listen."""
        self._server = Server(create_app(self.bridge, self.config, resources.find('web')),
                              self.config)
        self._server.start()
        self.get_logger().info(f'the page is at {self._server.url}')

    def stop(self) -> None:
        """Release Record, close the port."""
        self.bridge.close()
        if self._server:
            self._server.stop()
            self._server = None

    @property
    def url(self) -> str:
        """Address of the page; empty while the node is not active."""
        return self._server.url if self._server else ''

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        """Where the page is."""
        if self._server and self._server.nobody_may_enter:
            return lifecycle.WARN, 'nobody has a token: recognizer token new', {'url': self.url}
        return lifecycle.OK, 'serving', {'url': self.url}


def main() -> int:
    """Run the node."""
    return lifecycle.run(Web)
