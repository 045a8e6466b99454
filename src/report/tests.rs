use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

use calamine::{Data, DataType, Range, Reader, Xlsx};

use super::*;
use crate::ledger::{AdoptedLetter, BatchIdentity, Claim, Holder, Ledger, Settlement};
use crate::lifecycle::{
    Accepted, Addresses, PersonalWord, PlannedMessage, Refusal, Reply, SentAttachment, SettledAs,
};

const LIST: &str = "Region,ID,School,Email\n\
    North,s1,\"=HYPERLINK(\"\"http://x.example\"\")\",a@s1.example\n\
    North,s2,+44 School,a@s2.example\n\
    ,,,\n\
    South,s1,\"=HYPERLINK(\"\"http://x.example\"\")\",b@s1.example\n\
    South,s3,École,a@s3.example\n";

/// Letters s1 (accepted, refused for one address), s2 (rejected), s3 (settled by hand) and gone
/// (accepted, no longer in the list).
fn ledger(folder: &Path) -> Ledger {
    let start = Timestamp::UNIX_EPOCH;
    let identity = BatchIdentity {
        batch: "b".into(),
        kind: LedgerKind::Mail,
    };
    let holder = Holder {
        command: "send".into(),
        transport: "smtp relay.example:25".into(),
        pid: 4711,
        host: "office".into(),
        started: start,
    };
    let mut ledger = Ledger::open(&folder.join("batch.state.db"), &identity, &holder).unwrap();
    let letter = |id: &str| AdoptedLetter {
        id: id.into(),
        message: PlannedMessage {
            message_id: format!("{id}@x.example"),
            digest: [1; 32],
            addresses: Addresses {
                to: match id {
                    "s1" => vec!["a@s1.example".into(), "b@s1.example".into()],
                    _ => vec![format!("a@{id}.example")],
                },
                ..Addresses::default()
            },
            attachments: vec![SentAttachment {
                name: "r.pdf".into(),
                sha256: [0xab; 32],
                bytes: 7,
                locked: false,
            }],
            parts: None,
        },
    };
    let adopt = |ledger: &mut Ledger, plan: &str, ids: &[&str]| {
        let letters = ids.iter().map(|id| letter(id));
        ledger
            .adopt(plan, "smtp relay.example:587, starttls", &[0; 32], letters)
            .unwrap();
    };
    adopt(&mut ledger, "plan1", &["s1", "s2", "s3", "gone"]);
    let claims: Vec<_> = ledger
        .pending(None, 9)
        .unwrap()
        .iter()
        .map(|pending| Claim {
            seq: pending.seq,
            bytes: 1,
            addresses: 1,
            at: start,
            trace: String::new(),
        })
        .collect();
    let claims = ledger.commit(&[], &claims).unwrap();
    let answer = |code: &str, text: &str| Reply {
        code: code.into(),
        text: text.into(),
    };
    let accepted = |refused| {
        SettledAs::Accepted(Accepted {
            receipt: "250 ok".into(),
            refused,
            rest: None,
        })
    };
    let outcomes = [
        accepted(vec![Refusal {
            address: "b@s1.example".into(),
            code: "550".into(),
            answer: "no".into(),
        }]),
        SettledAs::Rejected(answer("550", "no such user")),
        SettledAs::InDoubt(answer("no answer", "cut")),
        accepted(Vec::new()),
    ];
    let settlements: Vec<_> = claims
        .into_iter()
        .zip(outcomes)
        .map(|(claim, ended)| Settlement {
            claim,
            ended,
            at: start,
            request_ids: Vec::new(),
        })
        .collect();
    ledger.commit(&settlements, &[]).unwrap();
    let word = PersonalWord {
        accepted: true,
        by: "ann on office".into(),
        because: Some("in the Sent folder".into()),
    };
    ledger.resolve(&["s3".into()], &word, start).unwrap();
    adopt(&mut ledger, "plan2", &["s1", "s2", "s3"]);
    ledger
}

fn record(list: &str) -> (Record, Option<Finding>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("list.csv"), list).unwrap();
    fs::write(
        path.join("batch.toml"),
        "[batch]\nname = \"b\"\n[manifest]\npath = \"list.csv\"\nid = \"ID\"\nname = \"School\"\n\
         to = [\"Email\"]\n[letter]\nhtml = \"letter.html\"\nsubject = \"Report\"\n",
    )
    .unwrap();
    let batch = Batch::load(path).unwrap();
    let secrets = Secrets::default();
    let now = Timestamp::UNIX_EPOCH;
    Record::gather(&batch, &secrets, LedgerKind::Mail, &ledger(path), now).unwrap()
}

