"""How much of what PDF readers see do the proofs find? Printed for each producer of PDFs.

    apt-get install texlive-latex-base texlive-fonts-recommended libreoffice-writer-nogui r-base-core \\
        chromium poppler-utils nodejs npm
    pip install reportlab fpdf2 matplotlib typst weasyprint pikepdf pypdfium2 pymupdf
    cargo build && python tests/corpus/reading.py target/debug/postroom

Each producer that is installed makes a few reports of invented schools. Each report is rewritten by qpdf
(object streams, linearised, encrypted) and by MuPDF, and damaged at one offset of its cross-reference
table. Phrases of three words that at least two of PDFium, MuPDF and Poppler see are then looked for in
what `postroom read-pdfs` answers. Of those that are not found, a batch asks for each by `must_contain`:
that one is absent may be said of none.
"""

import collections
import html
import io
import json
import os
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


def with_latex_bitmap_fonts(folder):
    """Fonts of pixels, as LaTeX took them before there were others: drawn by Metafont on the way."""
    program = shutil.which("pdflatex")
    if program is None:
        raise ImportError("pdflatex")
    for number, encoding in enumerate(["OT1", "T1"]):
        text = "\n\n".join(re.sub(r"([#$%&_{}])", r"\\\1", line) for line in [SCHOOLS[number], *LINES])
        # Without a map of outlines there are none.
        source = f"\\pdfmapfile{{}}\\documentclass{{article}}\\usepackage[{encoding}]{{fontenc}}\\usepackage[utf8]{{inputenc}}\\begin{{document}}{text}\\end{{document}}"
        (folder / f"{number}.tex").write_text(source, encoding="utf-8")
        subprocess.run([program, "-interaction=batchmode", f"{number}.tex"], cwd=folder, check=False, capture_output=True)


def with_libreoffice(folder):
    program = shutil.which("soffice")
    if program is None:
        raise ImportError("libreoffice")
    for number, school in enumerate(SCHOOLS):
        (folder / f"{number}.html").write_text(page(school), encoding="utf-8")
        profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
        subprocess.run(
            [program, profile, "--headless", "--convert-to", "pdf:writer_web_pdf_Export", f"{number}.html"],
            cwd=folder, check=True, capture_output=True,
        )


def with_r(folder):
    program = shutil.which("Rscript")
    if program is None:
        raise ImportError("R")
    for number, school in enumerate(SCHOOLS):
        lines = ", ".join(json.dumps(line, ensure_ascii=False) for line in [school, *LINES])
        device = "cairo_pdf" if number % 2 else "pdf"
        script = folder / f"{number}.R"
        script.write_text(
            f"{device}('{number}.pdf', width = 8, height = 5); plot.new(); lines <- c({lines})\n"
            "for (at in seq_along(lines)) text(0, 1 - at / 8, lines[at], adj = 0, cex = 0.8)\n"
            "barplot(c(12, 18, 7), names.arg = c('Autumn', 'Spring', 'Summer'), main = lines[1]); dev.off()\n",
            encoding="utf-8",
        )
        subprocess.run([program, "--encoding=UTF-8", script.name], cwd=folder, check=True, capture_output=True)


