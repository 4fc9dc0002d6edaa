"""The ``recognizer`` command."""

import argparse
import dataclasses
import json
import logging
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import util
from pathlib import Path
from typing import Any

from . import cli_dataset, cli_models, cli_token, cli_transfer
from .core import resources
from .core.config import TrainerConfig, Value, WebConfig, replace
from .core.errors import ConfigError, DatasetError, ModelError, RecognizerError
from .core.hosts import is_loopback
from .core.options import Option, by_node, options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)  # so that what was started is ended, as by Ctrl-C
    logging.basicConfig(level=logging.INFO, format='%(message)s', stream=sys.stderr)
    try:
        return int(given.run(given))
    except RecognizerError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _end(*_: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='recognizer', description='Teach a robot what its camera sees, live.')
    commands = parser.add_subparsers(metavar='COMMAND', required=True)
    _add_run(commands)
    _add_demo(commands)
    train = _command(commands, 'train', _train, 'train on a data set, in the foreground')
    _add_options(train, options(('trainer',)))
    train.add_argument('--epochs', type=int, help='epochs of fine-tuning at most; 0: until the '
                       'held-out score stops rising (the default)', default=0)
    evaluate = _command(commands, 'evaluate', _evaluate,
                        'score the live model on a folder with one sub-folder a class')
    evaluate.add_argument('--data', type=Path, required=True, help='folder of data set and models')
    evaluate.add_argument('--images', type=Path, required=True, metavar='FOLDER',
                          help='photographs, one sub-folder a class')
    evaluate.add_argument('--json', action='store_true', help='one JSON object')
    cli_transfer.add(cli_dataset.add(commands))
    cli_models.add(commands)
    cli_token.add(commands)
    bench = _command(commands, 'bench', _bench, 'measure; exit status 1 when a bar does not hold')
    bench.add_argument('name', metavar='NAME', help='which one; a wrong name lists them')
    bench.add_argument('--json', action='store_true', help='one JSON object')
    bench.add_argument('--set', action='append', default=[], metavar='NAME=VALUE',
                       help='a setting of the bench')
    return parser


