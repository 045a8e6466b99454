//! What can be wrong with one id or name, said as what it is.

use crate::finding::{Finding, is_unseen, quote};

/// Why a text cannot be an id, if it cannot.
pub(super) fn fault(id: &str) -> Option<Finding> {
    if let Some(unseen) = unseen(id) {
        return Some(Finding::fault(
            format!("the id `{}` has {unseen} in it", quote(id)),
            "type the id again: copied text brings such characters along",
        ));
    }
    if is_shortened(id) {
        return Some(Finding::fault(
            format!(
                "the id `{}` is a number that Excel wrote short: its last digits are lost",
                quote(id)
            ),
            "format the column as text in Excel, put the ids in again and save the list again",
        ));
    }
    None
}

/// The character in a text that nobody sees, by its name. Blanks around the text do not count, and what
/// joins letters of a script that needs it does not either.
pub(super) fn unseen(text: &str) -> Option<String> {
    let mut before = None;
    for character in text.trim().chars() {
        let joins = matches!(character, '\u{200c}' | '\u{200d}')
            && before.is_some_and(|before: char| before > '\u{24f}');
        if is_unseen(character) && !joins {
            return Some(match character {
                '\u{ad}' => "a soft hyphen".to_owned(),
                '\u{200b}' => "a zero-width space (U+200B)".to_owned(),
                '\u{200c}' => "a zero-width non-joiner (U+200C)".to_owned(),
                '\u{200d}' => "a zero-width joiner (U+200D)".to_owned(),
                '\u{200e}' | '\u{200f}' | '\u{61c}' => "a mark of writing direction".to_owned(),
                '\u{2060}' => "a word joiner (U+2060)".to_owned(),
                '\u{feff}' => "a byte order mark (U+FEFF)".to_owned(),
                other if other.is_control() => "control characters".to_owned(),
                other => format!("an invisible character (U+{:04X})", u32::from(other)),
            });
        }
        before = Some(character);
    }
    None
}

/// The same for names and addresses, in which line breaks and signs of writing direction are looked at
/// elsewhere.
pub(super) fn zero_width(text: &str) -> Option<String> {
    let has_any = text.contains([
        '\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}',
    ]);
    let has_others = text
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'));
    (has_any && !has_others).then(|| unseen(text)).flatten()
}

/// Whether a number was written in powers of ten, as Excel shows one that is too long for its column.
fn is_shortened(text: &str) -> bool {
    let Some((number, power)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let whole = number.replacen(['.', ','], "", 1);
    digits(&whole) && power.strip_prefix('+').is_some_and(digits)
}

/// Whether a text stands in front of a sum, and not of a recipient.
#[must_use]
pub(crate) fn is_total(text: &str) -> bool {
    const WORDS: [&str; 10] = [
        "total",
        "totals",
        "grand total",
        "subtotal",
        "sub-total",
        "sum",
        "summe",
        "gesamt",
        "number of schools",
        "count",
    ];
    let folded = text.trim().to_lowercase();
    let word = folded
        .split([':', '=', '('])
        .next()
        .unwrap_or_default()
        .trim_end_matches(|c: char| c.is_ascii_digit() || c.is_whitespace())
        .trim();
    WORDS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_cannot_be_one_is_said_as_what_it_is() {
        for (id, part) in [
            ("1001\u{200b}", "zero-width space"),
            ("10\u{ad}01", "soft hyphen"),
            ("1.23457E+11", "wrote short"),
            ("1E+15", "wrote short"),
        ] {
            let text = fault(id).map(|fault| fault.text).unwrap_or_default();
            assert!(text.contains(part), "{id}: {text}");
        }
        for id in ["1001", "E12", "S1E4", "12E", "می\u{200c}خواهم"] {
            assert_eq!(fault(id), None, "{id}");
        }
    }

    #[test]
    fn a_total_is_known_by_its_word() {
        for text in ["Total", "TOTAL: 60", "Grand total", "Sum =", "Total 60"] {
            assert!(is_total(text), "{text}");
        }
        for text in ["Total Learning School", "", "60"] {
            assert!(!is_total(text), "{text}");
        }
    }
}
