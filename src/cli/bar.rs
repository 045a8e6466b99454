//! The line at the foot of the terminal: how far the run is, how long it takes, and what it waits for.

use std::time::Duration;

use super::words;

/// The cells of the bar itself.
const BAR: usize = 14;
/// What the terminal writes into the line when Ctrl-C is pressed. A line that this does not fit into
/// would go on in the next one, and be left behind.
const ROOM_FOR_CTRL_C: usize = 3;

/// What the line shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Letters that are done, of earlier runs too.
    pub done: u64,
    /// All letters.
    pub of: u64,
    /// How long the rest takes; none while that is not known.
    pub left: Option<Duration>,
    /// For how long the run waits, and why.
    pub wait: Option<(Duration, String)>,
}

impl Line {
    /// The line for a terminal of so many columns. Where not everything has room, the bar goes first,
    /// then the time that is left, then the end of the reason.
    pub(super) fn fit(&self, columns: usize) -> String {
        let room = columns.saturating_sub(ROOM_FOR_CTRL_C);
        let counts = format!("{}/{}", words::count(self.done), words::count(self.of));
        let left = self
            .left
            .map(|left| format!("  {} left", rounded(left)))
            .unwrap_or_default();
        let wait = match &self.wait {
            Some((wait, why)) => format!("  waiting {}: {why}", words::duration(*wait)),
            None => String::new(),
        };
        let forms = [
            format!("{} {counts}{left}{wait}", self.bar()),
            format!("{counts}{left}{wait}"),
        ];
        let fitting = forms.into_iter().find(|form| form.chars().count() <= room);
        fitting.unwrap_or_else(|| cut(&format!("{counts}{wait}"), room))
    }

    fn bar(&self) -> String {
        let cells = u64::try_from(BAR).unwrap_or_default();
        let full = (self.done.min(self.of) * cells)
            .checked_div(self.of)
            .unwrap_or(cells);
        let full = usize::try_from(full).unwrap_or(BAR);
        let head = usize::from(full < BAR);
        format!(
            "[{}{}{}]",
            "=".repeat(full),
            ">".repeat(head),
            " ".repeat(BAR - full - head)
        )
    }
}

/// A text that ends with three points where it has no room.
fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(3)).collect();
    format!("{kept}...").chars().take(room).collect()
}

/// A span of time as exactly as it can be foretold.
fn rounded(left: Duration) -> String {
    const MINUTE: u64 = 60;
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    match seconds {
        0..90 => words::duration(Duration::from_secs(seconds)),
        90..3_600 => format!("{} min", seconds.div_ceil(MINUTE)),
        _ => words::duration(Duration::from_mins(seconds.div_ceil(MINUTE))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn waiting(done: u64, of: u64) -> Line {
        Line {
            done,
            of,
            left: Some(Duration::from_secs(612)),
            wait: Some((Duration::from_secs(52), "limit of 28 a minute".into())),
        }
    }

    #[test]
    fn the_line_gives_up_the_bar_first_and_never_the_counts() {
        let line = waiting(28, 280);
        for (columns, text) in [
            (
                100,
                "[=>            ] 28/280  11 min left  waiting 52 s: limit of 28 a minute",
            ),
            (
                60,
                "28/280  11 min left  waiting 52 s: limit of 28 a minute",
            ),
            (50, "28/280  waiting 52 s: limit of 28 a minute"),
            (30, "28/280  waiting 52 s: li..."),
            (9, "28/..."),
            (0, ""),
        ] {
            assert_eq!(line.fit(columns), text);
        }
        let free = Line {
            wait: None,
            ..waiting(1_280, 9_600)
        };
        assert_eq!(free.fit(60), "[=>            ] 1,280/9,600  11 min left");
    }

    #[test]
    fn a_bar_is_full_when_all_is_done() {
        assert!(waiting(3, 3).fit(100).starts_with("[==============] 3/3"));
        assert!(waiting(0, 0).fit(100).starts_with("[==============] 0/0"));
        assert!(waiting(0, 3).fit(100).starts_with("[>             ] 0/3"));
    }

    #[test]
    fn the_time_left_is_no_more_exact_than_it_can_be() {
        for (seconds, text) in [
            (0, "0 s"),
            (89, "1 min 29 s"),
            (90, "2 min"),
            (3_540, "59 min"),
            (3_599, "60 min"),
            (3_601, "1 h 1 min"),
        ] {
            assert_eq!(rounded(Duration::from_secs(seconds)), text);
        }
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_its_terminal(
            done in 0..1_000_000_u64,
            more in 0..1_000_000_u64,
            left in 0..1_000_000_u64,
            why in "\\PC{0,80}",
            columns in 0..200_usize,
        ) {
            let line = Line {
                done,
                of: done + more,
                left: Some(Duration::from_secs(left)),
                wait: Some((Duration::from_secs(left), why)),
            };
            prop_assert!(line.fit(columns).chars().count() <= columns.saturating_sub(3));
        }
    }
}
