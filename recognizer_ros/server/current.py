"""What the blueprints of one app share."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from ..core.config import WebConfig
from .access import Access
from .bridge import Bridge
from .revisions import Revisions
from .streams import Streams

_KEY = 'recognizer'


@dataclass(frozen=True)
class Current:
    """The robot, the settings and the long answers under way.

    :param access: who may do what; ``None``: only this machine is answered, and may do all.
    """

    bridge: Bridge
    config: WebConfig
    streams: Streams
    revisions: Revisions
    access: Access | None = None


def attach(app: Flask, shared: Current) -> None:
    """Give an app what its blueprints share."""
    app.extensions[_KEY] = shared


def of(app: Flask) -> Current:
    """Return what the blueprints of ``app`` share."""
    return cast(Current, app.extensions[_KEY])


def bridge() -> Bridge:
    """Return the bridge of the app that answers this request."""
    return of(current_app).bridge


def config() -> WebConfig:
    """Return the settings of the app that answers this request."""
    return of(current_app).config


def access() -> Access | None:
    """Return the tokens of the app that answers this request."""
    return of(current_app).access


def revisions() -> Revisions:
    """Return the revisions of the state of the app that answers this request."""
    return of(current_app).revisions


def streams() -> Streams:
    """Return the long answers of the app that answers this request."""
    return of(current_app).streams
