"""Steps of an optimizer with a network: the fastest way the device knows."""

import copy
import logging
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ..core.labels import LabelMode
from .device import is_out_of_memory

COMPILE_AFTER_S = 60.0
_EMA_DECAY = 0.95
_SGD_MOMENTUM = 0.9
_WEIGHT_DECAY = 0.05
_SMOOTHING = 0.1
_EAGER_STEPS = 3
_log = logging.getLogger(__name__)
Work = Callable[[torch.Tensor, torch.Tensor], None]


class Stepper:
    """Trains a network's module batch by batch, and keeps a moving average of its weights.

    On a GPU it computes in bfloat16, and after a few steps replays a recording of one: launching
    a few hundred kernels takes longer than small batches take to compute. To compile, and to try
    out ways to convolve, takes half a minute and saves a quarter of each step, so that is done
    in a long run only, where it is possible.

    :param optimizer: ``adam`` (decoupled weight decay) or ``sgd``.
    :param compile_after_s: compile once the steps have taken so long.
    :ivar positive: weight of the positive answers of each label; for label mode multi.
    """

    def __init__(self, module: nn.Module, outputs: int, mode: LabelMode, optimizer: str,
                 rate: float, compile_after_s: float = COMPILE_AFTER_S) -> None:
        module.to(memory_format=torch.channels_last)
        self._module, self._mode = module, mode
        self._forward: Callable[[torch.Tensor], torch.Tensor] = module
        self._device = next(module.parameters()).device
        self._on_gpu = self._device.type == 'cuda'
        self._rate = rate
        # In a recording only what lies on the GPU can change.
        self._now = torch.tensor(rate, device=self._device)
        self._optimizer = self._make(optimizer)
        self._mean = _Mean(module)
        self.positive = torch.ones(outputs, device=self._device)
        self._single = nn.CrossEntropyLoss(label_smoothing=_SMOOTHING)
        self._totals = torch.zeros(2, device=self._device)
        self._recording: _Recording | None = None
        self._can_record, self._steps_like_this = self._on_gpu, 0
        self._shape = torch.Size()
        self._compile_after_s, self._spent_s, self._last_s = compile_after_s, 0.0, 0.0
        if self._on_gpu:
            torch.backends.cudnn.benchmark = False
            self._stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]

    def _make(self, optimizer: str) -> torch.optim.Optimizer:
        parameters = self._module.parameters()
        if optimizer == 'adam':
            return torch.optim.AdamW(parameters, lr=self._now, weight_decay=_WEIGHT_DECAY,
                                     fused=True, capturable=self._on_gpu)
        return torch.optim.SGD(parameters, lr=self._now, momentum=_SGD_MOMENTUM, nesterov=True,
                               fused=True)

    @property
    def averaged(self) -> nn.Module:
        """The module with the average of its weights."""
        return self._mean.module

    @property
    def compiled(self) -> bool:
        """Whether it has come to compiling."""
        return self._compile_after_s == float('inf')

    def totals(self) -> tuple[float, float]:
        """Sum of losses and number of right answers; waits for the device."""
        loss, right = self._totals.tolist()
        return loss, right

    def restart_totals(self) -> None:
        """From zero again."""
        self._totals.zero_()

    def run(self, inputs: torch.Tensor, wanted: torch.Tensor, factor: float) -> None:
        """Take a step.

        :param factor: of the learning rate.
        :raises RuntimeError: of all kinds, out of memory among them; then call :meth:`recover`.
        """
        self._now.fill_(self._rate * factor)
        self._module.train()
        if not self._on_gpu:
            self._work(inputs.contiguous(memory_format=torch.channels_last), wanted)
            return
        self._maybe_compile()
        if inputs.shape != self._shape:
            self._recording, self._steps_like_this, self._shape = None, 0, inputs.shape
        inputs = inputs.to(torch.bfloat16, memory_format=torch.channels_last)
        if not self._recording and self._can_record and self._steps_like_this >= _EAGER_STEPS:
            self._record(inputs, wanted)
        if self._recording:
            self._recording.run(inputs, wanted)
        else:
            self._eager(inputs, wanted)
        self._steps_like_this += 1

    def recover(self) -> None:
        """Let go of what a step that failed has left in memory."""
        self._recording, self._shape, self._can_record = None, torch.Size(), self._on_gpu
        self._optimizer.zero_grad(set_to_none=True)
        if not self._mean.begun:  # the first step may have failed while making this
            self._optimizer.state.clear()

    def _work(self, inputs: torch.Tensor, wanted: torch.Tensor) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._on_gpu):
            logits = self._forward(inputs)
        logits = logits.float()
        if self._mode == 'single':
            loss = self._single(logits, wanted)
            right = logits.argmax(1) == wanted
        else:
            loss = nn.functional.binary_cross_entropy_with_logits(logits, wanted,
                                                                  pos_weight=self.positive)
            right = ((logits > 0) == (wanted > 0.5)).all(1)
        loss.backward()
        self._optimizer.step()
        self._mean.update()
        self._totals += torch.stack([loss.detach() * len(inputs), right.sum()])

    def _maybe_compile(self) -> None:
        now = time.monotonic()
        self._spent_s += min(now - self._last_s, 1.0) if self._last_s else 0.0
        self._last_s = now
        if self._spent_s >= self._compile_after_s:
            self._compile_after_s = float('inf')
            torch.backends.cudnn.benchmark = True
            torch.compiler.reset()  # what was compiled for another network before
            self._forward = torch.compile(self._module, dynamic=False)
            self._recording, self._steps_like_this = None, 0

    def _eager(self, inputs: torch.Tensor, wanted: torch.Tensor) -> None:
        try:
            self._aside(lambda: self._work(inputs, wanted))
        except Exception as error:  # whatever a compiler that is missing or cannot do this raises
            if self._forward is self._module or is_out_of_memory(error):
                raise
            _log.debug('training steps cannot be compiled: %s', error)
            self._forward = self._module
            self._aside(lambda: self._work(inputs, wanted))

    def _aside(self, work: Callable[[], None]) -> None:
        """Run on a stream of our own, as recording asks for."""
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        try:
            with torch.cuda.stream(self._stream):
                work()
        finally:
            torch.cuda.current_stream(self._device).wait_stream(self._stream)

    def _record(self, inputs: torch.Tensor, wanted: torch.Tensor) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        try:
            self._aside(lambda: self._take_recording(inputs, wanted))
        except RuntimeError as error:  # some networks ask the GPU something in between
            torch.cuda.synchronize(self._device)
            self._recording, self._can_record = None, False
            _log.debug('training steps cannot be recorded: %s', error)

    def _take_recording(self, inputs: torch.Tensor, wanted: torch.Tensor) -> None:
        self._recording = _Recording(self._work, inputs, wanted, self._stream)


