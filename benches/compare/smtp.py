"""A mail server that does not hold back: postroom, smtp-source, nodemailer and mailmerge."""

import csv
import shutil

from batches import Batch
from measure import free_port, medians, run, server

LETTERS = 1_000
REPORT = 300 * 1024
CONNECTIONS = 4

MAILMERGE_CONFIG = """\
[smtp_server]
host = 127.0.0.1
port = {port}
"""
MAILMERGE_HEAD = """\
TO: {{email}}
SUBJECT: Report for {{name}}
FROM: Study <study@study.example>
ATTACHMENT: ../reports/{{id}}.pdf
Content-Type: text/html

"""


def figures(bench):
    batch = Batch(bench.data / "smtp", LETTERS, REPORT, connections=CONNECTIONS)
    port = free_port()
    batch.set(port=port)
    with server(bench.sink(port), port):
        size = bytes_on_the_wire(bench, batch)
        programs = {
            "postroom": lambda: postroom(bench, batch),
            "without": lambda: postroom(bench, batch, cross_check="false"),
            "source": lambda: run(source(bench, port, size)),
        }
        peers = {}
        if node := bench.node():
            peers["nodemailer"] = lambda: run(
                [node, str(bench.peers / "nodemailer.mjs"), str(batch.folder), str(port), str(CONNECTIONS)]
            )
        if mailmerge := bench.mailmerge():
            folder = for_mailmerge(batch, port)
            peers["mailmerge"] = lambda: run([mailmerge, "--no-dry-run", "--no-limit"], cwd=folder)
        middle = medians(bench.rounds, **programs, **peers)
    ours, without = middle["postroom"], middle["without"]
    yield "letters", f"{LETTERS} of {size} bytes on the wire, {CONNECTIONS} connections"
    for name, measured in middle.items():
        rate = LETTERS / measured.seconds
        milliseconds = measured.cpu / LETTERS * 1000
        name = {"without": "postroom without the proof"}.get(name, name)
        yield name, f"{measured.seconds:.2f} s, {rate:.0f} letters/s, {milliseconds:.2f} ms of CPU a letter"
    yield "speed, of smtp-source", bench.ratio(middle["source"].seconds / ours.seconds, at_least=0.8)
    yield "without the proof", bench.ratio(middle["source"].seconds / without.seconds, at_least=0.84)
    if "nodemailer" in middle:
        other = middle["nodemailer"]
        yield "speed, of nodemailer", bench.ratio(other.seconds / ours.seconds, at_least=3)
        yield "CPU, of nodemailer", bench.ratio(ours.cpu / other.cpu, at_most=1 / 3)
        yield "without the proof", bench.ratio(without.cpu / other.cpu, at_most=0.25)
    if "mailmerge" in middle:
        yield "speed, of mailmerge", bench.ratio(middle["mailmerge"].seconds / ours.seconds, at_least=10)


def postroom(bench, batch, cross_check="true"):
    batch.set(cross_check=cross_check)
    batch.forget()
    return run([bench.program, "send", str(batch.folder), "--yes"])


def source(bench, port, size):
    return [
        bench.tool("smtp-source"), "-4", "-d", "-s", str(CONNECTIONS), "-m", str(LETTERS),
        "-l", str(size), "-f", "study@study.example", "-t", "head@school.example", f"127.0.0.1:{port}",
    ]  # fmt: skip


def bytes_on_the_wire(bench, batch):
    """The size of a letter as the outbox writes it."""
    batch.forget()
    run([bench.program, "send", str(batch.folder), "--transport", "outbox", "--limit", "1"])
    (letter,) = (batch.folder / "outbox").glob("*.eml")
    return letter.stat().st_size


def for_mailmerge(batch, port):
    folder = batch.folder / "mailmerge"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "mailmerge_server.conf").write_text(MAILMERGE_CONFIG.format(port=port))
    letter = (batch.folder / "templates" / "letter.html").read_text()
    (folder / "mailmerge_template.txt").write_text(MAILMERGE_HEAD + letter)
    with open(folder / "mailmerge_database.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name", "email"])
        writer.writerows(batch.rows())
    return folder
