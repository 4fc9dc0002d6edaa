"""A step runs once for its inputs, and again when it was cut off or something below it changed."""

import io
import subprocess
import sys
from dataclasses import replace

import pytest

from standalone.steps import CommandError, Screen, Step, command, only_one, pending, run_steps


@pytest.fixture
def ran():
    return []


@pytest.fixture
def steps(ran):
    def step(name, *after):
        return Step(name, f'step {name}', 'inputs', lambda: ran.append(name), after)

    return [step('venv'), step('ros', 'venv'), step('robot', 'venv'), step('build', 'ros')]


@pytest.fixture
def run(tmp_path):
    def run_all(steps, out=None):
        run_steps(steps, tmp_path / 'stamps', Screen(out or io.StringIO(), tmp_path))

    return run_all


def test_every_step_runs_once_in_order(steps, run, ran):
    run(steps)
    assert ran == ['venv', 'ros', 'robot', 'build']
    run(steps)
    assert len(ran) == len(steps)


def test_changed_inputs_run_the_step_and_all_that_follow_from_it(steps, run, ran):
    run(steps)
    ran.clear()
    steps[1] = replace(steps[1], inputs='others')
    run(steps)
    assert ran == ['ros', 'build']


def test_a_missing_product_is_made_again(steps, run, ran, tmp_path):
    product = tmp_path / 'product'
    product.touch()
    steps[3] = replace(steps[3], product=product)
    run(steps)
    ran.clear()
    product.unlink()
    run(steps)
    assert ran == ['build']


@pytest.mark.parametrize('error', [RuntimeError, KeyboardInterrupt])
def test_a_step_cut_off_leaves_no_stamp_and_the_next_run_goes_on_there(steps, run, ran, error):
    whole = steps[2]

    def cut_off():
        raise error

    steps[2] = replace(whole, action=cut_off)
    with pytest.raises(error):
        run(steps)
    assert ran == ['venv', 'ros']
    steps[2] = whole
    run(steps)
    assert ran == ['venv', 'ros', 'robot', 'build']


def test_a_cut_off_rerun_forgets_what_it_made_before(steps, run, ran, tmp_path):
    run(steps)

    def cut_off():
        raise RuntimeError

    changed = replace(steps[1], inputs='others', action=cut_off)
    with pytest.raises(RuntimeError):
        run([steps[0], changed, *steps[2:]])
    # Back to the old inputs: half of the new ones may already lie there.
    assert [step.name for step in pending(steps, tmp_path / 'stamps')] == ['ros', 'build']


def test_screen_names_each_step_with_its_number(steps, run):
    out = io.StringIO()
    run(steps, out)
    assert [line for line in out.getvalue().splitlines() if line.startswith('[')] == [
        '[1/4] step venv', '[2/4] step ros', '[3/4] step robot', '[4/4] step build']  # fmt: skip


def test_screen_gives_signs_of_life(tmp_path):
    class Out(io.StringIO):
        beats = 0

        def write(self, text):
            self.beats += '…' in text
            return super().write(text)

    out = Out()
    with Screen(out, tmp_path, every_s=0.01).step('long'):
        subprocess.run([sys.executable, '-c', 'import time; time.sleep(0.3)'], check=True)
    assert out.beats > 1


def test_command_keeps_what_was_said(tmp_path):
    code = 'import sys; print("out"); print("bad", file=sys.stderr); sys.exit(3)'
    with pytest.raises(CommandError) as caught:
        command([sys.executable, '-c', code], tmp_path / 'logs/x.log', {}, tmp_path)
    assert sorted(caught.value.output.split()) == ['bad', 'out']
    assert (tmp_path / 'logs/x.log').read_text() == caught.value.output


def test_two_at_once_wait_for_each_other(tmp_path):
    code = (
        'import sys; from pathlib import Path; from standalone.steps import only_one\n'
        f'with only_one(Path({str(tmp_path)!r})): print("mine", flush=True)'
    )
    with only_one(tmp_path):
        other = subprocess.Popen(
            [sys.executable, '-c', code], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert 'another set-up runs in this folder' in other.stderr.readline()
        assert other.poll() is None
    out, _ = other.communicate(timeout=30)
    assert out == 'mine\n'
