"""The page in a real browser, with a robot that is not there."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from fake_bridge import WEB, FakeBridge, busy_state
from playwright.sync_api import Page, expect

from recognizer_ros.core.config import WebConfig
from recognizer_ros.core.errors import ImageError, NodeUnavailableError
from recognizer_ros.server.app import create_app
from recognizer_ros.server.serve import Server
from recognizer_ros.server.state import Alert, Result

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


def test_opening_the_page_changes_nothing(open_page: OpenPage, bridge: FakeBridge) -> None:
    before = bridge.state()
    for _ in range(2):
        expect(open_page().locator('.chip')).to_have_count(1)
    assert bridge.calls == []
    assert bridge.state() is before


def test_tags(page: Page, bridge: FakeBridge) -> None:
    field = page.locator('#tag')
    field.press_sequentially('Red  Mug,tape;')
    expect(page.locator('.chip')).to_contain_text(['mug', 'red mug', 'tape'])
    assert bridge.until(lambda: bridge.state().tags == ('mug', 'red mug', 'tape'))
    page.get_by_role('button', name='Remove mug', exact=True).click()
    assert bridge.until(lambda: bridge.state().tags == ('red mug', 'tape'))
    field.press('Backspace')
    assert bridge.until(lambda: bridge.state().tags == ('red mug',))
    expect(page.locator('.chip')).to_have_count(1)


def test_known_classes_complete_a_tag(page: Page) -> None:
    options = page.locator('#known option')
    expect(options).to_have_count(3)
    assert options.nth(1).get_attribute('value') == 'red mug'


def test_a_class_is_a_tag_at_one_click(page: Page, bridge: FakeBridge) -> None:
    stapler = page.locator('button.class[value=stapler]')
    stapler.click()
    assert bridge.until(lambda: bridge.state().tags == ('mug', 'stapler'))
    expect(stapler).to_have_attribute('aria-pressed', 'true')
    stapler.click()
    assert bridge.until(lambda: bridge.state().tags == ('mug',))


def test_tags_of_another_page_appear(page: Page, bridge: FakeBridge) -> None:
    bridge.change(tags=('tape', 'glue'))
    expect(page.locator('.chip')).to_contain_text(['tape', 'glue'])


def test_a_refused_tag_goes_away_again(page: Page, bridge: FakeBridge) -> None:
    page.locator('#tag').fill('x' * 65)
    page.keyboard.press('Enter')
    expect(page.locator('#tag-note')).to_contain_text('too long')
    expect(page.locator('.chip')).to_have_count(1)
    assert bridge.state().tags == ('mug',)


def test_markup_in_names_is_text(page: Page, bridge: FakeBridge) -> None:
    name = '<img src=x onerror="document.title=1"><b>'
    state = busy_state()
    page.locator('#tag').fill(name)
    page.keyboard.press('Enter')
    assert bridge.until(lambda: bridge.state().tags == ('mug', name))
    bridge.change(
        dataset=replace(state.dataset, classes=(name,), class_samples=(1,), error=name),
        training=replace(state.training, message=name),
        classification=replace(state.classification, results=(Result(name, 1.0),)),
        alerts=(Alert(9, 9, 'error', name, name),))
    for place in ('.chip >> nth=1', '#results', '#overlay', '#classes', '#alerts',
                  '#training-message', '#dataset-note'):
        expect(page.locator(place)).to_contain_text(name)
    assert page.locator('img[src=x], b').count() == 0
    assert page.title() == 'Recognizer'


def test_video_is_drawn_with_results_over_it(page: Page) -> None:
    expect(page.locator('#video-note')).to_be_hidden()
    pixel = page.evaluate('''() => {
        const canvas = document.querySelector('#frame');
        return [canvas.width, canvas.height,
                ...canvas.getContext('2d').getImageData(30, 20, 1, 1).data];
    }''')
    width, height, red, green, blue, _ = pixel
    assert (width, height) == (64, 48)
    assert red > 240
    assert max(green, blue) < 20
    expect(page.locator('#overlay li')).to_have_text(['97.31% mug', '02.13% red mug'])


def test_what_the_robot_does_is_shown(page: Page) -> None:
    expect(page.locator('#results .name')).to_have_text(['mug', 'red mug'])
    expect(page.locator('#phase')).to_have_text('Fine-tuning')
    expect(page.locator('#epoch')).to_contain_text('epoch 3 of 20')
    expect(page.locator('#accuracy')).to_have_text('87.5 %')
    expect(page.locator('#loss')).to_have_text('0.250')
    expect(page.locator('#version')).to_have_text('6')
    expect(page.locator('#training-message')).to_have_text('Fine-tuning on 329 images.')
    expect(page.locator('#classes .number')).to_have_text(['204', '121', '87'])
    expect(page.locator('#alerts')).to_contain_text('The camera was lost.')


def test_figures_that_are_not_known(page: Page, bridge: FakeBridge) -> None:
    bridge.change(training=replace(busy_state().training, loss=None, best_accuracy=None,
                                   live_version=0))
    for place in ('#accuracy', '#loss', '#version'):
        expect(page.locator(place)).to_have_text('–')


def test_switches(page: Page, bridge: FakeBridge) -> None:
    page.locator('#train').click()
    page.locator('#classify').click()
    assert bridge.until(lambda: len(bridge.calls) == 2)
    assert bridge.calls == [('training', False), ('classification', False)]
    expect(page.locator('#results li')).to_have_count(0)


def test_a_switch_that_failed_goes_back(page: Page, bridge: FakeBridge) -> None:
    bridge.failure = NodeUnavailableError('trainer does not answer: is it running?')
    page.locator('#train').click()
    expect(page.locator('#alerts')).to_contain_text('trainer does not answer')
    expect(page.locator('#train')).to_be_checked()


def test_sliders(page: Page, bridge: FakeBridge) -> None:
    page.locator('#threshold').fill('0.25')
    page.locator('#smoothing').fill('8')
    assert bridge.until(lambda: bridge.state().classification.threshold == 0.25)
    assert bridge.until(lambda: bridge.state().classification.smoothing == 8.0)
    expect(page.locator('#threshold-value')).to_have_text('25.0 %')
    expect(page.locator('#smoothing-value')).to_have_text('8 frames')


def test_nodes_that_do_not_answer_are_named(page: Page, bridge: FakeBridge) -> None:
    bridge.change(training=replace(busy_state().training, online=False))
    expect(page.locator('#connection')).to_have_text('not answering: trainer')
    expect(page.locator('#train')).to_be_disabled()


def picture(name: str, data: bytes = b'pixels') -> dict[str, object]:
    return {'name': name, 'mimeType': 'image/jpeg', 'buffer': data}


def test_uploads(page: Page, bridge: FakeBridge) -> None:
    large = picture('large.jpg', bytes(2**20 + 1))
    page.locator('#files').set_input_files([picture('a.jpg'), large, picture('b.jpg')])
    results = page.locator('#uploads li')
    expect(results).to_contain_text(['b.jpgstored as mug', 'large.jpgtoo large: 1 MiB',
                                     'a.jpgstored as mug'])
    assert bridge.samples.added == [(b'pixels', ('mug',), f'upload {name}.jpg') for name in 'ab']


def test_an_upload_that_failed_says_why(page: Page, bridge: FakeBridge) -> None:
    bridge.failure = ImageError('notes.txt is not an image')
    page.locator('#files').set_input_files([picture('notes.txt')])
    expect(page.locator('#uploads .bad')).to_have_text('notes.txt is not an image')


def test_dropped_files_are_uploaded(page: Page, bridge: FakeBridge) -> None:
    page.evaluate('''() => {
        const files = new DataTransfer();
        files.items.add(new File(['dropped'], 'c.jpg', {type: 'image/jpeg'}));
        for (const name of ['dragover', 'drop']) {
            document.body.dispatchEvent(new DragEvent(name, {
                dataTransfer: files, bubbles: true, cancelable: true}));
        }
    }''')
    expect(page.locator('#uploads .good')).to_have_text('stored as mug')
    assert bridge.samples.added == [(b'dropped', ('mug',), 'upload c.jpg')]


def test_the_page_comes_back_after_the_server_was_away(open_page: OpenPage, server: Server,
                                                       bridge: FakeBridge) -> None:
    page = open_page()
    server.stop()
    expect(page.locator('#connection')).to_have_text('reconnecting…', timeout=15_000)
    port = int(server.url.rstrip('/').rsplit(':', 1)[1])
    config = WebConfig(port=port)
    again = Server(create_app(bridge, config, WEB), config)
    bridge.change(tags=('after',))
    again.start()
    try:
        expect(page.locator('#connection')).to_have_text('connected', timeout=15_000)
        expect(page.locator('.chip')).to_contain_text(['after'])
        expect(page.locator('#video-note')).to_be_hidden(timeout=15_000)
    finally:
        page.close()
        again.stop()


def test_a_camera_that_sends_nothing_is_told(open_page: OpenPage, bridge: FakeBridge) -> None:
    bridge.pause()
    expect(open_page().locator('#video-note')).to_have_text('The camera sends no images.')


@pytest.mark.parametrize('width', [360, 768, 1280])
@pytest.mark.parametrize('scheme', ['dark', 'light'])
def test_it_fits(open_page: OpenPage, bridge: FakeBridge, width: int, scheme: str) -> None:
    bridge.change(tags=('a tag of many words', 'w' * 64))
    page = open_page(viewport={'width': width, 'height': 740}, color_scheme=scheme)
    expect(page.locator('.chip')).to_have_count(2)
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    dark = page.evaluate('getComputedStyle(document.body).backgroundColor') == 'rgb(14, 17, 22)'
    assert dark is (scheme == 'dark')
