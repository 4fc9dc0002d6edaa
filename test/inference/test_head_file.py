import makers
import numpy as np
import pytest
import torch
from safetensors.torch import save

from recognizer_ros.core.errors import ModelError
from recognizer_ros.inference.head import Head, from_bytes

RNG = np.random.default_rng(0)
HEAD = Head(RNG.normal(size=(3, 5)).astype(np.float32), RNG.normal(size=3).astype(np.float32))
ROWS = RNG.normal(size=(4, 5)).astype(np.float32)


def test_what_is_written_is_read_back() -> None:
    read = from_bytes(HEAD.to_bytes())
    np.testing.assert_array_equal(read.weight, HEAD.weight)
    np.testing.assert_array_equal(read.bias, HEAD.bias)


def test_rows_that_lie_otherwise_in_memory_are_written_as_they_are() -> None:
    turned = Head(np.asfortranarray(HEAD.weight), HEAD.bias[::1])
    np.testing.assert_array_equal(from_bytes(turned.to_bytes()).weight, HEAD.weight)
    every_second = Head(HEAD.weight[::2, ::2], HEAD.bias[::2])
    np.testing.assert_array_equal(from_bytes(every_second.to_bytes()).weight,
                                  HEAD.weight[::2, ::2])


def test_it_answers_as_the_layer_of_a_network() -> None:
    layer = torch.nn.Linear(5, 3)
    layer.weight.data, layer.bias.data = map(torch.from_numpy, (HEAD.weight, HEAD.bias))
    logits = layer(torch.from_numpy(ROWS)).detach()
    np.testing.assert_allclose(HEAD(ROWS), logits, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(HEAD.scores(ROWS, 'single'), logits.softmax(1), atol=1e-6)
    np.testing.assert_allclose(HEAD.scores(ROWS, 'multi'), logits.sigmoid(), atol=1e-6)


def test_no_rows_have_no_answers() -> None:
    assert HEAD.scores(np.zeros((0, 5), np.float32), 'single').shape == (0, 3)


def test_half_precision_and_further_tensors_are_read() -> None:
    data = save({'weight': torch.from_numpy(HEAD.weight).half(),
                 'bias': torch.from_numpy(HEAD.bias).double(), 'more': torch.zeros(2)})
    read = from_bytes(data)
    assert (read.weight.dtype, read.bias.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(read.weight, HEAD.weight, rtol=1e-3)


@pytest.mark.parametrize('data', [
    b'', b'text', HEAD.to_bytes()[:-1], HEAD.to_bytes()[:20], b'\xff' * 100,
    save({'weight': torch.zeros(3, 5)}), save({'bias': torch.zeros(3)}),
    save({'weight': torch.zeros(3, 5, dtype=torch.float8_e4m3fn), 'bias': torch.zeros(3)}),
], ids=['nothing', 'text', 'cut', 'cut in the middle', 'noise', 'no bias', 'no weight', '8 bits'])
def test_what_is_no_head_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match='the file of the head is damaged') as raised:
        from_bytes(data)
    assert '\n' not in str(raised.value)


@pytest.mark.parametrize(('weight', 'bias'), [((3, 5), (2,)), ((3,), (3,)), ((3, 5, 1), (3,)),
                                              ((3, 5), (3, 1)), ((), ())])
def test_weight_and_bias_must_go_together(weight: tuple[int, ...], bias: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match='weight and bias of the head do not go together'):
        from_bytes(save({'weight': torch.zeros(weight), 'bias': torch.zeros(bias)}))


@pytest.mark.parametrize('number', [makers.NAN, float('inf'), -float('inf')])
@pytest.mark.parametrize('place', ['weight', 'bias'])
def test_numbers_that_are_not_finite_are_refused(number: float, place: str) -> None:
    parts = {'weight': torch.zeros(3, 5), 'bias': torch.zeros(3)}
    parts[place].view(-1)[1] = number
    with pytest.raises(ModelError, match='not finite'):
        from_bytes(save(parts))
