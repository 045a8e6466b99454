//! Which column is which.

use super::{Findings, Table};
use crate::config::ManifestConfig;
use crate::finding::{Finding, quote};

/// The columns that the batch file names, as indices into the table.
#[derive(Debug)]
pub(super) struct Columns {
    pub id: usize,
    pub name: usize,
    pub to: Vec<usize>,
    pub cc: Vec<usize>,
    pub bcc: Vec<usize>,
    pub require: Vec<usize>,
}

impl Columns {
    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = usize> {
        let addresses = self.to.iter().chain(&self.cc).chain(&self.bcc);
        [self.id, self.name]
            .into_iter()
            .chain(addresses.chain(&self.require).copied())
    }

    /// Finds the named columns by their exact headers; every one that cannot be found is a fault.
    pub(super) fn find(
        table: &Table,
        config: &ManifestConfig,
        findings: &mut Findings,
    ) -> Option<Self> {
        let headers = table.headers();
        let mut all = |names: &[String], key: &str| -> Vec<Option<usize>> {
            names
                .iter()
                .map(|name| locate(headers, name, key, findings))
                .collect()
        };
        let id = all(std::slice::from_ref(&config.id), "id");
        let name = all(std::slice::from_ref(&config.name), "name");
        let (to, cc, bcc) = (
            all(&config.to, "to"),
            all(&config.cc, "cc"),
            all(&config.bcc, "bcc"),
        );
        let require = all(&config.require, "require");
        note_doubled(headers, findings);
        let whole = |found: Vec<Option<usize>>| found.into_iter().collect::<Option<Vec<_>>>();
        Some(Self {
            id: whole(id)?[0],
            name: whole(name)?[0],
            to: whole(to)?,
            cc: whole(cc)?,
            bcc: whole(bcc)?,
            require: whole(require)?,
        })
    }
}

fn locate(headers: &[String], name: &str, key: &str, findings: &mut Findings) -> Option<usize> {
    let mut exact = (0..headers.len()).filter(|&index| headers[index] == name);
    match (exact.next(), exact.next()) {
        (Some(index), None) => Some(index),
        (Some(_), Some(_)) => {
            findings.add(
                Finding::fault(
                    format!(
                        "column `{}` ([manifest] {key}) appears twice in the header",
                        quote(name)
                    ),
                    "rename one of the two, so that it is certain which one is meant",
                )
                .column(name),
            );
            None
        }
        (None, _) => {
            findings.add(missing(headers, name, key).column(name));
            None
        }
    }
}

fn missing(headers: &[String], name: &str, key: &str) -> Finding {
    if let Some(header) = headers.iter().find(|header| header.trim() == name.trim()) {
        return Finding::fault(
            format!(
                "column `{}` ([manifest] {key}) is written `{}` in the header, with extra spaces",
                quote(name),
                quote(header)
            ),
            "remove the spaces from the header, or write the name in the batch file in the same way",
        );
    }
    let near = near_names(headers, name);
    let next_step = if near.is_empty() {
        let headers: Vec<_> = headers
            .iter()
            .map(|header| format!("`{}`", quote(header)))
            .collect();
        format!(
            "the columns are {}: correct the name in the batch file",
            headers.join(", ")
        )
    } else {
        format!(
            "did you mean {}? correct the name in the batch file",
            near.join(" or ")
        )
    };
    Finding::fault(
        format!("column `{}` ([manifest] {key}) is missing", quote(name)),
        next_step,
    )
}

fn near_names(headers: &[String], name: &str) -> Vec<String> {
    const ALIKE: f64 = 0.7;
    /// Comparing takes the product of both lengths in memory, and a longer header is no slip.
    const LONGEST: usize = 200;
    let folded = name.trim().to_lowercase();
    if folded.len() > LONGEST {
        return Vec::new();
    }
    let mut near: Vec<_> = headers
        .iter()
        .filter(|header| header.len() <= LONGEST)
        .map(|header| {
            (
                strsim::normalized_damerau_levenshtein(&folded, &header.trim().to_lowercase()),
                header,
            )
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter()
        .take(3)
        .map(|(_, header)| format!("`{}`", quote(header)))
        .collect()
}

/// A column that stands twice and is not named is only a danger to templates.
fn note_doubled(headers: &[String], findings: &mut Findings) {
    for (index, header) in headers.iter().enumerate() {
        let doubled = !header.trim().is_empty()
            && headers[..index].contains(header)
            && !findings
                .list
                .iter()
                .any(|fault| fault.column.as_ref() == Some(header));
        if doubled {
            findings.add(
                Finding::warning(
                    format!("column `{}` appears twice in the header", quote(header)),
                    "templates cannot use it by name: rename one of the two if they should",
                )
                .column(header),
            );
        }
    }
}

/// The name under which templates know a column: `RRED School ID` is `rred_school_id` and `UserID`
/// is `user_id`.
#[must_use]
pub(crate) fn snake_case(header: &str) -> String {
    let mut name = String::with_capacity(header.len() + 4);
    let mut before: Option<char> = None;
    let mut characters = header.trim().chars().peekable();
    while let Some(character) = characters.next() {
        if character.is_alphanumeric() {
            let next_is_lower = characters.peek().is_some_and(|next| next.is_lowercase());
            let word_begins = character.is_uppercase()
                && before.is_some_and(|before| {
                    before.is_lowercase()
                        || before.is_numeric()
                        || (before.is_uppercase() && next_is_lower)
                });
            if word_begins {
                name.push('_');
            }
            name.extend(character.to_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        before = Some(character);
    }
    name.truncate(name.trim_end_matches('_').len());
    if name.starts_with(|first: char| first.is_numeric()) {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_names_are_lower_case_words() {
        for (header, name) in [
            ("RRED School ID", "rred_school_id"),
            ("IPD/CPD", "ipd_cpd"),
            (" TL  Email ", "tl_email"),
            ("2023 total (%)", "_2023_total"),
            ("Größe", "größe"),
            ("UserID", "user_id"),
            ("TLEmail", "tl_email"),
            ("Q1Total", "q1_total"),
        ] {
            assert_eq!(snake_case(header), name);
        }
    }
}
