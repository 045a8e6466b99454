//! What is doubtful about a proposal, how a person is asked about it, and what their answers change.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::address::Mailbox;
use crate::figures::plural;

/// The most names that a question lists.
const MOST_NAMED: usize = 12;

/// Something that a person knows better, and what was taken for it until they say.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub(crate) enum OpenQuestion {
    /// Which sheet is the list.
    Sheet {
        /// The one that was taken.
        chosen: String,
        /// The others that a person sees.
        others: Vec<String>,
    },
    /// Which column holds the ids, where none looks like it.
    Id {
        /// The one that was taken.
        chosen: String,
        /// All columns.
        columns: Vec<String>,
    },
    /// Whether a column of addresses is one, though some of its cells are none.
    Addresses {
        /// The column.
        column: String,
        /// How many of its cells are no addresses.
        others: usize,
    },
    /// What becomes of rows without an id.
    EmptyIds {
        /// The column of the ids.
        column: String,
        /// How many rows.
        rows: usize,
    },
    /// Whether rows are totals, as they seem.
    Totals {
        /// Their row numbers.
        rows: Vec<u32>,
    },
    /// What becomes of hidden rows: `hidden_rows` in `[manifest]`.
    HiddenRows {
        /// How many rows.
        rows: usize,
    },
    /// Which column a mark of the letter means.
    Mark {
        /// The mark, as it is written.
        mark: String,
        /// All columns.
        columns: Vec<String>,
    },
    /// Where the reports are.
    Reports,
    /// What becomes of recipients without a report: `missing` in `[[attachment]]`.
    NoReport {
        /// How many recipients.
        recipients: usize,
    },
    /// Which file is a recipient's report.
    File {
        /// The id.
        id: String,
        /// The name.
        name: String,
        /// Why no file is certain.
        because: String,
    },
    /// Who sends: `from` in `[letter]`.
    Sender,
}

/// What a person said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    /// The sheet that is the list.
    pub(super) sheet: Option<String>,
    /// The column of the ids.
    pub(super) id: Option<String>,
    /// For columns of addresses with other cells whether they are such.
    pub(super) addresses: BTreeMap<String, bool>,
    /// Whether rows without an id are left out.
    pub(super) leave_out_empty_ids: Option<bool>,
    /// Whether rows that seem to be totals are left out.
    pub(super) leave_out_totals: Option<bool>,
    /// The value of `hidden_rows`.
    pub(super) hidden_rows: Option<String>,
    /// What marks of the letter mean.
    pub(super) marks: BTreeMap<String, MarkMeaning>,
    /// The folder of the reports, as it was typed.
    pub(super) reports: Option<String>,
    /// The value of `missing`.
    pub(super) missing: Option<String>,
    /// For ids the name of the file.
    pub(super) files: BTreeMap<String, String>,
    /// Who sends.
    pub(super) sender: Option<String>,
}

/// What a mark of the letter means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MarkMeaning {
    /// The column of this name.
    Column(String),
    /// This text in all letters.
    SameForAll(String),
    /// Nothing: it goes out as it is written.
    Itself,
}

impl OpenQuestion {
    /// It as something to be looked at; none for what is counted together with others.
    pub(super) fn doubt(&self) -> Option<String> {
        Some(match self {
            Self::Sheet { others, .. } => {
                format!("the other sheets are not read: {}", others.join(", "))
            }
            Self::Id { chosen, .. } => {
                format!("no column looks like an id, so `{chosen}` is taken for it")
            }
            Self::Addresses { column, others } => format!(
                "column `{column}` has {others} cells that are no addresses: check names them"
            ),
            Self::EmptyIds { column, rows } => {
                format!(
                    "{} without anything in `{column}`: check names them",
                    plural(*rows as u64, "row")
                )
            }
            Self::Totals { rows } => {
                let rows: Vec<String> = rows.iter().take(5).map(u32::to_string).collect();
                format!("rows of totals are left out by `where`: {}", rows.join(", "))
            }
            Self::HiddenRows { rows } => format!(
                "hidden in the list: {}: decide with hidden_rows = \"skip\" or \"send\"",
                plural(*rows as u64, "row")
            ),
            Self::Mark { mark, .. } => format!(
                "the letter has the mark {mark}, and no column has that name: it would go out as it is typed"
            ),
            Self::Reports => {
                "no reports were found, so nothing is attached: name their folder with --reports"
                    .to_owned()
            }
            Self::NoReport { recipients } => format!(
                "{} without a report by the pattern: check names them; missing = \"skip\" would send them no letter",
                plural(*recipients as u64, "recipient")
            ),
            Self::File { .. } => return None,
            Self::Sender => "nobody has said yet who sends: write from in [letter], or send_emails_as in .secrets.toml".to_owned(),
        })
    }

