"""Checks: as fast as the digests of the reports, with the proof on; reading PDFs; the time of a start."""

import subprocess

from batches import Batch
from measure import medians, run

LETTERS = 10_000
REPORT = 300 * 1024
PDFS = 400


def figures(bench):
    batch = Batch(bench.data / "check", bench.scaled(LETTERS), REPORT)
    batch.forget()
    reports = batch.folder / "reports.list"
    reports.write_bytes(b"".join(bytes(path) + b"\0" for path in sorted(batch.reports().iterdir())))
    # Once for both, so that no run is the first to read a report.
    sums(reports)
    middle = medians(
        bench.rounds,
        postroom=lambda: run([bench.program, "check", str(batch.folder)]),
        sha256sum=lambda: sums(reports),
    )
    for name, measured in middle.items():
        yield name, f"{measured.seconds:.2f} s for {batch.letters} reports of 300 KiB, {measured.cpu:.2f} s of CPU"
    batch.set(cross_check="false")
    without = run([bench.program, "check", str(batch.folder)])
    batch.set(cross_check="true")
    yield "without the proof", f"{without.seconds:.2f} s, {without.cpu:.2f} s of CPU"
    yield (
        "time, of xargs -P 2 sha256sum",
        bench.ratio(middle["postroom"].seconds / middle["sha256sum"].seconds, at_most=1.3),
    )


def sums(reports):
    with open(reports, "rb") as list_of_reports:
        return run(["xargs", "-0", "-P", "2", "-n", "250", "sha256sum"], stdin=list_of_reports)


def proofs(bench):
    """Reports that are read: ten pages each, with the name of the school on every page."""
    python = bench.python_with("reportlab==5.1.0")
    if not python:
        return
    batch = Batch(bench.data / "proofs", bench.scaled(PDFS), 0)
    if not batch.reports().exists():
        subprocess.run([python, bench.here / "ten_pages.py", batch.folder], check=True)

    def check(program, cores, cross_check="true"):
        batch.set(cross_check=cross_check)
        return run([program, "check", str(batch.folder)], env={"RAYON_NUM_THREADS": str(cores)})

    programs = {
        "one": lambda: check(bench.program, 1),
        "two": lambda: check(bench.program, 2),
        "without": lambda: check(bench.program, 1, "false"),
    }
    if bench.earlier:
        programs["earlier"] = lambda: check(bench.earlier, 1)
        programs["earlier_without"] = lambda: check(bench.earlier, 1, "false")
    middle = medians(bench.rounds, **programs)
    one, two, without = middle["one"], middle["two"], middle["without"]
    each = (one.seconds - without.seconds) / batch.letters * 1000
    yield "text search", f"{each:.2f} ms of one core for a PDF of ten pages"
    if bench.earlier:
        before = (middle["earlier"].seconds - middle["earlier_without"].seconds) / batch.letters * 1000
        yield "text search of the earlier program", f"{before:.2f} ms of one core"
        yield "time, of the earlier program", bench.ratio(each / before, at_most=1.3)
    yield "two cores, of one", f"{one.seconds / two.seconds:.2f} times as fast"


def starts(bench):
    """The time until the program is there."""
    rounds = max(bench.rounds, 51)
    middle = medians(
        rounds,
        postroom=lambda: run([bench.program, "--help"]),
        true=lambda: run(["/bin/true"]),
    )
    ours, nothing = middle["postroom"].seconds * 1000, middle["true"].seconds * 1000
    yield "--help and /bin/true", f"{ours:.2f} ms and {nothing:.2f} ms, {rounds} starts of each"
    yield "time, of /bin/true", bench.ratio(ours / nothing, at_most=3)
    size = bench.program_size() / 2**20
    yield "binary", bench.ratio(size, at_most=16, unit="MiB")
