"""Learning, and the only import of PyTorch."""

import os

# PyTorch's threads spin while they wait for each other. Where camera and classifier keep the cores
# busy, a training step takes up to four times as long for it; threads that soon fall asleep do not
# mind. OpenMP reads this once, when PyTorch is loaded.
os.environ.setdefault('GOMP_SPINCOUNT', '1000')
