//! Reports that are not the recipient's, or cannot be shown to be.

use std::fs;

use serde_json::Value;

use crate::check::{assert_part, faults, one_fault};
use crate::support::{TestBatch, pdf};

const LIST: &str = "ID,School,Email
1001,St Mary Primary School,a@mary.example
10012,St Mary and St John Academy,b@john.example
1003,Lycée Françoise,c@lycee.example
";
const SCHOOLS: [(&str, &str); 3] = [
    ("1001", "St Mary Primary School"),
    ("10012", "St Mary and St John Academy"),
    ("1003", "Lycée Françoise"),
];

fn report_of(name: &str, id: &str, year: &str) -> Vec<u8> {
    let title = format!("Annual report {year}");
    let school = format!("{name}, {id}");
    pdf(&[&[&title, &school], &["The second page"]], id.as_bytes())
}

/// Three schools with reports of their own, and these lines in `[[attachment]]`.
fn proved(lines: &str) -> TestBatch {
    let batch = TestBatch::new(0);
    batch.write("list.csv", LIST);
    batch.replace("batch.toml", "name = \"report.pdf\"", lines);
    for (id, name) in SCHOOLS {
        batch.write(&format!("reports/{id}.pdf"), report_of(name, id, "2024"));
    }
    batch
}

/// All findings of a batch without a fault.
#[track_caller]
fn findings(batch: &TestBatch) -> Vec<Value> {
    let checked = batch.run("check", &["--json"]).expect(0);
    checked.json()["findings"].as_array().unwrap().clone()
}

fn swap(batch: &TestBatch, one: &str, other: &str) {
    let path = |id: &str| batch.path(&format!("reports/{id}.pdf"));
    let contents = fs::read(path(one)).unwrap();
    fs::rename(path(other), path(one)).unwrap();
    fs::write(path(other), contents).unwrap();
}

#[test]
fn reports_that_show_their_schools_are_confirmed() {
    let batch = proved("must_contain = [\"{{ name }}\", \"{{ id }}\"]\npages = 2");
    assert!(findings(&batch).is_empty());
    let said = batch.run("check", &[]).expect(0).stdout;
    assert!(
        said.contains("3: 3 shown to be the recipient's\n"),
        "{said}"
    );
}

#[test]
fn a_swapped_pair_is_refused_without_any_setting() {
    let batch = proved("");
    swap(&batch, "1001", "1003");
    let faults = faults(&batch);
    for (id, file, shown) in [
        (
            "1001",
            "reports/1001.pdf",
            "the id 1003 of another recipient, `Lycée Françoise`",
        ),
        (
            "1001",
            "reports/1001.pdf",
            "the name `Lycée Françoise` of another recipient, 1003",
        ),
        (
            "1003",
            "reports/1003.pdf",
            "the name `St Mary Primary School` of another recipient, 1001",
        ),
    ] {
        assert!(
            faults.iter().any(|fault| fault["id"] == id
                && fault["file"] == file
                && fault["text"].as_str().unwrap().contains(shown)),
            "{id} {shown} {faults:#?}"
        );
    }
}

#[test]
fn a_swapped_pair_is_refused_by_what_it_must_contain() {
    let batch = proved("must_contain = [\"{{ name }}\"]\ncross_check = false");
    swap(&batch, "1001", "10012");
    let faults = faults(&batch);
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert_part(&faults[0], "text", "does not show `St Mary Primary School`");
    assert_part(
        &faults[1],
        "text",
        "does not show `St Mary and St John Academy`",
    );
}

#[test]
fn an_id_that_begins_another_is_not_taken_for_it() {
    let batch = proved("must_contain = [\"{{ id }}\"]\ncross_check = false");
    assert!(findings(&batch).is_empty());
    swap(&batch, "1001", "10012");
    let faults = faults(&batch);
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert_part(&faults[0], "text", "does not show `1001`");
}

#[test]
fn an_id_that_begins_another_never_takes_its_file() {
    let batch = proved("");
    fs::remove_file(batch.path("reports/1001.pdf")).unwrap();
    let fault = one_fault(&batch);
    assert_eq!(fault["id"], "1001");
    assert_part(&fault, "text", "the attachment is missing");
}

#[test]
fn a_report_copied_under_two_names_is_reported_once() {
    let batch = proved("");
    fs::copy(
        batch.path("reports/1001.pdf"),
        batch.path("reports/1003.pdf"),
    )
    .unwrap();
    let fault = one_fault(&batch);
    assert_eq!(fault["id"], "1003");
    assert_part(&fault, "text", "the same contents as that of 1001");
}

