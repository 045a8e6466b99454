//! `postroom init --from`: from a list as people keep it to a check without a finding.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use rust_xlsxwriter::{Format, Url, Workbook};
use serde_json::Value;

use crate::support::pdf::pdf;
use crate::support::{Ran, program};

pub const SENDER: (&str, &str) = (
    "# from = \"Study Team <reports@study.example>\"",
    "from = \"Study Team <reports@study.example>\"",
);

/// Schools of the lists: id, name, address.
pub const SCHOOLS: [(&str, &str, &str); 4] = [
    (
        "00123",
        "St Mary's CofE Primary",
        "office@st-marys.sch.example",
    ),
    ("01002", "Oak Hill School", "head@oak-hill.sch.example"),
    ("12345", "Elm Park Academy", "admin@elm-park.sch.example"),
    ("20017", "Ash Vale Infants", "office@ash-vale.sch.example"),
];

fn one_page(text: &str) -> Vec<u8> {
    pdf(&[&[text]], b"")
}

pub struct Own {
    folder: tempfile::TempDir,
}

impl Own {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("reports")).unwrap();
        Self { folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a report for each school, named by this.
    pub fn reports(&self, name: impl Fn(&str, &str) -> String) {
        for (id, school, _) in SCHOOLS {
            let file = self.path("reports").join(name(id, school));
            fs::write(file, one_page(&format!("Report for {school}"))).unwrap();
        }
    }

    #[track_caller]
    pub fn init(&self, list: &str, further: &[&str]) -> Ran {
        let mut command = program();
        command.arg("init").arg(self.folder.path());
        command.arg("--from").arg(self.path(list));
        Ran::of(command.args(further).output().unwrap())
    }

    /// Takes the proposal, makes these edits of the batch file, and checks: no fault and no warning.
    #[track_caller]
    fn is_clean_after(&self, list: &str, edits: &[(&str, &str)]) -> Value {
        self.init(list, &["--yes"]).expect(0);
        self.is_clean_with(edits)
    }

    /// The same for a proposal that was taken.
    #[track_caller]
    pub fn is_clean_with(&self, edits: &[(&str, &str)]) -> Value {
        assert!(edits.len() <= 3);
        self.edit(edits);
        let checked = self.check().expect(0).json();
        let findings = checked["findings"].as_array().unwrap();
        assert!(
            findings
                .iter()
                .all(|finding| finding["severity"] == "notice"),
            "{}\n{findings:#?}",
            fs::read_to_string(self.path("batch.toml")).unwrap()
        );
        checked
    }

    #[track_caller]
    fn edit(&self, edits: &[(&str, &str)]) {
        let file = self.path("batch.toml");
        let mut text = fs::read_to_string(&file).unwrap();
        for (part, other) in edits {
            assert!(text.contains(part), "{part} is not in {text}");
            text = text.replace(part, other);
        }
        fs::write(&file, text).unwrap();
    }

    fn check(&self) -> Ran {
        check(self.folder.path())
    }
}

fn check(folder: &Path) -> Ran {
    Ran::of(
        program()
            .arg("check")
            .arg(folder)
            .arg("--json")
            .output()
            .unwrap(),
    )
}

#[track_caller]
pub fn ids(checked: &Value) -> Vec<&str> {
    let letters = checked["letters"].as_array().unwrap().iter();
    letters
        .map(|letter| letter["id"].as_str().unwrap())
        .collect()
}

