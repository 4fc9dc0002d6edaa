"""The set-up: what makes which step run again, and how its failures read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from standalone import bootstrap
from standalone.installer import Installer, clean_environment, uv_settings
from standalone.steps import SetupError, pending
from standalone.workspace import Workspace, library_folders, repaired

ROOT = bootstrap.ROOT


@pytest.fixture
def sources(tmp_path):
    """A workspace with one message, one module and one page."""
    for name in ('CMakeLists.txt', 'package.xml', 'msg/Tags.msg', 'standalone/vision_msgs/x.msg'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    for name in ('recognizer_ros/cli.py', 'web/index.html'):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(name)
    return Workspace(tmp_path, tmp_path / '.venv', {}, wheels=True)


@pytest.mark.parametrize('name', ['msg/Tags.msg', 'package.xml', 'standalone/vision_msgs/x.msg'])
def test_changed_interface_builds_again(sources, name):
    before = sources.inputs()
    (sources.root / name).write_text('changed')
    assert sources.inputs() != before


@pytest.mark.parametrize('name', ['recognizer_ros/cli.py', 'web/index.html'])
def test_changed_python_or_page_needs_no_build_but_a_new_file_does(sources, name):
    before = sources.inputs()
    (sources.root / name).write_text('changed')
    assert sources.inputs() == before
    (sources.root / name).with_name('new').touch()
    assert sources.inputs() != before


def test_compiled_python_does_not_count(sources):
    before = sources.inputs()
    (sources.root / 'recognizer_ros/__pycache__').mkdir()
    (sources.root / 'recognizer_ros/__pycache__/cli.pyc').touch()
    assert sources.inputs() == before


@pytest.fixture
def setup():
    return bootstrap.Setup(ROOT, None)


def test_wheels_need_more_steps_than_a_ros_of_the_machine(setup):
    of_machine = bootstrap.Setup(ROOT, 'jazzy').steps(dev=False)
    assert {step.name for step in setup.steps(dev=False)} - {step.name for step in of_machine} == {
        'jazzy', 'repair'}  # fmt: skip


def test_wheels_of_another_distribution_need_another_environment(setup):
    kilted = bootstrap.Setup(ROOT, None, 'kilted').steps(dev=False)
    venv, wheels = setup.steps(dev=False)[:2]
    assert (kilted[0].name, kilted[1].name) == ('venv', 'kilted')
    assert kilted[0].inputs != venv.inputs
    assert kilted[1].inputs != wheels.inputs


def test_dev_adds_one_step(setup):
    names = [step.name for step in setup.steps(dev=True)]
    assert set(names) - {step.name for step in setup.steps(dev=False)} == {'dev'}
    assert (names[0], names[-1]) == ('venv', 'verify')


def test_nothing_there_means_every_step(setup, tmp_path):
    steps = setup.steps(dev=True)
    assert pending(steps, tmp_path) == steps


@pytest.mark.parametrize('distro', bootstrap.DISTRIBUTIONS)
def test_sets_of_pins_agree(distro):
    chosen = {}
    for part in (distro, 'robot', 'train', 'dev'):
        path = ROOT / f'standalone/requirements-{part}.txt'
        for line in path.read_text().splitlines():
            requirement, _, marker = line.partition(' ; ')
            name, pinned, version = requirement.partition('==')
            if not line.startswith('#'):
                assert pinned, f'{path.name}: {line} is not pinned'
                assert chosen.setdefault((name, marker), version) == version, line


def test_pip_settings_reach_uv():
    listed = (
        ":env:.index-url='https://mine.example/simple'\n"
        "global.index-url='https://other.example/simple'\n"
        "global.extra-index-url='file:///a \\n file:///b'\n"
        "install.find-links='/wheels /more'\n"
        "global.cert='/etc/ca.crt'\n"
        "global.timeout='60'\n"
    )
    assert uv_settings(listed) == {
        'UV_DEFAULT_INDEX': 'https://mine.example/simple',
        'UV_INDEX': 'file:///a file:///b',
        'UV_INDEX_STRATEGY': 'unsafe-best-match',
        'UV_FIND_LINKS': '/wheels,/more',
        'UV_SYSTEM_CERTS': '1',
        'SSL_CERT_FILE': '/etc/ca.crt',
    }


def fake_python(folder: Path, said: str) -> Path:
    """An environment whose Python says something and fails, as pip does."""
    (folder / 'bin').mkdir()
    python = folder / 'bin/python'
    python.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit 1\n")
    python.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ('said', 'told'),
    [
        ('Temporary failure in name resolution', 'pip cannot reach its package index: check the'),
        ('OSError: [Errno 28] No space left on device', 'the disk is full: free some room'),
        ('No matching distribution found for x', 'pip failed.*\n.*No matching distribution'),
    ],
)
def test_failed_installation_names_its_cause(tmp_path, said, told):
    installer = Installer(fake_python(tmp_path, said), tmp_path / 'logs', dict(os.environ))
    with pytest.raises(SetupError, match=told):
        installer.install('robot', ['nonsense'])


def test_no_network_is_said_before_anything_is_installed(tmp_path):
    venv = fake_python(tmp_path, 'NewConnectionError: Connection refused')
    with pytest.raises(SetupError, match='what is installed is kept'):
        Installer(venv, tmp_path / 'logs', dict(os.environ)).prepare()


def test_activated_shell_leaves_no_trace_in_the_set_up(tmp_path):
    environ = {
        'PATH': f'{tmp_path}/.venv/bin:/usr/bin',
        'PYTHONPATH': f'{tmp_path}/install/lib',
        'VIRTUAL_ENV': f'{tmp_path}/.venv',
        'HOME': '/home/me',
    }
    assert clean_environment(environ, tmp_path) == {'PATH': '/usr/bin', 'HOME': '/home/me'}


GENERATOR = 'ament_register_extension(\n  "{}"\n  "rosidl_generator_{}"\n'


def test_wheels_are_repaired():
    python = '/opt/python/cp312-cp312/include/python3.12'
    numpy = '/opt/python/cp312-cp312/lib/python3.12/site-packages/numpy/_core/include'
    point = 'rosidl_generate_idl_interfaces'
    cpp, py = GENERATOR.format(point, 'cpp'), GENERATOR.format(point, 'py')
    assert repaired(f'set(a "{python};{numpy}")' + cpp + py, '/n', '/p') == (
        'set(a "/p;/n")' + GENERATOR.format('rosidl_generate_unused', 'cpp') + py
    )


def test_libraries_of_the_wheels_are_listed(tmp_path):
    (tmp_path / 'lib/python3.12/site-packages/ros_rcl.libs').mkdir(parents=True)
    (tmp_path / 'lib/python3.12/site-packages/numpy.libs').mkdir()
    assert library_folders(tmp_path) == [
        tmp_path / 'lib', tmp_path / 'lib/python3.12/site-packages/ros_rcl.libs']  # fmt: skip


@pytest.mark.parametrize('shell', ['bash', 'sh'])
def test_activate_works_from_anywhere_twice_and_strictly(tmp_path, shell):
    script = (
        f'set -eu; . {ROOT}/standalone/activate; once="$AMENT_PREFIX_PATH $PYTHONPATH $PATH"; '
        f'. {ROOT}/standalone/activate; [ "$once" = "$AMENT_PREFIX_PATH $PYTHONPATH $PATH" ]; '
        'echo "$ROS_AUTOMATIC_DISCOVERY_RANGE" "${PYTHONDONTWRITEBYTECODE-may-compile}"; '
        'python -c "import recognizer_ros.msg, recognizer_ros.nodes as n; print(n.__name__)"; '
        'command -v recognizer; ls "$RECOGNIZER_ROS_PREFIX/lib/recognizer_ros"'
    )
    env = {name: os.environ[name] for name in ('HOME', 'ROS_DISTRO') if name in os.environ}
    env |= {'PATH': '/usr/local/bin:/usr/bin:/bin', 'PYTHONDONTWRITEBYTECODE': '1'}
    done = subprocess.run(
        [shell, '-c', script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.stderr == ''
    assert done.stdout.split() == [
        'LOCALHOST', 'may-compile', 'recognizer_ros.nodes', f'{ROOT}/.venv/bin/recognizer',
        'camera', 'classifier', 'recorder', 'trainer', 'web']  # fmt: skip


@pytest.mark.parametrize('shell', ['bash', 'sh'])
def test_activate_before_the_set_up_says_what_to_do(tmp_path, shell):
    (tmp_path / 'standalone').mkdir()
    (tmp_path / 'standalone/activate').write_bytes((ROOT / 'standalone/activate').read_bytes())
    done = subprocess.run(
        [shell, '-c', '. standalone/activate && echo on'],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode
    assert done.stdout == ''
    assert f'run  python3 {tmp_path}/standalone/bootstrap.py' in done.stderr


def test_run_without_news_is_quick_and_silent():
    line = [sys.executable, str(ROOT / 'standalone/bootstrap.py')]
    subprocess.run(line, check=True, capture_output=True)
    done = subprocess.run(line, check=True, capture_output=True, text=True, timeout=10)
    assert (done.stdout, done.stderr) == ('', '')
