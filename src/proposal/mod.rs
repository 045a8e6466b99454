//! A batch file for a list, reports and a letter that are there already: what their columns and names
//! seem to be, each with its reason, and what a person should look at.
//!
//! Nothing is copied, and none of the files that it is made of is changed.

mod batch_file;
mod columns;
mod letter;
mod questions;

use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use self::columns::{ColumnChoice, ColumnRoles};
use self::letter::{ConvertedLetter, MergeFields};
use self::questions::MarkMeaning;
pub(crate) use self::questions::{Answers, OpenQuestion};
use crate::finding::{Finding, quote};
use crate::letter::assign_by_contents;
use crate::letter::naming::{NamedFile, NamedRecipient, assign, propose};
use crate::letter::word;
use crate::manifest::{ListSurvey, Table};

/// A folder with more reports is not looked at to its end.
const MOST_FILES: usize = 100_000;
/// So many recipients without a certain file are asked about, one by one.
const MOST_ASKED: usize = 20;
/// A letter is no longer than this.
const LARGEST_LETTER: u64 = 32 << 20;

/// What a proposal is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProposalRequest {
    /// The folder that becomes the batch's.
    pub folder: PathBuf,
    /// The list.
    pub list: PathBuf,
    /// The folder of the reports; `reports` in the folder or beside the list if not given.
    pub reports: Option<PathBuf>,
    /// The letter.
    pub letter: Option<PathBuf>,
    /// What a person said to questions of an earlier proposal.
    pub answers: Answers,
}

/// A proposed batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Proposal {
    /// The files to be written into the folder: their names and what is in them. The first one is the
    /// batch file.
    pub files: Vec<(String, String)>,
    /// The pictures of a letter from Word, which belong beside it.
    #[serde(skip)]
    pub pictures: Vec<(String, Vec<u8>)>,
    /// What was chosen, and why.
    pub reasons: Vec<String>,
    /// What a person should look at.
    pub doubts: Vec<String>,
    /// What a person can be asked about.
    pub open: Vec<OpenQuestion>,
}

/// The kinds of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LetterKind {
    Markdown,
    Html,
    Text,
    Word,
}

impl LetterKind {
    fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match ending.as_str() {
            "md" | "markdown" => Self::Markdown,
            "html" | "htm" => Self::Html,
            "txt" => Self::Text,
            "docx" => Self::Word,
            _ => return None,
        })
    }

    /// The key of `[letter]`, and the name of the file.
    fn key_and_name(self) -> (&'static str, &'static str) {
        match self {
            Self::Markdown => ("markdown", "letter.md"),
            Self::Html | Self::Word => ("html", "letter.html"),
            Self::Text => ("text", "letter.txt"),
        }
    }
}

/// How the reports are named.
enum ReportNaming {
    /// By a pattern, which so many recipients have a file by.
    Pattern { path: String, matched: usize },
    /// By a table.
    Table(Vec<(String, NamedFile)>),
    /// There are none.
    None,
}

/// What stands in a batch file.
struct BatchParts {
    title: String,
    list: String,
    outside: bool,
    sheet: Option<String>,
    header_row: Option<u32>,
    hidden: usize,
    roles: ColumnRoles,
    naming: ReportNaming,
    recipients: usize,
    answers: Answers,
    letter_key: &'static str,
    letter_file: String,
    columns: Vec<String>,
    vars: Vec<(String, String)>,
}

