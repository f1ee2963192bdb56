"""Write a fleet's sources: `python -m benchmarks.sources SHAPE FOLDER`.

It prints how many rows there must be after a sync of the whole fleet, and their checksum, as a JSON array.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.data import Shape, expected, write_sources

if __name__ == "__main__":
    shape = Shape(*json.loads(sys.argv[1]))
    write_sources(shape, Path(sys.argv[2]))
    print(json.dumps(expected(shape)))