#[test]
fn a_report_made_twice_for_one_school_is_refused_though_its_bytes_differ() {
    let batch = proved("");
    let (id, name) = SCHOOLS[0];
    let again = pdf(&[&[name, id], &["made a day later"]], b"other bytes");
    batch.write("reports/1003.pdf", again);
    let faults = faults(&batch);
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(faults.iter().all(|fault| fault["id"] == "1003"));
}

#[test]
fn a_stale_report_is_refused() {
    let batch = proved("must_contain = [\"Annual report 2024\"]");
    let (id, name) = SCHOOLS[2];
    batch.write("reports/1003.pdf", report_of(name, id, "2023"));
    let fault = one_fault(&batch);
    assert_eq!(fault["id"], "1003");
    assert_part(&fault, "text", "does not show `Annual report 2024`");
}

#[test]
fn what_must_not_be_shown_is_refused() {
    let batch = proved("must_not_contain = [\"Draft\", \"report 2023\"]");
    assert!(findings(&batch).is_empty());
    let (id, name) = SCHOOLS[2];
    batch.write("reports/1003.pdf", report_of(name, id, "2023"));
    assert_part(
        &one_fault(&batch),
        "text",
        "shows `report 2023`, which it must not",
    );
}

#[test]
fn a_text_that_is_empty_for_one_school_is_refused() {
    let batch = proved("must_contain = [\"{{ note }}\"]");
    let list = LIST
        .replace("Email\n", "Email,Note\n")
        .replace("a@mary.example", "a@mary.example,second page")
        .replace("b@john.example", "b@john.example,")
        .replace("c@lycee.example", "c@lycee.example,–");
    batch.write("list.csv", list);
    let faults = faults(&batch);
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert_part(&faults[0], "file", "must_contain 1");
    assert_part(&faults[0], "text", "is no text to look for");
}

#[test]
fn cross_check_can_be_switched_off() {
    let batch = proved("cross_check = false");
    swap(&batch, "1001", "1003");
    assert!(findings(&batch).is_empty());
}

#[test]
fn a_name_inside_the_own_name_is_not_another_recipients() {
    let batch = proved("");
    batch.write(
        "list.csv",
        LIST.replace("St Mary Primary School", "St Mary"),
    );
    batch.write("reports/1001.pdf", report_of("St Mary", "1001", "2024"));
    assert!(findings(&batch).is_empty());
}

#[test]
fn a_name_that_all_reports_mention_is_a_warning() {
    let batch = TestBatch::new(6);
    let list = fs::read_to_string(batch.path("list.csv")).unwrap();
    batch.write("list.csv", list + "S777,Reading School,r@reading.example\n");
    for number in [1, 2, 3, 4, 5, 6, 777] {
        let own = format!("Report of school {number}");
        let contents = pdf(&[&[&own, "How Reading School does it"]], &[number as u8]);
        batch.write(&format!("reports/S{number:03}.pdf"), contents);
    }
    let findings = findings(&batch);
    assert_eq!(findings.len(), 6, "{findings:#?}");
    assert!(
        findings
            .iter()
            .all(|finding| finding["severity"] == "warning")
    );
    assert_part(
        &findings[0],
        "text",
        "`Reading School` of another recipient, S777, beside its own",
    );
}

#[test]
fn another_number_of_pages_is_a_warning() {
    let batch = proved("pages = 10");
    let findings = findings(&batch);
    assert_eq!(findings.len(), 3);
    assert_eq!(findings[0]["severity"], "warning");
    assert_part(&findings[0], "text", "has 2 pages, not 10");
}

#[test]
fn a_recipient_without_a_file_can_be_skipped() {
    let batch = proved("missing = \"skip\"");
    fs::remove_file(batch.path("reports/10012.pdf")).unwrap();
    let checked = batch.run("check", &["--json"]).expect(0).json();
    assert_eq!(checked["letters"].as_array().unwrap().len(), 2);
    assert_eq!(checked["letters"][1]["id"], "1003");
    let finding = &checked["findings"][0];
    assert_eq!(finding["severity"], "warning");
    assert_eq!(finding["id"], "10012");
    assert_part(finding, "text", "gets no letter");
    batch.send(&[]).expect(0);
    assert_eq!(batch.in_state("accepted"), ["1001", "1003"]);
    assert!(!batch.path("outbox/10012.eml").exists());
}

