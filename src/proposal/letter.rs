//! A letter as people write it, with the marks of a mail merge, as a template.

use super::{Answers, MarkMeaning};
use crate::manifest::snake_case;

/// A letter with its marks replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ConvertedLetter {
    /// The template.
    pub text: String,
    /// The marks that were replaced, and by what.
    pub replaced: Vec<(String, String)>,
    /// Marks that no column has.
    pub unknown: Vec<String>,
    /// What is the same in all letters, by the names that templates know it by.
    pub vars: Vec<(String, String)>,
    /// The pictures of a letter from Word.
    pub pictures: Vec<(String, Vec<u8>)>,
    /// What of such a letter is not in the template.
    pub left_out: Vec<String>,
}

/// What marks stand for.
pub(super) struct MergeFields<'a> {
    /// All headers of the list.
    pub headers: &'a [String],
    /// The header of the id column.
    pub id: &'a str,
    /// The header of the name column.
    pub name: &'a str,
}

impl MergeFields<'_> {
    /// The expression of a template for a mark.
    fn expression(&self, mark: &str) -> Option<String> {
        let short = snake_case(mark);
        if short.is_empty() {
            return None;
        }
        if short == snake_case(self.id) || short == "id" {
            return Some("id".to_owned());
        }
        if short == snake_case(self.name) || short == "name" {
            return Some("name".to_owned());
        }
        let mut with = self
            .headers
            .iter()
            .filter(|header| snake_case(header) == short);
        match (with.next(), with.next()) {
            (Some(_), None) => Some(short),
            (Some(header), Some(_)) => {
                let exact = self
                    .headers
                    .iter()
                    .find(|other| other.trim() == mark.trim());
                let header = exact.unwrap_or(header).replace(['"', '\\'], "");
                Some(format!("row[\"{header}\"]"))
            }
            (None, _) => None,
        }
    }
}

/// The marks that are looked for: how they open and close, and whether one that no column has is surely
/// a mark.
const MARKS: [(&str, &str, bool); 5] = [
    ("{{", "}}", true),
    ("\u{ab}", "\u{bb}", true),
    ("&laquo;", "&raquo;", true),
    ("&#171;", "&#187;", true),
    ("{", "}", false),
];

/// A mark is no longer than this.
const LONGEST: usize = 80;

/// Replaces the marks of a letter.
pub(super) fn convert(text: &str, fields: &MergeFields<'_>, answers: &Answers) -> ConvertedLetter {
    let mut converted = ConvertedLetter::default();
    let mut rest = text;
    while let Some((at, (open, close, is_sure))) = next_mark(rest) {
        converted.text.push_str(&rest[..at]);
        let after = &rest[at + open.len()..];
        let inner = after.find(close).map(|end| &after[..end]);
        let inner =
            inner.filter(|inner| inner.len() <= LONGEST && !inner.contains(['<', '>', '\n']));
        let Some(inner) = inner else {
            converted.text.push_str(open);
            rest = after;
            continue;
        };
        let whole = &rest[at..at + open.len() + inner.len() + close.len()];
        rest = &after[inner.len() + close.len()..];
        let said = answers.marks.get(whole);
        let expression = match said {
            None => fields.expression(inner),
            Some(MarkMeaning::Column(column)) => fields.expression(column),
            Some(MarkMeaning::SameForAll(text)) => Some(converted.var(inner, text)),
            Some(MarkMeaning::Itself) => None,
        };
        if let Some(expression) = expression {
            let template = format!("{{{{ {expression} }}}}");
            let pair = (whole.to_owned(), template.clone());
            if template != whole && !converted.replaced.contains(&pair) {
                converted.replaced.push(pair);
            }
            converted.text.push_str(&template);
            continue;
        }
        let is_expression = open == "{{" && inner.contains(['|', '.', '[', '(', '"']);
        let is_known = converted.unknown.iter().any(|mark| mark == whole);
        if is_sure && !is_expression && !is_known && said.is_none() {
            converted.unknown.push(whole.to_owned());
        }
        converted.text.push_str(whole);
    }
    converted.text.push_str(rest);
    converted
}

