//! Which column of a list is which, by its name and by what stands in it.

use std::collections::HashSet;

use super::{Answers, OpenQuestion};
use crate::address::parse_list;
use crate::manifest::{ListSurvey, RECORD_COLUMNS, Table, is_total, snake_case};

/// Rows that are looked at: a longer list has no other columns.
const SAMPLE: usize = 5_000;

/// The column of a record that says what became of a letter.
const STATE: &str = "postroom_state";
/// What stands in columns that say who is meant, and who is not.
const MEANT: [&str; 14] = [
    "yes", "y", "ja", "j", "oui", "o", "si", "sí", "sim", "s", "x", "true", "wahr", "1",
];
const NOT_MEANT: [&str; 12] = [
    "no", "n", "nein", "non", "não", "nao", "false", "falsch", "0", "-", "–", "",
];

/// A column that was chosen, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ColumnChoice {
    /// Its header.
    pub header: String,
    /// Why.
    pub why: String,
}

/// What the columns seem to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ColumnRoles {
    pub id: Option<ColumnChoice>,
    pub name: Option<ColumnChoice>,
    pub to: Vec<ColumnChoice>,
    pub cc: Vec<ColumnChoice>,
    pub bcc: Vec<ColumnChoice>,
    /// What a person can be asked about.
    pub questions: Vec<OpenQuestion>,
    /// The conditions of rows that are recipients, each with what it leaves out.
    pub conditions: Vec<(String, &'static str)>,
}

/// What is known of a column.
struct SeenColumn<'a> {
    index: usize,
    header: &'a str,
    filled: usize,
    distinct: usize,
    addresses: usize,
    in_file_names: usize,
    with_blanks: usize,
    letters: usize,
}

/// The rows that may be recipients.
fn rows(table: &Table) -> impl Iterator<Item = usize> {
    let left_out: HashSet<usize> = table.left_out().map(|(row, _)| row).collect();
    (0..table.len())
        .filter(move |row| !left_out.contains(row) && total(table, *row).is_none())
        .take(SAMPLE)
}

/// The word of a row of totals, and its column.
fn total(table: &Table, row: usize) -> Option<(usize, &str)> {
    let mut cells = (0..table.headers().len()).map(|column| (column, table.cell(row, column)));
    let first = cells.find(|(_, cell)| !cell.trim().is_empty())?;
    let has_address = cells.any(|(_, cell)| cell.contains('@'));
    (is_total(first.1) && !has_address).then_some((first.0, first.1.trim()))
}

