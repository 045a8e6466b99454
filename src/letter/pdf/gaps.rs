//! From glyphs at their places to a text: where a blank stands, and where a line ends.
//!
//! A PDF need not write blanks and line ends: they are where the pen jumps (ISO 32000-1 section 9.4).

use hayro_interpret::kurbo::Point;

/// From this gap on there is a blank, in em. The readers that people use put it between 0.10 (Poppler,
/// `pdf.js`) and 0.15 (`MuPDF`); kerning stays below a tenth.
const BLANK: f64 = 0.12;
/// Raised figures stay within half an em of their line.
const LINE: f64 = 0.5;
/// A step off the line by so much ends a word, and so does another size: a footnote mark is none of
/// the name before it.
const RISE: f64 = 0.1;
const OTHER_SIZE: f64 = 0.12;
/// A glyph that is struck once more stands no further off.
const STRUCK_AGAIN: f64 = 0.12;
/// No report has more text.
pub(super) const MOST_BYTES: usize = 4 << 20;

/// One glyph on a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlacedGlyph {
    /// Where it begins.
    pub at: Point,
    /// The direction of writing, of length 1.
    pub direction: (f64, f64),
    /// The size of its font, in units of the page.
    pub em: f64,
    /// How far it goes, in units of the page.
    pub advance: f64,
}

impl PlacedGlyph {
    /// Where the next glyph would follow.
    pub(super) fn end(&self) -> Point {
        Point::new(
            self.at.x + self.direction.0 * self.advance,
            self.at.y + self.direction.1 * self.advance,
        )
    }

    /// How far a point lies along and across the line, in em.
    fn offset(&self, from: Point) -> (f64, f64) {
        let (dx, dy) = (self.at.x - from.x, self.at.y - from.y);
        (
            (dx * self.direction.0 + dy * self.direction.1) / self.em,
            (dy * self.direction.0 - dx * self.direction.1) / self.em,
        )
    }
}

/// A text as it grows, glyph by glyph.
#[derive(Debug, Default)]
pub(super) struct GrowingText {
    text: String,
    last: Option<PlacedGlyph>,
    /// Where the last glyph's text begins.
    last_at: usize,
}

impl GrowingText {
    /// Adds a glyph. `spacing` is what letters of its run keep apart from each other, in em.
    pub(super) fn add(&mut self, glyph: PlacedGlyph, text: &str, spacing: f64) {
        if self.text.len() > MOST_BYTES {
            super::engine::give_up();
        }
        match self.last {
            Some(last) if glyph.em.is_normal() && last.em.is_normal() => {
                let (along, across) = glyph.offset(last.at);
                let is_near = along.hypot(across) < STRUCK_AGAIN;
                if is_near && self.text[self.last_at..] == *text {
                    return;
                }
                self.part(glyph, last, spacing);
            }
            Some(_) => self.text.push('\n'),
            None => {}
        }
        self.last = Some(glyph);
        self.last_at = self.text.len();
        self.text.push_str(text);
    }

    /// What stands between two glyphs.
    fn part(&mut self, glyph: PlacedGlyph, last: PlacedGlyph, spacing: f64) {
        let (along, across) = glyph.offset(last.end());
        let is_other_size = (glyph.em / last.em - 1.0).abs() > OTHER_SIZE;
        if across.abs() > LINE || along < -LINE {
            self.text.push('\n');
        } else if along > BLANK + spacing || across.abs() > RISE || is_other_size {
            self.text.push(' ');
        }
    }

    /// Ends the line: nothing joins what stands before and after.
    pub(super) fn break_off(&mut self) {
        if self.last.take().is_some() {
            self.text.push('\n');
        }
    }

    /// The text.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// What the letters of a run keep apart from each other, in em: the least gap between two of them. A
/// title may be set wide.
pub(super) fn spacing(glyphs: &[PlacedGlyph]) -> f64 {
    if glyphs.len() < 3 {
        return 0.0;
    }
    let gaps = glyphs.windows(2).map(|pair| {
        let (along, _) = pair[1].offset(pair[0].end());
        along
    });
    let least = gaps.fold(f64::INFINITY, f64::min);
    if least.is_finite() {
        least.max(0.0)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glyph(x: f64, y: f64, em: f64) -> PlacedGlyph {
        PlacedGlyph {
            at: Point::new(x, y),
            direction: (1.0, 0.0),
            em,
            advance: em / 2.0,
        }
    }

    fn after_one(x: f64, y: f64, em: f64, text: &str) -> String {
        let mut line = GrowingText::default();
        line.add(glyph(0.0, 0.0, 10.0), "a", 0.0);
        line.add(glyph(x, y, em), text, 0.0);
        line.into_text()
    }

    #[test]
    fn gaps_are_read_from_the_way_the_pen_jumps() {
        for (x, y, em, text, read) in [
            (5.0, 0.0, 10.0, "b", "ab"),
            (4.5, 0.0, 10.0, "b", "ab"),
            (6.0, 0.0, 10.0, "b", "ab"),
            (6.4, 0.0, 10.0, "b", "a b"),
            (5.0, 3.0, 6.0, "1", "a 1"),
            (5.0, 3.0, 10.0, "1", "a 1"),
            (5.0, 0.0, 7.0, "1", "a 1"),
            (0.0, -12.0, 10.0, "b", "a\nb"),
            (-20.0, 0.0, 10.0, "b", "a\nb"),
            // Struck twice, to look bold.
            (0.3, 0.0, 10.0, "a", "a"),
            (0.3, 0.0, 10.0, "b", "ab"),
        ] {
            assert_eq!(after_one(x, y, em, text), read, "{x} {y} {em} {text}");
        }
    }

    #[test]
    fn letters_set_wide_keep_together() {
        let run: Vec<_> = [0.0, 9.0, 18.0, 30.0].map(|x| glyph(x, 0.0, 10.0)).to_vec();
        let spacing = spacing(&run);
        let mut line = GrowingText::default();
        for (glyph, text) in run.iter().zip(["o", "a", "k", "b"]) {
            line.add(*glyph, text, spacing);
        }
        assert_eq!(line.into_text(), "oak b");
    }
}
