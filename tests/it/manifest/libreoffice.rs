//! Lists as a real LibreOffice writes them: from `init --from` to a check without a finding. Without
//! soffice these tests say that they were skipped.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::own_list::{Own, SCHOOLS, SENDER, ids};

/// A list with a cover, titles, a hidden row, a link and a total, as LibreOffice's flat form has it.
fn flat() -> String {
    let text = |text: &str| {
        format!(
            "<table:table-cell office:value-type=\"string\"><text:p>{}</text:p></table:table-cell>",
            text.replace('\'', "&apos;")
        )
    };
    let row = |cells: &[String]| format!("<table:table-row>{}</table:table-row>", cells.concat());
    let school = |id: &str, name: &str, address: &str| {
        let number: u32 = id.parse().unwrap();
        [
            format!(
                "<table:table-cell table:style-name=\"zeros\" office:value-type=\"float\" office:value=\"{number}\"/>"
            ),
            text(name),
            format!(
                "<table:table-cell office:value-type=\"string\"><text:p><text:a xlink:type=\"simple\" \
                 xlink:href=\"mailto:{address}\">{address}</text:a></text:p></table:table-cell>"
            ),
            "<table:table-cell office:value-type=\"percentage\" office:value=\"0.5\"/>".to_owned(),
        ]
    };
    let mut rows = vec![
        "<table:table-row><table:table-cell table:number-columns-spanned=\"4\" office:value-type=\"string\">\
         <text:p>Annual reports 2026</text:p></table:table-cell>\
         <table:covered-table-cell table:number-columns-repeated=\"3\"/></table:table-row>"
            .to_owned(),
        "<table:table-row/>".to_owned(),
        row(&["DfE number", "School", "Email", "Share"].map(text)),
    ];
    rows.extend(SCHOOLS.map(|(id, name, address)| row(&school(id, name, address))));
    let left = row(&school("30000", "Left School", "left@left.sch.example"));
    rows.push(left.replacen(
        "<table:table-row>",
        "<table:table-row table:visibility=\"collapse\">",
        1,
    ));
    rows.push(row(&[
        "<table:table-cell/>".to_owned(),
        text("Total"),
        "<table:table-cell/>".to_owned(),
        "<table:table-cell table:formula=\"of:=SUM([.D4:.D8])\"/>".to_owned(),
    ]));
    let cover = row(&[text("Study 2026: dispatch of the annual reports")]);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<office:document \
         xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
         xmlns:style=\"urn:oasis:names:tc:opendocument:xmlns:style:1.0\" \
         xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" \
         xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" \
         xmlns:number=\"urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0\" \
         xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
         xmlns:of=\"urn:oasis:names:tc:opendocument:xmlns:of:1.2\" office:version=\"1.3\" \
         office:mimetype=\"application/vnd.oasis.opendocument.spreadsheet\"><office:automatic-styles>\
         <number:number-style style:name=\"N5\"><number:number number:decimal-places=\"0\" \
         number:min-integer-digits=\"5\"/></number:number-style>\
         <style:style style:name=\"zeros\" style:family=\"table-cell\" style:data-style-name=\"N5\"/>\
         </office:automatic-styles><office:body><office:spreadsheet>\
         <table:table table:name=\"Read me\">{cover}</table:table>\
         <table:table table:name=\"Schools\">{}</table:table>\
         </office:spreadsheet></office:body></office:document>",
        rows.concat()
    )
}

/// Has LibreOffice write the list in a form; whether it could.
fn write_by_libreoffice(folder: &Path, form: &str) -> bool {
    let flat_file = folder.join("dispatch.fods");
    fs::write(&flat_file, flat()).unwrap();
    let profile = reqwest::Url::from_file_path(folder.join("profile")).unwrap();
    let run = Command::new("soffice")
        .arg("--headless")
        .arg(format!("-env:UserInstallation={profile}"))
        .args(["--convert-to", form, "--outdir"])
        .arg(folder)
        .arg(&flat_file)
        .output();
    fs::remove_file(&flat_file).unwrap();
    match run {
        Ok(output) => {
            assert!(
                folder.join(format!("dispatch.{form}")).exists(),
                "{output:?}"
            );
            true
        }
        Err(error) => {
            eprintln!("skipped: soffice cannot be run: {error}");
            false
        }
    }
}

/// Two edits, each of which the program names, make a batch without a warning.
#[track_caller]
fn is_clean_after_two_edits(form: &str) {
    let own = Own::new();
    if !write_by_libreoffice(own.folder(), form) {
        return;
    }
    own.reports(|id, school| format!("Report - {school} ({id}).pdf"));
    let list = format!("dispatch.{form}");
    own.init(&list, &["--yes"])
        .expect(0)
        .says("write from in [letter]")
        .says("decide with hidden_rows = \"skip\"");
    let skip = ("# hidden_rows = \"skip\"", "hidden_rows = \"skip\"");
    let checked = own.is_clean_with(&[SENDER, skip]);
    assert_eq!(
        ids(&checked),
        ["00123", "01002", "12345", "20017"],
        "{form}"
    );
    assert_eq!(
        checked["letters"][0]["to"][0],
        "office@st-marys.sch.example"
    );
    let text = fs::read_to_string(own.path("batch.toml")).unwrap();
    for line in [
        "sheet = \"Schools\"",
        "id = \"DfE number\"",
        "path = \"reports/Report - {{ name }} ({{ id }}).pdf\"",
    ] {
        assert!(text.contains(line), "{form}: {line}\n{text}");
    }
}

#[test]
fn a_workbook_that_libreoffice_wrote() {
    is_clean_after_two_edits("xlsx");
}

/// Its hidden row, its zeros and its merged title are in records of Excel until 2003.
#[test]
fn a_workbook_of_old_that_libreoffice_wrote() {
    is_clean_after_two_edits("xls");
}

#[test]
fn a_spreadsheet_that_libreoffice_wrote() {
    is_clean_after_two_edits("ods");
}
