//! Attachments that do not belong.

use std::fs;

use crate::check::{assert_part, faults, one_fault};
use crate::support::{TestBatch, report};

/// A batch of two schools whose attachment is written like this.
fn attached(lines: &str) -> TestBatch {
    let batch = TestBatch::new(2);
    let file = fs::read_to_string(batch.path("batch.toml")).unwrap();
    let start = file.find("[[attachment]]").unwrap();
    batch.write(
        "batch.toml",
        format!("{}[[attachment]]\n{lines}\n", &file[..start]),
    );
    batch
}

/// The fault of the second school's attachment.
#[track_caller]
fn assert_refused(batch: &TestBatch, text: &str) {
    let fault = one_fault(batch);
    assert_eq!(fault["id"], "S002", "{fault:#}");
    assert_part(&fault, "file", "S002.pdf");
    assert_part(&fault, "text", text);
    assert!(!fault["next_step"].as_str().unwrap().is_empty());
}

#[test]
fn a_missing_report_is_refused() {
    let batch = TestBatch::new(2);
    fs::remove_file(batch.path("reports/S002.pdf")).unwrap();
    assert_refused(&batch, "the attachment is missing");
}

#[test]
fn an_empty_report_is_refused() {
    let batch = TestBatch::new(2);
    batch.write("reports/S002.pdf", "");
    assert_refused(&batch, "the attachment is empty");
}

#[test]
fn a_report_that_is_no_pdf_is_refused() {
    let batch = TestBatch::new(2);
    batch.write(
        "reports/S002.pdf",
        "<html>Sign in to see this report</html>",
    );
    assert_refused(&batch, "does not begin like a PDF");
}

#[test]
fn a_folder_in_place_of_a_report_is_refused() {
    let batch = TestBatch::new(2);
    fs::remove_file(batch.path("reports/S002.pdf")).unwrap();
    fs::create_dir(batch.path("reports/S002.pdf")).unwrap();
    assert_refused(&batch, "not a regular file");
}

#[test]
fn a_path_that_climbs_out_is_refused() {
    let batch = attached("path = \"reports/../../{{ id }}.pdf\"");
    let faults = faults(&batch);
    assert_eq!(faults.len(), 2);
    assert_part(&faults[0], "text", "outside the batch's folder");
    assert_part(&faults[0], "next_step", "allow_outside");
}

#[test]
fn an_id_cannot_climb_out() {
    let batch = TestBatch::new(0);
    batch.write(
        "list.csv",
        "ID,School,Email\n../../etc/S002,Oak,a@s.example\n",
    );
    let fault = one_fault(&batch);
    assert_part(&fault, "text", "outside the batch's folder");
}

#[test]
fn an_absolute_path_is_refused() {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("S001.pdf"), report(1)).unwrap();
    let path = elsewhere.path().to_str().unwrap();
    let batch = attached(&format!("path = '{path}/S001.pdf'\nshared = true"));
    assert_part(&faults(&batch)[0], "text", "outside the batch's folder");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_is_refused() {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("secret.pdf"), report(9)).unwrap();
    let batch = TestBatch::new(2);
    let link = batch.path("reports/S002.pdf");
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("secret.pdf"), link).unwrap();
    assert_refused(&batch, "outside the batch's folder");
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_a_link_out_is_refused() {
    let elsewhere = tempfile::tempdir().unwrap();
    let batch = TestBatch::new(1);
    fs::rename(
        batch.path("reports/S001.pdf"),
        elsewhere.path().join("S001.pdf"),
    )
    .unwrap();
    fs::remove_dir(batch.path("reports")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), batch.path("reports")).unwrap();
    assert_part(&one_fault(&batch), "text", "outside the batch's folder");
}

#[test]
fn allow_outside_lets_a_batch_take_files_from_elsewhere() {
    let elsewhere = tempfile::tempdir().unwrap();
    for number in 1..=2 {
        fs::write(
            elsewhere.path().join(format!("S00{number}.pdf")),
            report(number),
        )
        .unwrap();
    }
    let path = elsewhere.path().to_str().unwrap();
    let batch = attached(&format!("path = '{path}/{{{{ id }}}}.pdf'"));
    let file = fs::read_to_string(batch.path("batch.toml")).unwrap();
    batch.write(
        "batch.toml",
        file.replace("[manifest]", "allow_outside = true\n[manifest]"),
    );
    batch.run("check", &[]).expect(0);
}

