"""The outbox, beside a program that writes the same bytes as safely and does nothing else."""

import shutil
import subprocess

from batches import Batch
from measure import medians, run

LETTERS = 1_000
REPORT = 300 * 1024


def figures(bench):
    batch = Batch(bench.data / "outbox", LETTERS, REPORT, transport="outbox", connections=1)

    def ours(connections):
        batch.set(connections=connections)
        batch.forget()
        return run([bench.program, "send", str(batch.folder)])

    ours(1)
    flushes = flushes_of(bench, batch) or 3 * LETTERS
    written = sorted((batch.folder / "outbox").glob("*.eml"))
    size = sum(path.stat().st_size for path in written)
    copies = batch.folder / "copies"
    kept = batch.folder / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    (batch.folder / "outbox").rename(kept)
    bare = [bench.python, str(bench.here / "write.py"), str(kept), str(copies), str(flushes)]

    middle = medians(
        bench.rounds,
        one=lambda: ours(1),
        four=lambda: ours(4),
        bare=lambda: bench.timed_inside(bare),
    )
    names = {"one": "postroom, one connection", "four": "postroom, four connections", "bare": "bare writes"}
    yield "written", f"{LETTERS} letters, {size / 1e6:.0f} MB, {flushes} flushes (fsync and fdatasync)"
    for name, measured in middle.items():
        yield names[name], f"{measured.seconds:.2f} s, {size / 1e6 / measured.seconds:.0f} MB/s"
    bare = middle["bare"].seconds
    yield "one connection, of the bare writes", bench.ratio(bare / middle["one"].seconds, at_least=0.8)
    yield "four connections", bench.ratio(bare / middle["four"].seconds, at_least=0.8)


def flushes_of(bench, batch):
    """How often a run asks for the disk, as strace counts it."""
    strace = bench.optional_tool("strace")
    if not strace:
        return None
    batch.forget()
    log = batch.folder / "strace.log"
    subprocess.run(
        [strace, "-f", "-e", "trace=fsync,fdatasync", "-o", log, bench.program, "send", batch.folder],
        check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with open(log) as lines:
        return sum("sync(" in line for line in lines)
