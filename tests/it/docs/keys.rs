//! The keys of the batch file and the secrets file in the manual are those that the program reads.
//!
//! The types refuse unknown keys and then name those that they know, so that the lists come from them.

use std::collections::BTreeSet;
use std::path::Path;

use super::{page, toml_blocks};

type Keys = BTreeSet<String>;

/// The keys that a table knows, by what is said of one that it does not.
fn known(said: &str) -> Keys {
    let (_, list) = said
        .split_once("expected ")
        .unwrap_or_else(|| panic!("no list of keys in {said}"));
    let list = list.lines().next().unwrap();
    list.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn known_to_batch(table: &str, rest: &str) -> Keys {
    let text = format!("{rest}{table}\nno_such_key = 1\n");
    let error = postroom::Batch::parse(Path::new("batch.toml"), &text).unwrap_err();
    known(&error.to_string())
}

fn known_to_secrets(table: &str) -> Keys {
    let text = format!("{table}\nno_such_key = 1\n");
    let error = postroom::Secrets::parse(Path::new("secrets.toml"), &text).unwrap_err();
    known(&error.to_string())
}

/// The keys below a heading of a block of TOML, those in comments too.
fn written(block: &str, heading: &str) -> Keys {
    let mut lines = block.lines().skip_while(|line| *line != heading).skip(1);
    let table = lines.by_ref().take_while(|line| !line.starts_with('['));
    table
        .filter_map(|line| {
            let line = line.strip_prefix("# ").unwrap_or(line);
            let key = line.split_once('=')?.0.trim();
            let is_key = key
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            (is_key && !key.is_empty()).then(|| key.to_owned())
        })
        .collect()
}

/// The keys in the first column of a table of the manual.
fn tabled(text: &str, header: &str) -> Keys {
    let (_, table) = text
        .split_once(header)
        .unwrap_or_else(|| panic!("no {header}"));
    table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| {
            line.split('|')
                .nth(1)
                .unwrap()
                .split('`')
                .skip(1)
                .step_by(2)
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_batch_file_of_the_reference_has_every_key_and_no_other() {
    let text = page("docs/batch-file.md");
    let whole = &toml_blocks(&text)[0];
    let batch = "[batch]\nname = \"x\"\n";
    let manifest = "[manifest]\npath = \"a.csv\"\nid = \"a\"\nname = \"a\"\nto = []\n";
    let letter = "[letter]\nsubject = \"x\"\n";
    for (heading, rest) in [
        ("[batch]", format!("{manifest}{letter}")),
        ("[manifest]", format!("{batch}{letter}")),
        ("[letter]", format!("{batch}{manifest}")),
        ("[[attachment]]", format!("{batch}{manifest}{letter}")),
        ("[dispatch]", format!("{batch}{manifest}{letter}")),
        ("[returns]", format!("{batch}{manifest}{letter}")),
        ("[outbox]", format!("{batch}{manifest}{letter}")),
    ] {
        let mut keys = known_to_batch(heading, &rest);
        let mut shown = written(whole, heading);
        if heading == "[batch]" {
            // Named in the text above the block.
            assert!(text.contains("`[batch] allow_outside = true`"));
            keys.remove("allow_outside");
            shown.remove("allow_outside");
        }
        assert_eq!(shown, keys, "{heading}");
    }
}

#[test]
fn the_tables_of_the_secrets_file_have_every_key_and_no_other() {
    let text = page("docs/secrets-file.md");
    let mut shown = tabled(&text, "| key | what it is |");
    // Written for a former name, and tables that have tables of their own here.
    for other in ["send_email_as", "smtp", "returns"] {
        shown.insert(other.to_owned());
    }
    assert_eq!(shown, known_to_secrets(""));
    for table in ["smtp", "returns"] {
        let header = format!("| key of `[{table}]` | what it is |");
        let keys = known_to_secrets(&format!("[{table}]"));
        assert_eq!(tabled(&text, &header), keys, "[{table}]");
    }
}