#[test]
fn the_same_contents_for_two_schools_are_refused() {
    let batch = TestBatch::new(3);
    fs::copy(
        batch.path("reports/S001.pdf"),
        batch.path("reports/S003.pdf"),
    )
    .unwrap();
    let fault = one_fault(&batch);
    assert_eq!(fault["id"], "S003", "{fault:#}");
    assert_part(&fault, "file", "S003.pdf");
    assert_part(&fault, "text", "the same contents as that of S001");
    assert_part(&fault, "next_step", "shared = true");
}

#[test]
fn two_schools_that_claim_one_file_are_refused() {
    let batch = attached("path = \"reports/S001.pdf\"");
    let fault = one_fault(&batch);
    assert_eq!(fault["id"], "S002");
    assert_part(&fault, "file", "S001.pdf");
    assert_part(&fault, "text", "the same contents as that of S001");
}

#[test]
fn a_shared_file_may_go_to_everyone() {
    attached("path = \"reports/S001.pdf\"\nshared = true")
        .run("check", &[])
        .expect(0);
}

#[test]
fn a_shared_file_beside_the_reports_does_not_excuse_a_wrong_report() {
    let batch = attached(
        "path = \"reports/{{ id }}.pdf\"\n\n[[attachment]]\npath = \"guide.pdf\"\nshared = true",
    );
    batch.write("guide.pdf", report(50));
    batch.run("check", &[]).expect(0);
    fs::copy(
        batch.path("reports/S001.pdf"),
        batch.path("reports/S002.pdf"),
    )
    .unwrap();
    assert_part(&one_fault(&batch), "text", "the same contents");
}

#[test]
fn a_file_name_with_a_slash_is_refused() {
    let batch = attached("path = \"reports/{{ id }}.pdf\"\nname = \"{{ name }}.pdf\"");
    batch.write(
        "list.csv",
        "ID,School,Email\nS001,Oak / Ash,a@s.example\nS002,School 2,b@s.example\n",
    );
    let fault = one_fault(&batch);
    assert_part(&fault, "text", "`Oak / Ash.pdf` has a slash in it");
}

#[test]
fn control_characters_and_the_separators_of_another_system_are_refused() {
    for path in ["\"reports/a\\u0000.pdf\"", "\"reports/a\\u001b[2J.pdf\""] {
        attached(&format!("path = {path}"))
            .run("check", &[])
            .expect(2)
            .says("`attachment.path` has a control character");
    }
    // Where a backslash is no separator it is part of a name, and nothing is called so.
    let other = if cfg!(windows) { "outside" } else { "missing" };
    let faults = faults(&attached("path = '..\\secret.pdf'"));
    assert!(!faults.is_empty());
    for fault in faults {
        assert_part(&fault, "text", other);
    }
}

#[cfg(unix)]
#[test]
fn lists_and_templates_that_are_links_out_are_refused() {
    let elsewhere = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("list.csv", "the dispatch list is a link"),
        ("letter.html", "the template is a link"),
    ] {
        let batch = TestBatch::new(1);
        let outside = elsewhere.path().join(name);
        std::fs::rename(batch.path(name), &outside).unwrap();
        std::os::unix::fs::symlink(&outside, batch.path(name)).unwrap();
        batch.run("check", &[]).expect(3).says(text);
        batch.replace("batch.toml", "[batch]", "[batch]\nallow_outside = true");
        batch.run("check", &[]).expect(0);
    }
}

#[cfg(unix)]
#[test]
fn the_names_of_files_never_reach_the_terminal_as_they_are() {
    let batch = TestBatch::new(1);
    batch.write("reports/X\u{1b}[2J\u{202e}\u{9b}.pdf", "%PDF-1.4\n");
    let ran = batch.run("check", &[]);
    assert!(
        ran.output().contains("\\u{1b}[2J\\u{202e}\\u{9b}"),
        "{ran:?}"
    );
    let wild = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!ran.output().contains(wild), "{ran:?}");
}

/// A batch of one school whose attachment is what its cell says.
fn from_a_cell(cell: &str) -> TestBatch {
    let batch = attached("path = \"{{ file }}\"");
    batch.write(
        "list.csv",
        format!("ID,School,Email,File\nS001,Oak,a@s.example,{cell}\n"),
    );
    batch.secrets(
        "[smtp]\nhost = \"mail.study.example\"\nusername = \"study\"\npassword = \"hunter2\"\n",
    );
    batch
}

