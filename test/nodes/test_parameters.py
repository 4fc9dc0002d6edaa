import pytest
from rcl_interfaces.srv import DescribeParameters
from ros_graph import Graph, ended

from recognizer_ros.core import config as configs
from recognizer_ros.core.config import CameraConfig, ClassifierConfig, TrainerConfig
from recognizer_ros.core.errors import ConfigError
from recognizer_ros.nodes import parameters
from recognizer_ros.nodes.camera import Camera
from recognizer_ros.nodes.classifier import Classifier


@pytest.fixture(scope='module')
def classifier(shared: Graph) -> Classifier:
    return shared.start(Classifier, top_k=3)


@pytest.mark.parametrize('config', [CameraConfig, ClassifierConfig, TrainerConfig])
def test_ranges_of_descriptors_are_those_of_the_settings(config: type) -> None:
    for name, about in configs.settings(config).items():
        made = parameters.descriptor(about, configs.default_of(config, name))
        assert made.description == about.doc
        assert made.read_only == (not about.live)
        ranges = [*made.integer_range, *made.floating_point_range]
        if about.minimum is None:
            assert not ranges
        else:
            assert [(item.from_value, item.to_value) for item in ranges] == [
                (about.minimum, about.maximum)], name


def test_choices_are_told() -> None:
    about = configs.settings(TrainerConfig)['optimizer']
    assert parameters.descriptor(about, 'adam').additional_constraints == 'one of adam, sgd'


def test_a_running_node_describes_its_parameters(shared: Graph, classifier: Classifier) -> None:
    answer = shared.call(DescribeParameters, 'classifier/describe_parameters',
                         DescribeParameters.Request(names=['threshold', 'threads']))
    threshold, threads = answer.descriptors
    assert (threshold.floating_point_range[0].from_value,
            threshold.floating_point_range[0].to_value) == (0.0, 1.0)
    assert not threshold.read_only
    assert threads.read_only


def test_given_values_and_defaults_are_in_force(classifier: Classifier) -> None:
    assert classifier.config == ClassifierConfig(top_k=3)


def test_a_live_setting_changes(shared: Graph, classifier: Classifier) -> None:
    assert shared.set('classifier', threshold=0.5).successful
    assert classifier.config.threshold == 0.5
    assert classifier.get_parameter('threshold').value == 0.5


def test_a_value_out_of_range_is_refused_with_the_range(shared: Graph,
                                                        classifier: Classifier) -> None:
    before = classifier.config
    answer = shared.set('classifier', threshold=1.5)
    assert not answer.successful
    assert 'threshold' in answer.reason
    assert '0' in answer.reason
    assert '1.0' in answer.reason
    assert classifier.config == before


def test_a_read_only_setting_is_refused(shared: Graph, classifier: Classifier) -> None:
    answer = shared.set('classifier', threads=1)
    assert not answer.successful
    assert 'read-only' in answer.reason
    assert classifier.config.threads == 0


def test_a_value_of_another_type_is_refused(shared: Graph, classifier: Classifier) -> None:
    before = classifier.config
    assert not shared.set('classifier', threshold='high').successful
    assert classifier.config == before


def test_two_at_once_change_both_or_none(shared: Graph, classifier: Classifier) -> None:
    assert shared.set_together('classifier', threshold=0.25, smoothing=0.5).successful
    assert (classifier.config.threshold, classifier.config.smoothing) == (0.25, 0.5)
    assert not shared.set_together('classifier', threshold=0.75, smoothing=-1.0).successful
    assert (classifier.config.threshold, classifier.config.smoothing) == (0.25, 0.5)
    assert classifier.get_parameter('threshold').value == 0.25


def test_a_change_that_the_node_refuses_changes_nothing(shared: Graph) -> None:
    camera = shared.start(Camera, input='pattern://ball', input_width=32, input_height=24,
                          input_rate=5.0)
    assert not shared.set_together('camera', jpeg_quality=50, input='ball').successful
    assert camera.config.jpeg_quality == 90
    assert camera.get_parameter('jpeg_quality').value == 90


def test_a_given_value_out_of_range_is_an_error_that_names_it(shared: Graph) -> None:
    with pytest.raises(ConfigError, match=r'top_k must be between 1 and 1000 \(int\)') as caught:
        shared.add(Classifier, top_k=0)
    assert '\n' not in str(caught.value)


def test_a_node_given_a_wrong_value_ends_with_one_line(shared: Graph) -> None:
    status, output = ended(shared.process('camera', input_rate=0.0))
    assert status == 1
    assert output.startswith('error: input_rate must be between 0.1 and 240.0')
    assert len(output.splitlines()) == 1


def test_a_node_that_is_not_known_is_refused_with_the_names(shared: Graph) -> None:
    status, output = ended(shared.process('dreamer'))
    assert status == 2
    assert 'camera, classifier, recorder, trainer, web' in output
