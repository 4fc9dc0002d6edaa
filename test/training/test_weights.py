import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import makers
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models._api import WeightsEnum

from recognizer_ros.core.errors import WeightsError
from recognizer_ros.training import nets
from recognizer_ros.training.candidate import weights_of
from recognizer_ros.training.nets import Net
from recognizer_ros.training.weights import load_backbone_file, load_initial


def mobilenet(classes: int = 2) -> Net:
    return nets.build('mobilenet_v3_small', classes, 32, 32)


def state(net: Net, keep: Callable[[str], bool] = lambda name: True,
          kind: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    """A copy of some of a network's weights."""
    return {name: value.to(kind, copy=True) if value.is_floating_point() else value.clone()
            for name, value in net.module.state_dict().items() if keep(name)}


def imagenet_gives(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    """Stand in for the download."""
    def get_state_dict(*_: object, **__: object) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer
    monkeypatch.setattr(WeightsEnum, 'get_state_dict', get_state_dict)


def same(one: Net, two: Net, prefix: str) -> bool:
    theirs = two.module.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.module.state_dict().items()
               if name.startswith(prefix))


def test_none_leaves_random_weights() -> None:
    net = mobilenet()
    before = net.copy()
    assert not load_initial(net, 'none')
    assert same(net, before, '')


def test_a_file_gives_all_but_the_last_layer(tmp_path: Path) -> None:
    net, other = mobilenet(2), mobilenet(7)
    save_file(state(other), tmp_path / 'w.safetensors')
    head = net.head_layer.weight.detach().clone()
    assert load_initial(net, str(tmp_path / 'w.safetensors'))
    assert same(net, other, 'features.')
    assert same(net, other, 'classifier.0.')
    assert torch.equal(net.head_layer.weight, head)


def test_half_precision_weights_of_a_backbone_without_classifier_load(tmp_path: Path) -> None:
    net, other = mobilenet(), mobilenet()
    save_file(state(other, lambda name: name.startswith('features.'), torch.float16),
              tmp_path / 'w.safetensors')
    assert load_initial(net, str(tmp_path / 'w.safetensors'))
    mine, theirs = (item.module.state_dict()['features.0.0.weight'] for item in (net, other))
    assert mine.dtype == torch.float32
    assert torch.equal(mine, theirs.half().float())


def test_a_missing_file_is_named_with_what_may_be_given(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r'gone does not exist: give imagenet, none or'):
        load_initial(mobilenet(), str(tmp_path / 'gone'))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = makers.photo(tmp_path / 'w.pth', b'PK\3\4 no safetensors')
    with pytest.raises(WeightsError, match=r'w\.pth is not a safetensors file'):
        load_initial(mobilenet(), str(path))
    with pytest.raises(WeightsError, match='is not a safetensors file'):
        load_initial(mobilenet(), str(tmp_path))


@pytest.mark.parametrize('change', ['another net', 'a missing layer', 'another shape'])
def test_weights_of_another_net_are_refused_and_change_nothing(tmp_path: Path,
                                                               change: str) -> None:
    net = mobilenet()
    before = net.copy()
    given = state(nets.build('squeezenet1_1', 2, 32, 32) if change == 'another net' else net)
    if change == 'a missing layer':
        del given['features.0.0.weight']
    elif change == 'another shape':
        given['features.0.0.weight'] = torch.zeros(8, 3, 3, 3)
    save_file(given, tmp_path / 'w.safetensors')
    with pytest.raises(WeightsError, match=r'does not hold weights of mobilenet_v3_small.*choose'):
        load_initial(net, str(tmp_path / 'w.safetensors'))
    assert same(net, before, '')


@pytest.mark.parametrize('error', [URLError('no route to host'), TimeoutError('slow'),
                                   RuntimeError('invalid hash value')])
def test_a_failed_download_is_a_warning_and_random_weights(
        monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
        error: Exception) -> None:
    imagenet_gives(monkeypatch, error)
    with caplog.at_level(logging.WARNING):
        assert not load_initial(mobilenet(), 'imagenet')
    assert str(error) in caplog.text
    assert 'give weights:=PATH' in caplog.text


def test_imagenet_weights_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    net, other = mobilenet(), mobilenet(1000)
    imagenet_gives(monkeypatch, state(other))
    assert load_initial(net, 'imagenet')
    assert same(net, other, 'features.')


def test_the_old_names_in_the_imagenet_weights_of_densenet_are_known(
        monkeypatch: pytest.MonkeyPatch) -> None:
    net, other = (nets.build('densenet121', 2, 32, 32) for _ in range(2))
    old = {re.sub(r'(denselayer\d+\.(?:norm|conv))([12])\.', r'\1.\2.', name): value
           for name, value in other.module.state_dict().items()}
    assert 'features.denseblock1.denselayer1.norm.1.weight' in old
    imagenet_gives(monkeypatch, old)
    assert load_initial(net, 'imagenet')
    assert same(net, other, 'features.')


def test_a_versions_own_weights_leave_the_last_layer(tmp_path: Path) -> None:
    net, other = mobilenet(2), mobilenet(5)
    (tmp_path / 'w.safetensors').write_bytes(weights_of(other))
    head = net.head_layer.weight.detach().clone()
    load_backbone_file(net, tmp_path / 'w.safetensors')
    assert same(net, other, 'features.')
    assert same(net, other, 'classifier.0.')
    assert torch.equal(net.head_layer.weight, head)


def test_a_versions_weights_that_are_damaged_or_gone_are_refused(tmp_path: Path) -> None:
    net, path = mobilenet(), tmp_path / 'w.safetensors'
    before = net.copy()
    with pytest.raises(WeightsError, match='does not exist'):
        load_backbone_file(net, path)
    path.write_bytes(weights_of(mobilenet())[:-100])
    with pytest.raises(WeightsError, match='is not a safetensors file'):
        load_backbone_file(net, path)
    path.write_bytes(weights_of(nets.build('squeezenet1_1', 2, 32, 32)))
    with pytest.raises(WeightsError, match='does not hold weights of mobilenet_v3_small'):
        load_backbone_file(net, path)
    assert same(net, before, '')
