//! Where text is shown: the matrices of a content stream, and the gaps between texts.
//!
//! A PDF need not write blanks and line ends: they are where the pen jumps (ISO 32000-1 section 9.4).

/// An affine map `[a b c d e f]` (ISO 32000-1 section 8.3.3).
pub(super) type Matrix = [f32; 6];

pub(super) const UNMOVED: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// First `inner`, then `outer`.
pub(super) fn after(inner: Matrix, outer: Matrix) -> Matrix {
    let x = |x: f32, y: f32| x * outer[0] + y * outer[2];
    let y = |x: f32, y: f32| x * outer[1] + y * outer[3];
    [
        x(inner[0], inner[1]),
        y(inner[0], inner[1]),
        x(inner[2], inner[3]),
        y(inner[2], inner[3]),
        x(inner[4], inner[5]) + outer[4],
        y(inner[4], inner[5]) + outer[5],
    ]
}

/// The graphics state, as far as text goes by it.
#[derive(Clone)]
pub(super) struct State {
    pub transform: Matrix,
    pub size: f32,
    pub character_space: f32,
    pub word_space: f32,
    pub stretch: f32,
    pub leading: f32,
    /// Whether text is shown without being painted, as under a scan.
    pub hidden: bool,
}

impl State {
    pub fn new() -> Self {
        Self {
            transform: UNMOVED,
            size: 0.0,
            character_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
            leading: 0.0,
            hidden: false,
        }
    }
}

/// The text matrices, and where the last text ended.
pub(super) struct Pen {
    text: Matrix,
    line: Matrix,
    ended: Option<(f32, f32)>,
    /// Whether the pen was set anew, and did not just follow the text.
    moved: bool,
}

/// What stands between two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    None,
    Blank,
    Line,
}

impl Pen {
    pub fn new() -> Self {
        Self {
            text: UNMOVED,
            line: UNMOVED,
            ended: None,
            moved: true,
        }
    }

    /// `BT` and `Tm`.
    pub fn place(&mut self, matrix: Matrix) {
        self.text = matrix;
        self.line = matrix;
        self.moved = true;
    }

    /// `Td`.
    pub fn next_line(&mut self, x: f32, y: f32) {
        self.place(after([1.0, 0.0, 0.0, 1.0, x, y], self.line));
    }

    /// Moves on along the line, in units of text space.
    pub fn advance(&mut self, x: f32) {
        self.text = after([1.0, 0.0, 0.0, 1.0, x, 0.0], self.text);
    }

    /// The gap between the last text and one that begins here.
    pub fn gap(&mut self, state: &State, knows_widths: bool) -> Gap {
        // A word's blank is about a quarter of an em; kerning stays below a tenth.
        const BLANK: f32 = 0.17;
        // Raised figures stay within half an em of their line.
        const LINE: f32 = 0.5;
        let moved = std::mem::replace(&mut self.moved, false);
        let [a, b, _, _, x, y] = after(self.text, state.transform);
        let Some((from_x, from_y)) = self.ended else {
            return Gap::Line;
        };
        let scale = a.hypot(b);
        let em = (scale * state.size).abs();
        if !em.is_normal() {
            return Gap::Line;
        }
        let (dx, dy) = (x - from_x, y - from_y);
        let along = (dx * a + dy * b) / scale / em;
        let across = (dy * a - dx * b) / scale / em;
        if across.abs() > LINE || along < -LINE {
            Gap::Line
        } else if along > BLANK || (moved && !knows_widths) {
            Gap::Blank
        } else {
            Gap::None
        }
    }

    /// Notes that a text ends here.
    pub fn end(&mut self, state: &State) {
        let [.., x, y] = after(self.text, state.transform);
        self.ended = Some((x, y));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap_after(move_pen: impl FnOnce(&mut Pen)) -> Gap {
        let mut state = State::new();
        state.size = 10.0;
        let mut pen = Pen::new();
        pen.place([1.0, 0.0, 0.0, 1.0, 50.0, 700.0]);
        assert_eq!(pen.gap(&state, true), Gap::Line);
        pen.advance(30.0);
        pen.end(&state);
        move_pen(&mut pen);
        pen.gap(&state, true)
    }

    #[test]
    fn gaps_are_reported_by_the_way_the_pen_jumps() {
        for (x, y, gap) in [
            (30.0, 0.0, Gap::None),
            (29.5, 0.0, Gap::None),
            (30.5, 0.0, Gap::None),
            (30.0, 3.0, Gap::None),
            (32.8, 0.0, Gap::Blank),
            (0.0, -12.0, Gap::Line),
            (0.0, 0.0, Gap::Line),
        ] {
            assert_eq!(gap_after(|pen| pen.next_line(x, y)), gap, "{x} {y}");
        }
        assert_eq!(gap_after(|pen| pen.advance(3.0)), Gap::Blank);
        assert_eq!(gap_after(|_| ()), Gap::None);
    }
}
