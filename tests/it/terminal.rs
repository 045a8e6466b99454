//! What a person sees on a terminal of 100 and of 60 columns: the question, the line that tells how far a run
//! is, and what Ctrl-C leaves. Time is the test's: a run of minutes takes a moment.
//!
//! The program runs in a process of this test program, which gives it a clock of its own
//! ([`a_run_under_a_clock_of_the_test`]).

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;
use jiff::Timestamp;
use postroom::{Clock, ManualClock, Signal};

use crate::support::smtp::SmtpServer;
use crate::support::terminal::Terminal;
use crate::support::{TestBatch, assert_each_once};

/// What the run is asked for, between line ends.
const ARGUMENTS: &str = "TEST_ARGUMENTS";
/// The second at which the clock stands still, so that a wait goes on until something happens.
const STOPS_AT: &str = "TEST_CLOCK_STOPS_AT";

/// A clock that waits take no time by, until it stands still.
struct StoppingClock {
    clock: ManualClock,
    stops_at: Duration,
}

impl Clock for StoppingClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    fn wait(&self, signal: &Signal, limit: Option<Duration>) {
        let is_before = |limit: &Duration| self.clock.elapsed() + *limit <= self.stops_at;
        self.clock.wait(signal, limit.filter(is_before));
    }
}

#[test]
#[ignore = "the other tests run it"]
fn a_run_under_a_clock_of_the_test() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else {
        return;
    };
    let stops_at = std::env::var(STOPS_AT).ok();
    let stops_at = stops_at.map_or(Duration::MAX, |text| {
        Duration::from_secs(text.parse().unwrap())
    });
    let clock = StoppingClock {
        clock: ManualClock::new("2026-11-26T09:00:00Z".parse().unwrap()),
        stops_at,
    };
    let arguments = arguments.lines().map(Into::into);
    let clock: Arc<dyn Clock> = Arc::new(clock);
    let _ = postroom::run_under(&clock, arguments);
}

/// The program with these arguments, under a clock that stands still at a second, if it does.
fn command(batch: &TestBatch, arguments: &[&str], stops_at: Option<u64>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "terminal::a_run_under_a_clock_of_the_test"]);
    command.args(["--ignored", "--nocapture", "--quiet"]);
    let folder = batch.folder().to_str().unwrap();
    let all = [&["postroom"], arguments, &[folder]].concat();
    command.env(ARGUMENTS, all.join("\n"));
    if let Some(second) = stops_at {
        command.env(STOPS_AT, second.to_string());
    }
    command.current_dir(batch.folder());
    command
}

/// Whether it is the line of a run of five letters.
fn is_foot(line: &str) -> bool {
    line.contains("/5") && !line.starts_with("checking ")
}

/// A batch that may send two letters a minute.
fn slow_batch(schools: usize) -> (TestBatch, SmtpServer) {
    let server = SmtpServer::start();
    let batch = TestBatch::new(schools);
    batch.use_smtp(server.port(), "");
    batch.replace(
        "batch.toml",
        "messages_per_minute = 100000",
        "messages_per_minute = 2",
    );
    (batch, server)
}

/// What the run wrote, without what belongs to the test program or differs from run to run.
fn shown(terminal: &Terminal, server: &SmtpServer) -> String {
    let mut text = terminal
        .screen()
        .replace(&format!("127.0.0.1:{}", server.port()), "127.0.0.1:25");
    if let Some((own, _)) = text.split_once("\ntest result:") {
        text = own.to_owned();
    }
    let lines = text.lines().filter(|line| {
        !line.starts_with("running 1 test") && !line.starts_with("log: ") && *line != "."
    });
    // Where the letters go is a part of the plan, and the port is another each time.
    let lines = lines.map(|line| match line.starts_with("plan ") {
        true => "plan       [plan]",
        false => line,
    });
    let lines: Vec<&str> = lines.collect();
    lines
        .join("\n")
        .trim()
        .trim_end_matches('.')
        .trim_end()
        .to_owned()
}

#[test]
fn the_line_counts_down_says_why_and_is_never_wider_than_the_terminal() {
    for columns in [60, 100] {
        let (batch, server) = slow_batch(5);
        let mut terminal = Terminal::run(&command(&batch, &["send", "--yes"], None), columns);
        terminal.wait();
        assert_each_once(&server, 5);
        let drawn = terminal.drawn();
        let bar: Vec<&String> = drawn.iter().filter(|line| is_foot(line)).collect();
        for line in &bar {
            assert!(line.chars().count() + 3 <= columns.into(), "{line}");
        }
        // Before the first letter the limits alone say how long it takes.
        assert!(
            bar[0].contains("0/5") && bar[0].contains("2 min left"),
            "{bar:?}"
        );
        let mut rest = bar.iter();
        for second in (1..60).rev() {
            let part = format!("2/5  {} left  waiting {second} s: limit of 2 a minute", {
                let left = second + 60;
                if left < 90 {
                    format!("1 min {} s", left - 60)
                } else {
                    "2 min".to_owned()
                }
            });
            assert!(rest.any(|line| line.ends_with(&part)), "{part}: {bar:?}");
        }
        // In 60 columns the bar gives way to the reason.
        let waits = bar.iter().filter(|line| line.contains("waiting 30 s"));
        assert!(
            waits
                .into_iter()
                .all(|line| line.starts_with('[') == (columns == 100))
        );
        // A run of minutes has lost its person to other work.
        assert!(drawn.iter().any(|line| line.contains('\u{7}')), "no bell");
        // What is left is the result alone.
        assert_snapshot!(format!("a_run_at_{columns}"), shown(&terminal, &server));
    }
}