#[test]
fn a_study_list_with_titles_a_cover_links_and_a_total() {
    let own = Own::new();
    let mut book = Workbook::new();
    let cover = book.add_worksheet().set_name("Read me").unwrap();
    cover
        .write(0, 0, "Study 2026: dispatch of the annual reports")
        .unwrap();
    let sheet = book.add_worksheet().set_name("Schools").unwrap();
    sheet
        .merge_range(0, 0, 0, 4, "Annual reports 2026", &Format::new().set_bold())
        .unwrap();
    sheet.write(1, 0, "State of").unwrap();
    sheet.write(1, 1, "12 March 2026").unwrap();
    for (column, header) in (0..).zip(["No.", "URN", "School name", "Head teacher", "Email"]) {
        sheet.write(3, column, header).unwrap();
    }
    for (row, (id, school, address)) in (4_u32..).zip(SCHOOLS) {
        sheet.write(row, 0, row - 3).unwrap();
        let zeros = Format::new().set_num_format("00000");
        let number: u32 = id.parse().unwrap();
        sheet.write_with_format(row, 1, number, &zeros).unwrap();
        sheet.write(row, 2, school).unwrap();
        sheet.write(row, 3, format!("Head {row}")).unwrap();
        let link = Url::new(format!("mailto:{address}")).set_text(address);
        sheet.write_url(row, 4, link).unwrap();
    }
    sheet.write(9, 2, "Total").unwrap();
    sheet.write(9, 3, 4).unwrap();
    book.save(own.path("dispatch.xlsx")).unwrap();
    own.reports(|id, school| format!("Report - {school} ({id}).pdf"));
    let checked = own.is_clean_after("dispatch.xlsx", &[SENDER]);
    assert_eq!(ids(&checked), ["00123", "01002", "12345", "20017"]);
    let text = fs::read_to_string(own.path("batch.toml")).unwrap();
    for line in [
        "sheet = \"Schools\"",
        "header_row = 4",
        "id = \"URN\"",
        "name = \"School name\"",
        "to = [\"Email\"]",
        "path = \"reports/Report - {{ name }} ({{ id }}).pdf\"",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(checked["left_out"][0]["because"], "where");
}

/// A reminder is made from the record of the first mailing: what the record adds is nobody's address.
#[test]
fn a_record_of_a_mailing_as_the_list_of_the_next() {
    let own = Own::new();
    let mut list = String::from(
        "DfE number;School;Email;postroom_state;postroom_sent_to;postroom_message_id\r\n",
    );
    for (id, school, address) in SCHOOLS {
        let record = match id {
            "12345" => "left out (where);;".to_owned(),
            _ => format!("accepted;old-{address};{id}.postroom@study.example"),
        };
        list.push_str(&format!("{id};{school};{address};{record}\r\n"));
    }
    fs::write(own.path("record.csv"), list).unwrap();
    own.reports(|id, _| format!("{id}.pdf"));
    let checked = own.is_clean_after("record.csv", &[SENDER]);
    assert_eq!(ids(&checked), ["00123", "01002", "20017"]);
    let to = checked["letters"][0]["to"].as_array().unwrap();
    assert_eq!(to, &["office@st-marys.sch.example"]);
}

#[test]
fn a_column_of_yes_and_no_is_worth_a_look() {
    let own = Own::new();
    let mut list = String::from("DfE number;School;E-mail;Versand (ja/nein)\r\n");
    for (place, (id, school, address)) in SCHOOLS.into_iter().enumerate() {
        let sent = ["ja", "nein"][usize::from(place == 2)];
        list.push_str(&format!("{id};{school};{address};{sent}\r\n"));
    }
    fs::write(own.path("list.csv"), list).unwrap();
    own.reports(|id, _| format!("{id}.pdf"));
    let ran = own.init("list.csv", &["--yes"]).expect(0);
    let (_, rest) = ran.stderr.split_once("`Versand (ja/nein)`").unwrap();
    assert!(
        rest.starts_with(" has `ja` in 3 rows and not in 1"),
        "{ran:?}"
    );
    let (_, condition) = rest.split_once("where = \"").unwrap();
    let (condition, _) = condition.split_once('"').unwrap();
    let example = "# where = \"row['Send'] == 'yes'\"";
    let wanted = format!("where = \"{condition}\"");
    let checked = own.is_clean_with(&[SENDER, (example, &wanted)]);
    assert_eq!(ids(&checked), ["00123", "01002", "20017"]);
}

#[test]
fn an_export_with_a_line_for_excel_and_formulas_for_zeros() {
    let own = Own::new();
    let mut list = String::from("sep=;\r\nSchool;DfE number;E-mail;Cc\r\n");
    for (id, school, address) in SCHOOLS {
        list.push_str(&format!(
            "{school};=\"{id}\";{address};team@study.example\r\n"
        ));
    }
    fs::write(own.path("list.csv"), list).unwrap();
    own.reports(|id, _| format!("{}.pdf", id.trim_start_matches('0')));
    let checked = own.is_clean_after("list.csv", &[SENDER]);
    assert_eq!(checked["letters"][0]["cc"][0], "team@study.example");
    let text = fs::read_to_string(own.path("batch.toml")).unwrap();
    assert!(
        text.contains("path = \"reports/{{ id | int }}.pdf\""),
        "{text}"
    );
}

#[test]
fn several_rows_of_a_school_with_merged_ids() {
    let own = Own::new();
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, header) in (0..).zip(["School ID", "School", "Contact", "Email"]) {
        sheet.write(0, column, header).unwrap();
    }
    for (place, (id, school, address)) in (0_u32..).zip(SCHOOLS) {
        let row = 1 + 2 * place;
        let plain = Format::new();
        sheet.merge_range(row, 0, row + 1, 0, id, &plain).unwrap();
        sheet
            .merge_range(row, 1, row + 1, 1, school, &plain)
            .unwrap();
        for (below, who) in [(0, "Office"), (1, "Leader")] {
            sheet.write(row + below, 2, who).unwrap();
            let (_, domain) = address.split_once('@').unwrap();
            sheet
                .write(row + below, 3, format!("{}@{domain}", who.to_lowercase()))
                .unwrap();
        }
    }
    book.save(own.path("schools.xlsx")).unwrap();
    own.reports(|id, school| format!("{id} {school}.pdf"));
    let checked = own.is_clean_after("schools.xlsx", &[SENDER]);
    assert_eq!(ids(&checked), ["00123", "01002", "12345", "20017"]);
    let to = &checked["letters"][1]["to"];
    assert_eq!(to[0], "office@oak-hill.sch.example");
    assert_eq!(to[1], "leader@oak-hill.sch.example");
}

