"""What is stored, looked through and edited over DDS, and by REST over DDS."""

import os
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import makers
import numpy as np
import pytest
from builtin_interfaces.msg import Duration
from ros_graph import DEACTIVATE, Graph, Heard, http, wait_done, wait_for

from recognizer_ros.core.split import Split
from recognizer_ros.dataset import browse
from recognizer_ros.dataset.browse import Query, State
from recognizer_ros.dataset.edits import Delete, Quarantine
from recognizer_ros.dataset.image_files import image_path
from recognizer_ros.dataset.store import SampleStore
from recognizer_ros.msg import DatasetStatus, ErrorCode, Tags
from recognizer_ros.nodes import conversions, dataset_messages, qos
from recognizer_ros.nodes.recorder import Recorder
from recognizer_ros.nodes.web import Web
from recognizer_ros.srv import EditSamples, GetSample, ListSamples, Undo

S = 10**9
MOST_READS = 32
ASK = EditSamples.Request


class Editor:
    """Somebody who looks at the data set of a running recorder and changes it."""

    def __init__(self, graph: Graph, data: Path) -> None:
        self.graph, self.data = graph, data
        self.said: Heard = graph.listen(DatasetStatus, 'dataset', qos.LATCHED)

    def page(self, **query: Any) -> Any:
        return self.graph.call(ListSamples, 'list_samples', ListSamples.Request(**query))

    def get(self, name: str, **more: Any) -> Any:
        return self.graph.call(GetSample, 'get_sample', GetSample.Request(id=name, **more))

    def edit(self, operation: int, ids: Any = (), revision: int = 0, **more: Any) -> Any:
        return self.graph.call(EditSamples, 'edit_samples', ASK(
            operation=operation, ids=list(ids), expected_revision=revision, **more))

    def undo(self, redo: bool = False, revision: int = 0) -> Any:
        return self.graph.call(Undo, 'undo', Undo.Request(redo=redo, expected_revision=revision))

    def tags(self) -> list[tuple[str, ...]]:
        """Of the four samples that stay, oldest first."""
        return [listed.tags for listed in reversed(browse.page(self.data, Query()).samples)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Samples of stamps 1 to 6 s: two bursts of mug, one of tape; the fifth is deleted."""
    with SampleStore(tmp_path / 'data') as store:
        for burst, tags in enumerate([('mug',), ('mug', 'red'), ('tape',)]):
            number = store.begin_burst('test', tags)
            store.add([makers.sample(seed, tags, number, (seed + 1) * S)
                       for seed in (2 * burst, 2 * burst + 1)])
        tape = browse.page(store.root, Query(tags=('tape',))).samples
        store.edit(Delete((tape[1].sha256,)))
    return tmp_path / 'data'


@pytest.fixture
def editor(graph: Graph, data: Path) -> Editor:
    graph.start(Recorder, data=str(data))
    return Editor(graph, data)


@pytest.fixture
def ids(data: Path) -> list[str]:
    """Oldest first, with the deleted one."""
    found = [*browse.page(data, Query()).samples,
             *browse.page(data, Query(state=State.DELETED)).samples]
    return [listed.sha256 for listed in sorted(found, key=lambda listed: listed.stamp_ns)]


def test_a_page_is_what_the_data_set_holds(editor: Editor) -> None:
    for query in (
            Query(), Query(tags=('red', 'tape')), Query(burst=1), Query(split=Split.TRAIN),
            Query(split=Split.VALIDATION), Query(split=Split.GAP), Query(state=State.DELETED),
            Query(state=State.QUARANTINED), Query(since_ns=2 * S, until_ns=4 * S + 1),
            Query(offset=1, limit=2)):
        answer = editor.graph.call(ListSamples, 'list_samples', dataset_messages.of_query(query))
        assert (answer.success, answer.message, answer.error.value) == (True, '', ErrorCode.NONE)
        assert browse.Page(tuple(map(dataset_messages.to_listed, answer.samples)), answer.total,
                           answer.revision) == browse.page(editor.data, query)


def test_a_sample_comes_with_its_file_or_smaller(editor: Editor, ids: list[str]) -> None:
    answer = editor.get(ids[0])
    stored = image_path(editor.data, ids[0]).read_bytes()
    assert (answer.success, bytes(answer.image.data)) == (True, stored)
    assert conversions.nanoseconds(answer.image.header.stamp) == S
    assert dataset_messages.to_listed(answer.sample) == browse.find(editor.data, ids[0])
    small = editor.get(ids[0], max_size=16)
    pixels = cv2.imdecode(np.frombuffer(bytes(small.image.data), np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape == (12, 16, 3)
    nothing = editor.get(ids[0], without_image=True)
    assert (nothing.success, len(nothing.image.data), nothing.sample.id) == (True, 0, ids[0])


def test_what_is_edited_is_told_at_once(editor: Editor, ids: list[str]) -> None:
    before = editor.said.wait().revision
    answer = editor.edit(ASK.RENAME_CLASS, from_label='Mug', to_label='cup')
    assert (answer.success, answer.changed, answer.revision) == (True, 4, before + 1)
    assert answer.description == 'mug renamed to cup in 4 samples'
    wait_for(lambda: editor.said[-1].revision == answer.revision)
    assert list(editor.said[-1].classes) == ['cup', 'red', 'tape']


def test_what_is_set_aside_says_why_and_can_be_restored(editor: Editor, ids: list[str]) -> None:
    edit = Quarantine((ids[0],), 'too dark')
    request = dataset_messages.of_edit(edit, 0)
    assert dataset_messages.to_edit(request) == edit
    answer = editor.graph.call(EditSamples, 'edit_samples', request)
    assert (answer.success, answer.changed) == (True, 1)
    wait_for(lambda: editor.said and editor.said[-1].quarantined == 1)
    listed, = editor.page(state=ListSamples.Request.STATE_QUARANTINED).samples
    assert (listed.id, listed.quarantined, listed.reason) == (ids[0], True, 'too dark')
    refused = editor.edit(ASK.QUARANTINE, [ids[1]])
    assert (refused.success, refused.error.value) == (False, ErrorCode.INVALID)
    assert 'no reason given' in refused.message
    assert editor.edit(ASK.RESTORE, [ids[0]]).changed == 1
    wait_for(lambda: editor.said[-1].quarantined == 0)
    assert len(editor.tags()) == 5


def test_every_edit_and_its_way_back(editor: Editor, ids: list[str]) -> None:
    first = editor.tags()
    for operation, more, expected in (
            (ASK.SET_TAGS, {'tags': ['Cup']}, [('cup',), *first[1:]]),
            (ASK.ADD_TAGS, {'tags': ['new', 'red']}, [('mug', 'new', 'red'), *first[1:]]),
            (ASK.REMOVE_TAGS, {'tags': ['mug']}, [(), *first[1:]]), (ASK.DELETE, {}, first[1:])):
        assert editor.edit(operation, [ids[0]], **more).changed == 1
        assert editor.tags() == expected
        undone = editor.undo()
        assert (undone.success, undone.changed) == (True, 1)
        assert editor.tags() == first
        assert editor.undo(redo=True).description == undone.description
        assert editor.tags() == expected
        editor.undo()
    assert editor.edit(ASK.RESTORE, [ids[4]]).changed == 1
    assert len(editor.tags()) == 6
    editor.undo()
    split = Split.TRAIN if browse.find(editor.data, ids[2]).split else Split.VALIDATION
    assert editor.edit(ASK.SET_SPLIT, [ids[2]], split=int(split)).success
    moved = browse.page(editor.data, Query(burst=2)).samples
    assert [(listed.split, listed.pinned) for listed in moved] == [(split, True)] * 2


def test_a_purged_sample_is_gone(editor: Editor, ids: list[str]) -> None:
    refused = editor.edit(ASK.PURGE, [ids[0]])
    assert (refused.success, refused.error.value) == (False, ErrorCode.FAILED)
    assert editor.edit(ASK.PURGE).changed == 1
    assert editor.get(ids[4]).error.value == ErrorCode.NOT_FOUND
    assert not image_path(editor.data, ids[4]).exists()
    assert image_path(editor.data, ids[0]).exists()


def test_of_two_editors_the_later_one_is_told(editor: Editor, ids: list[str]) -> None:
    seen = editor.page().revision  # both look at the same page
    assert editor.edit(ASK.SET_TAGS, ids[:2], seen, tags=['cup']).success
    late = editor.edit(ASK.SET_TAGS, ids[1:3], seen, tags=['plate'])
    assert (late.success, late.error.value) == (False, ErrorCode.CONFLICT)
    assert 'somebody else has changed 1 of these samples' in late.message
    assert editor.tags()[:3] == [('cup',), ('cup',), ('mug', 'red')]  # all of it or nothing
    assert editor.edit(ASK.SET_TAGS, [ids[3]], seen, tags=['plate']).success  # an untouched one
    assert editor.undo(revision=seen).error.value == ErrorCode.CONFLICT
    assert editor.tags()[0] == ('cup',)
    assert editor.edit(ASK.SET_TAGS, ids[1:3], editor.page().revision, tags=['plate']).success
    assert editor.tags()[:4] == [('cup',), *[('plate',)] * 3]


def test_of_many_edits_at_the_same_moment_one_wins(editor: Editor, ids: list[str]) -> None:
    client = editor.graph.tester.create_client(EditSamples, 'edit_samples',
                                               qos_profile=qos.SERVICE)
    assert client.wait_for_service(20)
    seen = editor.page().revision
    answers = [wait_done(answer) for answer in [client.call_async(ASK(
        operation=ASK.ADD_TAGS, ids=ids[:1], tags=[f'editor {number}'], expected_revision=seen))
        for number in range(20)]]
    winners = [number for number, answer in enumerate(answers) if answer.success]
    assert len(winners) == 1
    assert {answer.error.value for answer in answers} == {ErrorCode.NONE, ErrorCode.CONFLICT}
    assert editor.tags()[0] == (f'editor {winners[0]}', 'mug')


def test_an_edit_that_cannot_be_changes_nothing(editor: Editor, ids: list[str]) -> None:
    before = editor.page()
    for operation, more, code in (
            (99, {}, ErrorCode.INVALID), (ASK.SET_SPLIT, {'split': 2}, ErrorCode.INVALID),
            (ASK.SET_SPLIT, {'split': 7}, ErrorCode.INVALID),
            (ASK.ADD_TAGS, {'tags': []}, ErrorCode.INVALID),
            (ASK.SET_TAGS, {'tags': ['a;b']}, ErrorCode.INVALID),
            (ASK.DELETE, {'ids': ['0' * 64]}, ErrorCode.NOT_FOUND),
            (ASK.DELETE, {'ids': []}, ErrorCode.INVALID),
            (ASK.RENAME_CLASS, {'from_label': 'gone', 'to_label': 'cup'}, ErrorCode.NOT_FOUND),
            (ASK.RENAME_CLASS, {'from_label': 'mug'}, ErrorCode.INVALID)):
        answer = editor.edit(operation, **{'ids': [ids[0]], **more})
        assert (answer.success, answer.error.value) == (False, code), answer
        assert answer.message
    assert editor.page() == before


def test_questions_that_make_no_sense(editor: Editor, ids: list[str]) -> None:
    for query in ({'limit': 1001}, {'split': 4}, {'state': 3}, {'tags': ['x' * 65]}):
        assert editor.page(**query).error.value == ErrorCode.INVALID
    for size in (15, 4097):
        assert editor.get(ids[0], max_size=size).error.value == ErrorCode.INVALID
    assert editor.get('../samples.db').error.value == ErrorCode.NOT_FOUND
    image_path(editor.data, ids[1]).write_bytes(b'')
    assert editor.get(ids[1], max_size=64).error.value == ErrorCode.FAILED
    image_path(editor.data, ids[1]).unlink()
    assert 'cannot be read' in editor.get(ids[1]).message
    assert editor.undo(redo=True).error.value == ErrorCode.FAILED


def test_a_recorder_that_is_not_active_says_so(graph: Graph, data: Path, ids: list[str]) -> None:
    graph.start(Recorder, data=str(data))
    assert graph.change('recorder', DEACTIVATE)
    editor = Editor(graph, data)
    for answer in (editor.page(), editor.get(ids[0]), editor.edit(ASK.DELETE, [ids[0]]),
                   editor.undo()):
        assert (answer.success, answer.error.value) == (False, ErrorCode.UNAVAILABLE)
        assert answer.message == 'the recorder is not active'


def test_the_recorder_goes_on_while_an_edit_waits(editor: Editor, ids: list[str]) -> None:
    said = editor.graph.speak(Tags, 'tags', qos.TAGS)
    client = editor.graph.tester.create_client(EditSamples, 'edit_samples')
    assert client.wait_for_service(20)
    with closing(sqlite3.connect(editor.data / 'samples.db', isolation_level=None)) as other:
        other.execute('BEGIN IMMEDIATE')  # nobody else can write now
        waiting = client.call_async(ASK(operation=ASK.DELETE, ids=ids[:1]))
        wait_for(lambda: editor.said and editor.said[-1].pending)
        said.publish(Tags(stamp=conversions.to_time(editor.graph.now_ns()), sender='test',
                          tags=['mug'], recording=True, lease=Duration(sec=60)))
        wait_for(lambda: editor.said[-1].recording)
        assert editor.page().success
        assert not waiting.done()
        other.execute('ROLLBACK')
    assert wait_done(waiting).success


def test_too_many_questions_at_a_time_are_refused(editor: Editor, ids: list[str]) -> None:
    blocked = image_path(editor.data, ids[0])
    blocked.unlink()
    os.mkfifo(blocked)  # who opens it waits
    gets = editor.graph.tester.create_client(GetSample, 'get_sample', qos_profile=qos.SERVICE)
    assert gets.wait_for_service(20)
    answers = [gets.call_async(GetSample.Request(id=name)) for name in
               [ids[0], *[ids[1]] * (MOST_READS + 2)]]
    wait_for(lambda: sum(answer.done() for answer in answers) == 3)
    refused = [answer.result() for answer in answers if answer.done()]
    assert {answer.error.value for answer in refused} == {ErrorCode.UNAVAILABLE}
    assert refused[0].message == 'too many requests at a time: try again'
    blocked.open('wb').close()
    wait_for(lambda: all(answer.done() for answer in answers))
    assert sum(answer.result().success for answer in answers) == MOST_READS
    assert editor.get(ids[1]).success


class Page:
    """REST of a web node."""

    def __init__(self, graph: Graph) -> None:
        self.url = f'{graph.start(Web, port=0).url.rstrip("/")}/api/v1/'

    def get(self, path: str) -> tuple[int, Any]:
        return http(self.url + path)

    def post(self, path: str, **body: Any) -> tuple[int, Any]:
        return http(self.url + path, 'POST', body)


def test_the_page_looks_edits_and_takes_back(editor: Editor, ids: list[str]) -> None:
    page = Page(editor.graph)
    status, answer = page.get('samples?tag=mug&limit=3')
    assert (status, answer['total'], answer['revision']) == (200, 4, editor.page().revision)
    assert [sample['id'] for sample in answer['samples']] == ids[3:0:-1]
    with urllib.request.urlopen(f'{page.url}samples/{ids[0]}/image') as image:
        assert image.read() == image_path(editor.data, ids[0]).read_bytes()
    seen = answer['revision']
    status, done = page.post('edits', operation='set_tags', ids=ids[:2], tags=['Cup'],
                             expected_revision=seen)
    assert (status, done['changed'], done['description']) == (200, 2, '2 samples tagged cup')
    assert page.get(f'samples/{ids[0]}')[1]['tags'] == ['cup']
    status, problem = page.post('edits', operation='delete', ids=ids[:1], expected_revision=seen)
    assert (status, problem['detail'].partition(':')[0]) == (
        409, 'somebody else has changed 1 of these samples meanwhile')
    assert page.post('undo', expected_revision=seen)[0] == 409
    assert page.post('undo', expected_revision=done['revision'])[0] == 200
    assert page.get(f'samples/{ids[0]}')[1]['tags'] == ['mug']
    assert page.post('redo')[0] == 200
    assert page.post('redo')[0] == 409
    assert page.get(f'samples/{ids[0]}')[1]['tags'] == ['cup']


def test_the_page_is_told_what_is_unknown_or_away(editor: Editor, ids: list[str]) -> None:
    page = Page(editor.graph)
    gone = 'f' * 64
    assert page.get(f'samples/{gone}')[0] == 404
    assert page.get(f'samples/{gone}/image')[0] == 404
    assert page.post('edits', operation='delete', ids=[gone])[0] == 404
    assert page.post('edits', operation='rename_class', **{'from': 'gone', 'to': 'x'})[0] == 404
    assert editor.graph.change('recorder', DEACTIVATE)
    assert page.get('samples')[0] == 503
    assert page.post('undo')[1]['detail'] == 'the recorder is not active'