    /// The question, with what can be answered; no answer leaves it as it was proposed.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Sheet { chosen, others } => format!(
                "Which sheet is the list: {}? Press Enter for {chosen}: ",
                listed(std::iter::once(chosen).chain(others))
            ),
            Self::Id { chosen, columns } => format!(
                "Which column has the ids: {}? Press Enter for {chosen}: ",
                listed(columns)
            ),
            Self::Addresses { column, others } => format!(
                "Cells of column {column} that are no addresses: {others}. Is it a column to write to? yes, no, or press Enter to see what check says: "
            ),
            Self::EmptyIds { column, rows } => format!(
                "Rows without anything in {column}: {rows}. What becomes of them? skip, or press Enter to see what check says: "
            ),
            Self::Totals { rows } => {
                let rows: Vec<String> = rows.iter().map(u32::to_string).collect();
                format!(
                    "Rows that look like totals: {}. What becomes of them? skip, or send if they are recipients: ",
                    listed(&rows)
                )
            }
            Self::HiddenRows { rows } => format!(
                "Hidden in the list: {}. What becomes of them? skip, send, or press Enter to decide later: ",
                plural(*rows as u64, "row")
            ),
            Self::Mark { mark, columns } => format!(
                "Which column is {mark} in the letter: {}? \"= 2026\" would write 2026 into all letters, \"none\" leaves it as it is, press Enter to decide later: ",
                listed(columns)
            ),
            Self::Reports => {
                "Where are the reports? A folder, or press Enter if none are attached: ".to_owned()
            }
            Self::NoReport { recipients } => format!(
                "Recipients without a report by the pattern: {recipients}. What becomes of them? skip sends them no letter, fault keeps the batch back until they have one, press Enter to decide later: "
            ),
            Self::File { id, name, because } => format!(
                "Which file is the report of {id} {name} ({because})? Its name, or press Enter to write it later: "
            ),
            Self::Sender => {
                "Who sends? Write Name <address>, or press Enter to write it later: ".to_owned()
            }
        }
    }
}

impl OpenQuestion {
    /// What an answer may be, for who gave another one.
    #[must_use]
    pub(crate) fn expects(&self) -> &'static str {
        match self {
            Self::Sheet { .. } => "type the name of a sheet",
            Self::Id { .. } => "type the name of a column",
            Self::Addresses { .. } => "type yes or no",
            Self::EmptyIds { .. } => "type skip",
            Self::Totals { .. } | Self::HiddenRows { .. } => "type skip or send",
            Self::Mark { .. } => {
                "type the name of a column, `none`, or `= 2026` to write 2026 into all letters"
            }
            Self::NoReport { .. } => "type skip or fault",
            // Any answer is one.
            Self::Reports | Self::File { .. } => "type a name",
            Self::Sender => "type it as Study Team <reports@study.example>",
        }
    }
}

fn listed<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    let shown = names[..names.len().min(MOST_NAMED)].join(", ");
    if names.len() > MOST_NAMED {
        format!("{shown}, …")
    } else {
        shown
    }
}

/// The name that was meant, whatever its case.
fn one_of<'a>(names: impl IntoIterator<Item = &'a String>, answer: &str) -> Option<String> {
    let mut names = names.into_iter();
    names
        .find(|name| name.trim().eq_ignore_ascii_case(answer))
        .cloned()
}