#[test]
fn a_filtered_list_is_decided_by_one_edit_that_check_names() {
    let own = Own::new();
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, header) in (0..).zip(["ID", "Name", "Email"]) {
        sheet.write(0, column, header).unwrap();
    }
    let rows = SCHOOLS
        .into_iter()
        .chain([("30000", "Left School", "left@left.sch.example")]);
    for (row, (id, school, address)) in (1_u32..).zip(rows) {
        sheet.write(row, 0, id).unwrap();
        sheet.write(row, 1, school).unwrap();
        sheet.write(row, 2, address).unwrap();
    }
    sheet.set_row_hidden(5).unwrap();
    book.save(own.path("list.xlsx")).unwrap();
    own.reports(|_, school| format!("{}.pdf", school.replace(' ', "_")));
    own.init("list.xlsx", &["--yes"])
        .expect(0)
        .says("hidden_rows");
    own.edit(&[SENDER]);
    let faults = own.check().expect(3).json();
    let next = faults["findings"][0]["next_step"].as_str().unwrap();
    assert!(next.contains("hidden_rows = \"skip\""), "{next}");
    own.edit(&[("# hidden_rows = \"skip\"", "hidden_rows = \"skip\"")]);
    let checked = own.check().expect(0).json();
    assert_eq!(checked["left_out"][0]["name"], "Left School");
    assert_eq!(checked["left_out"][0]["because"], "hidden_rows");
    assert_eq!(checked["letters"].as_array().unwrap().len(), 4);
}

