//! A dispatch list of 100,000 rows: it is checked, in little memory, and a part of it is sent; and a
//! batch of which nearly all was sent.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use calamine::{Reader, Xlsx};
use rust_xlsxwriter::Workbook;

use crate::support::{Ran, TestBatch};
use postroom::{Accepted, BatchIdentity, Claim, Holder, Ledger, LedgerKind, SettledAs, Settlement};

const SCHOOLS: usize = 50_000;

/// So many schools with two rows each, and one small file for everyone.
fn large(schools: usize) -> TestBatch {
    let batch = TestBatch::new(0);
    let mut list = String::from("ID,School,Email\n");
    for number in 1..=schools {
        for teacher in ["head", "office"] {
            list.push_str(&format!(
                "S{number:06},School {number},{teacher}@school{number}.example\n"
            ));
        }
    }
    batch.write("list.csv", list);
    batch.write("guide.pdf", "%PDF-1.4 the same for everyone\n");
    batch.write("letter.txt", "Dear {{ name }}\n");
    let file = std::fs::read_to_string(batch.path("batch.toml")).unwrap();
    let start = file.find("[[attachment]]").unwrap();
    // A text of its own: deriving it from the HTML takes most of the time where nothing is optimised.
    let letter = file[..start].replace("html =", "text = \"letter.txt\"\nhtml =");
    batch.write(
        "batch.toml",
        format!("{letter}[[attachment]]\npath = \"guide.pdf\"\nshared = true\n"),
    );
    batch
}

/// The largest memory that a run took in kB, as GNU time tells it; none where there is no GNU time.
fn peak_memory(batch: &TestBatch, verb: &str, arguments: &[&str]) -> Option<(Ran, u64)> {
    peak_memory_of(
        Path::new(env!("CARGO_BIN_EXE_postroom")),
        batch,
        verb,
        arguments,
    )
}

/// The program that is measured: this one, or that of `POSTROOM_MEASURED`, which is built as it is shipped
/// and held to its time too.
pub fn measured() -> (PathBuf, bool) {
    match std::env::var_os("POSTROOM_MEASURED") {
        Some(program) => (program.into(), true),
        None => (env!("CARGO_BIN_EXE_postroom").into(), false),
    }
}

/// The same of a program that was built before.
pub fn peak_memory_of(
    program: &Path,
    batch: &TestBatch,
    verb: &str,
    arguments: &[&str],
) -> Option<(Ran, u64)> {
    let time = Path::new("/usr/bin/time");
    if !(cfg!(target_os = "linux") && time.exists()) {
        eprintln!("skipped: there is no /usr/bin/time");
        return None;
    }
    let output = Command::new(time)
        .arg("-v")
        .arg(program)
        .arg(verb)
        .arg(batch.folder())
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let ran = Ran::of(output.unwrap());
    let line = ran.stderr.lines().find_map(|line| {
        line.trim()
            .strip_prefix("Maximum resident set size (kbytes): ")
    });
    let Some(kilobytes) = line.and_then(|line| line.parse().ok()) else {
        eprintln!("skipped: /usr/bin/time does not tell the memory");
        return None;
    };
    Some((ran, kilobytes))
}

#[test]
fn a_list_of_100_000_rows_is_checked_in_little_memory_and_sent_in_part() {
    /// The text of the list alone is 5 MB; a letter that were kept would be 50,000 times some kB.
    const MOST_KILOBYTES: u64 = 120_000;
    let batch = large(SCHOOLS);
    let checked = match peak_memory(&batch, "check", &[]) {
        Some((ran, kilobytes)) => {
            eprintln!("check took {kilobytes} kB");
            assert!(kilobytes < MOST_KILOBYTES, "check took {kilobytes} kB");
            ran
        }
        None => batch.run("check", &[]),
    }
    .expect(0);
    assert!(
        checked
            .stdout
            .contains("letters      50,000, to 100,000 addresses"),
        "{checked:?}"
    );
    let sent = batch.run("send", &["--limit", "10"]).expect(0);
    assert!(
        sent.stdout.contains("10 accepted, 49,990 pending"),
        "{sent:?}"
    );
    assert_eq!(std::fs::read_dir(batch.path("outbox")).unwrap().count(), 10);
}

