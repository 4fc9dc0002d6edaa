"""Command-line options and launch arguments: the settings that the original Recognizer had as
options, under the same names, and where each of them goes."""

from dataclasses import dataclass
from typing import Any

from . import config as configs
from .config import NODES, Setting, Value
from .errors import ConfigError

_NAMES = (
    'input', 'input_width', 'input_height', 'input_rate', 'input_loop', 'data', 'net', 'net_width',
    'net_height', 'weights', 'batch_size', 'workers', 'optimizer', 'learning_rate', 'augmentation',
    'print_freq', 'threshold', 'smoothing', 'host', 'port', 'ssl_key', 'ssl_cert', 'access',
    'title')


@dataclass(frozen=True)
class Option:
    """One option. :param nodes: that have a parameter of this name."""

    name: str
    default: Value
    about: Setting
    nodes: tuple[str, ...]

    @property
    def flag(self) -> str:
        """As on the command line."""
        return '--' + self.name.replace('_', '-')

    def parse(self, text: str) -> Value:
        """Return the value that a text means.

        :raises ConfigError: it is none, or not allowed.
        """
        value = _parse(self, text)
        configs.check(NODES[self.nodes[0]], self.name, value)
        return value


def options(nodes: tuple[str, ...] = tuple(NODES)) -> list[Option]:
    """All options that go to some of these nodes."""
    found = []
    for name in _NAMES:
        having = tuple(node for node in nodes if name in configs.settings(NODES[node]))
        if having:
            config: type[Any] = NODES[having[0]]
            found.append(Option(name, configs.default_of(config, name),
                                configs.settings(config)[name], having))
    return found


def by_node(given: dict[str, Value]) -> dict[str, dict[str, Value]]:
    """Values by node and parameter, of values by option."""
    sorted_out: dict[str, dict[str, Value]] = {node: {} for node in NODES}
    for option in options():
        if option.name in given:
            for node in option.nodes:
                sorted_out[node][option.name] = given[option.name]
    return sorted_out


def _parse(option: Option, text: str) -> Value:
    kind = type(option.default)
    if kind is bool:
        if text.lower() in ('true', '1', 'on', 'yes'):
            return True
        if text.lower() in ('false', '0', 'off', 'no'):
            return False
        raise ConfigError(f'{option.name} must be true or false, not {text!r}')
    try:
        return kind(text)
    except ValueError as error:
        raise ConfigError(f'{option.name} must be {configs.allowed(option.about)}, '
                                  f'not {text!r}') from error
