//! What happens when a run has ended: a program is run, and a bell rings.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Serialize;

use super::console::Console;
use super::exit::Exit;
use super::words;
use crate::mailing::{Conclusion, Finished, Loaded};

/// A run that took as long has lost its person to other work.
const WORTH_A_BELL: Duration = Duration::from_mins(1);

/// What the program reads.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    batch: &'a str,
    rehearsal: bool,
    ending: &'static str,
    exit: u8,
    accepted: u64,
    pending: u64,
    rejected: u64,
    in_doubt: u64,
    reason: Option<&'a str>,
    state: String,
}

/// Runs the program of `on_end` with a summary on its standard input, and rings the bell after a long run.
/// Neither changes how the run ended.
pub(super) fn announce(
    loaded: &Loaded,
    finished: &Finished,
    rehearsal: bool,
    took: Duration,
    console: &Console,
) {
    if took >= WORTH_A_BELL {
        console.bell();
    }
    let Some((program, arguments)) = loaded.secrets.on_end.split_first() else {
        return;
    };
    let counts = &finished.counts;
    let summary = Summary {
        batch: &loaded.batch.name,
        rehearsal,
        ending: match &finished.conclusion {
            Conclusion::Complete => "complete",
            Conclusion::Incomplete(_) => "incomplete",
            Conclusion::Stopped(_) => "stopped",
            Conclusion::SignIn(_) => "sign_in",
            Conclusion::Interrupted(_) => "interrupted",
        },
        exit: Exit::from(&finished.conclusion).code(),
        accepted: counts.accepted,
        pending: counts.pending,
        rejected: counts.rejected,
        in_doubt: counts.in_doubt,
        reason: finished
            .conclusion
            .reason()
            .map(|reason| reason.text.as_str()),
        state: finished.ledger.path().display().to_string(),
    };
    if let Err(error) = run(program, arguments, &summary) {
        console.error(&words::with_next(
            &format!("on_end, {}: {error}", words::one_line(program)),
            "the letters are not touched by that; correct on_end in the secrets file",
        ));
    }
}

fn run(program: &str, arguments: &[String], summary: &Summary<'_>) -> std::io::Result<()> {
    let text = serde_json::to_string(summary)?;
    // Standard output is for results of postroom alone.
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program may end without having read it.
        let _ = writeln!(stdin, "{text}");
    }
    let status = child.wait()?;
    if status.success() {
        return Ok(());
    }
    Err(std::io::Error::other(status.to_string()))
}
