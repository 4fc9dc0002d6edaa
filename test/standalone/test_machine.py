"""Each thing that a machine may lack is named in one line with a way out."""

import pytest

from standalone import machine
from standalone.steps import SetupError

GLIBC = ('glibc', '2.36')


def has(*names):
    return lambda name: name if name in names else None


def refused(match):
    return pytest.raises(SetupError, match=match)


@pytest.mark.parametrize('version', [(3, 10), (3, 12), (3, 14)])
def test_pythons_with_wheels_pass(version):
    machine.check_python(version, wheels=True)


def test_python_too_old():
    with refused('Python 3.9 is too old, 3.10 is needed: .*make PYTHON='):
        machine.check_python((3, 9), wheels=False)


def test_python_too_new_for_the_wheels_but_not_for_a_ros_of_the_machine():
    with refused(r'Python 3.15 is too new, ROS 2 has wheels for 3.10 to 3.14: .*make PYTHON='):
        machine.check_python((3, 15), wheels=True)
    machine.check_python((3, 15), wheels=False)


@pytest.mark.parametrize(
    ('system', 'kind', 'libc', 'named'),
    [
        ('Darwin', 'arm64', ('', ''), 'not for Darwin on arm64'),
        ('Linux', 'aarch64', GLIBC, 'not for Linux on aarch64'),
        ('Linux', 'x86_64', ('glibc', '2.17'), 'this is glibc 2.17'),
        ('Linux', 'x86_64', ('', ''), 'this is another libc'),
    ],
)
def test_machine_without_wheels(system, kind, libc, named):
    with refused(f'{named}.*: install ROS 2 itself'):
        machine.check_system(system, kind, libc)


def test_machine_with_wheels():
    machine.check_system('Linux', 'x86_64', GLIBC)


@pytest.mark.parametrize('missing', ['venv', 'ensurepip'])
def test_python_without_virtual_environments(missing):
    with refused('apt install python3.12-venv'):
        machine.check_venv(lambda name: name != missing, (3, 12))


def test_python_without_headers(tmp_path):
    with refused('headers are missing .*Python.h.*: apt install python3-dev'):
        machine.check_headers(tmp_path)
    (tmp_path / 'Python.h').touch()
    machine.check_headers(tmp_path)


def test_no_cpp_compiler():
    with refused(r'no C\+\+ compiler \(c\+\+ or g\+\+ or clang\+\+\): apt install g\+\+'):
        machine.check_compiler(has('gcc'), {})


def test_chosen_compiler_is_not_there():
    with refused(r'no C compiler \(icx\): .* or set CC to one'):
        machine.check_compiler(has('gcc', 'g++'), {'CC': 'icx -O2'})


def test_compilers_found():
    machine.check_compiler(has('gcc', 'g++'), {'CXX': 'g++ -O2'})


@pytest.mark.parametrize('missing', ['cmake', 'make'])
def test_ros_of_the_machine_needs_its_build_tools(missing):
    with refused(f'{missing} is missing: apt install {missing}'):
        machine.check_build_tool(has(*{'cmake', 'make'} - {missing}))


def test_disk_too_small(tmp_path):
    with refused('has 2.0 GiB free, the set-up needs 9.0 GiB: free some'):
        machine.check_disk(2.0, 9.0, tmp_path)
    machine.check_disk(9.5, 9.0, tmp_path)


def test_sourced_ros_is_used():
    assert machine.sourced_distro({'ROS_DISTRO': 'jazzy'}, has('rclpy')) == 'jazzy'
    assert machine.sourced_distro({}, has('rclpy')) is None


def test_sourced_ros_of_another_python():
    with refused('ROS_DISTRO=jazzy is set.*cannot import rclpy: .* or unset ROS_DISTRO'):
        machine.sourced_distro({'ROS_DISTRO': 'jazzy'}, has())


def test_this_machine_can_be_set_up():
    machine.check_machine(wheels=True)
