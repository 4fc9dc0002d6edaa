"""Installs the parts that need no ROS, with pip. On a robot colcon builds CMakeLists.txt."""

from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent
NAME = 'recognizer_ros'
FOLDERS = ('web', 'config', 'launch', 'bench')

ROBOT = [
    'aiortc>=1.15',
    'av>=14',
    'cheroot>=10',
    'cryptography>=42',
    'flask>=3',
    'honcho>=2',
    'numpy>=1.26',
    'onnxruntime>=1.20',
    'opencv-python-headless>=4.10',
    'safetensors>=0.4',
    'scikit-learn>=1.5',
    'segno>=1.6',
]
BAG = ['rosbags>=0.11']
TRAIN = [
    'numpy>=1.26',
    'onnx>=1.16',
    'onnxscript>=0.3',
    'opencv-python-headless>=4.10',
    'safetensors>=0.4',
    'scikit-learn>=1.5',
    'scipy>=1.11',
    'tensorboardX>=2.6',
    'torch>=2.6',
    'torchvision>=0.21',
]


def version() -> str:
    """The one in package.xml."""
    return ElementTree.parse(ROOT / 'package.xml').findtext('version', '')


def shared_files() -> list[tuple[str, list[str]]]:
    """Where CMakeLists.txt installs them too: share/recognizer_ros."""
    found = {Path(): ['package.xml'],
             Path('standalone'): ['standalone/Procfile', 'standalone/respawn.sh']}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob('*')):
            if path.is_file() and '__pycache__' not in path.parts:
                place = path.relative_to(ROOT)
                found.setdefault(place.parent, []).append(str(place))
    return [(str(Path('share', NAME, place)), files) for place, files in found.items()]


setup(
    name=NAME,
    version=version(),
    description='Teach a robot what its camera sees, live',
    license='MIT',
    python_requires='>=3.10',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    data_files=shared_files(),
    install_requires=['numpy>=1.26'],
    extras_require={'robot': ROBOT, 'train': TRAIN, 'bag': BAG},
    entry_points={'console_scripts': [f'recognizer = {NAME}.cli:main']},
    zip_safe=False,
)
