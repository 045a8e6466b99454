"""Writes copies of files durably, and nothing else: FROM TO FLUSHES. Prints the seconds that took.

Each copy is flushed, renamed into place, and its folder flushed; the other flushes follow small
additions to one file, as those of a state file do. What is copied is read before the clock starts.
"""

import os
import shutil
import sys
import time
from pathlib import Path

ADDITION = b"\0" * 8192


def main(source, target, flushes):
    files = [(path.name, path.read_bytes()) for path in sorted(source.iterdir())]
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    each = max(flushes // len(files) - 2, 0)
    begun = time.perf_counter()
    folder = os.open(target, os.O_RDONLY)
    log = os.open(target / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for name, contents in files:
        new = target / (name + ".new")
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        rest = memoryview(contents)
        while rest:
            rest = rest[os.write(file, rest):]
        os.fsync(file)
        os.close(file)
        os.rename(new, target / name)
        os.fsync(folder)
        for _ in range(each):
            os.write(log, ADDITION)
            os.fdatasync(log)
    print(time.perf_counter() - begun)


main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
