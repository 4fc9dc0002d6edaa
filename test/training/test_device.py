import pytest
import torch

from recognizer_ros.training import device as devices


def test_without_a_gpu_it_is_the_cpu_and_no_pixels_go_elsewhere(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    chosen = devices.choose(1000)
    assert chosen == torch.device('cpu')
    assert devices.room_for_pixels(chosen, 1000) == 0
    devices.empty_cache(chosen)


def test_errors_that_mean_that_memory_has_run_out() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert devices.is_out_of_memory(caught.value)
    assert devices.is_out_of_memory(MemoryError())
    assert devices.is_out_of_memory(torch.OutOfMemoryError('CUDA out of memory'))
    assert not devices.is_out_of_memory(RuntimeError('shapes differ'))
    assert not devices.is_out_of_memory(ValueError('not enough memory'))
