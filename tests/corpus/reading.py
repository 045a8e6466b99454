"""How much of what PDF readers see do the proofs find? Printed for each producer of PDFs.

    pip install reportlab fpdf2 matplotlib typst weasyprint pikepdf pypdfium2 pymupdf
    cargo build && python tests/corpus/reading.py target/debug/postroom

Each producer that is installed makes a few reports of invented schools. Each report is rewritten by qpdf
(object streams, linearised, encrypted) and by MuPDF, and damaged at one offset of its cross-reference
table. Phrases of three words that both PDFium and MuPDF see are then looked for in what
`postroom read-pdfs` answers.
"""

import collections
import html
import io
import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import pikepdf
import pymupdf
import pypdfium2

SCHOOLS = [
    "Lycée Françoise Office — St. Mary’s Primary",
    "Oak Park School",
    "Ysgol Gynradd Dŵr & Mynydd",
    "Grundschule Groß-Fließ “An der Mühle”",
]
LINES = [
    "This report was made for the school alone; the first office keeps it with care.",
    "Of 1,204 pupils 37.5 % made good progress (see table 3), against 31.2 % in 2024.",
    "Affluent coffins shuffled efficiently through the official traffic.",
    "Teachers said: “it’s the pupils’ own work – and they’re proud of it”.",
]
ROWS = [("Autumn", "12", "Good progress"), ("Spring", "18", "Some progress"), ("Summer", "7", "No data")]


