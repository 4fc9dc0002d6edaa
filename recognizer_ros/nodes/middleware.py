"""Settings of the middleware: profiles of Fast DDS, which other middlewares ignore."""

import os
from pathlib import Path

from ..core import resources

# As Fast DDS names it from version 3 (Kilted) on, and before; each ignores the other's, or warns.
_NEW, _OLD = 'FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'


def profile(name: str) -> dict[str, str]:
    """Return what to add to the environment of a process before it joins a graph.

    Nothing where the user has named a profile.

    :param name: of a file of this package, as ``config/fastdds.xml``.
    """
    if _NEW in os.environ or _OLD in os.environ:
        return {}
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    is_new = any(Path(prefix, 'share/fastdds').is_dir() for prefix in prefixes)
    return {_NEW if is_new else _OLD: str(resources.find(name))}
