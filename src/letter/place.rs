//! Where a template uses a value: tera gives the names of values, but not their places.

/// The line and column, both from 1, at which a template first uses a value.
pub(super) fn of_value(source: &str, value: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    while let Some(open) = source[at..]
        .find("{{")
        .into_iter()
        .chain(source[at..].find("{%"))
        .min()
    {
        let start = at + open + 2;
        let (found, end) = in_tag(source, start, value);
        if let Some(found) = found {
            let before = &source[..found];
            let line_start = before.rfind('\n').map_or(0, |end| end + 1);
            let column = before[line_start..].chars().count() + 1;
            return Some((before.matches('\n').count() + 1, column));
        }
        at = end;
    }
    None
}

/// Looks through one tag, and says where it ends.
fn in_tag(source: &str, start: usize, value: &str) -> (Option<usize>, usize) {
    let mut quoted: Option<char> = None;
    let mut before = ' ';
    for (offset, character) in source[start..].char_indices() {
        let here = &source[start + offset..];
        if let Some(quote) = quoted {
            if character == quote {
                quoted = None;
            }
        } else if matches!(character, '"' | '\'' | '`') {
            quoted = Some(character);
        } else if here.starts_with("}}") || here.starts_with("%}") {
            return (None, start + offset + 2);
        } else if !is_part(before) && before != '.' && is_used(here, value) {
            return (Some(start + offset), start + offset);
        }
        before = character;
    }
    (None, source.len())
}

/// Whether the value stands here, and not a longer name or the name of an argument.
fn is_used(here: &str, value: &str) -> bool {
    let Some(after) = here.strip_prefix(value) else {
        return false;
    };
    let rest = after.trim_start();
    let is_argument = rest.starts_with('=') && !rest.starts_with("==");
    !after.starts_with(is_part) && !is_argument
}

fn is_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_where_it_is_used() {
        for (source, place) in [
            ("{{ year }}", Some((1, 4))),
            ("year\n\u{e9} {{ name }}{% if a and year %}", Some((2, 25))),
            (
                "{{ school_year }}{{ a.year }}{{ 'year' }}{{ f(year=1) }}",
                None,
            ),
            ("{{ f(year=year) }}", Some((1, 11))),
            ("{% if year == 1 %}", Some((1, 7))),
            ("{{ \"}}\" ~ year", Some((1, 11))),
            ("{{", None),
        ] {
            assert_eq!(of_value(source, "year"), place, "{source}");
        }
    }
}