/// Works out the columns. `files` are the names of the reports.
pub(super) fn roles(survey: &ListSurvey, files: &[String], answers: &Answers) -> ColumnRoles {
    let table = &survey.table;
    let words: HashSet<String> = files.iter().flat_map(|file| file_words(file)).collect();
    let seen = look(table, &words);
    let rows_seen = rows(table).count().max(1);
    let mut roles = ColumnRoles::default();
    let is_address = |column: &SeenColumn<'_>| {
        column.addresses * 2 > column.filled
            && column.filled > 0
            && answers.addresses.get(column.header) != Some(&false)
    };
    for column in seen.iter().filter(|column| is_address(column)) {
        let choice = ColumnChoice {
            header: column.header.to_owned(),
            why: format!(
                "{} of {} cells are addresses",
                column.addresses, column.filled
            ),
        };
        let header_words: Vec<String> = words_of(column.header);
        let is = |word: &str| header_words.iter().any(|other| other == word);
        if is("bcc") {
            roles.bcc.push(choice);
        } else if is("cc") || is("copy") {
            roles.cc.push(choice);
        } else {
            roles.to.push(choice);
        }
        if column.addresses < column.filled && !answers.addresses.contains_key(column.header) {
            roles.questions.push(OpenQuestion::Addresses {
                column: column.header.to_owned(),
                others: column.filled - column.addresses,
            });
        }
    }
    if roles.to.is_empty() {
        roles.to.append(&mut roles.cc);
    }
    let others: Vec<&SeenColumn<'_>> = seen.iter().filter(|column| !is_address(column)).collect();
    let name = best(&others, |column| name_score(column, rows_seen));
    let said = answers.id.as_ref();
    let said = said.and_then(|said| others.iter().find(|column| column.header == said));
    let id = said.copied().or_else(|| {
        best(&others, |column| {
            id_score(column, rows_seen)
                - if name.map(|name| name.index) == Some(column.index) {
                    2.0
                } else {
                    0.0
                }
        })
    });
    if let Some(column) = id.or(name) {
        let mut why = format!(
            "{} of {} rows have one of {} values",
            column.filled, rows_seen, column.distinct
        );
        if column.in_file_names > 0 {
            why.push_str(&format!(
                ", {} of which stand in names of reports",
                column.in_file_names
            ));
        }
        roles.id = Some(ColumnChoice {
            header: column.header.to_owned(),
            why,
        });
        if id.is_none() {
            roles.questions.push(OpenQuestion::Id {
                chosen: column.header.to_owned(),
                columns: others.iter().map(|other| other.header.to_owned()).collect(),
            });
        }
        if column.filled < rows_seen {
            if answers.leave_out_empty_ids == Some(true) {
                let condition = format!("row[\"{}\"] != \"\"", plain(column.header));
                roles.conditions.push((condition, "rows without an id"));
            } else {
                roles.questions.push(OpenQuestion::EmptyIds {
                    column: column.header.to_owned(),
                    rows: rows_seen - column.filled,
                });
            }
        }
    }
    roles.name = name.or(id).map(|column| ColumnChoice {
        header: column.header.to_owned(),
        why: format!("its name, and {} different texts", column.distinct),
    });
    roles.conditions.extend(of_record(table));
    if let Some(id) = &roles.id
        && answers.leave_out_totals != Some(false)
        && let Some((rows, condition)) = totals(table, &id.header)
    {
        roles.conditions.push((condition, "rows of totals"));
        if answers.leave_out_totals.is_none() {
            roles.questions.push(OpenQuestion::Totals { rows });
        }
    }
    roles
}

/// The condition of a list that is a record of ours: only who got a letter is written to again.
fn of_record(table: &Table) -> Option<(String, &'static str)> {
    let is_record = table.headers().iter().any(|header| header == STATE);
    is_record.then(|| {
        (
            format!("row[\"{STATE}\"] == \"accepted\""),
            "rows whose letter was not accepted, by the record that the list is",
        )
    })
}

/// Doubts about columns that say yes and no: nobody but a person knows to what.
pub(super) fn choices(table: &Table) -> Vec<String> {
    let mut doubts = Vec::new();
    for (column, header) in table.headers().iter().enumerate() {
        let cells = rows(table).map(|row| table.cell(row, column).trim());
        let (mut meant, mut not_meant) = (Vec::new(), 0_usize);
        let is_choice = cells.into_iter().all(|cell| {
            let word = cell.to_lowercase();
            if MEANT.contains(&&*word) {
                meant.push(cell);
                return true;
            }
            not_meant += 1;
            NOT_MEANT.contains(&&*word)
        });
        let (Some(word), true, true) = (meant.first(), is_choice, not_meant > 0) else {
            continue;
        };
        if meant.iter().all(|other| other == word) {
            doubts.push(format!(
                "column `{header}` has `{word}` in {} rows and not in {not_meant}: to write to the {} alone, \
                 set [manifest] where = {:?}",
                meant.len(),
                meant.len(),
                format!("row['{}'] == '{}'", plain_in(header), plain_in(word)),
            ));
        }
    }
    doubts
}

/// A text as an expression may hold it between single quotes.
fn plain_in(text: &str) -> String {
    text.replace(['\\', '\''], "")
}

/// The rows of totals, and the condition that leaves them out.
fn totals(table: &Table, id: &str) -> Option<(Vec<u32>, String)> {
    let column = table.headers().iter().position(|header| header == id)?;
    let (mut numbers, mut words) = (Vec::new(), Vec::new());
    for row in 0..table.len() {
        if let Some((at, word)) = total(table, row) {
            numbers.push(table.number(row));
            let (header, word) = if at == column {
                (id, word)
            } else {
                (table.headers()[at].as_str(), word)
            };
            let part = format!("row[\"{}\"] != \"{}\"", plain(header), plain(word));
            if !words.contains(&part) {
                words.push(part);
            }
        }
    }
    (!numbers.is_empty()).then(|| (numbers, words.join(" and ")))
}

