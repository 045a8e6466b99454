//! Which files are a recipient's: by a path with a `*` in it, or by a table.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use unicode_normalization::UnicodeNormalization;

use super::source;
use crate::config::Batch;
use crate::finding::{Finding, quote};

/// What stands for a `*` of the batch file in a path: a `*` out of a cell is only itself.
const STAR: char = '\u{F0200}';
/// More of them than these in a path say too little.
const MOST_STARS: usize = 2;
/// A recipient has no more files than these.
const MOST_FILES: usize = 50;
/// A folder with more entries is not gone through.
const MOST_ENTRIES: usize = 500_000;
/// A table beyond this size is another file.
const LARGEST_TABLE: u64 = 64 << 20;
/// A table with more rows is another file.
const MOST_ROWS: usize = 1_000_000;

/// A path template with its stars made out, as far as they stand outside of expressions.
pub(super) fn with_stars(template: &str) -> String {
    let mut made = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let (before, tag) = rest.split_at(open);
        made.extend(before.chars().map(star));
        let close = if tag.starts_with("{{") { "}}" } else { "%}" };
        let end = tag.find(close).map_or(tag.len(), |end| end + 2);
        made.push_str(&tag[..end]);
        rest = &tag[end..];
    }
    made.extend(rest.chars().map(star));
    made
}

fn star(c: char) -> char {
    if c == '*' { STAR } else { c }
}

/// Whether files must be looked for to know which ones a path means.
pub(super) fn has_stars(path: &str) -> bool {
    path.contains(STAR)
}

/// A path with its stars as people write them.
pub(super) fn plain(path: &str) -> String {
    path.replace(STAR, "*")
}

/// Folders that were listed.
#[derive(Debug, Default)]
pub(super) struct FolderListings {
    listed: Mutex<HashMap<PathBuf, Arc<[ListedFile]>>>,
}

/// A file in a folder.
#[derive(Debug)]
struct ListedFile {
    /// Its name in composed form: some systems take names apart.
    composed: String,
    name: String,
}

impl FolderListings {
    /// The files that a path with stars means, in order.
    pub(super) fn fitting(&self, root: &Path, path: &str) -> Result<Vec<String>, Finding> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if has_stars(folder) || name.matches(STAR).count() > MOST_STARS {
            return Err(Finding::fault(
                format!("a `*` stands for a folder, or there are more than {MOST_STARS}"),
                "let `*` stand in the name of the file, once or twice",
            ));
        }
        let listed = self.list(&root.join(folder))?;
        let wanted: String = name.nfc().collect();
        let pieces: Vec<&str> = wanted.split(STAR).collect();
        let start = listed.partition_point(|one| *one.composed < *pieces[0]);
        let alike = listed[start..]
            .iter()
            .take_while(|one| one.composed.starts_with(pieces[0]));
        let mut found: Vec<String> = Vec::new();
        let mut beside = None;
        for one in alike {
            match fit(&one.composed, &pieces) {
                NameFit::Whole if folder.is_empty() => found.push(one.name.clone()),
                NameFit::Whole => found.push(format!("{folder}/{}", one.name)),
                NameFit::Cut => beside = Some(&one.name),
                NameFit::None => {}
            }
        }
        match (found.is_empty(), beside) {
            (true, Some(name)) => Err(Finding::fault(
                format!(
                    "no file fits: in `{}` a letter or digit stands beside the `*`, so it may be another recipient's",
                    quote(name)
                ),
                "write the path so that `*` ends at a space or a mark, such as `* ({{ id }}).pdf`",
            )),
            _ if found.len() > MOST_FILES => Err(Finding::fault(
                format!("more than {MOST_FILES} files fit"),
                "write more of the name into the path",
            )),
            _ => Ok(found),
        }
    }

    fn list(&self, folder: &Path) -> Result<Arc<[ListedFile]>, Finding> {
        let lock = || self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listed) = lock().get(folder) {
            return Ok(Arc::clone(listed));
        }
        let unreadable = |error: std::io::Error| {
            Finding::fault(
                format!("the folder of the attachments cannot be read: {error}"),
                "correct [[attachment]] path, or let this user read the folder",
            )
        };
        let mut listed = Vec::new();
        for entry in std::fs::read_dir(folder)
            .map_err(unreadable)?
            .take(MOST_ENTRIES)
        {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Hidden files, and those by which Office marks open ones.
            if !name.starts_with(['.', '~']) && !entry.path().is_dir() {
                listed.push(ListedFile {
                    composed: name.nfc().collect(),
                    name,
                });
            }
        }
        listed.sort_by(|a, b| a.composed.cmp(&b.composed));
        let listed: Arc<[ListedFile]> = listed.into();
        lock().insert(folder.to_owned(), Arc::clone(&listed));
        Ok(listed)
    }
}

/// How a name fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NameFit {
    /// It does not.
    None,
    /// It does, but a star cuts a word: `1` and `001` of `1001`.
    Cut,
    /// It does.
    Whole,
}

/// How a name fits pieces that stars stand between. Ids match exactly: what a star stands for must
/// not continue a word of the path.
fn fit(name: &str, pieces: &[&str]) -> NameFit {
    let [first, rest @ ..] = pieces else {
        return NameFit::None;
    };
    let Some(name) = name.strip_prefix(first) else {
        return NameFit::None;
    };
    if rest.is_empty() {
        return if name.is_empty() {
            NameFit::Whole
        } else {
            NameFit::None
        };
    }
    let mut best = NameFit::None;
    for (at, _) in name.char_indices().chain([(name.len(), ' ')]) {
        let (star, after) = name.split_at(at);
        let fits = fit(after, rest);
        if fits == NameFit::None {
            continue;
        }
        let joins = |left: Option<char>, right: Option<char>| {
            left.is_some_and(char::is_alphanumeric) && right.is_some_and(char::is_alphanumeric)
        };
        // A star for nothing joins what stands around it.
        let is_cut = if star.is_empty() {
            joins(first.chars().next_back(), after.chars().next())
        } else {
            joins(first.chars().next_back(), star.chars().next())
                || joins(star.chars().next_back(), after.chars().next())
        };
        if !is_cut && fits == NameFit::Whole {
            return NameFit::Whole;
        }
        best = NameFit::Cut;
    }
    best
}

