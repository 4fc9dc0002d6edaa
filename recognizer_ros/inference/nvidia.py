"""What NVIDIA hardware and libraries there are, asked of the driver and of TensorRT themselves."""

import ctypes
from functools import cache

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
_TENSORRT = (11, 10, 9, 8, 7)


@cache
def gpu() -> str:
    """Name and compute capability of the first GPU, such as ``Orin 8.7``; empty: none."""
    try:
        cuda = ctypes.CDLL('libcuda.so.1')
    except OSError:
        return ''
    device, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    name = ctypes.create_string_buffer(128)
    failed = (cuda.cuInit(0) or cuda.cuDeviceGet(ctypes.byref(device), 0)
              or cuda.cuDeviceGetName(name, len(name), device)
              or cuda.cuDeviceGetAttribute(ctypes.byref(major), _MAJOR, device)
              or cuda.cuDeviceGetAttribute(ctypes.byref(minor), _MINOR, device))
    return '' if failed else f'{name.value.decode(errors="replace")} {major.value}.{minor.value}'


@cache
def tensorrt() -> tuple[int, int]:
    """Major version of TensorRT and its whole version, as the library counts; (0, 0): none."""
    for major in _TENSORRT:
        try:
            return major, int(ctypes.CDLL(f'libnvinfer.so.{major}').getInferLibVersion())
        except OSError:
            continue
    return 0, 0
