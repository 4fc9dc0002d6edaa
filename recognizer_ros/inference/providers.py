"""ONNX Runtime's execution providers: their options, and why one of them cannot be used."""

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import onnxruntime as ort

from . import nvidia

_NAMES = {'cuda': 'CUDAExecutionProvider', 'tensorrt': 'TensorrtExecutionProvider'}
_WORKSPACE_BYTES = 1 << 30


@dataclass(frozen=True)
class Provider:
    """How to run a network.

    :param name: for people. :param options: those of each execution provider before the CPU, which
        takes what they cannot. :param one_image: compile the network for a single image.
    """

    name: str
    options: tuple[tuple[str, Mapping[str, str]], ...] = ()
    one_image: bool = False


CPU = Provider('cpu')


def cuda(precision: str) -> Provider:
    """CUDA. :param precision: fp16 allows products of ten bits (TF32), in half the time; fp32."""
    return Provider('cuda', ((_NAMES['cuda'], {
        'device_id': '0',
        'cudnn_conv_algo_search': 'HEURISTIC',  # to try all takes seconds for each new network
        'arena_extend_strategy': 'kSameAsRequested',  # the trainer may need the rest of the memory
        'use_tf32': str(int(precision == 'fp16'))}),))


def tensorrt(precision: str, engines: Path, timing: Path) -> Provider:
    """TensorRT, and CUDA for what it cannot do.

    :param precision: fp16 or fp32. :param engines: folder of this very network on this very
        machine. :param timing: folder that networks share: it makes the next ones fast to compile.
    """
    options = {
        'device_id': '0', 'trt_max_workspace_size': str(_WORKSPACE_BYTES),
        'trt_fp16_enable': str(precision == 'fp16'),
        'trt_engine_cache_enable': 'True', 'trt_engine_cache_path': str(engines),
        'trt_timing_cache_enable': 'True', 'trt_timing_cache_path': str(timing)}
    return Provider(f'tensorrt-{precision}', ((_NAMES['tensorrt'], options),
                                              *cuda(precision).options), True)


def lacking(name: str) -> str:
    """Why this machine cannot use ``cuda`` or ``tensorrt``, without trying; empty: it might."""
    if not nvidia.gpu():
        return 'no NVIDIA GPU, or no driver for it'
    if _NAMES[name] not in ort.get_available_providers():
        return f'ONNX Runtime {ort.__version__} here is without it: install onnxruntime-gpu'
    if name == 'tensorrt' and not nvidia.tensorrt()[0]:
        return 'TensorRT is not installed: libnvinfer is not found'
    return ''


@cache
def preload() -> None:
    """Let the loader find CUDA and cuDNN where pip has installed them."""
    if hasattr(ort, 'preload_dlls'):  # since 1.21
        ort.preload_dlls()


def missing_library(name: str) -> str:
    """What keeps the library of ``cuda`` or ``tensorrt`` from loading; empty: nothing.

    Only after ONNX Runtime has tried to load it: otherwise it would never be initialised.
    """
    library = Path(ort.__file__).parent / 'capi' / f'libonnxruntime_providers_{name}.so'
    try:
        if library.exists():  # else it is built in
            ctypes.CDLL(str(library))
    except OSError as error:
        return str(error)
    return ''
