"""``/api/v1``: how training went, what the model gets wrong, and what to record next."""

from dataclasses import asdict

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import UnprocessableEntity

from ..core import stamps
from ..core.insight import MOST_SAMPLES, Advice, Kind
from . import current, values
from .bridge import CurvePoint
from .describe import SAMPLE_ID, TEXT, TIME, array, choice, described, integer, number, record
from .describe import shape as shape_of
from .sections import finite

blueprint = Blueprint('insight', __name__, url_prefix='/api/v1')

_MOST_OF_PAGE = 1000
_FIGURE = shape_of(float)
_POINT = record(stamp=TIME, stage=choice('head', 'finetune'), epoch=integer(0),
                dataset_revision=integer(0), loss=_FIGURE, train_accuracy=_FIGURE,
                accuracy=_FIGURE, macro_f1=_FIGURE)
_REVIEW = record(labels=array(TEXT), confusion=array(array(integer(0))),
                 dataset_revision=integer(0), model_version=integer(0),
                 samples=array(record(id=SAMPLE_ID, score=number(0, 1)), _MOST_OF_PAGE),
                 total=integer(0))
_ADVICE = record(kind=choice(*(kind.name.lower() for kind in Kind)), weight=number(0, 1),
                 labels=array(TEXT), text=TEXT, evidence=TEXT, method=TEXT,
                 samples=array(SAMPLE_ID, MOST_SAMPLES), suggestions=array(TEXT, MOST_SAMPLES))
_QUERY = {'truth': TEXT, 'answer': TEXT, 'offset': integer(0, 2**32 - 1),
          'limit': integer(1, _MOST_OF_PAGE)}


@blueprint.get('/training/curves')
@described(record(points=array(_POINT, _MOST_OF_PAGE)))
def curves() -> Response:
    """Return one point for each head and each epoch of fine-tuning, oldest first; null where a
    figure is not known."""
    return jsonify({'points': [_point(point) for point in current.bridge().insight.curves()]})


@blueprint.get('/review')
@described(_REVIEW, query=_QUERY)
def review() -> Response:
    """Return how the live version answers the held-out images as they are now: rows of
    ``confusion`` are true classes, columns answered ones.

    With ``truth`` and ``answer`` also the images of that cell, the surest answer first, from
    ``offset`` on, at most ``limit`` (1 to 1000; 100); ``total``: how many it has.
    """
    given = request.args
    if ('truth' in given) != ('answer' in given):
        raise UnprocessableEntity('give both truth and answer, or neither')
    found = current.bridge().insight.review(
        given.get('truth', ''), given.get('answer', ''),
        values.query_whole('offset', 0, 2**32 - 1) or 0,
        values.query_whole('limit', 1, _MOST_OF_PAGE) or 100)
    return jsonify(finite({
        'labels': found.labels, 'confusion': found.confusion,
        'dataset_revision': found.dataset_revision, 'model_version': found.model_version,
        'samples': [{'id': name, 'score': score} for name, score in
                    zip(found.ids, found.scores, strict=True)],
        'total': found.total}))


@blueprint.get('/advice')
@described(record(advice=array(_ADVICE), dataset_revision=integer(0), model_version=integer(0)))
def advice() -> Response:
    """Return what to record or to mend next, the most useful first, each with what speaks for it
    and how that was found."""
    found = current.bridge().insight.advise()
    return jsonify(finite({
        'advice': [_piece(piece) for piece in found.advice],
        'dataset_revision': found.dataset_revision, 'model_version': found.model_version}))


def _point(point: CurvePoint) -> object:
    shown = asdict(point)
    shown['stamp'] = stamps.show(shown.pop('stamp_ns'))
    return finite(shown)


def _piece(piece: Advice) -> dict[str, object]:
    return {**asdict(piece), 'kind': piece.kind.name.lower()}