impl Proposal {
    /// Looks at the files and proposes a batch.
    ///
    /// # Errors
    /// When the list or the letter cannot be read, or the list has no column of addresses.
    pub(crate) fn of(request: &ProposalRequest) -> Result<Self, Vec<Finding>> {
        let answers = &request.answers;
        let survey = ListSurvey::of(&request.list, answers.sheet.as_deref())?;
        if let Some(named) = request.reports.as_ref().filter(|named| !named.is_dir()) {
            return Err(vec![Finding::fault(
                format!("there is no folder {}", quote(&named.display().to_string())),
                "name the folder that holds the reports with --reports",
            )]);
        }
        let said = answers.reports.as_ref().map(PathBuf::from);
        let reports = said.or_else(|| request.reports.clone());
        let reports = reports.or_else(|| usual_reports(request));
        let files = reports.as_deref().map(files_of).unwrap_or_default();
        let roles = columns::roles(&survey, &files, answers);
        let (Some(id), Some(name), false) = (&roles.id, &roles.name, roles.to.is_empty()) else {
            return Err(vec![no_columns(&survey, &request.list)]);
        };
        let table = &survey.table;
        let recipients = recipients(table, &id.header, &name.header);
        let (list, list_outside) = relative(&request.folder, &request.list);
        let mut outside = list_outside;
        let naming = match &reports {
            None => ReportNaming::None,
            Some(place) => {
                let (folder, reports_outside) = relative(&request.folder, place);
                outside |= reports_outside;
                naming((place, &folder), &files, &recipients, answers)
            }
        };
        let (letter_key, letter_name, converted) = letter_of(request, table, id, name)?;
        let is_first = table.header_row() <= 1;
        let mut parts = BatchParts {
            title: title(request),
            list,
            outside,
            sheet: survey.sheet.clone(),
            header_row: (!is_first).then(|| table.header_row()),
            hidden: table.left_out().len(),
            naming,
            recipients: recipients.len(),
            answers: answers.clone(),
            letter_key,
            letter_file: letter_name.clone(),
            columns: table.headers().to_vec(),
            vars: converted.vars.clone(),
            roles,
        };
        let open = questions_of(&parts, &survey, &recipients, &converted);
        let mut doubts: Vec<String> = open.iter().filter_map(OpenQuestion::doubt).collect();
        if let ReportNaming::Table(rows) = &parts.naming {
            let without = rows.iter().filter(|(_, named)| named.file.is_none());
            match without.count() {
                0 => {}
                without => doubts.push(format!(
                    "{without} recipients have no certain file in reports.csv: fill them in"
                )),
            }
        }
        doubts.extend(columns::choices(table));
        let left_out = converted.left_out.iter();
        doubts.extend(
            left_out.map(|what| format!("the letter in Word shows what its HTML does not: {what}")),
        );
        let reasons = reasons_of(&parts, &converted);
        let mut written = vec![("batch.toml".to_owned(), batch_file::text(&parts, &doubts))];
        written.push((letter_name, converted.text));
        let pictures = converted.pictures;
        if let ReportNaming::Table(rows) = &mut parts.naming {
            written.push(("reports.csv".to_owned(), batch_file::table(rows)));
        }
        Ok(Self {
            files: written,
            pictures,
            reasons,
            doubts,
            open,
        })
    }
}

fn no_columns(survey: &ListSurvey, list: &Path) -> Finding {
    let headers: Vec<String> = survey
        .table
        .headers()
        .iter()
        .filter(|header| !header.trim().is_empty())
        .map(|header| format!("`{}`", quote(header)))
        .collect();
    Finding::fault(
        format!(
            "no column of mail addresses was found; row {} was taken for the header, with {}",
            survey.table.header_row(),
            headers.join(", ")
        ),
        "see that the list has a row of column names and a column of addresses; `postroom init DIR` alone writes a batch file to fill in",
    )
    .file(list.display().to_string())
}

/// Recipients as the list has them, each once.
fn recipients<'a>(table: &'a Table, id: &str, name: &str) -> Vec<NamedRecipient<'a>> {
    let column = |header: &str| table.headers().iter().position(|other| other == header);
    let (Some(id), Some(name)) = (column(id), column(name)) else {
        return Vec::new();
    };
    let left_out: std::collections::HashSet<usize> = table.left_out().map(|(row, _)| row).collect();
    let mut seen = std::collections::HashSet::new();
    (0..table.len())
        .filter(|row| !left_out.contains(row))
        .map(|row| NamedRecipient {
            id: table.cell(row, id).trim(),
            name: table.cell(row, name).trim(),
        })
        .filter(|one| {
            !one.id.is_empty() && !crate::manifest::is_total(one.id) && seen.insert(one.id)
        })
        .collect()
}

