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

/// The same, without what is said for the record only.
#[track_caller]
fn warnings(batch: &TestBatch) -> Vec<Value> {
    let mut findings = findings(batch);
    findings.retain(|finding| finding["severity"] != "notice");
    findings
}

/// The faults alone of a batch that has some.
#[track_caller]
fn only_faults(batch: &TestBatch) -> Vec<Value> {
    let mut faults = faults(batch);
    faults.retain(|finding| finding["severity"] == "fault");
    faults
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
fn a_swapped_pair_is_one_fault_that_names_both_schools_and_both_files() {
    let batch = proved("");
    swap(&batch, "1001", "1003");
    let fault = one_fault(&batch);
    assert_eq!(fault["id"], "1001");
    assert_eq!(
        fault["text"],
        "the reports of `St Mary Primary School` (1001) and `Lycée Françoise` (1003) are swapped: \
         reports/1001.pdf shows `Lycée Françoise` (1003), and reports/1003.pdf shows `St Mary Primary School` (1001)"
    );
    assert_eq!(fault["next_step"], "swap the two files");
}

#[test]
fn no_next_step_is_to_switch_the_check_off() {
    let batch = proved("");
    let (id, name) = SCHOOLS[0];
    batch.write("reports/1003.pdf", report_of(name, id, "2023"));
    let fault = one_fault(&batch);
    assert_part(
        &fault,
        "text",
        "shows the name `St Mary Primary School` of another recipient, 1001",
    );
    assert_part(&fault, "next_step", "put the right report there");
    assert!(!fault.to_string().contains("cross_check"), "{fault:#}");
}

#[test]
fn a_report_may_show_a_school_that_it_is_said_to_mention() {
    let batch = proved("");
    let both = pdf(
        &[&["Lycée Françoise, 1003", "with St Mary Primary School"]],
        b"",
    );
    batch.write("reports/1003.pdf", both);
    one_fault(&batch);
    batch.replace(
        "batch.toml",
        "[[attachment]]",
        "[[attachment]]\nmay_show = [\"St Mary Primary School\"]",
    );
    assert!(findings(&batch).is_empty());
}

/// Two schools of one name, whose reports show this beside it.
fn of_one_name(ids: [&str; 2], shown: [&str; 2], lines: &str) -> TestBatch {
    let batch = proved(lines);
    let [one, other] = ids;
    batch.write(
        "list.csv",
        format!("ID,School,Email\n{one},St Mary School,a@m.example\n{other},Saint Mary School,b@m.example\n"),
    );
    for (id, shown) in ids.iter().zip(shown) {
        let contents = pdf(&[&["St Mary School", shown]], id.as_bytes());
        batch.write(&format!("reports/{id}.pdf"), contents);
    }
    batch
}

#[test]
fn schools_of_one_name_are_named_with_both_rows_and_confirmed_by_what_is_theirs_alone() {
    let batch = of_one_name(["LE-1001", "YO-1002"], ["LE-1001", "YO-1002"], "");
    let found = warnings(&batch);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(
        (&found[0]["file"], &found[0]["row"]),
        (&"list.csv".into(), &2.into())
    );
    assert_part(
        &found[0],
        "text",
        "LE-1001 `St Mary School` (row 2) and YO-1002 `Saint Mary School` (row 3) have the same name",
    );
    swap(&batch, "LE-1001", "YO-1002");
    let faults = faults(&batch);
    assert!(
        faults
            .iter()
            .any(|fault| fault["text"].as_str().unwrap().contains("are swapped"))
    );
    // A short id proves nothing, for it may be any figure.
    let batch = of_one_name(["1", "2"], ["Number 1", "Number 2"], "");
    let said = batch.run("check", &[]).expect(0).stdout;
    assert!(
        said.contains("2: 2 that show nothing of the recipient's alone\n"),
        "{said}"
    );
    // What must be there and is there for this school alone does.
    let must = "must_contain = [\"Number {{ id }}\"]";
    let batch = of_one_name(["1", "2"], ["Number 1", "Number 2"], must);
    let said = batch.run("check", &[]).expect(0).stdout;
    assert!(
        said.contains("2: 2 shown to be the recipient's\n"),
        "{said}"
    );
    // What is there for everybody does not.
    let must = "must_contain = [\"St Mary {% if id %}School{% endif %}\"]";
    let batch = of_one_name(["1", "2"], ["Number 1", "Number 2"], must);
    let said = batch.run("check", &[]).expect(0).stdout;
    assert!(said.contains("nothing of the recipient's alone"), "{said}");
}

#[test]
fn a_report_that_names_nobody_is_a_warning() {
    let batch = proved("");
    batch.write("reports/1003.pdf", pdf(&[&["Annual report"]], b""));
    let found = findings(&batch);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["severity"], "warning");
    assert_part(
        &found[0],
        "text",
        "neither the name nor the id of its recipient",
    );
    let said = batch.run("check", &[]).expect(0).stdout;
    assert!(
        said.contains("3: 2 shown to be the recipient's, 1 without the recipient's name or id\n"),
        "{said}"
    );
}

#[test]
fn a_missing_report_is_answered_with_the_file_that_shows_its_school() {
    let batch = proved("");
    let rename = |to: &str| {
        let from = batch.path("reports/1003.pdf");
        fs::rename(from, batch.path(&format!("reports/{to}"))).unwrap();
        let faults = faults(&batch);
        fs::rename(
            batch.path(&format!("reports/{to}")),
            batch.path("reports/1003.pdf"),
        )
        .unwrap();
        let missing = faults.iter().find(|fault| fault["id"] == "1003").unwrap();
        missing["next_step"].as_str().unwrap().to_owned()
    };
    let next_step = rename("scan0001.pdf");
    assert!(
        next_step.contains("is it `reports/scan0001.pdf`? It shows this recipient"),
        "{next_step}"
    );
    let next_step = rename("final 1003.pdf");
    assert!(next_step.contains("reports/final 1003.pdf"), "{next_step}");
}

#[test]
fn a_swapped_pair_is_refused_by_what_it_must_contain() {
    let batch = proved("must_contain = [\"{{ name }}\"]\ncross_check = false");
    swap(&batch, "1001", "10012");
    let faults = only_faults(&batch);
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
    let found = findings(&batch);
    // A number of so few digits may be any figure.
    assert!(
        found.len() == 3 && found.iter().all(|finding| finding["severity"] == "warning"),
        "{found:#?}"
    );
    swap(&batch, "1001", "10012");
    let faults = only_faults(&batch);
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
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!(faults[0]["id"], "1003");
    assert_part(
        &faults[0],
        "text",
        "the name `St Mary Primary School` of another recipient",
    );
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
