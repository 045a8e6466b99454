//! The manual agrees with the program: its links lead somewhere, its batch files parse, and its tables of
//! options are those of the command line.
//!
//! `UPDATE_DOCS=1 cargo test docs::` writes the tables anew.

#[cfg(target_os = "linux")]
mod console;
mod keys;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};

use crate::support::{TestBatch, program};

/// The most bytes that README.md may have: who comes to look reads it whole.
const README_LIMIT: usize = 6 * 1024;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// All pages that a reader of the manual meets, from the root of the repository.
fn pages() -> Vec<String> {
    let mut pages: Vec<_> = fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|end| end == "md"))
        .map(|name| format!("docs/{name}"))
        .collect();
    pages.extend(["README.md", "CONTRIBUTING.md"].map(str::to_owned));
    pages.sort();
    pages
}

/// A page without its blocks of code, where a `#` is a comment.
fn prose(text: &str) -> String {
    let mut is_code = false;
    text.lines()
        .filter(|line| {
            let is_fence = line.starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence && !line.starts_with("    ")
        })
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The name under which a heading is linked to, as mdBook and GitHub make it.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    prose(text)
        .lines()
        .filter_map(|line| {
            line.trim_start_matches('#')
                .strip_prefix(' ')
                .filter(|_| line.starts_with('#'))
        })
        .map(anchor)
        .collect()
}

/// The targets of a page's links, without what stands in `code`.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let without_code: String = prose.split('`').step_by(2).collect::<Vec<_>>().join("code");
    without_code
        .split("](")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

