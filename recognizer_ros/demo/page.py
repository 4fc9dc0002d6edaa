"""What a person does at the page, over the same REST."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

from ..core.errors import DemoError

_RENEW_S = 0.3
_LEASE_S = 1.5


class Page:
    """A client of the web node. :param url: without a slash at the end."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ready(self) -> bool:
        """The page answers, and every node that it needs is there."""
        try:
            state = self.state()
        except DemoError:
            return False
        return all(state[name]['online'] for name in ('dataset', 'training', 'classification'))

    def state(self) -> dict[str, Any]:
        """All that the page shows."""
        answer: dict[str, Any] = self._call('GET', '/api/v1/state')
        return answer

    def get(self, path: str) -> Any:
        """Value of a path of the original's REST."""
        return self._call('GET', path)

    def put(self, path: str, value: object) -> None:
        """Set it."""
        self._call('PUT', path, value)

    def hold_record(self, tags: str, seconds: float) -> float:
        """Set tags, hold Record, release it; return when it was released (monotonic)."""
        self.put('/dataset/active_tags', tags)
        end = time.monotonic() + seconds
        while (left_s := end - time.monotonic()) > 0:
            self.put(f'/dataset/recording?lease={_LEASE_S}', True)
            time.sleep(min(_RENEW_S, left_s))
        self.put('/dataset/recording', False)
        return time.monotonic()

    def _call(self, method: str, path: str, value: object = None) -> Any:
        body = None if method == 'GET' else json.dumps(value).encode()
        request = urllib.request.Request(self.url + path, body, method=method,
                                         headers={'Content-Type': 'application/json'})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise DemoError(f'{method} {path}: {error.code} '
                            f'{error.read().decode(errors="replace")[:300]}') from error
        except OSError as error:
            raise DemoError(f'{method} {path}: {error}') from error
        return json.loads(text) if text else None
