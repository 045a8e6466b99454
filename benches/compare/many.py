"""Large batches: memory, and the way back to the wire."""

import shutil
import subprocess
import time

from batches import Batch
from clock import Recorder
from measure import Failed, Measured, free_port, medians, run, server

FEW = 1_000
MANY = 100_000
LEFT = 10


def memory(bench):
    port = free_port()
    few = Batch(bench.data / "few", FEW, 300 * 1024, port=port)
    many = many_letters(bench, MANY, port)
    with server(bench.sink(port), port):
        peaks = {}
        for batch in [few, many]:
            batch.set(port=port)
            peaks["check", batch.letters] = run([bench.program, "check", str(batch.folder)]).peak_mib
            batch.forget()
            peak, course = sending(bench, batch)
            peaks["send", batch.letters] = peak
            if batch is many:
                yield "send, over its course", ", ".join(f"{mib:.1f}" for mib in course) + " MiB at each quarter"
    for verb in ["check", "send"]:
        base = peaks[verb, few.letters]
        more = peaks[verb, many.letters] - base
        yield f"{verb}, {few.letters} letters of 300 KiB", bench.ratio(base, at_most=48, unit="MiB")
        yield f"{verb}, {many.letters} letters of 1 KiB", bench.ratio(more, at_most=32, unit="MiB more")


def many_letters(bench, letters, port):
    return Batch(bench.data / f"many-{letters}", bench.scaled(letters), 1024, port=port)


def sending(bench, batch):
    """The most memory of a run, and what it holds at each quarter of the time that it takes."""
    process = subprocess.Popen(
        [bench.program, "send", str(batch.folder), "--yes"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    samples, peak = [], 0.0
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/status") as status:
                held = {line.split(":")[0]: line.split()[1] for line in status if line.startswith("Vm")}
            samples.append(int(held["VmRSS"]) / 1024)
            peak = int(held["VmHWM"]) / 1024
        except (KeyError, OSError):
            pass
        time.sleep(0.05)
    if process.returncode:
        raise Failed(f"send ended with {process.returncode}")
    quarters = [samples[len(samples) * quarter // 4 - 1] for quarter in [1, 2, 3, 4]]
    return peak, quarters


def resume(bench):
    """Ten letters are left of a batch: how long until the first of them is on the wire."""
    times = {}
    for letters in [MANY // 4, MANY]:
        port = free_port()
        batch = many_letters(bench, letters, port)
        batch.set(port=port)
        state, kept = batch.folder / "batch.state.db", batch.folder / "kept.db"
        if not kept.exists():
            batch.forget()
            with server(bench.sink(port), port):
                run([bench.program, "send", str(batch.folder), "--yes", "--limit", str(batch.letters - LEFT)])
            shutil.move(state, kept)

        def back_to_the_wire():
            batch.forget()
            shutil.copy(kept, state)
            with Recorder(port) as recorder:
                begun = time.perf_counter()
                run([bench.program, "resume", str(batch.folder), "--yes"])
                if len(recorder.taken) != LEFT:
                    raise Failed(f"{len(recorder.taken)} letters went out, not {LEFT}")
            return Measured(recorder.offered[0] - begun, 0.0, 0.0)

        def check():
            batch.forget()
            return run([bench.program, "check", str(batch.folder)])

        middle = medians(bench.rounds, resume=back_to_the_wire, check=check)
        times[batch.letters] = middle["resume"].seconds
        yield (
            f"{batch.letters} letters",
            f"on the wire after {middle['resume'].seconds:.3f} s; a check takes {middle['check'].seconds:.3f} s",
        )
        if letters == MANY:
            yield "time, of a check", bench.ratio(
                middle["resume"].seconds / middle["check"].seconds, at_most=0.25
            )
    small, large = sorted(times)
    yield f"time, {large} letters of {small}", f"{times[large] / times[small]:.2f} times"
