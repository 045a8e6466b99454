"""Writes a report of ten pages for each row of a batch: BATCH."""

import csv
import sys
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Table

TEXT = (
    "Of the children who took part, most reached the level of their class within twenty weeks. "
    "The table shows how they did in each of the six tasks at entry and at the end of the lessons. "
) * 4


def main(folder):
    # A font that is embedded in part, as office programs do it.
    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))
    styles = getSampleStyleSheet()
    for style in styles.byName.values():
        style.fontName = "Vera"
    reports = folder / "reports"
    reports.mkdir()
    with open(folder / "list.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        story = []
        for page in range(1, 11):
            story.append(Paragraph(f"{row['school']} ({row['id']}), page {page}", styles["Title"]))
            story += [Paragraph(TEXT, styles["BodyText"]) for _ in range(3)]
            cells = [[str((number * page * task + week) % 97) for week in range(8)] for task in range(6)]
            story += [Table(cells), PageBreak()]
        SimpleDocTemplate(str(reports / f"{row['id']}.pdf"), pagesize=A4).build(story)


main(Path(sys.argv[1]))
