"""Node ``trainer``: turns the data set into model versions."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool

from ..action import Train
from ..core import config as configs
from ..core.bundle import BACKBONE
from ..core.config import TrainerConfig
from ..core.errors import ModelError, RecognizerError, TrainingError
from ..dataset import reader
from ..msg import DatasetStatus, ModelUpdate, TrainingStatus
from ..registry.store import Registry, Version
from ..srv import ActivateModel, GetModel, ListModels
from ..training.insight import Insight
from ..training.progress import Phase, Progress
from ..training.worker import Goal, Worker
from . import conversions, lifecycle, models, qos
from .insight import Insights
from .latched import Latched
from .left_out import LeftOut
from .model_files import ModelFiles

_TICK_S = 0.2
_LAST_STEP_S = 3.0
"""``ros2 launch`` gives a node 5 s to end."""
_CHUNK, _MAX_CHUNK = 1 << 20, 4 << 20
_STAGES = {Train.Goal.STAGE_BOTH: (Phase.HEAD, Phase.FINETUNE),
           Train.Goal.STAGE_HEAD: (Phase.HEAD,), Train.Goal.STAGE_FINETUNE: (Phase.FINETUNE,)}


class Trainer(lifecycle.RecognizerNode[TrainerConfig]):
    """See ``docs/reference.md`` for topics, services and the action."""

    def __init__(self, **options: Any) -> None:
        super().__init__('trainer', TrainerConfig, **options)
        self._status = Latched(self, TrainingStatus, 'training')
        self._model = Latched(self, ModelUpdate, 'model')
        self._registry: Registry | None = None
        self._worker: Worker | None = None
        self._progress = self._told = Progress()
        self._entities: list[Any] = []
        self._burst = self._heard = self._counted = 0
        self._files = ModelFiles(self)
        self._left_out = LeftOut(self)
        self._insights = Insights(self, lambda: self._worker.curves() if self._worker else ())
        self._goal: tuple[ServerGoalHandle, Goal] | None = None
        self.create_service(SetBool, '~/set_enabled', self._set_enabled)
        self.create_service(ListModels, 'list_models', self._list_models)
        self.create_service(ActivateModel, 'activate_model', self._activate_model)
        self.create_service(GetModel, 'get_model', self._get_model,
                            callback_group=ReentrantCallbackGroup())  # it waits for a thread
        self._action = ActionServer(
            self, Train, 'train', self._train, goal_callback=self._accept,
            cancel_callback=lambda _: CancelResponse.ACCEPT)

    def set_up(self) -> None:
        """Take the registry."""
        self._data = Path(self.config.data).expanduser()
        self._registry = Registry(self._data / 'models', writer=True)
        self._insights.insight = Insight(self._data, self._registry)

    def start(self) -> None:
        """Serve the live version, start to learn."""
        assert self._registry
        if self._registry.live():
            try:
                self.promoted(self._registry.get(self._registry.live()))
            except ModelError as error:  # the worker makes another one
                self.get_logger().error(str(error))
        self._worker = Worker(self._worker_config(), self._registry, self)
        self._worker.data_changed(reader.revision(self._data))
        self._worker.start()
        self._entities = [
            self.create_subscription(DatasetStatus, 'dataset', self._on_dataset, qos.LATCHED),
            self.create_timer(_TICK_S, self._tick, clock=Clock()),
        ]

    def stop(self) -> None:
        """Leave off between two batches."""
        lifecycle.destroy(self, self._entities)
        if self._goal:
            self._goal[1].cancelled.set()  # the worker ends only when its goal does
        if self._worker:
            self._worker.close(_LAST_STEP_S if self.ending else None)
            self._worker = None

    def tear_down(self) -> None:
        """Let go of the registry."""
        self._insights.insight = None
        if self._registry:
            self._registry.close()
            self._registry = None

    def configure_live(self, config: TrainerConfig) -> None:
        """The switch, and who promotes."""
        if self._worker:
            self._worker.configure(config)

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        """What it does, and what went wrong."""
        now = self._progress
        failed = now.phase == Phase.FAILED
        state = now.phase.name.lower()
        return (lifecycle.ERROR if failed else lifecycle.OK), now.message or state, {
            'state': state, 'net': now.net, 'live version': now.live_version,
            'epoch': now.epoch, 'images/s': f'{now.images_per_s:.1f}',
            'samples left out': self._left_out.count, 'last reason': self._left_out.reason}

    def progress(self, progress: Progress) -> None:
        """From the learner's thread."""
        self._progress = progress

    def promoted(self, version: Version) -> None:
        """From the learner's thread; publishing is safe there."""
        assert self._registry
        self._model.publish(models.update(version, self._registry.live_since_ns()))

    def unusable(self, found: Mapping[str, str]) -> None:
        """From a thread of the learner."""
        self._left_out.add(found)

    def waits(self, version: Version) -> None:
        """From the learner's thread: the status says so."""

    def _on_dataset(self, message: DatasetStatus) -> None:
        assert self._worker
        self._left_out.retry()
        # A burst counts when it is over: all of it is stored, or the next one has begun.
        over = not (message.recording or message.pending)
        if not over:
            self._worker.samples_came()
        if over or (message.burst != self._burst and self._heard > self._counted):
            self._worker.data_changed(message.revision)
            self._counted = message.revision
        self._burst, self._heard = message.burst, message.revision

    def _tick(self) -> None:
        if self._goal and self._goal[0].is_cancel_requested:
            self._goal[1].cancelled.set()
        self._left_out.step()
        if self._progress is self._told:
            return
        self._told = self._progress
        status = models.training_status(self._told, self.config.enabled, self.now_ns())
        self._status.publish(status)
        if self._goal:
            self._goal[0].publish_feedback(Train.Feedback(status=status))

    def _set_enabled(self, request: SetBool.Request, response: SetBool.Response
                     ) -> SetBool.Response:
        results = self.set_parameters([Parameter('enabled', value=request.data)])
        response.success, response.message = results[0].successful, results[0].reason
        self._told = Progress()  # tell at once
        return response

    def _list_models(self, _: ListModels.Request, response: ListModels.Response
                     ) -> ListModels.Response:
        if not self._registry:
            response.message = 'the trainer is not configured'
            return response
        response.live_version = self._registry.live()
        response.models = [models.model(version, version.bundle.version == response.live_version)
                           for version in self._registry.versions()]
        response.success = True
        return response

    def _activate_model(self, request: ActivateModel.Request, response: ActivateModel.Response
                        ) -> ActivateModel.Response:
        try:
            if not self._registry:
                raise ModelError('the trainer is not configured')
            self.promoted(self._registry.activate(request.version))
            if self._worker:
                self._worker.live_changed()
            response.success = True
        except RecognizerError as error:
            response.message = str(error)
        response.live_version = self._registry.live() if self._registry else 0
        return response

    async def _get_model(self, request: GetModel.Request, response: GetModel.Response
                         ) -> GetModel.Response:
        try:
            if not self._registry:
                raise ModelError('the trainer is not configured')
            version = self._registry.get(request.version or self._registry.live())
            piece = await self._files.read(version, request.file or BACKBONE, request.offset,
                                           min(request.length or _CHUNK, _MAX_CHUNK))
            response.data = conversions.byte_array(piece.data)
            response.version, response.size = version.bundle.version, piece.size
            response.sha256, response.success = piece.sha256, True
        except RecognizerError as error:
            response.message = str(error)
        return response

    def _accept(self, goal: Train.Goal) -> GoalResponse:
        refusal = self._refusal(goal)
        if not refusal:
            return GoalResponse.ACCEPT
        self.get_logger().warning(f'goal refused: {refusal}')  # the answer has no room for it
        return GoalResponse.REJECT

    def _refusal(self, goal: Train.Goal) -> str:
        if not self._worker:
            return 'the trainer is not active: activate it'
        if goal.stage not in _STAGES:
            return f'unknown stage {goal.stage}: send one of {", ".join(map(str, _STAGES))}'
        if self._goal:
            return 'training on request is under way already: wait, or cancel it'
        return ''

    async def _train(self, handle: ServerGoalHandle) -> Train.Result:
        asked = handle.request
        result = Train.Result()
        try:
            goal = Goal(configs.replace(self._worker_config(), {
                'epochs': int(asked.epochs),
                'label_mode': asked.label_mode or self.config.label_mode}), _STAGES[asked.stage])
            if not self._worker:
                raise TrainingError('the trainer is not active')
            self._worker.submit(goal)
            self._goal = (handle, goal)
            await lifecycle.awaitable(self, goal.done)
        except RecognizerError as error:
            result.message = str(error)
            handle.abort()
            return result
        finally:
            if self._goal and self._goal[0] is handle:  # one that was refused is not under way
                self._goal = None
        result.message = goal.error
        if goal.version:
            result.success, result.version = True, goal.version.bundle.version
            result.metrics = models.metrics(goal.version.bundle.scores)
        if handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.succeed() if goal.version else handle.abort()
        return result

    def _worker_config(self) -> TrainerConfig:
        return replace(self.config, data=str(self._data))


def main() -> int:
    """Run the node."""
    return lifecycle.run(Trainer)
