//! How reports are named: the pattern of file names that shows ids or names, and the file of each
//! recipient where no pattern does.

use std::collections::{HashMap, HashSet};

use unicode_normalization::UnicodeNormalization;

/// A recipient as file names may show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NamedRecipient<'a> {
    /// The id.
    pub id: &'a str,
    /// The name.
    pub name: &'a str,
}

/// A pattern of file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamePattern {
    /// The name as `[[attachment]] path` writes it.
    pub template: String,
    /// How many recipients have exactly one file by it.
    pub matched: usize,
}

/// The file of one recipient, as far as file names show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedFile {
    /// The file; none if none is certain.
    pub file: Option<String>,
    /// Why.
    pub because: String,
}

/// A pattern is looked for in the names of so many recipients.
const SAMPLE: usize = 50;
/// Comparisons of recipients with files that do not take long.
const MOST_COMPARED: usize = 4_000_000;

/// How a recipient stands in a file name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NameForm {
    Id,
    IdWithoutZeros,
    Name,
    NameUnderscored,
    NameHyphened,
}

const FORMS: [NameForm; 5] = [
    NameForm::Id,
    NameForm::IdWithoutZeros,
    NameForm::Name,
    NameForm::NameUnderscored,
    NameForm::NameHyphened,
];

impl NameForm {
    fn text(self, recipient: &NamedRecipient<'_>) -> String {
        match self {
            Self::Id => recipient.id.to_owned(),
            Self::IdWithoutZeros => recipient.id.trim_start_matches('0').to_owned(),
            Self::Name => recipient.name.to_owned(),
            Self::NameUnderscored => recipient.name.replace(' ', "_"),
            Self::NameHyphened => recipient.name.replace(' ', "-"),
        }
    }

    fn template(self) -> &'static str {
        match self {
            Self::Id => "{{ id }}",
            Self::IdWithoutZeros => "{{ id | int }}",
            Self::Name => "{{ name }}",
            Self::NameUnderscored => "{{ name | replace(from=\" \", to=\"_\") }}",
            Self::NameHyphened => "{{ name | replace(from=\" \", to=\"-\") }}",
        }
    }

    fn is_of_id(self) -> bool {
        matches!(self, Self::Id | Self::IdWithoutZeros)
    }
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum NamePart {
    Text(String),
    NameForm(NameForm),
    Any,
}

