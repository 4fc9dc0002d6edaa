"""``recognizer token``: who may use the page from other machines."""

import argparse
import time
from pathlib import Path
from typing import Any

from .core import config as configs
from .core.config import WebConfig
from .server.access import Access, Scope

_SCOPES = [scope.name.lower() for scope in Scope]


def add(commands: Any) -> None:
    """Add the command to those of ``recognizer``."""
    token = commands.add_parser('token', help='make, list and revoke the tokens that the page '
                                'asks other machines for')
    actions = token.add_subparsers(metavar='ACTION', required=True)
    new = _action(actions, 'new', _new, 'make a token; it is shown this once')
    new.add_argument('--scope', choices=_SCOPES, default='tag', help='view: look; tag: record, '
                     'upload and edit too (the default); admin: all')
    new.add_argument('--url', default='', help='of the page, as others reach it; default: by the '
                     "first address of this machine and the page's usual port")
    _action(actions, 'list', _list, 'list the tokens, oldest first, by their ids')
    revoke = _action(actions, 'revoke', _revoke, 'make a token, and what it has opened, worthless')
    revoke.add_argument('id', help='as listed')


def invite(access: Access, scope: Scope, url: str) -> str:
    """Make a token and return how to use it, for people: an address and its QR code."""
    address = f'{url}#token={access.issue(scope)}'
    return (f'{_code(address)}\n{address}\n\nIt allows to {scope.name.lower()}, and is not shown '
            'again.')


def page_url(host: str, port: int) -> str:
    """The address of the page for others."""
    from .server.certificate import own_addresses

    if host in ('0.0.0.0', '::', ''):
        host = own_addresses()[0]
    return f'https://{f"[{host}]" if ":" in host else host}:{port}/'


def _action(actions: Any, name: str, run: Any, about: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=about, description=about)
    parser.set_defaults(run=run)
    parser.add_argument('--access', type=Path, default=Path(_default('access')), metavar='FOLDER',
                        help=f'of the tokens; default: {_default("access")}')
    return parser


def _default(name: str) -> Any:
    return configs.default_of(WebConfig, name)


def _new(given: argparse.Namespace) -> int:
    access = Access(given.access.expanduser())
    url = given.url or page_url('', _default('port'))
    print(invite(access, Scope[given.scope.upper()], url))
    return 0


def _list(given: argparse.Namespace) -> int:
    for token in Access(given.access.expanduser()).tokens:
        made = time.strftime('%Y-%m-%d %H:%M', time.localtime(token.created_s))
        print(f'{token.id}  {token.scope.name.lower():<5}  {made}')
    return 0


def _revoke(given: argparse.Namespace) -> int:
    Access(given.access.expanduser()).revoke(given.id)
    return 0


def _code(address: str) -> str:
    """A QR code for a terminal; a hint where the library is missing."""
    try:
        import segno
    except ImportError:
        return 'For a QR code: pip install segno'
    import io
    lines = io.StringIO()
    segno.make(address, error='l').terminal(lines, compact=True)
    return lines.getvalue()