fn csv(record: &Record) -> String {
    let mut bytes = Vec::new();
    record.write_csv(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_csv_has_every_row_of_the_list_and_then_letters_that_are_no_longer_in_it() {
    let (record, fault) = record(LIST);
    assert_eq!(fault, None);
    let csv = csv(&record);
    let lines: Vec<_> = csv.split("\r\n").collect();
    let digest = "ab".repeat(32);
    let resend = "The other addresses have it. Correct the address in the list if it is wrong; \
        then `postroom resend --only s1 --because …` writes to those that do not have it";
    let refused = format!(
        "accepted,a@s1.example,,1970-01-01T00:00:00Z,s1@x.example,1,{digest},,refused for b@s1.example: 550 no,,{resend}"
    );
    let taken = |id: &str| {
        format!("accepted,a@{id}.example,,1970-01-01T00:00:00Z,{id}@x.example,1,{digest},,,,")
    };
    assert_eq!(
        lines,
        [
            "Region,ID,School,Email,postroom_state,postroom_sent_to,postroom_changed,postroom_accepted_at,postroom_message_id,postroom_attempts,postroom_attachments_sha256,postroom_attachments_locked,postroom_error,postroom_outcome,postroom_next",
            &format!("North,s1,\"'=HYPERLINK(\"\"http://x.example\"\")\",a@s1.example,{refused}"),
            &format!(
                "North,s2,'+44 School,a@s2.example,rejected,,,,s2@x.example,1,{digest},,550: no such user,,Mend what the answer names; then `postroom send --retry-rejected`"
            ),
            &format!("South,s1,\"'=HYPERLINK(\"\"http://x.example\"\")\",b@s1.example,{refused}"),
            &format!("South,s3,École,a@s3.example,{}", taken("s3")),
            &format!(",gone,,,{}", taken("gone")),
            "",
        ]
    );
}

/// A sheet of the workbook, read by another library.
fn sheet(record: &Record, name: &str) -> Range<Data> {
    let bytes = record.workbook().unwrap();
    let mut workbook: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes)).unwrap();
    assert_eq!(
        workbook.sheet_names(),
        ["Dispatch list", "Letters", "Batch"]
    );
    workbook.worksheet_range(name).unwrap()
}