#[test]
fn the_question_fits_and_ctrl_c_is_a_no() {
    for columns in [60, 100] {
        let (batch, server) = slow_batch(5);
        let mut terminal = Terminal::run(&command(&batch, &["send"], None), columns);
        terminal.wait_until_it_shows("Type yes to go on:");
        terminal.types("\u{3}");
        terminal.wait();
        assert_snapshot!(
            format!("a_question_at_{columns}"),
            shown(&terminal, &server)
        );
        assert_eq!(server.received().len(), 0);
        let record = batch.run("report", &["--json"]).json();
        // A start that was refused is no run that was cut off.
        assert_eq!(record["runs"][0]["state"], "ended");
        assert_eq!(record["runs"][0]["ending"], "not confirmed");
        let mut terminal = Terminal::run(&command(&batch, &["send"], None), columns);
        terminal.wait_until_it_shows("Type yes to go on:");
        terminal.types("yes\n");
        terminal.wait();
        assert_each_once(&server, 5);
    }
}

#[test]
fn the_question_shows_a_letter_that_will_go() {
    let (batch, server) = slow_batch(3);
    batch.send(&["--limit", "1"]).expect(0);
    batch.replace("list.csv", "teacher3@", "office3@");
    let again = command(&batch, &["send", "--accept-changes"], None);
    let mut terminal = Terminal::run(&again, 100);
    terminal.wait_until_it_shows("Type yes to go on:");
    let asked = shown(&terminal, &server);
    assert!(asked.contains("letters    2 of 3"), "{asked}");
    assert!(asked.contains("for example S002"), "{asked}");
    // One letter is typed too easily.
    terminal.types("y\n");
    terminal.wait_until_it_shows("Type the whole word yes to go on:");
    terminal.types("\u{3}");
    terminal.wait();
    assert_eq!(server.received().len(), 1);
}

#[test]
fn the_question_names_who_has_no_report() {
    let (batch, server) = slow_batch(3);
    let skip = "name = \"report.pdf\"\nmissing = \"skip\"";
    batch.replace("batch.toml", "name = \"report.pdf\"", skip);
    std::fs::remove_file(batch.path("reports/S002.pdf")).unwrap();
    let mut terminal = Terminal::run(&command(&batch, &["send"], None), 100);
    terminal.wait_until_it_shows("Type yes to go on:");
    let asked = shown(&terminal, &server);
    let line = "left out   1 row is left out: row 3 S002 School 2 (no report)";
    assert!(asked.contains(line), "{asked}");
    terminal.types("\u{3}");
    terminal.wait();
    assert_eq!(server.received().len(), 0);
}

#[test]
fn ctrl_c_leaves_one_clear_line_and_the_next_run_shows_the_whole_batch() {
    for columns in [60, 100] {
        let (batch, server) = slow_batch(5);
        let run = command(&batch, &["send", "--yes"], Some(12));
        let mut terminal = Terminal::run(&run, columns);
        terminal.wait_until_it_shows("waiting 49 s: limit of 2 a minute");
        terminal.types("\u{3}");
        terminal.wait();
        assert_snapshot!(
            format!("an_interrupt_at_{columns}"),
            shown(&terminal, &server)
        );
        let mut terminal = Terminal::run(&command(&batch, &["send", "--yes"], None), columns);
        terminal.wait();
        let drawn = terminal.drawn();
        let first = drawn.iter().find(|line| is_foot(line)).unwrap();
        assert!(first.contains("2/5"), "{first}");
        assert!(drawn.iter().any(|line| line.contains("4/5")), "{drawn:?}");
        assert_each_once(&server, 5);
    }
}

#[test]
fn without_a_terminal_there_is_a_line_a_minute_at_most() {
    let (batch, server) = slow_batch(12);
    batch.replace(
        "batch.toml",
        "messages_per_minute = 2",
        "messages_per_minute = 2\nchunk = 1",
    );
    let output = command(&batch, &["send", "--yes"], None).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let progress = said.lines().filter(|line| {
        line.contains("waiting ") || line.contains(" accepted, ") && line.contains(" pending, ")
    });
    // Twelve letters of which two may go a minute take five minutes.
    let progress: Vec<&str> = progress.collect();
    assert_eq!(progress.len(), 5, "{said}");
    assert_eq!(
        progress[1],
        "4 accepted, 8 pending, 0 rejected, 0 in doubt; waiting 1 min 1 s: limit of 2 a minute"
    );
    assert_each_once(&server, 12);
}
