//! What `init --from` asks at a terminal, and what the answers change.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::thread;

use rust_xlsxwriter::{Workbook, Worksheet};

use crate::support::pdf::pdf;
use crate::support::victim::Victim;
use crate::support::{Ran, lock, program, wait};

/// `init --from` at a terminal.
struct Asking {
    folder: tempfile::TempDir,
    victim: Victim,
    terminal: File,
    shown: Arc<Mutex<String>>,
    seen: usize,
}

impl Asking {
    /// Starts it in a folder with these files.
    fn start(folder: tempfile::TempDir, list: &str, further: &[&str]) -> Self {
        let mut command = program();
        command.arg("init").arg(folder.path().join("batch"));
        command.arg("--from").arg(folder.path().join(list));
        command.args(further);
        let victim = Victim::default();
        let terminal = File::from(victim.run_in_terminal(&command));
        let mut reading = terminal.try_clone().unwrap();
        let shown = Arc::new(Mutex::new(String::new()));
        let showing = Arc::clone(&shown);
        thread::spawn(move || {
            let mut piece = [0; 4096];
            // The terminal of a program that has ended gives an error.
            while let Ok(read @ 1..) = reading.read(&mut piece) {
                let text = String::from_utf8_lossy(&piece[..read]);
                lock(&showing).push_str(&text);
            }
        });
        Self {
            folder,
            victim,
            terminal,
            shown,
            seen: 0,
        }
    }

    /// Waits for a question and answers it.
    #[track_caller]
    fn answer(&mut self, question: &str, answer: &str) {
        wait::until(question, || {
            lock(&self.shown)[self.seen..].contains(question)
        });
        self.seen = lock(&self.shown).len();
        self.terminal
            .write_all(format!("{answer}\n").as_bytes())
            .unwrap();
    }

    /// Waits for its end; the batch file.
    #[track_caller]
    fn end(mut self) -> (tempfile::TempDir, String, String) {
        self.answer("Type yes to go on", "yes");
        let status = self.victim.wait();
        wait::until("the last words", || {
            lock(&self.shown).contains("next: look at")
        });
        let shown = lock(&self.shown).clone();
        assert_eq!(status.code(), Some(0), "{shown}");
        let text = fs::read_to_string(self.folder.path().join("batch/batch.toml")).unwrap();
        (self.folder, text, shown)
    }
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("reports")).unwrap();
    folder
}

fn report(folder: &tempfile::TempDir, name: &str, text: &str) {
    fs::write(
        folder.path().join("reports").join(name),
        pdf(&[&[text]], b""),
    )
    .unwrap();
}

fn fill(sheet: &mut Worksheet, rows: &[&[&str]]) {
    for (number, row) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(*row) {
            sheet.write(number, column, *cell).unwrap();
        }
    }
}

