//! What only the whole list shows: ids that look the same, one school under two ids, and text that was
//! read in the wrong encoding somewhere on its way.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use super::columns::Columns;
use super::recipients::Groups;
use super::{Findings, Table};
use crate::finding::{Finding, quote};

/// Warns of ids that differ in what nobody sees, and of schools that stand there twice.
pub(super) fn ids(table: &Table, columns: &Columns, groups: &Groups, findings: &mut Findings) {
    let recipient = |index: usize| groups.recipient(table, columns, index);
    let header = &table.headers()[columns.id];
    let count = groups.ends.len();
    let ids = repeated(count, |index| folded_id(recipient(index).id()));
    for (index, other) in &ids {
        let (one, other) = (recipient(*index), recipient(*other));
        findings.add(
            Finding::warning(
                format!(
                    "the id `{}` is nearly `{}` (row {}): they differ in {} only",
                    quote(one.id()),
                    quote(other.id()),
                    other.first_number(),
                    difference(one.id(), other.id())
                ),
                "write the id the same way in all rows if they are one recipient",
            )
            .row(one.first_number())
            .column(header)
            .id(one.id())
            .same_cause("ids are nearly those of other rows"),
        );
    }
    for (index, other) in repeated(count, |index| folded(recipient(index).name())) {
        let (one, other) = (recipient(index), recipient(other));
        let has_warning = ids
            .binary_search_by_key(&index, |(index, _)| *index)
            .is_ok();
        if !has_warning && one.addressees() == other.addressees() {
            findings.add(
                Finding::warning(
                    format!(
                        "`{}` has the same name and addresses as `{}` (row {}): one recipient under two ids?",
                        quote(one.id()),
                        quote(other.id()),
                        other.first_number()
                    ),
                    "correct the id, or see that both letters are meant",
                )
                .row(one.first_number())
                .column(header)
                .id(one.id())
                .same_cause("recipients have the name and addresses of another one"),
            );
        }
    }
}

/// The recipients whose text, if there is one, stood there before, each with the last one that has it.
fn repeated<'a>(count: usize, text: impl Fn(usize) -> Cow<'a, str>) -> Vec<(usize, usize)> {
    // Sixteen bytes for each: a large list would need its texts a second time.
    let random = RandomState::new();
    let mut hashes: Vec<(u64, usize)> = (0..count)
        .filter_map(|index| {
            let text = text(index);
            (!text.is_empty()).then(|| (random.hash_one(text), index))
        })
        .collect();
    hashes.sort_unstable();
    let mut repeated: Vec<_> = hashes
        .windows(2)
        .filter(|pair| pair[0].0 == pair[1].0)
        .map(|pair| (pair[1].1, pair[0].1))
        .filter(|(index, other)| text(*index) == text(*other))
        .collect();
    repeated.sort_unstable();
    repeated
}

/// The form in which normal form, width, case and leading zeros do not count.
fn folded_id(id: &str) -> Cow<'_, str> {
    let id = match folded(id) {
        Cow::Borrowed(id) => id,
        Cow::Owned(id) => {
            let digits = id.trim_start_matches('0');
            return Cow::Owned(if digits.is_empty() { "0" } else { digits }.to_owned());
        }
    };
    match id.trim_start_matches('0') {
        "" => Cow::Borrowed("0"),
        digits => Cow::Borrowed(digits),
    }
}

fn folded(text: &str) -> Cow<'_, str> {
    let has_capitals = text.chars().any(char::is_uppercase);
    // ASCII text is in each normal form.
    let is_normal = text.is_ascii() || is_nfkc_quick(text.chars()) == IsNormalized::Yes;
    match (is_normal, has_capitals) {
        (true, false) => Cow::Borrowed(text),
        (true, true) => Cow::Owned(text.to_lowercase()),
        (false, _) => Cow::Owned(text.nfkc().collect::<String>().to_lowercase()),
    }
}

fn difference(one: &str, other: &str) -> &'static str {
    let same = |form: fn(&str) -> String| form(one) == form(other);
    if same(|id| id.trim_start_matches('0').to_owned()) {
        "leading zeros"
    } else if same(str::to_lowercase) {
        "upper and lower case"
    } else if same(|id| id.nfc().collect()) {
        "the way that accents are written"
    } else if same(|id| id.nfkc().collect()) {
        "the width of characters"
    } else {
        "leading zeros, case or width"
    }
}

/// Warns of letters such as `Ã©`, which are UTF-8 that something took for Windows-1252.
pub(super) fn garbled(table: &Table, findings: &mut Findings) {
    if table.text().is_ascii() {
        return;
    }
    let (mut first, mut rows) = (None, 0_u32);
    for row in 0..table.len() {
        let cells = (0..table.headers().len()).map(|column| (column, table.cell(row, column)));
        let mut garbled = cells.filter_map(|(column, cell)| Some((column, cell, mended(cell)?)));
        if let Some((column, cell, mended)) = garbled.next() {
            rows += 1;
            first.get_or_insert((row, column, cell, mended));
        }
    }
    let Some((row, column, cell, mended)) = first else {
        return;
    };
    let more = match rows {
        1 => String::new(),
        rows => format!(", and {} more rows are like this", rows - 1),
    };
    findings.add(
        Finding::warning(
            format!(
                "`{}` seems to be `{}`: UTF-8 that was read as Windows-1252{more}",
                quote(cell.trim()),
                quote(mended.trim())
            ),
            "export the list again from its source, as UTF-8",
        )
        .row(table.number(row))
        .column(&table.headers()[column]),
    );
}

/// The text that a garbled one was; none if it is not garbled.
fn mended(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let (bytes, _, unmappable) = encoding_rs::WINDOWS_1252.encode(text);
    if unmappable {
        return None;
    }
    let mended = std::str::from_utf8(&bytes).ok()?;
    Some(mended.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_look_the_same_fold_to_one() {
        for (one, other, word) in [
            ("0042", "42", "leading zeros"),
            ("S1", "s1", "upper and lower case"),
            ("\u{c9}1", "E\u{301}1", "the way that accents are written"),
            ("１２", "12", "the width of characters"),
        ] {
            assert_eq!(folded_id(one), folded_id(other), "{one} {other}");
            assert_eq!(difference(one, other), word);
        }
        assert_ne!(folded_id("420"), folded_id("42"));
        assert_eq!(folded_id("000"), folded_id("0"));
    }

    #[test]
    fn garbled_text_is_known_and_good_text_is_not() {
        assert_eq!(
            mended("Ã‰cole FranÃ§aise").as_deref(),
            Some("École Française")
        );
        for text in ["École", "Oak", "Größe", "Łódź", "São João", "日本"] {
            assert_eq!(mended(text), None, "{text}");
        }
    }
}
