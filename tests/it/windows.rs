//! What is different on the machines of most people who send reports: paths, names of files, line ends,
//! rights, and how a run ends. What any system can show is shown on all of them.

use std::fs;

use crate::support::{Ran, TestBatch, parse_mail, program, report};

/// The names of the letters in the outbox, sorted.
fn letters(batch: &TestBatch) -> Vec<String> {
    let entries = fs::read_dir(batch.path("outbox")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// A batch with these ids, a report for each.
fn with_ids(ids: &[&str]) -> TestBatch {
    let batch = TestBatch::new(0);
    let mut list = String::from("ID,School,Email\n");
    for (number, id) in ids.iter().enumerate() {
        list.push_str(&format!(
            "{id},School {number},a{number}@s{number}.example\n"
        ));
        batch.write(&format!("reports/{number}.pdf"), report(number));
    }
    batch.write("list.csv", list);
    batch.replace(
        "batch.toml",
        "path = \"reports/{{ id }}.pdf\"",
        "path = \"reports/{{ name | replace(from='School ', to='') }}.pdf\"",
    );
    batch
}

#[test]
fn a_folder_with_blanks_and_umlauts_holds_a_batch_like_any_other() {
    let batch = TestBatch::new(3);
    let folder = batch.path("Berichte für Köln (neu)");
    fs::create_dir(&folder).unwrap();
    for name in ["batch.toml", "list.csv", "letter.html"] {
        fs::rename(batch.path(name), folder.join(name)).unwrap();
    }
    fs::rename(batch.path("reports"), folder.join("Übersicht 2026")).unwrap();
    let file = fs::read_to_string(folder.join("batch.toml")).unwrap();
    let file = file.replace("reports/", "Übersicht 2026/");
    fs::write(folder.join("batch.toml"), file).unwrap();
    for arguments in [
        &["check"][..],
        &["preview"],
        &["send", "--yes"],
        &["report"],
    ] {
        let output = program()
            .arg(arguments[0])
            .arg(&folder)
            .args(&arguments[1..])
            .output();
        Ran::of(output.unwrap()).expect(0);
    }
    assert_eq!(fs::read_dir(folder.join("outbox")).unwrap().count(), 3);
}

#[test]
fn ids_that_are_names_of_devices_get_files_of_their_own() {
    let ids = ["CON", "nul.1", "com1", "LPT9", "aux"];
    let batch = with_ids(&ids);
    batch.run("send", &[]).expect(0);
    let names = letters(&batch);
    assert_eq!(names.len(), ids.len(), "{names:?}");
    assert!(names.iter().all(|name| name.starts_with('_')), "{names:?}");
    batch.run("send", &[]).expect(0);
    assert_eq!(letters(&batch), names);
}

#[test]
fn ids_that_differ_in_case_alone_are_two_letters() {
    let batch = with_ids(&["a1", "A1"]);
    batch.run("send", &[]).expect(0);
    let names = letters(&batch);
    assert_eq!(names.len(), 2, "{names:?}");
    let mut subjects: Vec<_> = names
        .iter()
        .map(|name| parse_mail(&fs::read(batch.path("outbox").join(name)).unwrap()).subject)
        .collect();
    subjects.sort();
    assert_eq!(subjects, ["Report for School 0", "Report for School 1"]);
    // Each is found again under its name.
    batch.run("send", &[]).expect(0).shows("2 accepted");
    assert_eq!(letters(&batch), names);
}

#[test]
fn line_ends_of_windows_are_no_trouble_in_list_and_letter() {
    let batch = TestBatch::new(2);
    for name in ["list.csv", "letter.html"] {
        let text = fs::read_to_string(batch.path(name)).unwrap();
        batch.write(name, text.replace('\n', "\r\n"));
    }
    batch.run("check", &[]).expect(0).shows("warnings     0");
    batch.run("send", &[]).expect(0);
    let mail = String::from_utf8(fs::read(batch.path("outbox/S001.eml")).unwrap()).unwrap();
    assert!(!mail.contains("\r\r\n"), "{mail}");
}

#[cfg(windows)]
mod there {
    use std::path::Path;

    use windows_permissions::constants::{SeObjectType, SecurityInformation};
    use windows_permissions::wrappers::SetNamedSecurityInfo;
    use windows_permissions::{LocalBox, SecurityDescriptor};

    use super::*;
    use crate::support::victim::Victim;
    use crate::support::wait;

    /// Gives a file other rights, in Microsoft's notation (SDDL).
    fn give_rights(path: &Path, rights: &str) {
        let rights: LocalBox<SecurityDescriptor> = rights.parse().unwrap();
        let path = path.as_os_str();
        let (kind, what) = (SeObjectType::SE_FILE_OBJECT, SecurityInformation::Dacl);
        SetNamedSecurityInfo(path, kind, what, None, None, rights.dacl(), None).unwrap();
    }

    #[test]
    fn a_secrets_file_that_everybody_may_read_is_refused() {
        let batch = TestBatch::new(1);
        batch.secrets("[smtp]\nhost = \"127.0.0.1\"\n");
        batch.run("check", &[]).expect(0);
        // Everybody may read, beside the owner who may do all.
        give_rights(
            &batch.path(".secrets.toml"),
            "D:P(A;;FA;;;OW)(A;;FA;;;BA)(A;;FR;;;WD)",
        );
        batch
            .run("check", &[])
            .expect(2)
            .says("can be read by other users")
            .says("next: icacls ");
    }

    #[test]
    fn backslashes_in_single_quotes_are_separators() {
        let batch = TestBatch::new(2);
        fs::create_dir(batch.path("letters")).unwrap();
        fs::rename(batch.path("letter.html"), batch.path("letters/letter.html")).unwrap();
        batch.replace("batch.toml", "\"letter.html\"", r"'letters\letter.html'");
        batch.replace(
            "batch.toml",
            "path = \"reports/{{ id }}.pdf\"",
            r"path = 'reports\{{ id }}.pdf'",
        );
        batch.write("reports/stray.pdf", report(9));
        let ran = batch.run("check", &[]).expect(0);
        assert!(
            ran.stderr
                .contains("a file that no recipient claims: stray.pdf"),
            "{ran:?}"
        );
        batch.run("send", &[]).expect(0);
        assert_eq!(letters(&batch), ["S001.eml", "S002.eml"]);
    }

    #[test]
    fn a_file_in_other_case_is_claimed() {
        let batch = TestBatch::new(2);
        fs::rename(
            batch.path("reports/S001.pdf"),
            batch.path("reports/s001.PDF"),
        )
        .unwrap();
        let ran = batch.run("check", &[]).expect(0);
        assert!(!ran.stderr.contains("no recipient claims"), "{ran:?}");
    }

    #[test]
    fn a_gallery_that_is_open_elsewhere_stays_whole() {
        let batch = TestBatch::new(1);
        batch.run("preview", &[]).expect(0);
        let page = batch.path("preview/index.html");
        let open = fs::File::open(&page).unwrap();
        let ran = batch.run("preview", &[]);
        drop(open);
        assert!(page.is_file(), "{ran:?}");
        assert!(!batch.path("preview.partial").exists(), "{ran:?}");
        batch.run("preview", &[]).expect(0);
    }

    #[test]
    fn killed_runs_go_on_and_no_letter_is_written_twice() {
        let batch = TestBatch::new(20);
        batch.configure("[dispatch]\nchunk = 2\npause = \"1m\"");
        let count = || fs::read_dir(batch.path("outbox")).map_or(0, Iterator::count);
        for _ in 0..4 {
            let before = count();
            let victim = Victim::default();
            victim.send(&batch);
            wait::until("the next letter", || count() > before);
            victim.kill();
            victim.wait_until_killed();
        }
        assert!(count() < 20);
        batch.configure("");
        batch
            .run("resume", &[])
            .expect(0)
            .shows("20 accepted, 0 pending");
        batch.assert_log_is_whole();
        assert_eq!(letters(&batch).len(), 20);
    }
}