/// A table that names the files of each recipient.
#[derive(Debug, Default)]
pub(super) struct FileTable {
    files: HashMap<String, Vec<String>>,
    /// Its text, which the letters are made of.
    pub text: String,
}

impl FileTable {
    /// Reads a table: CSV in UTF-8 with the columns `id` and `file`, and any others.
    pub(super) fn read(batch: &Batch, path: &Path) -> Result<Self, Vec<Finding>> {
        let shown = path.display().to_string();
        let at = |fault: Finding| fault.file(shown.clone());
        let text = source::read_up_to(batch, path, LARGEST_TABLE, "table")
            .map_err(|fault| vec![at(fault)])?;
        let head = text.lines().next().unwrap_or_default();
        let commonest = [b',', b';', b'\t']
            .into_iter()
            .max_by_key(|mark| head.bytes().filter(|byte| byte == mark).count());
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(commonest.unwrap_or(b','))
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let unreadable = |error: &csv::Error| {
            vec![at(Finding::fault(
                format!("the table cannot be read: {error}"),
                "save it as CSV in UTF-8, with the columns id and file",
            ))]
        };
        let headers = reader
            .headers()
            .map_err(|error| unreadable(&error))?
            .clone();
        let column = |name: &str| {
            headers
                .iter()
                .position(|other| other.eq_ignore_ascii_case(name))
        };
        let (Some(id), Some(file)) = (column("id"), column("file")) else {
            return Err(vec![at(Finding::fault(
                "the table has no column `id`, or no column `file`",
                "name its columns id and file in the first line",
            ))]);
        };
        let mut files: HashMap<String, Vec<String>> = HashMap::new();
        let mut faults = Vec::new();
        for (row, record) in (2..).zip(reader.records().take(MOST_ROWS)) {
            let record = record.map_err(|error| unreadable(&error))?;
            let cell = |column| record.get(column).unwrap_or_default();
            let (id, file) = (cell(id), cell(file));
            if file.is_empty() {
                continue;
            }
            if id.is_empty() {
                let fault = Finding::fault("a file has no id", "write the id, or take the row out");
                faults.push(at(fault).row(row));
                continue;
            }
            let of_id = files.entry(id.to_owned()).or_default();
            if !of_id.iter().any(|other| other == file) {
                of_id.push(file.to_owned());
            }
        }
        if faults.is_empty() {
            Ok(Self { files, text })
        } else {
            Err(faults)
        }
    }

    /// The files of a recipient.
    pub(super) fn of(&self, id: &str) -> &[String] {
        self.files.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    /// The ids that it has, in order.
    pub(super) fn ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = self.files.keys().map(String::as_str).collect();
        ids.sort_unstable();
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_star_of_the_batch_file_is_one() {
        assert_eq!(plain(&with_stars("a*{{ 2 * x }}*")), "a*{{ 2 * x }}*");
        assert_eq!(
            with_stars("a*{{ 2 * x }}{% if a*b %}*"),
            "a\u{F0200}{{ 2 * x }}{% if a*b %}\u{F0200}"
        );
        assert!(!has_stars("a*"));
    }

    #[test]
    fn a_star_never_continues_an_id() {
        for (path, name, expected) in [
            ("* (1001).pdf", "Report - Oak (1001).pdf", NameFit::Whole),
            ("*1001.pdf", "1001.pdf", NameFit::Whole),
            ("*1001.pdf", "Report 1001.pdf", NameFit::Whole),
            ("*1001.pdf", "21001.pdf", NameFit::Cut),
            ("*1001.pdf", "RRS1001.pdf", NameFit::Cut),
            ("1001*.pdf", "10017.pdf", NameFit::Cut),
            ("1001*.pdf", "1001.pdf", NameFit::Whole),
            ("1001*.pdf", "1001 Oak.pdf", NameFit::Whole),
            ("Oak*.pdf", "Oakley.pdf", NameFit::Cut),
            ("*1001*.pdf", "Oak_1001_2026.pdf", NameFit::Whole),
            ("*1001*.pdf", "a1001 1001 x.pdf", NameFit::Whole),
            ("*1001*.pdf", "Oak 1002.pdf", NameFit::None),
            ("*École.pdf", "L'École.pdf", NameFit::Whole),
        ] {
            let pieces: Vec<&str> = path.split('*').collect();
            assert_eq!(fit(name, &pieces), expected, "{path} {name}");
        }
    }

    #[test]
    fn files_are_found_whatever_form_their_names_have() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "E\u{301}cole (1).pdf",
            "Oak (2).pdf",
            ".hidden (1).pdf",
            "~$x (1).pdf",
        ] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let listings = FolderListings::default();
        let found = |path: &str| listings.fitting(folder.path(), &with_stars(path));
        assert_eq!(found("\u{c9}cole*.pdf").unwrap(), ["E\u{301}cole (1).pdf"]);
        assert_eq!(found("* (1).pdf").unwrap(), ["E\u{301}cole (1).pdf"]);
        assert_eq!(found("*.pdf").unwrap().len(), 2);
        assert!(found("* (3).pdf").unwrap().is_empty());
        assert!(found("Oa*.pdf").is_err());
        assert!(found("*/x.pdf").is_err());
    }
}