def node_with(package):
    """node, with a package of npm's beside this script's working folder."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise ImportError("node and npm")
    place = Path("target/corpus")
    if not (place / "node_modules" / package.split("@")[0]).exists():
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run([npm, "install", "--silent", "--no-save", "--prefix", place, package], check=True, capture_output=True)
    return node, {**os.environ, "NODE_PATH": str((place / "node_modules").resolve())}


def made_by_node(folder, package, script):
    node, environment = node_with(package)
    (folder / "make.js").write_text(script, encoding="utf-8")
    for number, school in enumerate(SCHOOLS):
        arguments = [f"{number}.pdf", school.encode("latin-1", "ignore").decode("latin-1"), *LINES]
        subprocess.run([node, "make.js", *arguments], cwd=folder, env=environment, check=True, capture_output=True)


def with_jspdf(folder):
    made_by_node(folder, "jspdf@4.2.1", """
        const { jsPDF } = require("jspdf"), [file, school, ...lines] = process.argv.slice(2);
        const pdf = new jsPDF();
        pdf.setProperties({ title: school });
        pdf.setFontSize(16).text(school, 20, 20);
        pdf.setFontSize(10).text(pdf.splitTextToSize(lines.join(" "), 90), 20, 40);
        pdf.addPage();
        pdf.text(school + ", the second page of it", 20, 20);
        pdf.save(file);
    """)


def with_pdf_lib_form(folder):
    made_by_node(folder, "pdf-lib@1.17.1", """
        const { PDFDocument } = require("pdf-lib"), fs = require("fs"), [file, school, ...lines] = process.argv.slice(2);
        (async () => {
            const pdf = await PDFDocument.create(), page = pdf.addPage(), form = pdf.getForm();
            const plain = (text) => text.replace(/[^\\x20-\\xff]/g, "-");
            [school, ...lines].forEach((line, at) => {
                const field = form.createTextField("line " + at);
                field.setText(plain(line));
                field.addToPage(page, { x: 40, y: 700 - 60 * at, width: 500, height: 24 });
            });
            page.drawText(plain(lines[0]), { x: 40, y: 780, size: 11 });
            // A report is often filled in and then made flat.
            if (file.startsWith("1")) form.flatten();
            fs.writeFileSync(file, await pdf.save({ useObjectStreams: file.startsWith("2") }));
        })();
    """)


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
    # A reader that takes a letter-spaced heading for single letters says nothing of its words.
    single = [len(word) == 1 and word.isalpha() for word in found]
    spaced = [any(all(single[start:start + 3]) and start + 3 <= len(single) for start in range(max(at - 2, 0), at + 1))
              for at in range(len(found))]
    return {tuple(found[at:at + 3]) for at in range(len(found) - 2) if not any(spaced[at:at + 3])}


def seen_by_pdfium(contents):
    document = pypdfium2.PdfDocument(contents)
    document.init_forms()
    return " ".join(page.get_textpage().get_text_range() for page in document)


def seen_by_mupdf(contents):
    document = pymupdf.open(stream=contents, filetype="pdf")
    return " ".join(page.get_text() for page in document)


def seen_by_poppler(contents):
    program = shutil.which("pdftotext")
    if program is None:
        return ""
    return subprocess.run([program, "-", "-"], input=contents, check=False, capture_output=True).stdout.decode()


def seen_by_two(contents):
    """The phrases that two readers agree on, whatever the third says."""
    counted = collections.Counter()
    for reader in [seen_by_pdfium, seen_by_mupdf, seen_by_poppler]:
        counted.update(phrases(reader(contents)))
    return {phrase for phrase, readers in counted.items() if readers >= 2}


def called_absent(program, contents, lost):
    """Those of the phrases that a check of a batch says the report does not show."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wanted = [" ".join(phrase) for phrase in sorted(lost)]
        (folder / "a.pdf").write_bytes(contents)
        (folder / "list.csv").write_text("id,name,email\nS1,Nowhere,head@school.example\n", encoding="utf-8")
        (folder / "letter.html").write_text("<p>Dear school</p>", encoding="utf-8")
        (folder / "batch.toml").write_text(
            '[batch]\nname = "corpus"\n[manifest]\npath = "list.csv"\nid = "id"\nname = "name"\nto = ["email"]\n'
            '[letter]\nfrom = "a@study.example"\nsubject = "x"\nhtml = "letter.html"\n[dispatch]\ntransport = "outbox"\n'
            f'[[attachment]]\npath = "a.pdf"\nunreadable = "warn"\ncross_check = false\nmust_contain = {json.dumps(wanted)}\n',
            encoding="utf-8",
        )
        done = subprocess.run([program, "check", "--json", folder], capture_output=True, check=False, text=True)
        said = [finding["text"] for finding in json.loads(done.stdout)["findings"]]
        return [text for text in wanted if any(f"does not show `{text}`" in one for one in said)]


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
    unread, skipped, absent = [], [], []
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
                    both = seen_by_two(contents)
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
                    if text is not None and both - ours:
                        absent += [(name, variant, one) for one in called_absent(program, contents, both - ours)]
    for key in seen:
        print(f"{key:22} {found[key]:6} of {seen[key]:6} phrases  {100 * found[key] / max(seen[key], 1):6.2f} %")
    rest = [key for key in seen if not key.startswith("(")]
    total, of = sum(found[key] for key in rest), sum(seen[key] for key in rest)
    print(f"{'all':22} {total:6} of {of:6} phrases  {100 * total / max(of, 1):6.2f} %")
    print("called absent:", len(absent), absent[:12])
    print("not read:", unread or "none", "| not installed:", ", ".join(skipped) or "none")
    for name, lost in missing.items():
        if lost:
            print(name, "lost", [" ".join(phrase) for phrase in collections.Counter(lost)][:12])
    return 0 if total >= 0.98 * of and not unread and not absent else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