/// The pattern under which most recipients have a file of their own; none when fewer than half do.
#[must_use]
pub(crate) fn propose(files: &[String], recipients: &[NamedRecipient<'_>]) -> Option<NamePattern> {
    let mut candidates: Vec<Vec<NamePart>> = Vec::new();
    for form in FORMS {
        candidates.extend(candidates_of(form, files, recipients));
    }
    let all: HashSet<&str> = files.iter().map(String::as_str).collect();
    let mut best: Option<(usize, usize, NamePattern)> = None;
    for parts in candidates {
        let matched = matched(&parts, files, &all, recipients);
        let any = parts.iter().filter(|part| **part == NamePart::Any).count();
        let is_better = best
            .as_ref()
            .is_none_or(|(most, fewest, _)| matched > *most || (matched == *most && any < *fewest));
        if is_better {
            let template = parts.iter().map(template_of).collect();
            best = Some((matched, any, NamePattern { template, matched }));
        }
    }
    let (matched, _, pattern) = best?;
    (matched > 0 && matched * 2 >= recipients.len().min(files.len())).then_some(pattern)
}

fn template_of(part: &NamePart) -> &str {
    match part {
        NamePart::Text(text) => text,
        NamePart::NameForm(form) => form.template(),
        NamePart::Any => "*",
    }
}

fn candidates_of(
    form: NameForm,
    files: &[String],
    recipients: &[NamedRecipient<'_>],
) -> Vec<Vec<NamePart>> {
    let mut found: Vec<(&str, usize, usize, &NamedRecipient<'_>)> = Vec::new();
    for recipient in recipients.iter().take(SAMPLE) {
        let text = form.text(recipient);
        if text.is_empty() || (form == NameForm::IdWithoutZeros && text == recipient.id) {
            continue;
        }
        let mut with = files
            .iter()
            .filter_map(|file| Some((file.as_str(), position(file, &text)?)));
        if let (Some((file, at)), None) = (with.next(), with.next()) {
            found.push((file, at, at + text.len(), recipient));
        }
    }
    if found.is_empty()
        || found
            .iter()
            .any(|(file, ..)| file.contains(['{', '}', '*']))
    {
        return Vec::new();
    }
    let mut candidates = Vec::new();
    // As it stands, and with the other of id and name in the rest.
    let others = FORMS
        .into_iter()
        .filter(|other| other.is_of_id() != form.is_of_id());
    for other in std::iter::once(None).chain(others.map(Some)) {
        let mut patterns: HashMap<Vec<String>, (usize, Vec<NamePart>)> = HashMap::new();
        for (file, begin, end, recipient) in &found {
            let mut parts = split(&file[..*begin], other, recipient);
            parts.push(NamePart::NameForm(form));
            parts.extend(split(&file[*end..], other, recipient));
            let key = parts
                .iter()
                .map(|part| template_of(part).to_owned())
                .collect();
            patterns.entry(key).or_insert((0, parts)).0 += 1;
        }
        let mut patterns: Vec<_> = patterns.into_values().collect();
        patterns.sort_by_key(|(count, parts)| {
            let template: String = parts.iter().map(template_of).collect();
            (std::cmp::Reverse(*count), template)
        });
        candidates.extend(patterns.into_iter().take(1).map(|(_, parts)| parts));
    }
    let around = |side: fn(&(&str, usize, usize, &NamedRecipient<'_>)) -> String| {
        let sides: Vec<String> = found.iter().map(side).collect();
        common(&sides)
    };
    let mut parts = around(|(file, begin, ..)| file[..*begin].to_owned());
    parts.push(NamePart::NameForm(form));
    parts.extend(around(|(file, _, end, _)| file[*end..].to_owned()));
    candidates.push(parts);
    candidates
}

/// A text with a form of the recipient in it.
fn split(text: &str, form: Option<NameForm>, recipient: &NamedRecipient<'_>) -> Vec<NamePart> {
    let found = form.and_then(|form| {
        let shown = form.text(recipient);
        let at = (!shown.is_empty())
            .then(|| position(text, &shown))
            .flatten()?;
        Some((form, at, at + shown.len()))
    });
    let parts = match found {
        Some((form, begin, end)) => vec![
            NamePart::Text(text[..begin].to_owned()),
            NamePart::NameForm(form),
            NamePart::Text(text[end..].to_owned()),
        ],
        None => vec![NamePart::Text(text.to_owned())],
    };
    parts
        .into_iter()
        .filter(|part| *part != NamePart::Text(String::new()))
        .collect()
}

/// What texts have in common at both ends, with anything between.
fn common(texts: &[String]) -> Vec<NamePart> {
    let Some(first) = texts.first() else {
        return Vec::new();
    };
    if texts.iter().all(|text| text == first) {
        return if first.is_empty() {
            Vec::new()
        } else {
            vec![NamePart::Text(first.clone())]
        };
    }
    let alike = |one: &str, other: &str| -> usize {
        one.chars()
            .zip(other.chars())
            .take_while(|(a, b)| a == b)
            .map(|(a, _)| a.len_utf8())
            .sum()
    };
    let alike_at_end = |one: &str, other: &str| -> usize {
        one.chars()
            .rev()
            .zip(other.chars().rev())
            .take_while(|(a, b)| a == b)
            .map(|(a, _)| a.len_utf8())
            .sum()
    };
    let shortest = texts.iter().map(String::len).min().unwrap_or(0);
    let before = texts
        .iter()
        .map(|text| alike(first, text))
        .min()
        .unwrap_or(0);
    // A word that only happens to begin alike is not cut in two.
    let before = first[..before]
        .rfind(|c: char| !c.is_alphanumeric())
        .map_or(0, |at| {
            at + first[at..].chars().next().map_or(1, char::len_utf8)
        });
    let after = texts
        .iter()
        .map(|text| alike_at_end(first, text))
        .min()
        .unwrap_or(0)
        .min(shortest - before.min(shortest));
    let tail = &first[first.len() - after..];
    let tail = &tail[tail
        .find(|c: char| !c.is_alphanumeric())
        .unwrap_or(tail.len())..];
    [
        NamePart::Text(first[..before].to_owned()),
        NamePart::Any,
        NamePart::Text(tail.to_owned()),
    ]
    .into_iter()
    .filter(|part| *part != NamePart::Text(String::new()))
    .collect()
}

/// How many recipients have exactly one file.
fn matched(
    parts: &[NamePart],
    files: &[String],
    all: &HashSet<&str>,
    recipients: &[NamedRecipient<'_>],
) -> usize {
    let has_any = parts.contains(&NamePart::Any);
    let most = if has_any {
        MOST_COMPARED / files.len().max(1)
    } else {
        usize::MAX
    };
    let mut taken: HashSet<&str> = HashSet::new();
    let mut count = 0;
    for recipient in recipients.iter().take(most) {
        let pieces: Vec<Option<String>> = parts
            .iter()
            .map(|part| match part {
                NamePart::Text(text) => Some(text.clone()),
                NamePart::NameForm(form) => Some(form.text(recipient)),
                NamePart::Any => None,
            })
            .collect();
        let file = if has_any {
            let mut fitting = files.iter().filter(|file| fits(file, &pieces));
            match (fitting.next(), fitting.next()) {
                (Some(file), None) => Some(file.as_str()),
                _ => None,
            }
        } else {
            let name: String = pieces.into_iter().flatten().collect();
            all.get(name.as_str()).copied()
        };
        if file.is_some_and(|file| taken.insert(file)) {
            count += 1;
        }
    }
    count
}

/// Whether a file name has these pieces one after the other, with anything in place of none.
fn fits(file: &str, pieces: &[Option<String>]) -> bool {
    match pieces.split_first() {
        None => file.is_empty(),
        Some((Some(piece), rest)) => file
            .strip_prefix(piece.as_str())
            .is_some_and(|file| fits(file, rest)),
        Some((None, [])) => true,
        Some((None, rest)) => file
            .char_indices()
            .map(|(at, _)| at)
            .chain([file.len()])
            .any(|at| fits(&file[at..], rest)),
    }
}

/// Where a text stands in a file name as a word of its own.
fn position(file: &str, text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = file.get(from..)?.find(text) {
        let (begin, end) = (from + found, from + found + text.len());
        let goes_on = |outside: Option<char>, inside: Option<char>| match (outside, inside) {
            (Some(outside), Some(inside)) => {
                (outside.is_numeric() && inside.is_numeric())
                    || (outside.is_alphabetic() && inside.is_alphabetic())
            }
            _ => false,
        };
        let before = goes_on(file[..begin].chars().next_back(), text.chars().next());
        let after = goes_on(file[end..].chars().next(), text.chars().next_back());
        if !before && !after {
            return Some(begin);
        }
        from = begin + file[begin..].chars().next().map_or(1, char::len_utf8);
    }
    None
}

/// The form in which file names and names in a list are compared.
pub(super) fn folded(text: &str) -> String {
    let words: String = text
        .nfkd()
        .filter(|c| !matches!(c, '\'' | '\u{2019}' | '\u{300}'..='\u{36f}'))
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect::<String>()
        .to_lowercase();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The file of each recipient by what file names show: the id as a word, else the name.
#[must_use]
pub(crate) fn assign(files: &[String], recipients: &[NamedRecipient<'_>]) -> Vec<NamedFile> {
    let mut by_word: HashMap<String, Vec<usize>> = HashMap::new();
    let shown: Vec<String> = files.iter().map(|file| folded(stem(file))).collect();
    for (index, shown) in shown.iter().enumerate() {
        for word in shown.split(' ') {
            let files = by_word.entry(word.to_owned()).or_default();
            if files.last() != Some(&index) {
                files.push(index);
            }
        }
    }
    let may_compare = files.len().saturating_mul(recipients.len()) <= MOST_COMPARED;
    recipients
        .iter()
        .map(|recipient| {
            let id = folded(recipient.id);
            let mut found = by_word.get(&id).cloned().unwrap_or_default();
            let mut because = format!("the file name shows the id {}", recipient.id);
            if found.is_empty() && may_compare {
                let zeros = recipient.id.trim_start_matches('0');
                let has = |text: &str, whole: &str| {
                    !text.is_empty() && format!(" {whole} ").contains(&format!(" {text} "))
                };
                let with = |text: &str| -> Vec<usize> {
                    (0..shown.len())
                        .filter(|index| has(text, &shown[*index]))
                        .collect()
                };
                found = with(&id);
                if found.is_empty() {
                    found = with(&folded(zeros));
                    because = format!("the file name shows {zeros}, the id without its zeros");
                }
                if found.is_empty() {
                    found = with(&folded(recipient.name));
                    "the file name shows the name".clone_into(&mut because);
                }
            }
            match found.as_slice() {
                [one] => NamedFile {
                    file: Some(files[*one].clone()),
                    because,
                },
                [] => NamedFile {
                    file: None,
                    because: "no file name shows the id or the name".to_owned(),
                },
                several => NamedFile {
                    file: None,
                    because: format!(
                        "{} files show it, such as {} and {}",
                        several.len(),
                        files[several[0]],
                        files[several[1]]
                    ),
                },
            }
        })
        .collect()
}

fn stem(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

/// Whether two file names differ only in how their accents are written, or in upper and lower case.
#[must_use]
pub(crate) fn is_written_otherwise(one: &str, other: &str) -> bool {
    one != other
        && one.nfc().collect::<String>().to_lowercase()
            == other.nfc().collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHOOLS: [NamedRecipient<'static>; 3] = [
        NamedRecipient {
            id: "01001",
            name: "St Mary's CofE Primary",
        },
        NamedRecipient {
            id: "01002",
            name: "Oak Hill School",
        },
        NamedRecipient {
            id: "12345",
            name: "Oak Hill School Annexe",
        },
    ];

    #[track_caller]
    fn proposed(files: [&str; 3], template: &str) {
        let files = files.map(str::to_owned);
        let pattern = propose(&files, &SCHOOLS).map(|pattern| (pattern.template, pattern.matched));
        assert_eq!(pattern, Some((template.to_owned(), 3)));
    }

    #[test]
    fn a_pattern_is_found_by_ids_and_names() {
        proposed(
            ["report_01001.pdf", "report_01002.pdf", "report_12345.pdf"],
            "report_{{ id }}.pdf",
        );
        proposed(["1001.pdf", "1002.pdf", "12345.pdf"], "{{ id | int }}.pdf");
        proposed(
            [
                "Report - St Mary's CofE Primary (01001).pdf",
                "Report - Oak Hill School (01002).pdf",
                "Report - Oak Hill School Annexe (12345).pdf",
            ],
            "Report - {{ name }} ({{ id }}).pdf",
        );
        proposed(
            [
                "Report - St Marys (01001).pdf",
                "Report - Oak (01002).pdf",
                "Report - Annexe (12345).pdf",
            ],
            "Report - * ({{ id }}).pdf",
        );
        proposed(
            [
                "St_Mary's_CofE_Primary.pdf",
                "Oak_Hill_School.pdf",
                "Oak_Hill_School_Annexe.pdf",
            ],
            "{{ name | replace(from=\" \", to=\"_\") }}.pdf",
        );
    }

    #[test]
    fn names_without_a_pattern_are_assigned_one_by_one() {
        let files = ["final 1001 v2.pdf", "Oak Hill School - new.pdf", "x.pdf"].map(str::to_owned);
        let assigned = assign(&files, &SCHOOLS);
        assert_eq!(assigned[0].file.as_deref(), Some("final 1001 v2.pdf"));
        assert_eq!(
            assigned[1].file.as_deref(),
            Some("Oak Hill School - new.pdf")
        );
        assert_eq!(assigned[2].file, None);
    }

    #[test]
    fn an_id_is_a_word_of_its_own() {
        assert_eq!(position("report11001.pdf", "1001"), None);
        assert_eq!(position("report1001.pdf", "1001"), Some(6));
        assert_eq!(position("A1001_1001.pdf", "1001"), Some(1));
    }

    #[test]
    fn accents_may_be_written_in_two_ways() {
        assert!(is_written_otherwise("E\u{301}cole.pdf", "École.pdf"));
        assert!(!is_written_otherwise("Ecole.pdf", "École.pdf"));
    }
}