def _command(commands: Any, name: str, run: Callable[[argparse.Namespace], int],
             about: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    parser.set_defaults(run=run)
    return parser


def _add_run(commands: Any) -> None:
    run = _command(commands, 'run', _run, 'start the five nodes and the page; Ctrl-C ends them')
    _add_options(run, options())
    run.add_argument('--namespace', type=_namespace, default='', help='of all nodes')


def _add_demo(commands: Any) -> None:
    demo = _command(commands, 'demo', _demo, 'record, train, swap and classify, unattended')
    demo.add_argument('--images', type=Path, help='photographs, one sub-folder a class, instead '
                      'of rendered scenes')
    demo.add_argument('--net', help='any torchvision classification network; default: resnet18')
    demo.add_argument('--weights', help='imagenet, none or a path; default: none for rendered '
                      'scenes, imagenet for photographs')
    demo.add_argument('--size', type=int, help='of the network input, pixels; default: 64 for '
                      'rendered scenes, 112 for photographs')
    demo.add_argument('--minutes', type=float, help='of the whole run, about; default: 3.2 for '
                      'rendered scenes, 8 for photographs')
    demo.add_argument('--report', type=Path, default=Path('report.json'), metavar='FILE',
                      help='where the figures go, as JSON; default: report.json')
    demo.add_argument('--log', type=Path, default=Path('demo.log'), metavar='FILE',
                      help="where the nodes' output goes; default: demo.log")
    demo.add_argument('--namespace', type=_namespace, help='of all nodes; default: demo')
    demo.add_argument('--setup-s', type=float, default=0.0, help=argparse.SUPPRESS)


def _namespace(text: str) -> str:
    """Check a ROS namespace; return it without slashes around it."""
    name = text.strip('/')
    if name and not re.fullmatch(r'[A-Za-z_]\w*(/[A-Za-z_]\w*)*', name, re.ASCII):
        raise argparse.ArgumentTypeError(
            f'{text!r} is no ROS namespace: letters, digits and _, not a digit first, in parts '
            'divided by /, as in robot or site/robot_2')
    return name


def _add_options(parser: argparse.ArgumentParser, known: list[Option]) -> None:
    for option in known:
        about = option.about.doc.replace('%', '%%')
        if option.default is True:  # as the original: --no-augmentation
            parser.add_argument(f'--no-{option.flag[2:]}', dest=option.name, action='store_const',
                                const='false', help='not: ' + about)
            continue
        shown = f' Default: {option.default}.' if option.default != '' else ''
        parser.add_argument(option.flag, dest=option.name, metavar='VALUE', help=about + shown)


def _given(given: argparse.Namespace, known: list[Option]) -> dict[str, Value]:
    texts = {option: getattr(given, option.name) for option in known}
    return {option.name: option.parse(text) for option, text in texts.items() if text is not None}


def _run(given: argparse.Namespace) -> int:
    from .demo.stack import command, write_parameters

    values: dict[str, Value] = {'ssl_key': os.environ.get('SSL_KEY', ''),
                                'ssl_cert': os.environ.get('SSL_CERT', '')}
    values.update(_given(given, options()))
    _invite_the_first(values)
    with tempfile.TemporaryDirectory(prefix='recognizer-') as folder:
        path = Path(folder) / 'parameters.json'
        write_parameters(path, by_node(values))
        argv, environment = command(path, given.namespace)
        return _foreground(argv, environment)


def _invite_the_first(values: dict[str, Value]) -> None:
    """Show a token where the page is opened to other machines and nobody has one yet."""
    from .server.access import Access, Scope

    config = replace(WebConfig(), {name: values[name] for name in ('host', 'port', 'access')
                                   if name in values})
    if is_loopback(config.host):
        return
    access = Access(Path(config.access).expanduser())
    if not access.tokens:
        url = cli_token.page_url(config.host, config.port)
        print(cli_token.invite(access, Scope.ADMIN, url), flush=True)


def _foreground(argv: list[str], environment: dict[str, str]) -> int:
    """Run a program that Ctrl-C reaches as well as us; return its status."""
    import subprocess

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the program as well
    with subprocess.Popen(argv, env=environment) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        return process.wait()


def _demo(given: argparse.Namespace) -> int:
    from .demo import report as reports
    from .demo.job import Job, run

    images: Path | None = given.images
    job = Job.for_photographs(images) if images else Job()
    given_to_job = {'net': given.net, 'size': given.size, 'weights': given.weights,
                    'minutes': given.minutes, 'namespace': given.namespace,
                    'setup_s': given.setup_s}
    job = dataclasses.replace(job, **{name: value for name, value in given_to_job.items()
                                      if value is not None})
    began = time.monotonic()
    report = run(job, given.log, lambda line: print(
        f'[{time.monotonic() - began:5.1f} s] {line}', flush=True))
    reports.write(report, given.report)
    print(reports.text(report))
    print(f'demo: done, the report is in {given.report}')
    return 0


def _train(given: argparse.Namespace) -> int:
    from .dataset import reader
    from .registry.store import Registry
    from .training.foreground import Printer, train

    config = replace(TrainerConfig(), {**_given(given, options(('trainer',))),
                                       'epochs': given.epochs})
    data = Path(config.data)
    if not reader.revision(data):
        raise DatasetError(f'{data} holds no samples: record something, or import a folder with '
                           '`recognizer dataset import FOLDER --data ' + str(data) + '`')
    registry = Registry(data / 'models', writer=True)
    try:
        version = train(config, registry, Printer(sys.stderr))
    finally:
        registry.close()
    print(f'model version {version.bundle.version} is live: held-out score '
          f'{version.bundle.scores.headline:.3f}')
    return 0


def _evaluate(given: argparse.Namespace) -> int:
    from .evaluate import evaluate
    from .registry.store import Registry

    registry = Registry(given.data / 'models')
    if not registry.live():
        raise ModelError(f'{given.data} has no model yet: train one with '
                         f'`recognizer train --data {given.data}`')
    version = registry.get(registry.live())
    result = evaluate(version, given.images)
    scores = result.scores
    if given.json:
        print(json.dumps({
            'version': version.bundle.version, 'samples': scores.samples,
            'skipped': list(result.skipped), 'accuracy': scores.accuracy,
            'macro_f1': scores.macro_f1, 'per_class': {
                label: dataclasses.asdict(item)
                for label, item in zip(scores.labels, scores.per_class, strict=True)}}))
        return 0
    print(f'model version {version.bundle.version}: accuracy {scores.accuracy:.3f}, macro-F1 '
          f'{scores.macro_f1:.3f} on {scores.samples} images')
    for label, item in zip(scores.labels, scores.per_class, strict=True):
        print(f'  {label:<20} precision {item.precision:.3f}  recall {item.recall:.3f}  '
              f'{item.support} images')
    return 0


def _bench(given: argparse.Namespace) -> int:
    folder = resources.find('bench')
    names = sorted(path.stem for path in folder.glob('[a-z]*.py'))
    if given.name not in names:
        raise ConfigError(f'unknown bench {given.name!r}: choose one of {", ".join(names)}')
    spec = util.spec_from_file_location(f'bench_{given.name}', folder / f'{given.name}.py')
    assert spec
    assert spec.loader
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result: dict[str, Any] = module.run_bench(dict(item.partition('=')[::2] for item in given.set))
    print(json.dumps(result, indent=None if given.json else 2))
    return 0 if all(bar['ok'] for bar in result['bars'].values()) else 1


if __name__ == '__main__':
    sys.exit(main())