#[test]
fn each_doubt_about_the_list_is_asked_and_its_answer_stands_in_the_batch_file() {
    let folder = folder();
    let mut book = Workbook::new();
    let rows: [&[&str]; 6] = [
        &["URN", "School", "Email", "Head"],
        &["1001", "Oak Hill School", "head@oak.example", "Ms Gray"],
        &["1002", "Elm Park School", "head@elm.example", "Mr Ash"],
        &["1003", "Ash Vale School", "tbc", "Mx Oak"],
        &["", "Left School", "head@left.example", "Ms Left"],
        &["Total", "4"],
    ];
    let old = book.add_worksheet().set_name("2025").unwrap();
    fill(old, &rows);
    let new = book.add_worksheet().set_name("2026").unwrap();
    fill(new, &rows);
    new.set_row_hidden(3).unwrap();
    book.save(folder.path().join("list.xlsx")).unwrap();
    report(&folder, "1001.pdf", "Oak Hill School");
    let letter = folder.path().join("letter.md");
    fs::write(
        &letter,
        "Dear «Head Teacher», see «Region» and «x» of «Year».\n",
    )
    .unwrap();
    let letter = letter.to_str().unwrap().to_owned();
    let mut asking = Asking::start(folder, "list.xlsx", &["--letter", &letter]);
    asking.answer("Which sheet is the list: 2025, 2026?", "2027");
    asking.answer("Which sheet is the list: 2025, 2026?", "2026");
    asking.answer("Rows without anything in URN: 1", "skip");
    asking.answer("Rows that look like totals: 6", "skip");
    asking.answer("Hidden in the list: 1 row", "skip");
    asking.answer("Recipients without a report by the pattern: 1", "skip");
    asking.answer("Which column is «Head Teacher» in the letter", "head");
    asking.answer("Which column is «Region» in the letter", "none");
    asking.answer("Which column is «x» in the letter", "");
    asking.answer("Which column is «Year» in the letter", "2026");
    asking.answer("Which column is «Year» in the letter", "= 2026");
    asking.answer("Who sends?", "nobody");
    asking.answer("Who sends?", "Study Team <reports@study.example>");
    let (folder, text, shown) = asking.end();
    for line in [
        "`2027` does not answer this: type the name of a sheet",
        "`2026` does not answer this: type the name of a column, `none`, or `= 2026` to write 2026 into all letters",
        "`nobody` does not answer this: type it as Study Team <reports@study.example>",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    for line in [
        "sheet = \"2026\"",
        "hidden_rows = \"skip\"",
        "missing = \"skip\"",
        "[vars]\n# The same in all letters.\nyear = \"2026\"",
        "from = \"Study Team <reports@study.example>\"",
        "rows without an id are no recipients",
        "rows of totals are no recipients",
    ] {
        assert!(text.contains(line), "{line}\n{text}\n{shown}");
    }
    // What was answered is no doubt any more.
    let doubts = text.split("\n[batch]").next().unwrap();
    let doubts: Vec<&str> = doubts
        .lines()
        .skip_while(|line| !line.contains("looked at"))
        .collect();
    assert_eq!(doubts.len(), 2, "{doubts:#?}");
    assert!(doubts[1].contains("«x»"), "{doubts:#?}");
    let letter = fs::read_to_string(folder.path().join("batch/letter.md")).unwrap();
    assert_eq!(
        letter,
        "Dear {{ head }}, see «Region» and «x» of {{ year }}.\n"
    );
    assert!(shown.contains("Dear Ms Gray"), "{shown}");
    let check = program()
        .arg("check")
        .arg(folder.path().join("batch"))
        .arg("--json")
        .output();
    let checked = Ran::of(check.unwrap()).expect(0).json();
    assert_eq!(checked["letters"].as_array().unwrap().len(), 1);
}

#[test]
fn a_file_that_nothing_tells_is_asked_for_and_one_that_shows_the_name_is_not() {
    let folder = folder();
    let list = "ID,School,Email\n\
        4001,Oak Hill School,a@oak.example\n4002,Elm Park School,a@elm.example\n4003,Ash Vale School,a@ash.example\n";
    fs::write(folder.path().join("list.csv"), list).unwrap();
    report(&folder, "x-4001-b.pdf", "Oak Hill School");
    report(&folder, "scan17.pdf", "Report for Elm Park School");
    report(&folder, "scan18.pdf", "Ash Vale");
    let mut asking = Asking::start(folder, "list.csv", &[]);
    asking.answer("Which file is the report of 4003 Ash Vale School", "scan18");
    asking.answer("Who sends?", "");
    let (folder, text, shown) = asking.end();
    assert!(text.contains("files = \"reports.csv\""), "{text}");
    assert!(
        shown.contains("3 of 3 recipients have one in it"),
        "{shown}"
    );
    let table = fs::read_to_string(folder.path().join("batch/reports.csv")).unwrap();
    assert!(
        table.contains("4002,../reports/scan17.pdf,the PDF shows the name"),
        "{table}"
    );
    assert!(
        table.contains("4003,../reports/scan18.pdf,somebody said so"),
        "{table}"
    );
}

#[test]
fn columns_and_the_folder_of_reports_are_asked_for_where_they_are_in_doubt() {
    let folder = folder();
    let list = "School,Town,Email,Other\n\
        Oak Hill School,Oakham,a@oak.example,b@oak.example\nElm Park School,Elmton,a@elm.example,b@elm.example\n\
        Ash Vale School,Ashby,a@ash.example,none\n";
    fs::write(folder.path().join("list.csv"), list).unwrap();
    fs::rename(folder.path().join("reports"), folder.path().join("pdfs")).unwrap();
    let pdfs = folder.path().join("pdfs");
    for town in ["Oakham", "Elmton", "Ashby"] {
        fs::write(pdfs.join(format!("{town}.pdf")), pdf(&[&["x"]], b"")).unwrap();
    }
    let pdfs = pdfs.to_str().unwrap().to_owned();
    let mut asking = Asking::start(folder, "list.csv", &[]);
    asking.answer("Cells of column Other that are no addresses: 1", "no");
    asking.answer("Which column has the ids: School, Town, Other?", "Town");
    asking.answer("Where are the reports?", &pdfs);
    asking.answer("Who sends?", "");
    let (_folder, text, _) = asking.end();
    assert!(text.contains("id = \"Town\""), "{text}");
    assert!(text.contains("to = [\"Email\"]"), "{text}");
    assert!(text.contains("path = \"../pdfs/{{ id }}.pdf\""), "{text}");
}
