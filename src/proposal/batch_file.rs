//! The text of a proposed batch file, with a comment for each choice.

use super::columns::ColumnChoice;
use super::{BatchParts, ReportNaming};
use crate::figures::plural;
use crate::letter::naming::NamedFile;
use crate::manifest::snake_case;

/// A letter for those who name none.
pub(super) const LETTER: &str = "\
<p>Dear {{ name }},</p>
<p>please find your report attached.</p>
<p>With kind regards</p>
";

/// The line in which the sender is written.
const SENDER: &str = "# from = \"Study Team <reports@study.example>\"   # default: send_emails_as of .secrets.toml\n";

/// The line in which it is said what becomes of hidden rows.
const HIDDEN_ROWS: &str = "# hidden_rows = \"skip\"\n";

/// The batch file.
pub(super) fn text(parts: &BatchParts, doubts: &[String]) -> String {
    let mut text = String::from(
        "# A batch: one mailing, described by this file. Paths are relative to it.\n\
         # `postroom init` proposed it; each choice has its reason.\n",
    );
    if !doubts.is_empty() {
        text.push_str("#\n# To be looked at:\n");
        for doubt in doubts {
            text.push_str(&comment(doubt));
        }
    }
    text.push_str(&format!(
        "\n[batch]\nname = {}{}\n",
        quoted(&parts.title),
        "   # shown in questions, records and status"
    ));
    if parts.outside {
        text.push_str("allow_outside = true   # the list or the reports lie outside this folder\n");
    }
    manifest(&mut text, parts);
    vars(&mut text, parts);
    letter(&mut text, parts);
    attachment(&mut text, parts);
    text.push_str(
        "\n[dispatch]\ntransport = \"outbox\"   # writes files, nothing leaves this machine; \
         \"graph\", \"smtp\" or \"ews\" send\n",
    );
    text
}

fn manifest(text: &mut String, parts: &BatchParts) {
    text.push_str(&format!("\n[manifest]\npath = {}\n", quoted(&parts.list)));
    if let Some(sheet) = &parts.sheet {
        text.push_str(&format!(
            "sheet = {}   # the sheet with most addresses\n",
            quoted(sheet)
        ));
    }
    match parts.header_row {
        Some(row) => text.push_str(&format!(
            "header_row = {row}   # the row of names above the first address\n"
        )),
        None => text.push_str("# header_row = 1   # found by its names if not written\n"),
    }
    let roles = &parts.roles;
    for (key, choice) in [("id", &roles.id), ("name", &roles.name)] {
        if let Some(choice) = choice {
            text.push_str(&comment(&choice.why));
            text.push_str(&format!("{key} = {}\n", quoted(&choice.header)));
        }
    }
    for (key, choices) in [("to", &roles.to), ("cc", &roles.cc), ("bcc", &roles.bcc)] {
        if choices.is_empty() {
            continue;
        }
        for choice in choices {
            text.push_str(&comment(&format!("{}: {}", choice.header, choice.why)));
        }
        text.push_str(&format!("{key} = [{}]\n", list(choices)));
    }
    if roles.conditions.is_empty() {
        text.push_str("# where = \"row['Send'] == 'yes'\"   # only these rows\n");
    } else {
        for (_, what) in &roles.conditions {
            text.push_str(&comment(&format!("{what} are no recipients")));
        }
        let conditions: Vec<&str> = roles
            .conditions
            .iter()
            .map(|(one, _)| one.as_str())
            .collect();
        text.push_str(&format!("where = {}\n", quoted(&conditions.join(" and "))));
    }
    if parts.hidden > 0 {
        text.push_str(&comment(&format!(
            "hidden: {}; \"skip\" leaves them out, \"send\" writes to them too",
            plural(parts.hidden as u64, "row")
        )));
        match &parts.answers.hidden_rows {
            Some(answer) => text.push_str(&format!("hidden_rows = {}\n", quoted(answer))),
            None => text.push_str(HIDDEN_ROWS),
        }
    }
}

fn vars(text: &mut String, parts: &BatchParts) {
    if parts.vars.is_empty() {
        return;
    }
    text.push_str("\n[vars]\n# The same in all letters.\n");
    for (name, value) in &parts.vars {
        text.push_str(&format!("{name} = {}\n", quoted(value)));
    }
}

fn letter(text: &mut String, parts: &BatchParts) {
    let names: Vec<String> = parts
        .columns
        .iter()
        .map(|header| snake_case(header))
        .filter(|name| !name.is_empty() && !matches!(name.as_str(), "id" | "name"))
        .collect();
    text.push_str("\n[letter]\n");
    text.push_str(&comment(&format!("values: id, name, {}", names.join(", "))));
    match &parts.answers.sender {
        Some(sender) => text.push_str(&format!("from = {}\n", quoted(sender))),
        None => text.push_str(SENDER),
    }
    text.push_str("subject = \"Report for {{ name }}\"\n");
    text.push_str(&format!(
        "{} = {}\n",
        parts.letter_key,
        quoted(&parts.letter_file)
    ));
}

fn attachment(text: &mut String, parts: &BatchParts) {
    match &parts.naming {
        ReportNaming::Pattern { path, matched } => {
            text.push_str("\n[[attachment]]\n");
            text.push_str(&comment(&format!(
                "gives {matched} of {} recipients a file of their own",
                parts.recipients
            )));
            text.push_str(&format!("path = {}\n", quoted(path)));
            if let Some(missing) = &parts.answers.missing {
                text.push_str(&format!(
                    "missing = {}   # who has no file gets no letter: \"skip\", or none gets one: \"fault\"\n",
                    quoted(missing)
                ));
            }
        }
        ReportNaming::Table(_) => {
            text.push_str("\n[[attachment]]\n");
            text.push_str(&comment(
                "no pattern names all files: the table has the file of each id, to be checked and corrected",
            ));
            text.push_str("files = \"reports.csv\"\n");
        }
        ReportNaming::None => {
            text.push_str("\n# [[attachment]]\n# path = \"reports/report_{{ id }}.pdf\"\n");
        }
    }
}

fn list(choices: &[ColumnChoice]) -> String {
    let headers: Vec<String> = choices
        .iter()
        .map(|choice| quoted(&choice.header))
        .collect();
    headers.join(", ")
}

/// A line of comment; what would end it is left out.
fn comment(text: &str) -> String {
    let line: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("# {line}\n")
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The table of the reports.
pub(super) fn table(rows: &[(String, NamedFile)]) -> String {
    let mut text = String::from("id,file,why\n");
    for (id, named) in rows {
        let cells = [
            id,
            named.file.as_deref().unwrap_or_default(),
            &named.because,
        ];
        let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

fn csv_cell(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r', ';', '\t']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
