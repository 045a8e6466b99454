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
            "cross_check": "true",
            "port": 2525,
        }
        made = self.folder / "made-with-pictures"
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
        """One page each, with the name of the school and a picture that makes up the size."""
        self.reports().mkdir()
        # Pictures are compressed, so they look like noise; the same noise does for all.
        noise = random.Random(7).randbytes(size)
        for identity, name, _ in self.rows():
            (self.reports() / f"{identity}.pdf").write_bytes(report(identity, name, noise, size))


def report(identity, name, noise, size):
    text = f"BT /F 18 Tf 72 760 Td (Report for {name}) Tj 0 -24 Td /F 11 Tf ({identity}, 2025/26) Tj ET\n".encode()
    text += b"".join(b"BT /F 10 Tf 72 %d Td (Task %d: 37.5 %% of the children made good progress.) Tj ET\n" % (600 - 14 * line, line) for line in range(20))
    text += b"q 400 0 0 250 72 40 cm /P Do Q\n"
    rest = max(size - len(text) - 1_300, 16)
    # A picture of DCT data, which nobody has to unpack to know what the page says.
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F 5 0 R >> /XObject << /P 6 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /XObject /Subtype /Image /Width 1600 /Height 1000 /ColorSpace /DeviceRGB /BitsPerComponent 8"
        b" /Filter /DCTDecode /Length %d >>\nstream\n%s\nendstream" % (rest, noise[:rest]),
    ]
    file, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(bodies, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    file += b"".join(b"%010d 00000 n \n" % place for place in places)
    file += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, start)
    return bytes(file)