#[test]
fn a_skipped_recipients_report_still_reaches_nobody_else() {
    let batch = proved("missing = \"skip\"");
    fs::rename(
        batch.path("reports/10012.pdf"),
        batch.path("reports/1003.pdf"),
    )
    .unwrap();
    let faults = faults(&batch);
    assert!(faults.iter().any(|fault| {
        fault["id"] == "1003"
            && fault["severity"] == "fault"
            && fault["text"]
                .as_str()
                .unwrap()
                .contains("St Mary and St John Academy")
    }));
}

#[test]
fn a_batch_without_any_file_is_refused_though_files_may_be_missing() {
    let batch = proved("missing = \"skip\"");
    fs::remove_dir_all(batch.path("reports")).unwrap();
    assert_part(&one_fault(&batch), "text", "no recipient has an attachment");
}

#[test]
fn files_that_nobody_claims_are_listed() {
    let batch = proved("");
    for number in 0..7 {
        batch.write(&format!("reports/old-{number}.pdf"), "x");
    }
    let findings = findings(&batch);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0]["severity"], "notice");
    assert_eq!(findings[0]["file"], "reports/");
    assert_part(
        &findings[0],
        "text",
        "7 files that no recipient claims: old-0.pdf",
    );
    assert_part(&findings[0], "text", "old-4.pdf and 2 more");
}

#[test]
fn a_missing_report_is_reported_together_with_the_file_that_may_be_it() {
    let batch = proved("");
    fs::rename(
        batch.path("reports/1003.pdf"),
        batch.path("reports/1003 .pdf"),
    )
    .unwrap();
    let faults = faults(&batch);
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert_part(&faults[0], "text", "the attachment is missing");
    assert_part(
        &faults[1],
        "text",
        "a file that no recipient claims: 1003 .pdf",
    );
}

#[test]
fn the_proofs_do_not_change_the_plan() {
    let batch = proved("");
    let plan = |batch: &TestBatch| batch.run("check", &["--json"]).expect(0).json()["plan"].clone();
    let with = plan(&batch);
    batch.replace(
        "batch.toml",
        "[[attachment]]",
        "[[attachment]]\ncross_check = false",
    );
    assert_eq!(plan(&batch), with);
}

/// Every PDF of `fixtures/proofs` tells what its table says, through the whole program.
#[test]
fn pdfs_of_many_producers_are_kept_apart() {
    let table: toml::Table =
        toml::from_str(&fs::read_to_string("fixtures/proofs/verdicts.toml").unwrap()).unwrap();
    assert!(table.len() >= 18);
    for (name, expected) in table {
        let batch = proved("must_contain = [\"{{ name }}\"]\npages = 99");
        batch.write(
            "list.csv",
            "ID,School,Email\nRRS-1042,Lycée Françoise Office — St. Mary's Primary,a@s.example\nRRS-104,Oak School,b@s.example\n",
        );
        fs::remove_dir_all(batch.path("reports")).unwrap();
        fs::create_dir(batch.path("reports")).unwrap();
        fs::copy(
            format!("fixtures/proofs/{name}.pdf"),
            batch.path("reports/RRS-1042.pdf"),
        )
        .unwrap();
        batch.write("reports/RRS-104.pdf", pdf(&[&["Oak School"]], b""));
        let found: Vec<_> = findings(&batch)
            .into_iter()
            .filter(|finding| finding["id"] == "RRS-1042")
            .map(|finding| finding["text"].as_str().unwrap().to_owned())
            .collect();
        let pages = expected.get("pages").map(|pages| {
            let pages = pages.as_integer().unwrap();
            let noun = if pages == 1 { "page" } else { "pages" };
            format!("the PDF has {pages} {noun}, not 99")
        });
        assert_eq!(
            pages.as_ref(),
            found.iter().find(|text| text.contains("not 99")),
            "{name} {found:?}"
        );
        let others: Vec<_> = found
            .iter()
            .filter(|text| !text.contains("not 99"))
            .collect();
        if expected["verdict"].as_str() == Some("confirmed") {
            assert!(others.is_empty(), "{name} {others:?}");
        } else {
            let why = expected["why"].as_str().unwrap();
            assert!(
                others.len() == 1 && others[0].contains(why),
                "{name} {others:?}"
            );
        }
        // As a report of another school each is refused, or cannot be read.
        swap(&batch, "RRS-104", "RRS-1042");
        let checked = batch.run("check", &["--json"]);
        assert_eq!(checked.code, Some(3), "{name} {checked:?}");
        batch.replace("batch.toml", "pages = 99", "unreadable = \"fault\"");
        swap(&batch, "RRS-104", "RRS-1042");
        let code = if expected["verdict"].as_str() == Some("confirmed") {
            0
        } else {
            3
        };
        assert_eq!(batch.run("check", &[]).code, Some(code), "{name}");
    }
}