#[test]
fn every_link_leads_to_a_page_and_a_heading() {
    let mut broken = Vec::new();
    let mut found = 0;
    for name in pages() {
        let text = page(&name);
        for link in links(&text) {
            if link.contains("://") {
                continue;
            }
            found += 1;
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() {
                root().join(&name)
            } else {
                root().join(&name).parent().unwrap().join(path)
            };
            let there = fs::read_to_string(&target);
            let is_good = match &there {
                Ok(text) => heading.is_empty() || anchors(text).contains(heading),
                // A folder, or a picture that is no text.
                Err(_) => heading.is_empty() && target.exists(),
            };
            if !is_good {
                broken.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(found > 80, "{found} links");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_page_stands_in_the_table_of_contents_once() {
    let contents = links(&page("docs/SUMMARY.md"));
    let mut listed: Vec<_> = contents.iter().map(|link| format!("docs/{link}")).collect();
    listed.sort();
    let there: Vec<_> = pages()
        .into_iter()
        .filter(|name| name.starts_with("docs/") && name != "docs/SUMMARY.md")
        .collect();
    assert_eq!(listed, there);
}

#[test]
fn the_readme_is_short_and_gives_both_commands() {
    let text = page("README.md");
    assert!(text.len() <= README_LIMIT, "{} bytes", text.len());
    for command in [
        "    cargo run -- send fixtures/reading-recovery --yes\n",
        "    cargo test\n",
    ] {
        assert!(text.contains(command), "{command}");
    }
}

/// The blocks of TOML of a page.
fn toml_blocks(text: &str) -> Vec<String> {
    text.split("```toml\n")
        .skip(1)
        .map(|rest| rest.split_once("```").expect("a block ends").0.to_owned())
        .collect()
}

/// What a batch file has besides, for blocks that show some keys alone.
const REST: [(&str, &str); 3] = [
    ("[batch]", "[batch]\nname = \"Reports\"\n"),
    (
        "[manifest]",
        "[manifest]\npath = \"list.csv\"\nid = \"ID\"\nname = \"School\"\nto = [\"Email\"]\n",
    ),
    (
        "[letter]",
        "[letter]\nsubject = \"Report\"\nmarkdown = \"letter.md\"\n",
    ),
];

#[test]
fn every_batch_file_of_the_manual_parses() {
    let batch = TestBatch::new(1);
    let mut parsed = 0;
    for name in pages() {
        for block in toml_blocks(&page(&name)) {
            let is_secrets = ["send_emails_as", "[smtp]", "client_id"]
                .iter()
                .any(|key| block.contains(key));
            if is_secrets && !block.contains("[manifest]") {
                let secrets = PathBuf::from("secrets.toml");
                postroom::Secrets::parse(&secrets, &block)
                    .unwrap_or_else(|error| panic!("{name}: {error}\n{block}"));
            } else {
                let mut file = block.clone();
                for (table, text) in REST {
                    if !block.contains(table) {
                        file.push_str(text);
                    }
                }
                postroom::Batch::parse(&batch.path("batch.toml"), &file)
                    .unwrap_or_else(|error| panic!("{name}: {error}\n{file}"));
            }
            parsed += 1;
        }
    }
    assert!(parsed > 12, "{parsed} blocks");
}

/// The verbs that people use.
fn verbs() -> Vec<Command> {
    let command = postroom::command();
    let shown = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    shown.cloned().collect()
}

/// An option or argument as the manual shows it.
fn shown(arg: &Arg) -> String {
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let value = arg
        .get_value_names()
        .and_then(|names| names.first())
        .map_or_else(|| arg.get_id().as_str().to_uppercase(), ToString::to_string);
    let Some(long) = arg.get_long() else {
        return format!("`{value}`");
    };
    let value = if takes_value {
        format!(" {value}")
    } else {
        String::new()
    };
    match arg.get_short() {
        Some(short) => format!("`-{short}`, `--{long}{value}`"),
        None => format!("`--{long}{value}`"),
    }
}

/// The table of a verb's options, in the words of its help.
fn table(verb: &Command) -> String {
    let about = verb.get_about().unwrap().to_string();
    let mut text = format!("{about}.\n\n| | |\n|---|---|\n");
    for arg in verb.get_arguments().filter(|arg| arg.get_id() != "help") {
        let help = arg
            .get_help()
            .unwrap_or_else(|| panic!("{arg} has no help"));
        let help = help.to_string().replace('|', "\\|");
        // A name in angle brackets would be HTML.
        let help = help.replace('<', "&lt;");
        text.push_str(&format!("| {} | {help} |\n", shown(arg)));
    }
    text
}

#[test]
fn every_verb_and_option_stands_in_the_reference() {
    let mut text = page("docs/commands.md");
    let original = text.clone();
    for verb in verbs() {
        let marker = format!("<!-- options of {} -->\n", verb.get_name());
        let (before, rest) = text
            .split_once(&marker)
            .unwrap_or_else(|| panic!("docs/commands.md has no {marker}"));
        let end = rest.find("\n## ").unwrap_or(rest.len());
        text = format!("{before}{marker}\n{}{}", table(&verb), &rest[end..]);
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(root().join("docs/commands.md"), &text).unwrap();
    } else {
        assert!(
            text == original,
            "docs/commands.md is not what the program offers: UPDATE_DOCS=1 cargo test docs:: writes it anew"
        );
    }
}

#[test]
fn every_shell_gets_completions_of_all_verbs() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = program().args(["completions", shell]).output().unwrap();
        assert_eq!(ran.status.code(), Some(0), "{shell}");
        let script = String::from_utf8(ran.stdout).unwrap();
        assert!(script.contains("POSTROOM_COMPLETE"), "{shell}: {script}");
        let verbs = completed(shell, &["postroom", ""]);
        for verb in ["preview", "resend"] {
            assert!(verbs.contains(verb), "{shell}: {verb}: {verbs}");
        }
        assert!(
            !verbs.contains("read-pdfs"),
            "{shell}: for the program alone"
        );
        let options = completed(shell, &["postroom", "send", "--"]);
        for option in ["redirect-to", "accept-lost-state"] {
            assert!(options.contains(option), "{shell}: {option}: {options}");
        }
    }
    let ran = program().args(["completions", "cmd"]).output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
}

/// What a shell may offer in place of the last word.
fn completed(shell: &str, words: &[&str]) -> String {
    let ran = program()
        .env("POSTROOM_COMPLETE", shell)
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
        .env("_CLAP_IFS", "\n")
        .arg("--")
        .args(words)
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(0), "{shell}: {ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn a_shell_completes_ids_and_batch_files() {
    let batch = TestBatch::new(12);
    let folder = batch.folder().to_str().unwrap();
    for words in [
        &["postroom", "resend", folder, "--only", "S01"][..],
        &["postroom", "send", folder, "--only", "S001,S01"],
        &["postroom", "resolve", folder, "S01"],
    ] {
        let ids = completed("bash", words);
        let before = words.last().unwrap().trim_end_matches("S01");
        let expected: Vec<_> = ["S010", "S011", "S012"]
            .map(|id| format!("{before}{id}"))
            .into();
        assert_eq!(ids.lines().collect::<Vec<_>>(), expected, "{words:?}");
    }
    // What is no batch has no ids, and is no fault.
    assert_eq!(
        completed("bash", &["postroom", "send", "/", "--only", "S"]),
        ""
    );
    let files = completed("bash", &["postroom", "check", &format!("{folder}/")]);
    assert!(
        files.contains("batch.toml") && files.contains("reports"),
        "{files}"
    );
    assert!(!files.contains("list.csv"), "{files}");
}

#[test]
fn the_long_version_names_commit_and_build() {
    let version = |option: &str| {
        let ran = program().arg(option).output().unwrap();
        assert_eq!(ran.status.code(), Some(0));
        String::from_utf8(ran.stdout).unwrap()
    };
    let long = version("--version");
    for line in ["postroom ", "commit  ", "build   "] {
        assert!(long.lines().any(|other| other.starts_with(line)), "{long}");
    }
    assert_eq!(version("-V").lines().count(), 1);
}

#[test]
fn manual_pages_are_written_for_the_program_and_each_verb() {
    let folder = tempfile::tempdir().unwrap();
    let man1 = folder.path().join("share/man1");
    let ran = program().arg("man").arg(&man1).output().unwrap();
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let main = fs::read_to_string(man1.join("postroom.1")).unwrap();
    assert!(
        main.starts_with(".ie") || main.contains(".TH postroom 1"),
        "{main}"
    );
    assert!(
        main.contains("another run holds the state file"),
        "the exit codes"
    );
    for verb in verbs() {
        let name = format!("postroom-{}.1", verb.get_name());
        let text =
            fs::read_to_string(man1.join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.contains(".SH OPTIONS"), "{name}");
    }
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let ran = program().arg("man").arg(&file).output().unwrap();
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
}
