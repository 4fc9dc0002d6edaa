"""The page of the original, as far as the server sees it: its calls, in its order, with what it
does to the answers. Nothing here may be changed to make it pass."""

import io
import json
from dataclasses import dataclass
from typing import Any

import pytest
from fake_bridge import FakeBridge
from flask.testing import FlaskClient

from recognizer_ros.server.state import Alert, State

JSON = 'application/json; charset=UTF-8'
ORIGIN = {'Origin': 'http://localhost', 'Sec-Fetch-Site': 'same-origin'}


@dataclass
class OriginalPage:
    """Calls the server and shows the answers as the original's scripts do."""

    client: FlaskClient

    def get(self, path: str) -> Any:
        answer = self.client.get(path, headers={'Sec-Fetch-Site': 'same-origin'})
        assert answer.mimetype == 'application/json'  # it does not look at the status
        return json.loads(answer.data)

    def put(self, path: str, value: object) -> None:
        answer = self.client.put(path, data=json.dumps(value), content_type=JSON, headers=ORIGIN)
        assert (answer.status_code, answer.data) == (200, b'')

    def upload(self, name: str, data: bytes) -> None:
        answer = self.client.post('/dataset/upload', data={'file': (io.BytesIO(data), name)},
                                  headers=ORIGIN)
        assert answer.status_code == 200

    def open(self) -> tuple[bool, str, str, bool]:
        """What the switches and sliders show while it loads; then it sets no tags."""
        shown = (self.get('/classification/enabled'),
                 f'{self.get("/classification/confidence_threshold"):.2f}',
                 f'{self.get("/classification/output_smoothing"):.2f}',
                 self.get('/training/enabled'))
        self.get('/dataset/classes')
        self.put('/dataset/active_tags', '')
        return shown

    def tick(self, since_ms: int) -> tuple[list[str], list[str]]:
        """What it shows of training and of alerts, once a second."""
        stats = self.get('/training/stats')
        tags = zip(stats['classes'], stats['class_distribution'], strict=True)
        training = [
            f'Epoch [{stats["epoch"]}]',
            f'{stats["epoch_images"]} / {stats["num_images"]} images',
            f'{stats["loss"]:.4e}', f'{stats["accuracy"]:.1f}%',
            *(f'{tag} ({count / stats["num_tags"] * 100:.0f}%)' for tag, count in tags)]
        alerts = [f'{item["id"]:d} {item["time"]:d} {item["level"]} {item["category"]} '
                  f'{item["message"]} {item["duration"]:d}'
                  for item in self.get(f'/alerts?since={since_ms}')]
        return training, alerts


@pytest.fixture
def page(client: FlaskClient) -> OriginalPage:
    return OriginalPage(client)


def test_a_visit(page: OriginalPage, bridge: FakeBridge) -> None:
    assert page.client.get('/').mimetype == 'text/html'
    assert page.open() == (True, '0.01', '0.00', True)
    assert page.tick(1000) == (
        ['Epoch [3]', '96 / 412 images', '2.5000e-01', '87.5%', 'mug (50%)', 'red mug (29%)',
         'stapler (21%)'],
        ['2 2000 warning camera The camera was lost. 0'])
    page.put('/dataset/active_tags', 'mug,stapler')
    page.put('/dataset/recording', True)
    assert page.get('/dataset/recording') is True
    page.tick(2000)
    page.put('/dataset/recording', False)
    assert page.get('/dataset/classes') == ['mug', 'red mug', 'stapler']
    page.upload('one.jpg', b'1')
    page.upload('two.png', b'2')
    assert page.get('/dataset/active_tags') == 'mug,stapler'
    for switch in ('/training/enabled', '/classification/enabled'):
        for on in (False, True):
            page.put(switch, on)
            assert page.get(switch) is on
    for slider in ('/classification/confidence_threshold', '/classification/output_smoothing'):
        for value in (0, 0.27, 1):  # as its sliders step
            page.put(slider, value)
            assert page.get(slider) == value
    bridge.change(alerts=(Alert(3, 3000, 'info', 'dataset', 'Two images.', 3500),))
    assert page.tick(2500)[1] == ['3 3000 info dataset Two images. 3500']
    assert bridge.recordings == [(True, None), (False, None)]
    assert bridge.samples.added == [(b'1', ('mug', 'stapler'), 'upload one.jpg'),
                                    (b'2', ('mug', 'stapler'), 'upload two.png')]


def test_a_visit_before_anything_was_learned(page: OriginalPage, bridge: FakeBridge) -> None:
    bridge.change(**vars(State()))
    assert page.open() == (False, '0.00', '0.00', False)
    assert page.tick(0) == (['Epoch [0]', '0 / 0 images', '0.0000e+00', '0.0%'], [])


def test_an_upload_without_a_file(page: OriginalPage) -> None:
    answer = page.client.post('/dataset/upload', data={}, headers=ORIGIN)
    assert answer.status_code == 400