def page(school, spaced=False, columns=1):
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in ROWS)
    lines = "".join(f"<p>{html.escape(line)}<sup>{number}</sup></p>" for number, line in enumerate(LINES, 1))
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(school)}</title>
        <style>h1 {{ letter-spacing: {"0.2em" if spaced else "normal"} }} main {{ columns: {columns} }}
        p {{ text-align: justify; hyphens: auto }} b {{ color: #fff; background: #234 }}</style>
        <h1>{html.escape(school)}</h1><main>{lines}<table>{rows}</table><p><b>Kept by the school alone</b></p></main>
        <div style="break-before: page">{html.escape(school)}, the second page of it</div></html>"""


def with_weasyprint(folder):
    import weasyprint
    for number, school in enumerate(SCHOOLS):
        source = page(school, spaced=number == 1, columns=1 + number % 2)
        weasyprint.HTML(string=source).write_pdf(folder / f"{number}.pdf")


def with_chromium(folder):
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise ImportError("chromium")
    for number, school in enumerate(SCHOOLS):
        source = folder / f"{number}.html"
        source.write_text(page(school, spaced=number == 1, columns=1 + number % 2), encoding="utf-8")
        subprocess.run(
            [program, "--headless", "--no-sandbox", "--disable-gpu", f"--print-to-pdf={folder / f'{number}.pdf'}", source.as_uri()],
            check=True, capture_output=True, timeout=120,
        )
        source.unlink()


def with_reportlab(folder):
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Table
    styles = getSampleStyleSheet()
    for number, school in enumerate(SCHOOLS):
        document = SimpleDocTemplate(str(folder / f"{number}.pdf"), title=school)
        document.build([
            Paragraph(html.escape(school), styles["Title"]),
            *[Paragraph(html.escape(line) + "<super>1</super>", styles["BodyText"]) for line in LINES],
            Table(ROWS),
        ])


def with_reportlab_form(folder):
    from reportlab.pdfgen.canvas import Canvas
    for number, school in enumerate(SCHOOLS):
        canvas = Canvas(str(folder / f"{number}.pdf"))
        canvas.drawString(72, 760, LINES[number])
        name = school.encode("latin-1", "ignore").decode("latin-1")
        canvas.acroForm.textfield(name="school", value=name, x=72, y=700, width=400)
        canvas.save()


def with_fpdf2(folder):
    from fpdf import FPDF
    for number, school in enumerate(SCHOOLS):
        document = FPDF()
        document.add_page()
        document.set_font("Helvetica", size=14)
        for line in [school, *LINES]:
            line = line.translate(str.maketrans("“”’–—", "\"\"'--")).encode("latin-1", "ignore").decode("latin-1")
            document.multi_cell(0, 8, line, align="J", new_x="LMARGIN", new_y="NEXT")
        document.output(str(folder / f"{number}.pdf"))


def with_matplotlib(folder):
    import matplotlib
    matplotlib.use("pdf")
    from matplotlib import pyplot
    for number, school in enumerate(SCHOOLS):
        matplotlib.rcParams["pdf.fonttype"] = 3 if number % 2 else 42
        figure = pyplot.figure()
        figure.suptitle(school)
        for place, line in enumerate(LINES):
            figure.text(0.05, 0.8 - place / 8, line, fontsize=9)
        figure.savefig(folder / f"{number}.pdf")
        pyplot.close(figure)


def with_typst(folder):
    import typst
    for number, school in enumerate(SCHOOLS):
        body = "\n\n".join(re.sub(r"([#$%*_@<\[\]])", r"\\\1", line) for line in LINES)
        source = folder / f"{number}.typ"
        source.write_text(f"#set par(justify: true)\n= {school}\n{body}#footnote[see the notes]\n\n#table(columns: 3, "
                          + ", ".join(f"[{cell}]" for row in ROWS for cell in row) + ")", encoding="utf-8")
        typst.compile(str(source), output=str(folder / f"{number}.pdf"))
        source.unlink()


def with_latex(folder):
    program = shutil.which("pdflatex")
    if program is None:
        raise ImportError("pdflatex")
    for number, (school, encoding) in enumerate(zip(SCHOOLS, ["T1", "OT1", "T1", "OT1"])):
        text = "\n\n".join(re.sub(r"([#$%&_{}])", r"\\\1", line) for line in [school, *LINES])
        source = f"\\documentclass{{article}}\\usepackage[{encoding}]{{fontenc}}\\usepackage[utf8]{{inputenc}}\\begin{{document}}{text}\\end{{document}}"
        (folder / f"{number}.tex").write_text(source, encoding="utf-8")
        subprocess.run([program, "-interaction=batchmode", f"{number}.tex"], cwd=folder, check=False, capture_output=True)


def with_libreoffice(folder):
    program = shutil.which("soffice")
    if program is None:
        raise ImportError("libreoffice")
    for number, school in enumerate(SCHOOLS):
        (folder / f"{number}.html").write_text(page(school), encoding="utf-8")
        subprocess.run([program, "--headless", "--convert-to", "pdf", f"{number}.html"], cwd=folder, check=True, capture_output=True)


PRODUCERS = {name.removeprefix("with_"): make for name, make in list(globals().items()) if name.startswith("with_")}


def variants(contents):
    """The same PDF as other programs write it."""
    yield "as made", contents
    open_again = lambda: pikepdf.open(io.BytesIO(contents))
    for name, options in {
        "object streams": {"object_stream_mode": pikepdf.ObjectStreamMode.generate},
        "linearised": {"linearize": True},
        "encrypted": {"encryption": pikepdf.Encryption(owner="owner", user="")},
    }.items():
        written = io.BytesIO()
        open_again().save(written, **options)
        yield name, written.getvalue()
    document = pymupdf.open(stream=contents, filetype="pdf")
    yield "mupdf", document.tobytes(garbage=4, deflate=True, clean=True)
    damaged = bytearray(contents)
    entry = re.search(rb"\n(\d{10}) 00000 n", contents)
    if entry:
        damaged[entry.start(1) + 6 : entry.end(1)] = b"7777"
        yield "one offset damaged", bytes(damaged)


def words(text):
    text = unicodedata.normalize("NFKC", text.replace("\u00ad", "")).casefold()
    return re.findall(r"[^\W_]+", text)


def phrases(text):
    found = words(text)
    return set(zip(found, found[1:], found[2:]))


def seen_by_pdfium(contents):
    document = pypdfium2.PdfDocument(contents)
    document.init_forms()
    return " ".join(page.get_textpage().get_text_range() for page in document)


def seen_by_mupdf(contents):
    document = pymupdf.open(stream=contents, filetype="pdf")
    return " ".join(page.get_text() for page in document)


class Proofs:
    """The program, as it runs itself to read PDFs."""

    def __init__(self, program):
        self.program = program
        self.start()

    def start(self):
        self.process = subprocess.Popen([self.program, "read-pdfs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def read(self, contents):
        try:
            self.process.stdin.write(struct.pack(">BQ", 1, len(contents)) + contents)
            self.process.stdin.flush()
            (length,) = struct.unpack(">I", self.process.stdout.read(4))
            answer = json.loads(self.process.stdout.read(length))
        except (BrokenPipeError, struct.error):
            self.start()
            return None, "ended"
        text = answer["text"]
        return (text["Ok"], None) if "Ok" in text else (None, text["Err"])


def main(program):
    proofs = Proofs(program)
    found, seen, missing = collections.Counter(), collections.Counter(), collections.defaultdict(list)
    unread, skipped = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, make in PRODUCERS.items():
            place = Path(folder, name)
            place.mkdir()
            try:
                make(place)
            except ImportError:
                skipped.append(name)
                continue
            for file in sorted(place.glob("*.pdf")):
                for variant, contents in variants(file.read_bytes()):
                    both = phrases(seen_by_pdfium(contents)) & phrases(seen_by_mupdf(contents))
                    text, why = proofs.read(contents)
                    if text is None:
                        unread.append((name, variant, why))
                        ours = set()
                    else:
                        ours = phrases(text["shown"])
                    for key in [name, f"({variant})"]:
                        seen[key] += len(both)
                        found[key] += len(both & ours)
                    missing[name] += sorted(both - ours)
    for key in seen:
        print(f"{key:22} {found[key]:6} of {seen[key]:6} phrases  {100 * found[key] / max(seen[key], 1):6.2f} %")
    rest = [key for key in seen if not key.startswith("(")]
    total, of = sum(found[key] for key in rest), sum(seen[key] for key in rest)
    print(f"{'all':22} {total:6} of {of:6} phrases  {100 * total / max(of, 1):6.2f} %")
    print("not read:", unread or "none", "| not installed:", ", ".join(skipped) or "none")
    for name, lost in missing.items():
        if lost:
            print(name, "lost", [" ".join(phrase) for phrase in collections.Counter(lost)][:12])
    return 0 if total >= 0.98 * of and not unread else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
