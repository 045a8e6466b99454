//! Which files go with a letter.

use std::fs;

use super::{assert_finds, findings, mail, with_attachment};
use crate::support::{TestBatch, parse_mail, report};

fn attached(batch: &TestBatch, id: &str) -> Vec<String> {
    let mail = parse_mail(&mail(batch, id));
    mail.attachments.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_star_finds_the_one_file_of_the_exact_id() {
    let batch = with_attachment(2, "path = \"reports/*({{ id }}).pdf\"");
    for (number, name) in [
        (1, "Report - Elm (S001).pdf"),
        (2, "Report - Oak (S002).pdf"),
    ] {
        batch.write(&format!("reports/{name}"), report(number));
    }
    fs::remove_file(batch.path("reports/S001.pdf")).unwrap();
    fs::remove_file(batch.path("reports/S002.pdf")).unwrap();
    batch.run("check", &[]).expect(0);
    batch.send(&[]).expect(0);
    assert_eq!(attached(&batch, "S001"), ["Report - Elm (S001).pdf"]);
    assert_eq!(attached(&batch, "S002"), ["Report - Oak (S002).pdf"]);
}

#[test]
fn a_star_never_makes_another_id_of_one() {
    let batch = with_attachment(1, "path = \"reports/*{{ id }}.pdf\"");
    fs::rename(
        batch.path("reports/S001.pdf"),
        batch.path("reports/RS001.pdf"),
    )
    .unwrap();
    assert_finds(&batch, 3, "may be another recipient's");
}

#[test]
fn several_files_need_a_word() {
    let batch = with_attachment(1, "path = \"reports/{{ id }}*.pdf\"");
    batch.write("reports/S001 appendix.pdf", report(7));
    assert_finds(&batch, 3, "2 files are this recipient's");
    batch.replace("batch.toml", "*.pdf\"", "*.pdf\"\nmany = true");
    batch.send(&[]).expect(0);
    assert_eq!(attached(&batch, "S001"), ["S001 appendix.pdf", "S001.pdf"]);
}

#[test]
fn a_star_in_a_cell_is_a_star() {
    let batch = with_attachment(1, "path = \"reports/*{{ row['School'] }}.pdf\"");
    batch.write("list.csv", "ID,School,Email\nS001,*,a@school.example\n");
    assert_finds(&batch, 3, "no file fits this path");
}

#[test]
fn who_has_no_file_can_be_skipped() {
    let batch = with_attachment(2, "path = \"reports/{{ id }}*.pdf\"\nmissing = \"skip\"");
    fs::remove_file(batch.path("reports/S002.pdf")).unwrap();
    assert_finds(&batch, 0, "gets no letter");
    batch.send(&[]).expect(0);
    assert!(!batch.path("outbox/S002.eml").exists());
}

#[test]
fn a_table_names_the_files() {
    let batch = with_attachment(2, "files = \"reports.csv\"\nmany = true");
    batch.write("reports/appendix.pdf", report(7));
    batch.write("reports/S001.pdf", report(2));
    batch.write("reports/S002.pdf", report(1));
    batch.write(
        "reports.csv",
        "\u{feff}ID;File;Why\nS001;reports/S002.pdf;by its text\nS002;reports/S001.pdf;\nS002;reports/appendix.pdf;\nS009;reports/x.pdf;\n",
    );
    assert_finds(&batch, 0, "S009");
    batch.send(&[]).expect(0);
    assert_eq!(attached(&batch, "S001"), ["S002.pdf"]);
    assert_eq!(attached(&batch, "S002"), ["S001.pdf", "appendix.pdf"]);
}

#[test]
fn a_table_is_part_of_the_batch_and_checked() {
    let batch = with_attachment(2, "files = \"reports.csv\"");
    assert_finds(&batch, 3, "cannot be read");
    batch.write("reports.csv", "id,path\nS001,reports/S001.pdf\n");
    assert_finds(&batch, 3, "no column `file`");
    batch.write("reports.csv", "id,file\nS001,reports/S001.pdf\n");
    assert_finds(&batch, 3, "names no file for this recipient");
    batch.write(
        "reports.csv",
        "id,file\nS001,reports/S001.pdf\nS002,../x.pdf\n",
    );
    assert_finds(&batch, 3, "outside the batch's folder");
    batch.write(
        "reports.csv",
        "id,file\nS001,reports/S001.pdf\nS002,reports.csv\n",
    );
    assert_finds(&batch, 3, "the table of files");
    batch.write(
        "reports.csv",
        "id,file\nS001,reports/S001.pdf\nS002,reports/S001.pdf\n",
    );
    assert!(!findings(&batch, 3).is_empty());
}

#[test]
fn names_that_recipients_stumble_over_are_warnings() {
    let batch = with_attachment(
        1,
        "path = \"reports/{{ id }}.pdf\"\nname = \"Report\"\n\
         [[attachment]]\npath = \"reports/info.pdf\"\nname = \"report\"\nshared = true",
    );
    batch.write("reports/info.pdf", report(9));
    assert_finds(&batch, 0, "without its ending .pdf");
    assert_finds(&batch, 0, "two attachments are called");
}