/// Reading alone: the list is read, grouped and found to have a fault at its end, so that no letter is
/// made: `POSTROOM_MEASURED=$PWD/target/release/postroom cargo nextest run -E 'test(100_000_rows)' --no-capture`.
#[test]
fn a_workbook_of_100_000_rows_is_read_in_little_memory_and_time() {
    const ROWS: u32 = 100_000;
    const MOST_KILOBYTES: u64 = 80_000;
    const MOST_SECONDS: f64 = 2.0;
    let (program, is_measured) = measured();
    let batch = TestBatch::new(1);
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let mut list = String::new();
    for row in 0..=ROWS {
        let cells = match row {
            0 => ["ID".to_owned(), "School".to_owned(), "Email".to_owned()],
            ROWS => ["S0".to_owned(), "School 0".to_owned(), "nobody".to_owned()],
            _ => {
                let school = row / 2;
                let who = if row % 2 == 0 { "head" } else { "office" };
                [
                    format!("S{school:06}"),
                    format!("School {school}"),
                    format!("{who}@school{school}.example"),
                ]
            }
        };
        list.push_str(&format!("{}\n", cells.join(",")));
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    book.save(batch.path("list.xlsx")).unwrap();
    batch.write("list.csv", list);
    let configured = std::fs::read_to_string(batch.path("batch.toml")).unwrap();
    for name in ["list.csv", "list.xlsx"] {
        batch.write("batch.toml", configured.replace("list.csv", name));
        let begun = Instant::now();
        let Some((ran, kilobytes)) = peak_memory_of(&program, &batch, "check", &[]) else {
            return;
        };
        let seconds = begun.elapsed().as_secs_f64();
        ran.expect(3).says("`nobody` is not a mail address");
        eprintln!("{name} of {ROWS} rows took {seconds:.2} s and {kilobytes} kB");
        assert!(kilobytes < MOST_KILOBYTES, "{name} took {kilobytes} kB");
        assert!(
            !is_measured || seconds < MOST_SECONDS,
            "{name} took {seconds:.2} s"
        );
    }
}

/// Sends all letters that are left but so many, in the state file alone, by its own means: its log
/// is as whole as that of a program that sends.
fn send_in_the_ledger(batch: &TestBatch, but: usize) {
    let identity = BatchIdentity {
        batch: "Test reports".into(),
        kind: LedgerKind::Outbox,
    };
    let at = "2026-01-12T12:00:00Z".parse().unwrap();
    let holder = Holder {
        command: "send".into(),
        transport: "outbox".into(),
        pid: 4711,
        host: "office".into(),
        started: at,
    };
    let path = batch.path("batch.outbox.db");
    let mut ledger = Ledger::open(&path, &identity, &holder).unwrap();
    loop {
        let left = ledger.counts().unwrap().pending as usize;
        let page = ledger.pending(None, (left - but).min(5_000)).unwrap();
        if page.is_empty() {
            break;
        }
        let claims: Vec<Claim> = page
            .iter()
            .map(|pending| Claim {
                seq: pending.seq,
                bytes: 1_000,
                addresses: 2,
                at,
                trace: "trace".into(),
            })
            .collect();
        let settlements: Vec<Settlement> = ledger
            .commit(&[], &claims)
            .unwrap()
            .into_iter()
            .map(|claim| Settlement {
                claim,
                ended: SettledAs::Accepted(Accepted {
                    receipt: "elsewhere".into(),
                    refused: Vec::new(),
                    rest: None,
                }),
                at,
                request_ids: Vec::new(),
            })
            .collect();
        ledger.commit(&settlements, &[]).unwrap();
    }
    ledger.end_run(at, "finished").1.unwrap();
}

#[track_caller]
fn ten_are_left_of(schools: usize, spoken: &str, but_ten: &str) {
    let batch = large(schools);
    batch.run("send", &["--limit", "1"]).expect(0);
    send_in_the_ledger(&batch, 10);
    let status = batch.run("status", &[]).expect(0);
    let counts = format!("{but_ten} accepted, 10 pending");
    assert!(status.stdout.contains(&counts), "{}", status.stdout);
    let ran = batch.run("resume", &[]).expect(0);
    let counts = format!("{spoken} accepted, 0 pending");
    assert!(ran.stdout.contains(&counts), "{}", ran.stdout);
    // The first one, and the ten.
    let letters = std::fs::read_dir(batch.path("outbox")).unwrap();
    let mut letters: Vec<_> = letters
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    letters.sort();
    let numbers = std::iter::once(1).chain(schools - 9..=schools);
    let names: Vec<_> = numbers.map(|number| format!("S{number:06}.eml")).collect();
    assert_eq!(letters, names);
    batch.assert_log_is_whole();
    let record = batch
        .run("report", &["--format", "csv", "--output", "-"])
        .expect(0);
    // A row for each address.
    let rows = record.stdout.lines().filter(|line| line.starts_with('S'));
    let ids: Vec<_> = rows.map(|row| row.split(',').next().unwrap()).collect();
    assert_eq!(ids.len(), schools * 2);
    assert_eq!(ids.into_iter().collect::<HashSet<_>>().len(), schools);
    // Nothing is left to go on with.
    batch.run("resume", &[]).expect(2);
}

#[test]
fn the_last_ten_of_2_000_letters_go_out_alone() {
    ten_are_left_of(2_000, "2,000", "1,990");
}

#[test]
#[ignore = "makes 100,000 letters anew three times, which takes minutes where nothing is optimised"]
fn the_last_ten_of_100_000_letters_go_out_alone() {
    ten_are_left_of(100_000, "100,000", "99,990");
}

#[test]
#[ignore = "makes 100,000 letters anew, which takes a minute where nothing is optimised"]
fn the_workbook_of_100_000_letters_takes_no_more_than_a_spreadsheet_would() {
    /// The page and the JSON hold the letters in memory too; the workbook holds its cells beside them.
    const MOST_KILOBYTES: u64 = 1_500_000;
    let batch = large(100_000);
    batch.run("send", &["--limit", "1"]).expect(0);
    send_in_the_ledger(&batch, 0);
    for form in ["csv", "json", "html", "xlsx"] {
        let begun = Instant::now();
        let Some((ran, kilobytes)) = peak_memory(&batch, "report", &["--format", form]) else {
            return;
        };
        ran.expect(0);
        let file = batch.path(&format!("batch.outbox.report.{form}"));
        let bytes = std::fs::metadata(file).unwrap().len();
        eprintln!(
            "{form}: {kilobytes} kB, {bytes} bytes, {:?}",
            begun.elapsed()
        );
        assert!(kilobytes < MOST_KILOBYTES, "{form} took {kilobytes} kB");
    }
    let workbook = batch.path("batch.outbox.report.xlsx");
    let mut workbook: Xlsx<_> = calamine::open_workbook(workbook).unwrap();
    for sheet in ["Dispatch list", "Letters"] {
        let rows = workbook.worksheet_range(sheet).unwrap();
        assert_eq!(rows.height(), 200_001, "{sheet}");
    }
}
