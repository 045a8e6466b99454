//! Tags of a template that do not fit together: tera says where it stopped, and a person wants to know
//! where that began.

/// A slip in the tags of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TagSlip {
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1.
    pub column: usize,
    /// What is wrong.
    pub text: String,
    /// What to do.
    pub next_step: String,
}

/// Tags that another tag ends.
const PAIRS: [(&str, &str); 8] = [
    ("if", "endif"),
    ("for", "endfor"),
    ("block", "endblock"),
    ("filter", "endfilter"),
    ("component", "endcomponent"),
    ("set", "endset"),
    ("set_global", "endset"),
    ("raw", "endraw"),
];

/// Tags that stand alone, or in the middle of others.
const ALONE: [&str; 6] = ["include", "extends", "break", "continue", "else", "elif"];

/// A tag that is still open.
struct OpenTag<'a> {
    at: usize,
    shown: &'a str,
    end: &'static str,
}

/// The first tag that is not closed, closes nothing, or is none that there is. Only a template that tera
/// does not take is looked through.
pub(super) fn slip(source: &str) -> Option<TagSlip> {
    let mut open: Vec<OpenTag<'_>> = Vec::new();
    let mut at = 0;
    while let Some(found) = source[at..].find('{') {
        let start = at + found;
        let rest = &source[start..];
        if rest.starts_with("{#") {
            at = start + rest.find("#}")? + 2;
        } else if rest.starts_with("{{") {
            at = end_of_tag(source, start + 2, "}}")?;
        } else if rest.starts_with("{%") {
            let end = end_of_tag(source, start + 2, "%}")?;
            let shown = &source[start..end];
            let inside = shown.trim_start_matches("{%").trim_end_matches("%}");
            let inside = inside.trim_start_matches('-').trim_end_matches('-').trim();
            at = end;
            if let Some(slip) = take(source, &mut open, start, shown, inside) {
                return Some(slip);
            }
            if inside == "raw" {
                // What stands in it is no tag.
                at += source[at..].find("{% endraw").unwrap_or(source.len() - at);
            }
        } else {
            at = start + 1;
        }
    }
    open.pop().map(|tag| never_closed(source, &tag))
}

/// Takes one tag in; gives what is wrong with it.
fn take<'a>(
    source: &str,
    open: &mut Vec<OpenTag<'a>>,
    start: usize,
    shown: &'a str,
    inside: &str,
) -> Option<TagSlip> {
    let name: &str = inside
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
        .unwrap_or_default();
    if let Some((_, end)) = PAIRS.iter().find(|(begin, _)| *begin == name) {
        // A value that is set with `=` ends there.
        if !(name.starts_with("set") && inside.contains('=')) {
            open.push(OpenTag {
                at: start,
                shown,
                end,
            });
        }
        return None;
    }
    if let Some((begin, end)) = PAIRS.iter().find(|(_, end)| *end == name) {
        return match open.last() {
            Some(tag) if tag.end == *end => {
                open.pop();
                None
            }
            Some(tag) => {
                let (line, _) = place(source, start);
                let mut slip = never_closed(source, tag);
                slip.text = format!(
                    "`{}` is still open where line {line} has `{{% {end} %}}`",
                    tag.shown
                );
                Some(slip)
            }
            None => Some(TagSlip::at(
                source,
                start,
                format!("`{{% {end} %}}` ends nothing: no `{{% {begin} %}}` is open here"),
                format!("take it out, or write `{{% {begin} ... %}}` where it begins"),
            )),
        };
    }
    if name.is_empty() || ALONE.contains(&name) {
        return None;
    }
    let known = PAIRS.iter().flat_map(|(begin, end)| [*begin, *end]);
    let near = known
        .chain(ALONE)
        .map(|word| (strsim::damerau_levenshtein(word, name), word))
        .min()
        .filter(|(steps, _)| *steps <= 2);
    Some(TagSlip::at(
        source,
        start,
        format!("`{name}` is no tag that templates have"),
        match near {
            Some((_, word)) => format!("did you mean `{{% {word} ... %}}`?"),
            None => {
                "a value is written in two braces, {{ name }}; tags are if, for, set and include"
                    .to_owned()
            }
        },
    ))
}

fn never_closed(source: &str, tag: &OpenTag<'_>) -> TagSlip {
    TagSlip::at(
        source,
        tag.at,
        format!("`{}` is never closed", tag.shown),
        format!("write `{{% {} %}}` where it ends", tag.end),
    )
}

impl TagSlip {
    fn at(source: &str, at: usize, text: String, next_step: String) -> Self {
        let (line, column) = place(source, at);
        Self {
            line,
            column,
            text,
            next_step,
        }
    }
}

fn place(source: &str, at: usize) -> (usize, usize) {
    let before = &source[..at];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

/// Where a tag ends, behind its closing braces. Those in a text in quotes close nothing.
fn end_of_tag(source: &str, from: usize, close: &str) -> Option<usize> {
    let mut quoted: Option<char> = None;
    for (offset, character) in source[from..].char_indices() {
        match quoted {
            Some(quote) => quoted = Some(quote).filter(|quote| character != *quote),
            None if matches!(character, '"' | '\'' | '`') => quoted = Some(character),
            None if source[from + offset..].starts_with(close) => {
                return Some(from + offset + close.len());
            }
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_named_where_it_began() {
        for (source, line, text, next_step) in [
            (
                "<p>\n{% if a == \"%}\" %}\n<p>{{ \"{% endif %}\" }}</p>\n",
                2,
                "`{% if a == \"%}\" %}` is never closed",
                "write `{% endif %}` where it ends",
            ),
            (
                "{% for row in rows %}\n{%- if a -%}\n{% endfor %}",
                2,
                "`{%- if a -%}` is still open where line 3 has `{% endfor %}`",
                "write `{% endif %}` where it ends",
            ),
            (
                "{% if a %}{% endif %}\n{% endif %}",
                2,
                "`{% endif %}` ends nothing: no `{% if %}` is open here",
                "take it out, or write `{% if ... %}` where it begins",
            ),
            (
                "{% fi a %}x{% endif %}",
                1,
                "`fi` is no tag that templates have",
                "did you mean `{% if ... %}`?",
            ),
            (
                "{% school %}",
                1,
                "`school` is no tag that templates have",
                "a value is written in two braces, {{ name }}; tags are if, for, set and include",
            ),
            (
                "{% set a %}x",
                1,
                "`{% set a %}` is never closed",
                "write `{% endset %}` where it ends",
            ),
        ] {
            let slip = slip(source).unwrap_or_else(|| panic!("nothing found: {source}"));
            assert_eq!(slip.text, text);
            assert_eq!(slip.next_step, next_step, "{source}");
            assert_eq!(slip.line, line, "{source}");
        }
    }

    #[test]
    fn tags_that_fit_together_have_no_slip() {
        for source in [
            "",
            "{ % {",
            "{{ a",
            "{# {% if a %} #}",
            "{% set a = 1 %}{% if a %}{% elif b %}{% else %}{% endif %}",
            "{% raw %}{% if a %}{% nonsense %}{% endraw %}{{ a }}",
            "{% for a in b %}{% break %}{% endfor %}{% include \"x\" %}",
            "{% <card()> %}{% </card> %}",
            "{% block a %}{% endblock a %}{% filter upper %}{% endfilter %}",
        ] {
            assert_eq!(slip(source), None, "{source}");
        }
    }
}