#[test]
fn a_cell_cannot_attach_what_the_run_reads_or_writes() {
    for (cell, why) in [
        (".secrets.toml", "is the secrets file"),
        ("list.csv", "is the dispatch list"),
        ("./reports/../list.csv", "outside the batch's folder"),
        ("batch.toml", "is the batch file"),
        ("letter.html", "is a template"),
        ("parts/foot.html", "is a template"),
        ("batch.state.db", "is a state file"),
        ("batch.outbox.db.lock", "is a state file"),
        ("batch.report.csv", "is a record"),
        ("batch.outbox.report.xlsx", "is a record"),
        ("elsewhere.db", "is a state file of postroom"),
        ("elsewhere.db.lock", "lies beside a state file"),
        ("outbox/S001.eml", "is a letter in the outbox"),
        ("preview/eml/00001-S001.eml", "lies in a preview"),
        ("preview/index.html", "lies in a preview"),
        ("reports/.draft.pdf", "is hidden"),
        (".git/config", "is hidden"),
        ("sign-in-0123456789abcdef.json", "the file of a sign-in"),
    ] {
        let batch = TestBatch::new(1);
        batch.run("preview", &[]).expect(0);
        batch.run("send", &[]).expect(0);
        let batch = {
            let other = from_a_cell(cell);
            for folder in ["outbox", "preview"] {
                fs::rename(batch.path(folder), other.path(folder)).unwrap();
            }
            for name in ["batch.state.db", "elsewhere.db"] {
                fs::copy(batch.path("batch.outbox.db"), other.path(name)).unwrap();
            }
            for name in ["batch.outbox.db.lock", "elsewhere.db.lock"] {
                other.write(name, "a run");
            }
            other
        };
        fs::create_dir(batch.path(".git")).unwrap();
        fs::create_dir(batch.path("parts")).unwrap();
        batch.write("letter.html", "<p>{% include \"parts/foot.html\" %}</p>");
        for name in [
            "batch.report.csv",
            "batch.outbox.report.xlsx",
            "parts/foot.html",
            "reports/.draft.pdf",
            ".git/config",
            "sign-in-0123456789abcdef.json",
        ] {
            batch.write(name, "%PDF-1.4");
        }
        let ran = batch.run("check", &["--json"]).expect(3);
        let checked = ran.json();
        let faults = checked["findings"].as_array().unwrap();
        assert_eq!(faults.len(), 1, "{cell}: {ran:?}");
        assert_part(&faults[0], "text", why);
        assert_part(&faults[0], "file", cell);
        assert!(!ran.output().contains("hunter2"), "{ran:?}");
    }
}

#[cfg(unix)]
#[test]
fn another_name_of_such_a_file_is_refused_too() {
    let batch = from_a_cell("reports/letter.pdf");
    let link = batch.path("reports/letter.pdf");
    std::os::unix::fs::symlink("../.secrets.toml", &link).unwrap();
    let refused = || one_of(&batch, "is the secrets file");
    refused();
    fs::remove_file(&link).unwrap();
    fs::hard_link(batch.path(".secrets.toml"), &link).unwrap();
    refused();
    let elsewhere = tempfile::tempdir().unwrap();
    let secrets = elsewhere.path().join("account.toml");
    fs::rename(batch.path(".secrets.toml"), &secrets).unwrap();
    batch.run("check", &[]).expect(3).says("begin like a PDF");
    fs::remove_file(&link).unwrap();
    fs::hard_link(&secrets, &link).unwrap();
    batch
        .run("check", &["--secrets", secrets.to_str().unwrap()])
        .expect(3)
        .says("is the secrets file");
}

#[cfg(target_os = "linux")]
#[test]
fn a_cell_cannot_attach_what_the_system_shows_of_itself() {
    for (cell, why) in [
        ("/proc/self/environ", "lies in /proc"),
        ("/sys/kernel/uevent_seqnum", "lies in /sys"),
        ("/dev/zero", "lies in /dev"),
        ("/dev/../proc/self/environ", "lies in /proc"),
    ] {
        let batch = from_a_cell(cell);
        batch.replace("batch.toml", "[batch]", "[batch]\nallow_outside = true");
        one_of(&batch, why);
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let keys = elsewhere.path().join(".ssh");
    fs::create_dir(&keys).unwrap();
    fs::write(keys.join("id"), "key").unwrap();
    let batch = from_a_cell(keys.join("id").to_str().unwrap());
    batch.replace("batch.toml", "[batch]", "[batch]\nallow_outside = true");
    one_of(&batch, "is hidden");
}

/// Fails the test unless this is the one fault.
#[cfg(unix)]
#[track_caller]
fn one_of(batch: &TestBatch, why: &str) {
    assert_part(&one_fault(batch), "text", why);
}