#[test]
fn a_spreadsheet_of_libreoffice_with_the_letter_of_a_mail_merge() {
    let own = Own::new();
    let mut rows = String::from(
        "<table:table-row><table:table-cell table:number-columns-repeated=\"2\"/></table:table-row>",
    );
    let row = |cells: &[&str]| {
        let cells: Vec<String> = cells
            .iter()
            .map(|cell| {
                format!(
                    "<table:table-cell office:value-type=\"string\"><text:p>{}</text:p></table:table-cell>",
                    cell.replace('\'', "&apos;")
                )
            })
            .collect();
        format!("<table:table-row>{}</table:table-row>", cells.concat())
    };
    rows.push_str(&row(&["Code", "Centre name", "Mail", "Head"]));
    for (id, school, address) in SCHOOLS {
        rows.push_str(&row(&[id, school, address, "Ms Gray"]));
    }
    rows.push_str(
        "<table:table-row table:number-rows-repeated=\"1048000\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>",
    );
    fs::write(own.path("centres.ods"), ods(&rows)).unwrap();
    own.reports(|id, _| format!("report_{id}_2026.pdf"));
    fs::write(
        own.path("merge.html"),
        "<p>Dear \u{ab}Head\u{bb},</p><p>the report of {{Centre name}} ({Code}) is attached.</p>",
    )
    .unwrap();
    let letter = own.path("merge.html");
    let said = own
        .init(
            "centres.ods",
            &["--yes", "--letter", letter.to_str().unwrap()],
        )
        .expect(0)
        .output();
    assert!(said.contains("became {{ head }}"), "{said}");
    own.edit(&[SENDER]);
    own.check().expect(0);
    let letter = fs::read_to_string(own.path("letter.html")).unwrap();
    assert_eq!(
        letter,
        "<p>Dear {{ head }},</p><p>the report of {{ name }} ({{ id }}) is attached.</p>"
    );
}