/// A part of the workbook as it is stored.
fn part(record: &Record, name: &str) -> String {
    let bytes = record.workbook().unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    let mut file = archive.by_name(name).unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

fn row(range: &Range<Data>, row: usize) -> Vec<String> {
    range
        .rows()
        .nth(row)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_workbook_has_the_rows_and_columns_of_the_csv() {
    let (record, _) = record(LIST);
    let range = sheet(&record, "Dispatch list");
    let csv = csv(&record);
    let mut lines = ::csv::Reader::from_reader(csv.as_bytes());
    let headers: Vec<String> = lines.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(row(&range, 0), headers);
    let mut count = 0;
    for (line, number) in lines.records().zip(1..) {
        for (column, cell) in line.unwrap().iter().enumerate() {
            let found = range.get((number, column)).unwrap();
            match headers[column].as_str() {
                // As numbers of Excel, and empty where the text is.
                "postroom_accepted_at" if !cell.is_empty() => {
                    assert!(
                        found.is_datetime()
                            && (found.get_datetime().unwrap().as_f64() - 25_569.0).abs() < 1e-9
                    );
                }
                "postroom_attempts" => assert_eq!(found, &Data::Float(1.0)),
                // No mark stands before what looks like a formula: the cell is text.
                _ if cell.is_empty() => assert_eq!(found, &Data::Empty),
                _ => assert_eq!(
                    found,
                    &Data::String(cell.trim_start_matches('\'').to_owned())
                ),
            }
        }
        count += 1;
    }
    assert_eq!(count, 5);
    assert_eq!(range.height(), 6);
}

#[test]
fn what_looks_like_a_number_or_a_formula_is_text_in_the_workbook() {
    let list = LIST
        .replace("North,s2", "0042,s2")
        .replace("+44 School", "=1+1");
    let (record, _) = record(&list);
    let range = sheet(&record, "Dispatch list");
    assert_eq!(range.get((2, 0)), Some(&Data::String("0042".into())));
    assert_eq!(range.get((2, 2)), Some(&Data::String("=1+1".into())));
    let xml = part(&record, "xl/worksheets/sheet1.xml");
    assert!(!xml.contains("<f>") && !xml.contains("<hyperlink"), "{xml}");
    // Excel marks no id as a number, and keeps what is typed as text.
    assert!(xml.contains("numberStoredAsText=\"1\""), "{xml}");
    let styles = part(&record, "xl/styles.xml");
    assert!(styles.contains("numFmtId=\"49\""), "{styles}");
    assert!(styles.contains("yyyy-mm-dd hh:mm:ss"), "{styles}");
}

#[test]
fn the_workbook_has_tables_with_filters_below_a_header_that_stays() {
    let (record, _) = record(LIST);
    for (number, name, cells) in [(1, "DispatchList", "A1:O6"), (2, "Letters", "A1:M6")] {
        let table = part(&record, &format!("xl/tables/table{number}.xml"));
        assert!(table.contains(&format!("name=\"{name}\"")), "{table}");
        assert!(
            table.contains(&format!("<autoFilter ref=\"{cells}\"")),
            "{table}"
        );
        let sheet = part(&record, &format!("xl/worksheets/sheet{number}.xml"));
        assert!(sheet.contains("<pane ySplit=\"1\""), "{sheet}");
        assert!(sheet.contains("state=\"frozen\""), "{sheet}");
        assert!(sheet.contains("customWidth=\"1\""), "{sheet}");
    }
}

#[test]
fn the_workbook_tells_each_address_and_the_batch() {
    let (record, _) = record(LIST);
    let letters = sheet(&record, "Letters");
    let name = "=HYPERLINK(\"http://x.example\")";
    let cells = |number: usize| row(&letters, number);
    assert_eq!(
        cells(0)[..5],
        ["Recipient", "Name", "Address", "Kind", "State"]
    );
    assert_eq!(
        cells(1),
        [
            "s1",
            name,
            "a@s1.example",
            "To",
            "accepted",
            "",
            "",
            "25569",
            "s1@x.example",
            "",
            "",
            "",
            ""
        ]
    );
    assert_eq!(
        cells(2),
        [
            "s1",
            name,
            "b@s1.example",
            "To",
            "refused",
            "550",
            "no",
            "25569",
            "s1@x.example",
            "",
            "",
            "",
            ""
        ]
    );
    assert_eq!(
        cells(3)[..7],
        [
            "s2",
            "+44 School",
            "a@s2.example",
            "To",
            "rejected",
            "550",
            "no such user"
        ]
    );
    assert_eq!(cells(5)[0], "gone");
    assert_eq!(letters.height(), 6);
    let batch = sheet(&record, "Batch");
    let value = |label: &str| {
        let mut rows = batch.rows();
        rows.find(|row| row[0] == *label).unwrap()[1].clone()
    };
    assert_eq!(value("Accepted"), 3.0);
    assert_eq!(value("Rejected"), 1.0);
    assert_eq!(value("Plan"), "plan2");
    assert_eq!(value("The log"), "was whole when this was made");
    assert_eq!(value("Last hash"), record.log.last_hash.as_str());
    let run = batch.rows().find(|row| row[0] == 1.0).unwrap();
    assert_eq!(run[2], "smtp relay.example:25");
    assert_eq!(run[4], "active");
}

#[test]
fn without_its_list_the_workbook_has_the_letters_and_says_so() {
    let (record, _) = record("ID;Name\n");
    assert_eq!(
        row(&sheet(&record, "Dispatch list"), 0)[..2],
        ["id", "postroom_state"]
    );
    let batch = sheet(&record, "Batch");
    assert!(
        batch
            .rows()
            .any(|row| row[1].to_string().contains("the letters alone"))
    );
}

#[test]
fn without_its_list_the_record_has_the_letters_alone_and_says_so() {
    let (record, fault) = record("ID;Name\n");
    assert!(fault.unwrap().text.contains("School"));
    let csv = csv(&record);
    assert_eq!(csv.lines().count(), 5);
    assert!(csv.contains("\r\ngone,accepted,"), "{csv}");
    let json: serde_json::Value = serde_json::from_str(&record.json()).unwrap();
    assert!(
        json["notice"]
            .as_str()
            .unwrap()
            .contains("the letters alone")
    );
    assert_eq!(json["letters"][0]["name"], serde_json::Value::Null);
}

#[test]
fn the_json_has_who_said_what_and_why() {
    let (record, _) = record(LIST);
    assert_eq!(record.to_look_into(), 2);
    let json: serde_json::Value = serde_json::from_str(&record.json()).unwrap();
    assert_eq!(json["counts"]["accepted"], 3);
    assert_eq!(json["log"]["whole"], true);
    let letter = &json["letters"][2];
    assert_eq!(letter["name"], "École");
    assert_eq!(letter["to"][0], "a@s3.example");
    assert_eq!(letter["resolved"]["by"], "ann on office");
    assert_eq!(letter["resolved"]["because"], "in the Sent folder");
}

#[test]
fn what_the_record_adds_is_known_by_its_name() {
    let mut added = columns::ADDED.iter();
    assert!(added.all(|name| name.starts_with(crate::manifest::RECORD_COLUMNS)));
}