/// A text as an expression may hold it.
fn plain(text: &str) -> String {
    text.replace(['\\', '"'], "")
}

fn look<'a>(table: &'a Table, words: &HashSet<String>) -> Vec<SeenColumn<'a>> {
    let headers = table.headers();
    let named = headers.iter().enumerate().filter(|(_, header)| {
        // What a record adds to its list is no part of it.
        !header.starts_with(RECORD_COLUMNS)
            && !header.trim().is_empty()
            && headers.iter().filter(|other| other == header).count() == 1
    });
    named
        .map(|(index, header)| {
            let mut seen = SeenColumn {
                index,
                header,
                filled: 0,
                distinct: 0,
                addresses: 0,
                in_file_names: 0,
                with_blanks: 0,
                letters: 0,
            };
            let mut values: HashSet<&str> = HashSet::new();
            for row in rows(table) {
                let cell = table.cell(row, index).trim();
                if cell.is_empty() {
                    continue;
                }
                seen.filled += 1;
                seen.addresses += usize::from(parse_list(cell).is_ok_and(|list| !list.is_empty()));
                seen.with_blanks += usize::from(cell.contains(' '));
                seen.letters += usize::from(cell.chars().any(char::is_alphabetic));
                if values.insert(cell) {
                    seen.distinct += 1;
                    let is_shown = words.contains(&cell.to_lowercase())
                        || words.contains(cell.trim_start_matches('0'));
                    seen.in_file_names += usize::from(is_shown);
                }
            }
            seen
        })
        .collect()
}

fn best<'a, 's>(
    columns: &[&'a SeenColumn<'s>],
    score: impl Fn(&SeenColumn<'s>) -> f64,
) -> Option<&'a SeenColumn<'s>> {
    let mut best: Option<(f64, &SeenColumn<'s>)> = None;
    for column in columns {
        let score = score(column);
        if score > 1.0 && best.is_none_or(|(most, _)| score > most) {
            best = Some((score, column));
        }
    }
    best.map(|(_, column)| column)
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn id_score(column: &SeenColumn<'_>, rows: usize) -> f64 {
    const WORDS: [&str; 18] = [
        "id",
        "urn",
        "code",
        "no",
        "nr",
        "number",
        "ref",
        "reference",
        "key",
        "dfe",
        "laestab",
        "uai",
        "kennung",
        "nummer",
        "establishment",
        "uid",
        "identifier",
        "num",
    ];
    let named = named(column.header, &WORDS);
    named * 2.0
        + 3.0 * share(column.in_file_names, column.distinct)
        + share(column.filled, rows)
        + share(column.distinct, column.filled)
        - 2.0 * share(column.with_blanks, column.filled)
        - 1.0
}

fn name_score(column: &SeenColumn<'_>, rows: usize) -> f64 {
    const WORDS: [&str; 16] = [
        "name",
        "school",
        "centre",
        "center",
        "institution",
        "organisation",
        "organization",
        "setting",
        "college",
        "academy",
        "provider",
        "schule",
        "etablissement",
        "site",
        "title",
        "practice",
    ];
    const PEOPLE: [&str; 14] = [
        "head",
        "headteacher",
        "contact",
        "leader",
        "teacher",
        "first",
        "last",
        "surname",
        "forename",
        "person",
        "principal",
        "id",
        "code",
        "number",
    ];
    named(column.header, &WORDS) * 2.0 - named(column.header, &PEOPLE) * 2.5
        + share(column.letters, column.filled)
        + share(column.with_blanks, column.filled)
        + share(column.filled, rows)
        + share(column.distinct, column.filled)
        - 2.0
}

fn named(header: &str, words: &[&str]) -> f64 {
    let own = words_of(header);
    f64::from(u8::from(
        own.iter().any(|word| words.contains(&word.as_str())),
    ))
}

/// The words of a header, in lower case.
fn words_of(header: &str) -> Vec<String> {
    snake_case(header).split('_').map(str::to_owned).collect()
}

/// The words of a file name, in lower case.
fn file_words(file: &str) -> Vec<String> {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let words = stem.split(|c: char| !c.is_alphanumeric() && c != '-');
    let mut words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.push(stem.to_lowercase());
    words
}
