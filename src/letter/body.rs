//! The files that the bodies of the letters are made of.

use std::path::{Path, PathBuf};

use super::source::{self, is_called_so, name_of};
use crate::config::{Batch, LetterConfig, is_template};
use crate::finding::{Finding, quote};

/// A path by value that fits more files than these says too little.
const MOST_FILES: usize = 100;

/// Where one body comes from.
#[derive(Debug)]
pub(super) enum BodyFile {
    /// One file for all.
    Fixed {
        /// Its name below the template folder.
        name: String,
        /// Its path as the batch file has it.
        path: PathBuf,
    },
    /// A file for each value of the path.
    ByValue {
        /// The name of the path's template.
        key: &'static str,
        /// The path as the batch file has it.
        path: PathBuf,
    },
}

/// The bodies of a batch.
#[derive(Debug)]
pub(super) struct Bodies {
    /// HTML or Markdown; none in a letter of plain text.
    pub main: Option<BodyFile>,
    /// The plain text, if there is a template for it.
    pub text: Option<BodyFile>,
    /// The folder that templates extend and include from.
    pub folder: PathBuf,
    /// The names of the files that bodies are made of.
    pub named: Vec<String>,
    /// The style sheet of one's own.
    pub style: Option<String>,
    markdown: bool,
}

/// What was rendered for one recipient.
#[derive(Debug)]
pub(super) struct RenderedBody {
    pub html: Option<String>,
    pub text: Option<String>,
    /// The file that findings name.
    pub file: String,
}

impl Bodies {
    /// What the batch file names.
    pub(super) fn of(letter: &LetterConfig) -> Self {
        let folder = letter
            .bodies()
            .next()
            .map_or_else(PathBuf::new, |path| folder_of(path));
        let body = |key, path: &Option<PathBuf>| {
            let path = path.clone()?;
            Some(if is_template(&path.to_string_lossy()) {
                BodyFile::ByValue { key, path }
            } else {
                let name = name_of(&path, &folder);
                BodyFile::Fixed { name, path }
            })
        };
        let main = body("[letter] markdown", &letter.markdown);
        Self {
            markdown: main.is_some(),
            main: main.or_else(|| body("[letter] html", &letter.html)),
            text: body("[letter] text", &letter.text),
            named: Vec::new(),
            style: None,
            folder,
        }
    }

    /// The same with what was read.
    pub(super) fn with(mut self, named: Vec<String>, style: Option<String>) -> Self {
        self.named = named;
        self.style = style;
        self
    }

    /// Whether the body is written in Markdown.
    pub(super) fn is_markdown(&self) -> bool {
        self.markdown
    }

    /// The files as the batch file has them, for findings about all letters.
    pub(super) fn shown(&self) -> String {
        let file = self.main.as_ref().or(self.text.as_ref());
        match file {
            Some(BodyFile::Fixed { name, .. }) => name.clone(),
            Some(BodyFile::ByValue { path, .. }) => path.display().to_string(),
            None => String::new(),
        }
    }

    fn each(&self) -> impl Iterator<Item = &BodyFile> {
        self.main.iter().chain(&self.text)
    }

    /// The templates of paths by value.
    pub(super) fn paths(&self) -> impl Iterator<Item = (String, String)> {
        self.each().filter_map(|body| match body {
            BodyFile::Fixed { .. } => None,
            BodyFile::ByValue { key, path } => {
                Some(((*key).to_owned(), path.to_string_lossy().into_owned()))
            }
        })
    }

    /// The names and paths of all files that a body may be made of.
    pub(super) fn files(&self, batch: &Batch, faults: &mut Vec<Finding>) -> Vec<(String, PathBuf)> {
        let mut files = Vec::new();
        for body in self.each() {
            match body {
                BodyFile::Fixed { name, path } => files.push((name.clone(), path.clone())),
                BodyFile::ByValue { key, path } => match fitting(batch, path) {
                    Ok(found) => {
                        let named = found.into_iter();
                        files.extend(named.map(|path| (name_of(&path, &self.folder), path)));
                    }
                    Err(fault) => faults.push(fault.file(*key)),
                },
            }
        }
        files
    }

    /// The style sheet that the batch file names.
    pub(super) fn style(batch: &Batch) -> Result<Option<String>, Finding> {
        let Some(path) = &batch.letter.stylesheet else {
            return Ok(None);
        };
        let at = |fault: Finding| fault.file(path.display().to_string());
        let style =
            source::read_up_to(batch, path, source::LARGEST_FILE, "style sheet").map_err(at)?;
        if style.contains('<') {
            return Err(at(Finding::fault(
                "the style sheet has a `<` in it, which no style needs and which could end it",
                "leave the rules alone in the file, without <style> around them",
            )));
        }
        Ok(Some(style))
    }

    /// The name of the file that a path by value came to.
    pub(super) fn chosen(&self, path: &str) -> Result<String, Finding> {
        let name = name_of(Path::new(path), &self.folder);
        if self.named.contains(&name) {
            return Ok(name);
        }
        let mut others: Vec<&str> = self.named.iter().map(String::as_str).collect();
        others.truncate(10);
        Err(Finding::fault(
            format!("there is no letter `{}`", quote(path)),
            if others.is_empty() {
                "put the file there".to_owned()
            } else {
                format!(
                    "put the file there, or correct the cell: the letters are {}",
                    others.join(", ")
                )
            },
        ))
    }
}

/// The part of a path before anything that depends on a value.
fn fixed(path: &str) -> &str {
    let open = [path.find("{{"), path.find("{%")];
    &path[..open.into_iter().flatten().min().unwrap_or(path.len())]
}

/// The folder of a body's path.
fn folder_of(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    if is_template(&text) {
        let fixed = fixed(&text);
        return fixed.rfind('/').map_or("", |slash| &fixed[..slash]).into();
    }
    path.parent().unwrap_or(Path::new("")).to_owned()
}

/// The files that a path by value may lead to: those in its folder that begin and end as it does, and
/// are called like a template.
fn fitting(batch: &Batch, path: &Path) -> Result<Vec<PathBuf>, Finding> {
    let text = path.to_string_lossy();
    let folder = folder_of(path);
    let end = text.rfind(['}', '/']).map_or(0, |end| end + 1);
    let begins = fixed(&text).rsplit('/').next().unwrap_or_default();
    let ends = &text[end..];
    if text[fixed(&text).len()..end].contains('/') || text[end..].contains('/') {
        return Err(Finding::fault(
            "a value stands for a folder in the path of the letter",
            "let values stand in the name of the file alone, such as letters/{{ language }}.md",
        ));
    }
    let unreadable = |error: std::io::Error| {
        Finding::fault(
            format!("the folder of the letters cannot be read: {error}"),
            "put the letters there",
        )
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(batch.resolve(&folder)).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let fits = name.len() >= begins.len() + ends.len()
            && name.starts_with(begins)
            && name.ends_with(ends)
            && !name.starts_with('.')
            && is_called_so(Path::new(&name));
        if fits && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            found.push(folder.join(name));
        }
    }
    if found.len() > MOST_FILES {
        return Err(Finding::fault(
            format!("the path fits more than {MOST_FILES} files"),
            "put the letters into a folder of their own",
        ));
    }
    found.sort();
    Ok(found)
}
