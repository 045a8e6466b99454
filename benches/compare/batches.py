"""Batches to measure with: invented schools, each with a report of its own."""

import csv
import random
import shutil
from pathlib import Path

BATCH = """\
[batch]
name = "measured"

[manifest]
path = "list.csv"
id = "id"
name = "school"
to = ["email"]

[letter]
from = "Study <study@study.example>"
subject = "Report for {{{{ name }}}}"
html = "templates/letter.html"

[[attachment]]
path = "reports/{{{{ id }}}}.pdf"
name = "report.pdf"
cross_check = {cross_check}

[dispatch]
transport = "{transport}"
connections = {connections}
messages_per_minute = {messages_per_minute}
megabytes_per_five_minutes = 4000000000
recipients_per_day = 4000000000
"""

SECRETS = """\
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
"""

# A letter of 6 KB, as a study's template would be: a few values, the rest the same for all.
PARAGRAPH = (
    "<p>This report shows how the children of your school got on with the programme, beside all "
    "schools that took part. Please keep it where only those who work with these children read it.</p>\n"
)
LETTER = "<html><body>\n<p>Dear {{ name }} ({{ id }}),</p>\n" + PARAGRAPH * 30 + "</body></html>\n"


class Batch:
    """A folder with a batch file, a list, a template and reports."""

    def __init__(self, folder, letters, report_bytes, **settings):
        self.folder = Path(folder)
        self.letters = letters
        self.settings = {
            "transport": "smtp",
            "connections": 4,
            "messages_per_minute": 4_000_000_000,
            "cross_check": "false",
            "port": 2525,
        }
        made = self.folder / "made"
        if not made.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            (self.folder / "templates").mkdir(parents=True)
            (self.folder / "templates" / "letter.html").write_text(LETTER)
            self._write_list()
            if report_bytes:
                self._write_reports(report_bytes)
            made.touch()
        self.set(**settings)

    def set(self, **settings):
        """Writes the batch and secrets files anew with other settings."""
        self.settings.update(settings)
        (self.folder / "batch.toml").write_text(BATCH.format(**self.settings))
        secrets = self.folder / ".secrets.toml"
        secrets.write_text(SECRETS.format(**self.settings))
        secrets.chmod(0o600)

    def rows(self):
        for number in range(1, self.letters + 1):
            identity = f"S{number:06}"
            yield identity, f"School of {identity}", f"head@{identity.lower()}.example"

    def reports(self):
        return self.folder / "reports"

    def forget(self):
        """Takes away what runs have left."""
        for path in self.folder.glob("batch.*.db*"):
            path.unlink()
        shutil.rmtree(self.folder / "outbox", ignore_errors=True)

    def _write_list(self):
        with open(self.folder / "list.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "school", "email"])
            writer.writerows(self.rows())

    def _write_reports(self, size):
        self.reports().mkdir()
        # Reports are compressed, so they look like noise; the same noise does for all.
        noise = random.Random(7).randbytes(size)
        for identity, _, _ in self.rows():
            head = b"%PDF-1.7\n% " + identity.encode() + b"\n"
            (self.reports() / f"{identity}.pdf").write_bytes(head + noise[len(head):])
