"""Where networks are trained, and how much of its memory they may take."""

import torch

_CACHE_SHARE = 0.5
_CPU_MESSAGES = ('not enough memory', "can't allocate memory", 'could not create a primitive',
                 'could not create a memory object')


def choose(gpu_memory_mib: int = 0) -> torch.device:
    """Return the first GPU, or the CPU where there is none.

    :param gpu_memory_mib: the most that this process takes of the GPU's memory; 0: all.
    """
    if not torch.cuda.is_available():
        return torch.device('cpu')
    device = torch.device('cuda', 0)
    if gpu_memory_mib:
        share = gpu_memory_mib * 2**20 / torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, share), device)
    return device


def room_for_pixels(device: torch.device, gpu_memory_mib: int = 0) -> int:
    """Bytes of the device's memory that decoded images may fill; the network needs the rest."""
    if device.type != 'cuda':
        return 0
    free, _ = torch.cuda.mem_get_info(device)
    allowed = min(free, gpu_memory_mib * 2**20) if gpu_memory_mib else free
    return int(allowed * _CACHE_SHARE)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it says that memory has run out, on the CPU or a GPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # PyTorch has no type of its own for the CPU's memory.
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _CPU_MESSAGES)


def empty_cache(device: torch.device) -> None:
    """Give back what the allocator keeps for later."""
    if device.type == 'cuda':
        torch.cuda.empty_cache()
