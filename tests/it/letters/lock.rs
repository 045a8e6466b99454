//! Reports that only a password opens.

use std::fs;
use std::path::Path;
use std::process::Command;

use mail_parser::{MessageParser, MimeHeaders};

use super::{assert_finds, mail, with_attachment};
use crate::support::chromium::Chromium;
use crate::support::servers::or_skip;
use crate::support::{TestBatch, pdf};

const PASSWORD: &str = "Kestrel-4711";

/// A batch whose report is locked with a code out of the list.
fn locked() -> TestBatch {
    let batch = with_attachment(
        1,
        "path = \"reports/{{ id }}.pdf\"\nname = \"report.pdf\"\nmust_contain = [\"Elm Hill\"]\n\
         password = \"{{ row['Code'] }}\"",
    );
    batch.write(
        "list.csv",
        format!("ID,School,Email,Code\nS001,Elm Hill School,a@school.example,{PASSWORD}\n"),
    );
    batch.write(
        "reports/S001.pdf",
        pdf(&[&["The report of Elm Hill School"], &["page two"]], b"x"),
    );
    batch
}

/// The report as it arrives.
fn arrived(batch: &TestBatch) -> Vec<u8> {
    let bytes = mail(batch, "S001");
    let mail = MessageParser::new().parse(&bytes).unwrap();
    let report = mail.attachment(0).unwrap();
    assert_eq!(report.attachment_name(), Some("report.pdf"));
    report.contents().to_vec()
}

/// What a program says of a file; none where it is not installed, and that is no fault here.
fn said_by(program: &str, arguments: &[&str]) -> Option<(bool, String)> {
    let run = Command::new(program).args(arguments).output();
    let output = or_skip(run.map_err(|error| format!("{program} cannot be run: {error}")))?;
    let text = [output.stdout, output.stderr].concat();
    Some((
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    ))
}

#[test]
fn the_report_is_proved_first_and_locked_when_it_is_sent() {
    let batch = locked();
    let checked = batch.run("check", &["--json"]).expect(0);
    let attachment = &checked.json()["letters"][0]["attachments"][0];
    assert_eq!(attachment["verdict"], "confirmed");
    assert_eq!(attachment["locked"], true);
    batch.send(&[]).expect(0);
    let report = arrived(&batch);
    assert!(report.starts_with(b"%PDF-"));
    let status = batch.run("status", &["--json"]).json();
    let sent = &status["letters"][0]["attachments"][0];
    assert_eq!(sent["locked"], true);
    assert_eq!(sent["bytes"], report.len());
    let output = batch.path("record.csv");
    let arguments = ["--format", "csv", "--output", output.to_str().unwrap()];
    batch.run("report", &arguments).expect(0);
    let record = fs::read_to_string(output).unwrap();
    let mut lines = record.lines();
    let headers = lines.next().unwrap().split(',');
    let cells = lines.next().unwrap().split(',');
    let mut locked = headers
        .zip(cells)
        .filter(|(header, _)| *header == "postroom_attachments_locked");
    assert_eq!(locked.next().map(|(_, cell)| cell), Some("report.pdf"));
    batch.assert_log_is_whole();
}

#[test]
fn qpdf_and_poppler_open_it_with_the_password_alone() {
    let batch = locked();
    batch.send(&[]).expect(0);
    batch.write("arrived.pdf", arrived(&batch));
    let path = batch.path("arrived.pdf");
    let path = path.to_str().unwrap();
    let password = format!("--password={PASSWORD}");
    if let Some((done, text)) = said_by("qpdf", &[&password, "--check", path]) {
        assert!(done && !text.contains("WARNING"), "{text}");
        let (_, text) = said_by("qpdf", &[&password, "--show-encryption", path]).unwrap();
        assert!(text.contains("R = 6") && text.contains("AESv3"), "{text}");
        let (done, text) = said_by("qpdf", &["--password=x", "--check", path]).unwrap();
        assert!(!done && text.contains("invalid password"), "{text}");
    }
    if let Some((done, text)) = said_by("pdftotext", &["-upw", PASSWORD, path, "-"]) {
        assert!(
            done && text.contains("The report of Elm Hill School"),
            "{text}"
        );
        assert!(text.contains("page two"), "{text}");
        let (done, _) = said_by("pdftotext", &[path, "-"]).unwrap();
        assert!(!done);
    }
}

/// Chromium reads PDFs with PDFium, in a viewer that is a page itself.
#[test]
fn a_browser_asks_for_the_password_and_shows_the_report() {
    let batch = locked();
    batch.send(&[]).expect(0);
    batch.write("arrived.pdf", arrived(&batch));
    let Some(mut browser) = or_skip(Chromium::start()) else {
        return;
    };
    browser.look(1280, false);
    browser.open_pdf(&batch.path("arrived.pdf").canonicalize().unwrap());
    let dialog =
        "document.querySelector('pdf-viewer')?.shadowRoot?.querySelector('viewer-password-dialog')";
    let pages = "document.querySelector('pdf-viewer').docLength_";
    browser.wait_until(&format!("{dialog} != null"));
    assert_eq!(browser.eval(pages), 0);
    let enter = |password: &str| {
        format!(
            "{{ const inside = ({dialog}).shadowRoot; \
             inside.querySelector('#password').value = '{password}'; \
             inside.querySelector('#submit').click() }}"
        )
    };
    browser.eval(&enter(PASSWORD));
    browser.wait_until(&format!("{dialog} == null && {pages} == 2"));
}