/// How the reports of a folder are named, which is a place on the disk and a path of the batch file.
fn naming(
    (place, folder): (&Path, &str),
    files: &[String],
    recipients: &[NamedRecipient<'_>],
    answers: &Answers,
) -> ReportNaming {
    if files.is_empty() {
        return ReportNaming::None;
    }
    let inside = |file: &str| {
        if folder.is_empty() {
            file.to_owned()
        } else {
            format!("{folder}/{file}")
        }
    };
    let mut assigned = assign(files, recipients);
    let certain = assigned.iter().filter(|one| one.file.is_some()).count();
    match propose(files, recipients) {
        // A table that knows more files is of more use than a pattern that misses them.
        Some(pattern) if pattern.matched >= certain => ReportNaming::Pattern {
            path: inside(&pattern.template),
            matched: pattern.matched,
        },
        _ => {
            assign_by_contents(place, files, recipients, &mut assigned);
            for (recipient, named) in recipients.iter().zip(&mut assigned) {
                if let Some(answer) = answers.files.get(recipient.id) {
                    named.file = Some(file_meant(files, answer));
                    "somebody said so".clone_into(&mut named.because);
                }
            }
            ReportNaming::Table(
                recipients
                    .iter()
                    .zip(assigned)
                    .map(|(recipient, mut named)| {
                        named.file = named.file.map(|file| inside(&file));
                        (recipient.id.to_owned(), named)
                    })
                    .collect(),
            )
        }
    }
}

/// The file that a person named, with its ending or without.
fn file_meant(files: &[String], answer: &str) -> String {
    let is_meant = |file: &&String| {
        file.eq_ignore_ascii_case(answer)
            || file
                .rsplit_once('.')
                .is_some_and(|(stem, _)| stem.eq_ignore_ascii_case(answer))
    };
    let found = files.iter().find(is_meant);
    found.map_or_else(|| answer.to_owned(), Clone::clone)
}

fn letter_of(
    request: &ProposalRequest,
    table: &Table,
    id: &ColumnChoice,
    name: &ColumnChoice,
) -> Result<(&'static str, String, ConvertedLetter), Vec<Finding>> {
    let Some(path) = &request.letter else {
        let (key, file) = LetterKind::Html.key_and_name();
        let converted = ConvertedLetter {
            text: batch_file::LETTER.to_owned(),
            ..ConvertedLetter::default()
        };
        return Ok((key, file.to_owned(), converted));
    };
    let refuse = |text: String, next: &str| {
        vec![Finding::fault(text, next).file(path.display().to_string())]
    };
    let Some(kind) = LetterKind::of(path) else {
        return Err(refuse(
            "a letter of this kind cannot be read".to_owned(),
            "save it as .docx, .html, .md or .txt",
        ));
    };
    let bytes = read(path).map_err(|error| {
        refuse(
            format!("the letter cannot be read: {error}"),
            "name the letter with --letter",
        )
    })?;
    let (text, pictures, left_out) = if kind == LetterKind::Word {
        let word = word::from_word(&bytes, "letter-").map_err(|error| {
            refuse(
                format!("the letter cannot be read: {error}"),
                "save it again as .docx, or as .html",
            )
        })?;
        (word.html, word.pictures, word.left_out)
    } else {
        (decode(bytes), Vec::new(), Vec::new())
    };
    let fields = MergeFields {
        headers: table.headers(),
        id: &id.header,
        name: &name.header,
    };
    let text = text.trim_start_matches('\u{feff}');
    let mut converted = letter::convert(text, &fields, &request.answers);
    (converted.pictures, converted.left_out) = (pictures, left_out);
    let (key, file) = kind.key_and_name();
    let is_own = request.folder.join(file).canonicalize().ok() == path.canonicalize().ok();
    let file = if is_own {
        format!("template-{file}")
    } else {
        file.to_owned()
    };
    Ok((key, file, converted))
}

/// The text of a letter: Word saves HTML in the encoding of the system.
fn decode(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let bytes = error.into_bytes();
        let encoding = encoding_rs::Encoding::for_bom(&bytes)
            .map_or(encoding_rs::WINDOWS_1252, |(encoding, _)| encoding);
        encoding.decode(&bytes).0.into_owned()
    })
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    crate::regular::open(path)?
        .take(LARGEST_LETTER)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn reasons_of(parts: &BatchParts, converted: &ConvertedLetter) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(sheet) = &parts.sheet {
        reasons.push(format!("sheet      {sheet}"));
    }
    let roles = &parts.roles;
    let named = [
        ("id", roles.id.as_slice()),
        ("name", roles.name.as_slice()),
        ("to", &roles.to),
        ("cc", &roles.cc),
        ("bcc", &roles.bcc),
    ];
    for (word, choices) in named {
        for choice in choices {
            reasons.push(format!("{word:<10} {}: {}", choice.header, choice.why));
        }
    }
    reasons.push(match &parts.naming {
        ReportNaming::Pattern { path, matched } => {
            format!("reports    {path}: gives {matched} of {} recipients a file", parts.recipients)
        }
        ReportNaming::Table(rows) => format!(
            "reports    reports.csv: no pattern names all files; {} of {} recipients have one in it",
            rows.iter().filter(|(_, named)| named.file.is_some()).count(),
            rows.len()
        ),
        ReportNaming::None => "reports    none".to_owned(),
    });
    for (mark, template) in &converted.replaced {
        reasons.push(format!("letter     {mark} became {template}"));
    }
    reasons
}