impl ConvertedLetter {
    /// The name of a text that is the same in all letters, after its mark.
    fn var(&mut self, mark: &str, text: &str) -> String {
        let short: String = snake_case(mark).chars().filter(char::is_ascii).collect();
        let short = match short.as_str() {
            "" => "text".to_owned(),
            // Every letter has values of these names.
            "row" | "rows" => format!("{short}_text"),
            _ => short,
        };
        let numbered = (2..).map(|number| format!("{short}_{number}"));
        for name in std::iter::once(short.clone()).chain(numbered) {
            match self.vars.iter().find(|(known, _)| *known == name) {
                None => {
                    self.vars.push((name.clone(), text.to_owned()));
                    return name;
                }
                Some((_, same)) if same == text => return name,
                Some(_) => {}
            }
        }
        short
    }
}

fn next_mark(text: &str) -> Option<(usize, (&'static str, &'static str, bool))> {
    MARKS
        .into_iter()
        .filter_map(|mark| Some((text.find(mark.0)?, mark)))
        // Two brackets are no mark of one.
        .min_by_key(|(at, mark)| (*at, std::cmp::Reverse(mark.0.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_a_mail_merge_become_values() {
        let headers = ["URN", "School", "Head Teacher"].map(str::to_owned);
        let fields = MergeFields {
            headers: &headers,
            id: "URN",
            name: "School",
        };
        for (text, template) in [
            ("Dear \u{ab}Head_Teacher\u{bb}", "Dear {{ head_teacher }}"),
            ("{School} ({{URN}})", "{{ name }} ({{ id }})"),
            ("&laquo;Head Teacher&raquo;", "{{ head_teacher }}"),
            ("{{ name }} {{ year | int }}", "{{ name }} {{ year | int }}"),
            ("p { color: red }", "p { color: red }"),
            ("a { b", "a { b"),
        ] {
            let converted = convert(text, &fields, &Answers::default());
            assert_eq!(converted.text, template, "{text}");
        }
        let mark = "\u{ab}Region\u{bb}";
        let mut answers = Answers::default();
        let unknown = |answers: &Answers| convert("\u{ab}Region\u{bb} {x}", &fields, answers);
        assert_eq!(unknown(&answers).unknown, [mark]);
        let head = MarkMeaning::Column("Head Teacher".to_owned());
        answers.marks.insert(mark.to_owned(), head);
        assert_eq!(unknown(&answers).text, "{{ head_teacher }} {x}");
        answers.marks.insert(mark.to_owned(), MarkMeaning::Itself);
        assert_eq!(unknown(&answers).unknown, [""; 0]);
    }

    #[test]
    fn what_is_the_same_for_all_has_one_name_for_each_text() {
        let headers = ["URN", "School"].map(str::to_owned);
        let fields = MergeFields {
            headers: &headers,
            id: "URN",
            name: "School",
        };
        let mut answers = Answers::default();
        let same = [
            ("\u{ab}Year\u{bb}", "2026"),
            ("{{year}}", "2026"),
            ("{{Year}}", "2025"),
            ("\u{ab}Rows\u{bb}", "many"),
            ("\u{ab}\u{5e74}\u{bb}", "R8"),
        ];
        for (mark, text) in same {
            let meaning = MarkMeaning::SameForAll(text.to_owned());
            answers.marks.insert(mark.to_owned(), meaning);
        }
        let text: String = same.map(|(mark, _)| mark).join(" ");
        let converted = convert(&text, &fields, &answers);
        assert_eq!(
            converted.text,
            "{{ year }} {{ year }} {{ year_2 }} {{ rows_text }} {{ text }}"
        );
        let vars = [
            ("year", "2026"),
            ("year_2", "2025"),
            ("rows_text", "many"),
            ("text", "R8"),
        ];
        assert_eq!(
            converted.vars,
            vars.map(|(name, text)| (name.to_owned(), text.to_owned()))
        );
    }
}
