//! What stands in the header of a letter besides subject and addresses.

use super::attached::For;
use super::template;
use crate::address::HeaderText;
use crate::config::{Importance, LetterConfig, Receipts};
use crate::finding::{Finding, quote};

/// The longest value of a header field of one's own, in bytes.
const LONGEST_VALUE: usize = 800;
/// The longest Message-ID that is answered to.
const LONGEST_ID: usize = 250;

/// What stands in the header besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// How important the letter is said to be.
    pub importance: Option<Importance>,
    /// The Message-ID of the message that it answers to, without its angle brackets.
    pub in_reply_to: Option<String>,
    /// Header fields of the batch's own, by name.
    pub headers: Vec<(String, HeaderText)>,
    /// What is asked for, so that it comes back.
    pub receipts: Receipts,
}

/// The extras of a batch.
#[derive(Debug)]
pub(super) struct ExtrasTemplate {
    importance: Option<Importance>,
    answers: bool,
    headers: Vec<String>,
    receipts: Receipts,
}

impl ExtrasTemplate {
    pub(super) fn of(letter: &LetterConfig, receipts: Receipts) -> Self {
        Self {
            receipts,
            importance: letter.importance,
            answers: letter.in_reply_to.is_some(),
            headers: letter.headers.keys().cloned().collect(),
        }
    }

    /// Whether a letter answers to none although letters of this batch do.
    pub(super) fn answers_to_none(&self, made: &Extras) -> bool {
        self.answers && made.in_reply_to.is_none()
    }

    /// The extras of one recipient's letter.
    pub(super) fn make(&self, recipient: &For<'_>) -> Result<Extras, Vec<Finding>> {
        let mut faults = Vec::new();
        let mut extras = Extras {
            importance: self.importance,
            receipts: self.receipts,
            ..Extras::default()
        };
        if self.answers {
            match answered(recipient) {
                Ok(id) => extras.in_reply_to = id,
                Err(fault) => faults.push(fault),
            }
        }
        for name in &self.headers {
            match value(recipient, name) {
                // A field without a value says nothing.
                Ok(value) if value.as_str().is_empty() => {}
                Ok(value) => extras.headers.push((name.clone(), value)),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() {
            Ok(extras)
        } else {
            Err(faults)
        }
    }
}

/// The Message-ID that the letter answers to; none where the value is empty.
fn answered(recipient: &For<'_>) -> Result<Option<String>, Finding> {
    let text = recipient.render(template::IN_REPLY_TO)?;
    let id = text.trim().trim_start_matches('<').trim_end_matches('>');
    if id.is_empty() {
        return Ok(None);
    }
    // RFC 5322 section 3.6.4: two parts without blanks or brackets.
    let is_plain = id
        .bytes()
        .all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>');
    let has_parts = id
        .split_once('@')
        .is_some_and(|(left, right)| !left.is_empty() && !right.is_empty() && !right.contains('@'));
    if !is_plain || !has_parts || id.len() > LONGEST_ID {
        return Err(Finding::fault(
            format!("`{}` is no Message-ID to answer to", quote(id)),
            "give the Message-ID of the first letter, as the CSV record has it: <…@…>",
        )
        .file(template::IN_REPLY_TO)
        .id(recipient.id));
    }
    Ok(Some(id.to_owned()))
}

fn value(recipient: &For<'_>, name: &str) -> Result<HeaderText, Finding> {
    let template = template::header(name);
    let text = recipient.render(&template)?;
    let text = text.trim();
    let unfit = |why: &str| {
        Finding::fault(
            format!("the value of the header field {name} {why}"),
            "look at the cells that it shows",
        )
        .file(template.clone())
        .id(recipient.id)
    };
    if text.len() > LONGEST_VALUE {
        return Err(unfit(&format!("is longer than {LONGEST_VALUE} bytes")));
    }
    HeaderText::parse(text).map_err(|_| unfit("has a line break or control character in it"))
}