/// What is doubtful, in the order in which it stands in the batch file, without what was answered.
fn questions_of(
    parts: &BatchParts,
    survey: &ListSurvey,
    recipients: &[NamedRecipient<'_>],
    converted: &ConvertedLetter,
) -> Vec<OpenQuestion> {
    let answers = &parts.answers;
    let mut open = Vec::new();
    if let Some(chosen) = &parts.sheet
        && !survey.other_sheets.is_empty()
        && answers.sheet.is_none()
    {
        open.push(OpenQuestion::Sheet {
            chosen: chosen.clone(),
            others: survey.other_sheets.clone(),
        });
    }
    open.extend(parts.roles.questions.iter().cloned());
    if parts.hidden > 0 && answers.hidden_rows.is_none() {
        open.push(OpenQuestion::HiddenRows { rows: parts.hidden });
    }
    match &parts.naming {
        ReportNaming::Pattern { matched, .. } => {
            if *matched < parts.recipients && answers.missing.is_none() {
                open.push(OpenQuestion::NoReport {
                    recipients: parts.recipients - matched,
                });
            }
        }
        ReportNaming::Table(rows) => {
            let uncertain = rows.iter().zip(recipients);
            let uncertain = uncertain.filter(|((_, named), _)| named.file.is_none());
            open.extend(uncertain.take(MOST_ASKED).map(|((id, named), recipient)| {
                OpenQuestion::File {
                    id: id.clone(),
                    name: recipient.name.to_owned(),
                    because: named.because.clone(),
                }
            }));
        }
        ReportNaming::None => open.push(OpenQuestion::Reports),
    }
    open.extend(converted.unknown.iter().map(|mark| OpenQuestion::Mark {
        mark: mark.clone(),
        columns: parts.columns.clone(),
    }));
    if answers.sender.is_none() {
        open.push(OpenQuestion::Sender);
    }
    open
}

/// The folder of reports where nobody names one.
fn usual_reports(request: &ProposalRequest) -> Option<PathBuf> {
    let beside = request.list.parent().map(|parent| parent.join("reports"));
    let inside = Some(request.folder.join("reports"));
    inside
        .into_iter()
        .chain(beside)
        .find(|folder| !files_of(folder).is_empty())
}

/// The names of the reports in a folder: its PDFs, or all of its files where it has none.
fn files_of(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<String> = entries
        .take(MOST_FILES)
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && !name.starts_with("~$"))
        .collect();
    let is_pdf = |name: &String| name.to_ascii_lowercase().ends_with(".pdf");
    if files.iter().any(is_pdf) {
        files.retain(is_pdf);
    }
    files.sort();
    files
}

/// The name of the batch: that of its folder, which somebody chose for it.
fn title(request: &ProposalRequest) -> String {
    let chosen = request.folder.file_name();
    let name = chosen.or_else(|| request.list.file_stem());
    let title = name.unwrap_or_default().to_string_lossy();
    title.replace(['_', '-'], " ").trim().to_owned()
}

/// A path as the batch file writes it, from its folder, and whether it leaves that folder.
fn relative(folder: &Path, path: &Path) -> (String, bool) {
    let whole = |path: &Path| {
        path.canonicalize()
            .or_else(|_| std::path::absolute(path))
            .unwrap_or_else(|_| path.to_owned())
    };
    let (folder, path) = (whole(folder), whole(path));
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (folder.components().collect(), path.components().collect());
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if common == 0 {
        return (path.display().to_string(), true);
    }
    let up = from.len() - common;
    let mut parts: Vec<String> = vec!["..".to_owned(); up];
    parts.extend(
        to[common..]
            .iter()
            .map(|part| part.as_os_str().to_string_lossy().into_owned()),
    );
    (parts.join("/"), up > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_from_the_folder() {
        let at = |path: &str| PathBuf::from("/nowhere").join(path);
        for (folder, path, expected) in [
            ("a/b", "a/b/list.csv", ("list.csv", false)),
            ("a/b", "a/list.csv", ("../list.csv", true)),
            ("a/b", "a/b/reports", ("reports", false)),
            ("a", "a", ("", false)),
        ] {
            let (text, outside) = relative(&at(folder), &at(path));
            assert_eq!((text.as_str(), outside), expected);
        }
    }
}
