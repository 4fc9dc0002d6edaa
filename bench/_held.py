"""What processes hold."""

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Held:
    """What one process holds. :param resident: bytes, which do not count when two are compared:
    memory hardly ever comes back to the byte."""

    threads: int
    files: int
    resident: int = field(compare=False)

    @classmethod
    def by(cls, pid: int) -> 'Held':
        """Count now."""
        own = Path(f'/proc/{pid}')
        pages = int((own / 'statm').read_text().split()[1])
        return cls(len(list((own / 'task').iterdir())), len(list((own / 'fd').iterdir())),
                   pages * os.sysconf('SC_PAGE_SIZE'))
