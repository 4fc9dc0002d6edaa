"""Learning, and the only import of PyTorch."""

import os

# PyTorch's threads spin while they wait for each other. On a machine whose cores are busy with
# camera and classifier that costs a training step four times its time; asleep they cost nothing.
# OpenMP reads this once, when PyTorch is loaded.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