class _Recording:
    """A step as a CUDA graph."""

    def __init__(self, work: Work, inputs: torch.Tensor, wanted: torch.Tensor,
                 stream: torch.cuda.Stream) -> None:
        self._inputs, self._wanted = inputs.clone(), wanted.clone()
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=stream):
            work(self._inputs, self._wanted)

    def run(self, inputs: torch.Tensor, wanted: torch.Tensor) -> None:
        """Do it with these."""
        self._inputs.copy_(inputs)
        self._wanted.copy_(wanted)
        self._graph.replay()


class _Mean:
    """Moving average of a module's weights and buffers.

    ``AveragedModel`` would wait for the GPU in each step, and can not be recorded.

    :ivar begun: a step has been taken.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = copy.deepcopy(module)
        self._lerp = get_ema_multi_avg_fn(_EMA_DECAY)  # type: ignore[no-untyped-call]
        self.begun = False
        pairs = [(mean.detach(), now.detach()) for mean, now in zip(
            self.module.state_dict().values(), module.state_dict().values(), strict=True)]
        self._means, self._values = (
            [pair[k] for pair in pairs if pair[0].is_floating_point()] for k in (0, 1))
        self._counts = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """Take the weights as they are now into account; the first time they are all there is."""
        if self.begun:
            self._lerp(self._means, self._values, 0)
        else:
            torch._foreach_copy_(self._means, self._values)
            self.begun = True
        for mean, now in self._counts:
            mean.copy_(now)