/// An archive of these parts.
fn packed(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in parts {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(*name, options).unwrap();
        archive.write_all(contents.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn a_letter_from_word_and_reports_whose_names_hold_more() {
    let own = Own::new();
    let mut list = String::from("URN,School,Email,Head\n");
    for (id, school, address) in SCHOOLS {
        list.push_str(&format!("{id},{school},{address},Ms Gray\n"));
    }
    fs::write(own.path("list.csv"), list).unwrap();
    own.reports(|id, school| format!("{} ({id}).pdf", &school[..5]));
    let document = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><w:document \
        xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body><w:p><w:r>\
        <w:t>Dear \u{ab}Head\u{bb},</w:t></w:r></w:p></w:body></w:document>";
    let letter = own.path("letter.docx");
    fs::write(&letter, packed(&[("word/document.xml", document)])).unwrap();
    own.init("list.csv", &["--yes", "--letter", letter.to_str().unwrap()])
        .expect(0);
    own.edit(&[SENDER]);
    own.check().expect(0);
    let html = fs::read_to_string(own.path("letter.html")).unwrap();
    assert!(html.contains("Dear {{ head }},"), "{html}");
    let text = fs::read_to_string(own.path("batch.toml")).unwrap();
    assert!(
        text.contains("path = \"reports/* ({{ id }}).pdf\""),
        "{text}"
    );
}

#[test]
fn a_letter_in_markdown_is_taken_as_it_is() {
    let own = Own::new();
    fs::write(
        own.path("list.csv"),
        "ID,School,Email\n1,Oak Hill School,a@s.example\n",
    )
    .unwrap();
    let report = one_page("Report for Oak Hill School");
    fs::write(own.path("reports/1.pdf"), report).unwrap();
    let letter = own.path("mine.md");
    fs::write(&letter, "Dear **{School}**,\n\nyour report.\n").unwrap();
    own.init("list.csv", &["--yes", "--letter", letter.to_str().unwrap()])
        .expect(0);
    own.edit(&[SENDER]);
    own.check().expect(0);
    let text = fs::read_to_string(own.path("letter.md")).unwrap();
    assert_eq!(text, "Dear **{{ name }}**,\n\nyour report.\n");
}

/// A spreadsheet of OpenDocument with these rows.
fn ods(rows: &str) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    archive.start_file("content.xml", options).unwrap();
    let contents = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<office:document-content \
         xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
         xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" \
         xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" office:version=\"1.3\">\
         <office:body><office:spreadsheet><table:table table:name=\"Sheet1\">{rows}</table:table>\
         </office:spreadsheet></office:body></office:document-content>"
    );
    archive.write_all(contents.as_bytes()).unwrap();
    archive.finish().unwrap().into_inner()
}

#[test]
fn a_list_without_ids_whose_reports_have_the_names() {
    let own = Own::new();
    let mut list = String::from("School,Email\n");
    for (_, school, address) in SCHOOLS {
        list.push_str(&format!("{school},{address}\n"));
    }
    fs::write(own.path("list.csv"), list).unwrap();
    own.reports(|_, school| format!("{school} - final.pdf"));
    let checked = own.is_clean_after("list.csv", &[SENDER]);
    assert_eq!(ids(&checked)[1], "Oak Hill School");
}

#[test]
fn reports_without_a_pattern_are_named_in_a_table() {
    let own = Own::new();
    let mut list = String::from("ID,School,Email\n");
    for (id, school, address) in SCHOOLS {
        list.push_str(&format!("{id},{school},{address}\n"));
    }
    fs::write(own.path("list.csv"), list).unwrap();
    let names = [
        "x 00123.pdf",
        "Oak Hill School (new).pdf",
        "12345-b.pdf",
        "another.pdf",
    ];
    for name in names {
        fs::write(own.path("reports").join(name), one_page("x")).unwrap();
    }
    own.init("list.csv", &["--yes"])
        .expect(0)
        .says("1 recipients have no certain file");
    let table = fs::read_to_string(own.path("reports.csv")).unwrap();
    assert!(
        table.starts_with("id,file,why\n00123,reports/x 00123.pdf,"),
        "{table}"
    );
    assert!(
        table.contains("01002,reports/Oak Hill School (new).pdf,"),
        "{table}"
    );
    assert!(table.contains("20017,,no file name shows"), "{table}");
    let text = fs::read_to_string(own.path("batch.toml")).unwrap();
    assert!(text.contains("files = \"reports.csv\""), "{text}");
    for (name, (_, school, _)) in names.into_iter().zip(SCHOOLS) {
        let report = one_page(&format!("Report for {school}"));
        fs::write(own.path("reports").join(name), report).unwrap();
    }
    let filled = table.replace("20017,,", "20017,reports/another.pdf,");
    fs::write(own.path("reports.csv"), filled).unwrap();
    own.edit(&[SENDER]);
    own.check().expect(0);
}

#[test]
fn nothing_of_the_users_is_changed_and_nothing_written_over() {
    let own = Own::new();
    fs::write(own.path("list.csv"), "ID,School,Email\n1,Oak,a@s.example\n").unwrap();
    fs::write(own.path("batch.toml"), "# mine\n").unwrap();
    own.init("list.csv", &["--yes"])
        .expect(2)
        .says("batch.toml")
        .says("nothing was written");
    assert_eq!(
        fs::read_to_string(own.path("batch.toml")).unwrap(),
        "# mine\n"
    );
    assert!(!own.path("letter.html").exists());
}

#[test]
fn the_proposal_is_printed_for_programs_and_nobody_is_asked_without_a_terminal() {
    let own = Own::new();
    fs::write(own.path("list.csv"), "ID,School,Email\n1,Oak,a@s.example\n").unwrap();
    let proposal = own.init("list.csv", &["--json"]).expect(0).json();
    assert_eq!(proposal["files"][0][0], "batch.toml");
    assert!(!own.path("batch.toml").exists());
    own.init("list.csv", &[]).expect(2).says("add --yes");
    assert!(!own.path("batch.toml").exists());
}

#[test]
fn a_list_without_addresses_is_no_list() {
    let own = Own::new();
    fs::write(own.path("list.csv"), "ID,School\n1,Oak\n").unwrap();
    own.init("list.csv", &["--yes"])
        .expect(2)
        .says("no column of mail addresses was found")
        .says("`ID`, `School`");
}