#[test]
fn the_password_is_nowhere_but_in_the_list() {
    let batch = locked();
    let mut said = String::new();
    for (verb, arguments) in [
        ("check", vec!["-v"]),
        ("check", vec!["--json"]),
        ("preview", vec![]),
        ("send", vec!["--dry-run"]),
        ("send", vec!["--yes", "-v"]),
        ("status", vec!["-v"]),
        ("report", vec!["--format", "json"]),
        ("report", vec![]),
    ] {
        said += &batch.run(verb, &arguments).expect(0).output();
    }
    assert!(!said.contains(PASSWORD), "{said}");
    let mut folders = vec![batch.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if entry.file_name() != "list.csv" && !is_a_record(&entry.path()) {
                let bytes = fs::read(entry.path()).unwrap();
                let found = bytes
                    .windows(PASSWORD.len())
                    .any(|part| part == PASSWORD.as_bytes());
                assert!(!found, "{}", entry.path().display());
            }
        }
    }
}

/// A record has all columns of the list by intent.
fn is_a_record(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.ends_with(".report.csv") || name.ends_with(".report.xlsx")
}

#[test]
fn another_password_is_another_plan() {
    let batch = locked();
    let plan = || batch.run("send", &["--dry-run", "--json"]).output();
    let first = plan();
    assert_eq!(plan(), first);
    batch.replace("list.csv", PASSWORD, "Kestrel-4712");
    assert_ne!(plan(), first);
}

#[test]
fn passwords_that_are_none_are_named_without_showing_them() {
    let batch = locked();
    batch.replace("list.csv", PASSWORD, "");
    assert_finds(&batch, 3, "the password of the attachment is empty");
    batch.write(
        "list.csv",
        "ID,School,Email,Code\nS001,Elm Hill School,a@school.example,4711\n",
    );
    assert_finds(&batch, 0, "fewer than 8 characters");
    batch.replace("batch.toml", "row['Code']", "row['Code'] | round");
    let ran = batch.run("check", &[]).expect(3);
    assert!(!ran.output().contains("4711"), "{ran:?}");
}

#[test]
fn a_letter_that_gives_the_password_away_is_a_warning() {
    let batch = locked();
    batch.write(
        "letter.html",
        "<p>Dear {{ name }}, it is {{ row['Code'] }}.</p>",
    );
    let ran = batch.run("check", &[]).expect(0);
    ran.says("shows the password");
}

#[test]
fn only_a_sound_pdf_is_locked() {
    let batch = locked();
    batch.replace("batch.toml", "must_contain = [\"Elm Hill\"]\n", "");
    batch.write("reports/S001.pdf", "%PDF-1.4\nno more");
    assert_finds(&batch, 3, "the PDF cannot be locked");
    batch.replace(
        "batch.toml",
        "reports/{{ id }}.pdf",
        "reports/{{ id }}.docx",
    );
    batch.replace(
        "batch.toml",
        "name = \"report.pdf\"",
        "name = \"report.docx\"",
    );
    batch.write("reports/S001.docx", "PK");
    assert_finds(&batch, 3, "only a PDF of at most 64 MB can be locked");
}

/// Whatever program made a report, it is the same report when it is opened.
#[test]
fn reports_of_many_programs_open_as_they_were() {
    let made_by = [
        "cairo",
        "chromium",
        "fpdf2",
        "groff",
        "libreoffice",
        "picture",
        "qpdf-object-streams",
        "reportlab",
        "reportlab-standard-fonts",
        "typst",
        "weasyprint",
    ];
    let batch = with_attachment(
        1,
        "path = \"reports/{{ id }}.pdf\"\nname = \"report.pdf\"\ncross_check = false\n\
         password = \"{{ row['Code'] }}\"",
    );
    let mut list = String::from("ID,School,Email,Code\n");
    let proofs = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/proofs");
    for program in made_by {
        list += &format!("{program},School {program},a@{program}.example,{PASSWORD}\n");
        let report = fs::read(proofs.join(format!("{program}.pdf"))).unwrap();
        batch.write(&format!("reports/{program}.pdf"), report);
    }
    batch.write("list.csv", list);
    batch.send(&[]).expect(0);
    for program in made_by {
        let bytes = mail(&batch, program);
        let mail = MessageParser::new().parse(&bytes).unwrap();
        batch.write("arrived.pdf", mail.attachment(0).unwrap().contents());
        let (locked, plain) = (
            batch.path("arrived.pdf"),
            batch.path(&format!("reports/{program}.pdf")),
        );
        let (locked, plain) = (locked.to_str().unwrap(), plain.to_str().unwrap());
        let password = format!("--password={PASSWORD}");
        if let Some((done, text)) = said_by("qpdf", &[&password, "--check", locked]) {
            assert!(done, "{program}: {text}");
        }
        if let Some((done, text)) = said_by("pdftotext", &["-upw", PASSWORD, locked, "-"]) {
            assert!(done, "{program}: {text}");
            let (_, before) = said_by("pdftotext", &[plain, "-"]).unwrap();
            assert_eq!(text, before, "{program}");
        }
    }
}