impl Answers {
    /// Takes an answer; whether it is one to this question.
    pub(crate) fn take(&mut self, question: &OpenQuestion, answer: &str) -> bool {
        let answer = answer.trim();
        let yes_or_no = match answer.to_ascii_lowercase().as_str() {
            "yes" | "y" => Some(true),
            "no" | "n" => Some(false),
            _ => None,
        };
        match question {
            OpenQuestion::Sheet { chosen, others } => {
                self.sheet = one_of(std::iter::once(chosen).chain(others), answer);
                self.sheet.is_some()
            }
            OpenQuestion::Id { columns, .. } => {
                self.id = one_of(columns, answer);
                self.id.is_some()
            }
            OpenQuestion::Addresses { column, .. } => {
                let known = yes_or_no.map(|is| self.addresses.insert(column.clone(), is));
                known.is_some()
            }
            OpenQuestion::EmptyIds { .. } => {
                self.leave_out_empty_ids = (answer == "skip").then_some(true);
                self.leave_out_empty_ids.is_some()
            }
            OpenQuestion::Totals { .. } => {
                self.leave_out_totals = match answer {
                    "skip" => Some(true),
                    "send" => Some(false),
                    _ => None,
                };
                self.leave_out_totals.is_some()
            }
            OpenQuestion::HiddenRows { .. } => {
                self.hidden_rows = matches!(answer, "skip" | "send").then(|| answer.to_owned());
                self.hidden_rows.is_some()
            }
            OpenQuestion::Mark { mark, columns } => {
                let text = answer.strip_prefix('=').map(str::trim);
                let text = text.filter(|text| !text.is_empty());
                let meaning = one_of(columns, answer)
                    .map(MarkMeaning::Column)
                    .or_else(|| Some(MarkMeaning::SameForAll(text?.to_owned())))
                    .or_else(|| {
                        answer
                            .eq_ignore_ascii_case("none")
                            .then_some(MarkMeaning::Itself)
                    });
                let known = meaning.map(|meaning| self.marks.insert(mark.clone(), meaning));
                known.is_some()
            }
            OpenQuestion::Reports => {
                self.reports = Some(answer.to_owned());
                true
            }
            OpenQuestion::NoReport { .. } => {
                self.missing = matches!(answer, "skip" | "fault").then(|| answer.to_owned());
                self.missing.is_some()
            }
            OpenQuestion::File { id, .. } => {
                self.files.insert(id.clone(), answer.to_owned());
                true
            }
            OpenQuestion::Sender => {
                let is_mailbox = Mailbox::parse(answer).is_ok();
                self.sender = is_mailbox.then(|| answer.to_owned());
                is_mailbox
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_answers_a_question_is_taken() {
        let columns = ["URN", "School"].map(str::to_owned).to_vec();
        let id = OpenQuestion::Id {
            chosen: "School".to_owned(),
            columns: columns.clone(),
        };
        let mark = OpenQuestion::Mark {
            mark: "\u{ab}Head\u{bb}".to_owned(),
            columns,
        };
        let hidden = OpenQuestion::HiddenRows { rows: 2 };
        let mut answers = Answers::default();
        for (question, answer, is_one) in [
            (&id, "Town", false),
            (&id, " urn ", true),
            (&mark, "Town", false),
            (&mark, "=", false),
            (&mark, "none", true),
            (&hidden, "perhaps", false),
            (&hidden, "skip", true),
            (&OpenQuestion::Sender, "nobody", false),
            (&OpenQuestion::Sender, "Study <a@study.example>\n", true),
        ] {
            assert_eq!(answers.take(question, answer), is_one, "{answer}");
        }
        assert_eq!(answers.id.as_deref(), Some("URN"));
        assert_eq!(answers.hidden_rows.as_deref(), Some("skip"));
        assert_eq!(answers.marks["\u{ab}Head\u{bb}"], MarkMeaning::Itself);
        assert!(answers.take(&mark, "= Ms Gray "));
        let same = MarkMeaning::SameForAll("Ms Gray".to_owned());
        assert_eq!(answers.marks["\u{ab}Head\u{bb}"], same);
    }
}
