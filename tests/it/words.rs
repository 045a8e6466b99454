//! The words that the project does not use: each has one meaning in `src/lib.rs`, or the field has a
//! better one. They are looked for in code, docs, help, messages and tests alike.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// A word in two halves, so that this file does not hold it, and what to say instead.
const RULED_OUT: &[(&str, &str, &str)] = &[
    ("far ", "side", "server"),
    ("far", "_side", "server"),
    ("far", "side", "server"),
    ("way ", "out", "transport"),
    ("ways ", "out", "transports"),
    ("cou", "rier", "worker"),
    ("to", "ld", "reported, shown or known"),
    ("camp", "aign", "batch"),
    ("subsc", "riber", "recipient"),
    ("hel", "per", "the name of what it does"),
];

/// Where they are looked for.
const PLACES: &[&str] = &[
    "src",
    "tests",
    "benches",
    "docs",
    "fixtures",
    "templates",
    ".ci",
    "fuzz/fuzz_targets",
    "README.md",
    "CHANGELOG.md",
    "Cargo.toml",
    ".example-secrets.toml",
];

fn files(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_file() {
        found.push(path.to_owned());
    }
    let Ok(entries) = fs::read_dir(path) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        // What other projects wrote has their words.
        if path.extension() != Some(OsStr::new("json")) && !path.ends_with("node_modules") {
            files(&path, found);
        }
    }
}

/// The words of a text that are ruled out, with their lines.
fn ruled_out(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.to_lowercase();
        for (first, second, instead) in RULED_OUT {
            let word = format!("{first}{second}");
            let stands_alone = |(at, _): (usize, &str)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(char::is_alphanumeric)
                    && !matches!(line[at + word.len()..].chars().next(), Some(next) if next.is_alphanumeric() && next != 's')
            };
            if line.match_indices(&word).any(stands_alone) {
                found.push((number + 1, *instead));
            }
        }
    }
    found
}

#[test]
fn no_word_that_is_ruled_out_stands_anywhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    for place in PLACES {
        files(&root.join(place), &mut all);
    }
    assert!(all.len() > 100, "{} files", all.len());
    let mut found = Vec::new();
    for path in all {
        // Pictures, workbooks and state files are not read.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        for (line, instead) in ruled_out(&text) {
            let path = path.strip_prefix(root).unwrap().display();
            found.push(format!("{path}:{line}: say {instead}"));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_word_is_found_where_it_stands_alone() {
    let word = |first: &str, second: &str| format!("{first}{second}");
    for text in [
        format!("The {}.", word("far ", "side")),
        format!("let {} = 1;", word("to", "ld")),
        format!("{}s(", word("Cou", "rier")),
    ] {
        assert_eq!(ruled_out(&text).len(), 1, "{text}");
    }
    for text in ["a stolder", "as far as it goes", "the way it goes out"] {
        assert_eq!(ruled_out(text), [], "{text}");
    }
}
