//! The architecture of `src/lib.rs`, kept by machine: which module may import which.
//! Who prints and who reads the clock is kept by clippy, with `clippy.toml`.
//!
//! The tests at the end show, on small texts, that each check finds what it is there
//! to find.

mod scanner;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use scanner::{paths, tokens};

/// A top-level module, the modules it may import, and what whoever crosses the line reads.
struct Module {
    name: &'static str,
    may: &'static [&'static str],
    why: &'static str,
}

const fn module(name: &'static str, may: &'static [&'static str], why: &'static str) -> Module {
    Module { name, may, why }
}

/// The modules from the leaves upward: each may import only modules above it in this list.
/// A module may stand here before it is built; one in `src/lib.rs` must stand here.
#[rustfmt::skip]
const MODULES: &[Module] = &[
    module("clock", &[], "a leaf knows nothing of the rest"),
    module("secret", &[], "a leaf knows nothing of the rest"),
    module("finding", &[], "a leaf knows nothing of the rest"),
    module("address", &["finding"], "a leaf knows nothing of the rest but how text is quoted"),
    module("network", &[], "a leaf knows nothing of the rest"),
    module("dns", &[], "a leaf knows nothing of the rest"),
    module("http", &["network"], "a leaf knows nothing of the rest but the kinds of a failed connection"),
    module("digest", &[], "a leaf knows nothing of the rest"),
    module("figures", &[], "a leaf knows nothing of the rest"),
    module("durable", &[], "a leaf knows nothing of the rest"),
    module("regular", &[], "a leaf knows nothing of the rest"),
    module("own_folder", &["durable"], "a leaf knows nothing of the rest but how folders are made"),
    module("memory", &[], "a leaf knows nothing of the rest"),
    module("contain", &[], "a leaf knows nothing of the rest"),
    module("page", &[], "a leaf knows nothing of the rest"),
    module("config", &["clock", "address", "secret", "finding", "regular"],
        "settings are read before anything else exists"),
    module("manifest", &["clock", "address", "secret", "finding", "regular", "contain", "config"],
        "the manifest is read before there is a letter"),
    module("letter", &["clock", "address", "secret", "finding", "digest", "regular", "memory", "contain", "page", "config", "manifest"],
        "a letter is written without knowing how, or whether, it will be sent"),
    module("lifecycle", &["digest"], "what a letter can be follows from events alone"),
    module("plan", &["clock", "address", "secret", "finding", "digest", "config", "manifest", "letter", "lifecycle"],
        "a plan is letters and digests; check, preview and send all make the same one"),
    module("message", &["clock", "address", "secret", "finding", "digest", "config", "manifest", "letter", "plan"],
        "a message is made ready for the wire without knowing which wire"),
    module("ledger", &["clock", "address", "secret", "finding", "digest", "durable", "regular", "lifecycle"],
        "the ledger keeps ids and states; dispatch alone translates between it and the rest"),
    module("transport", &["clock", "address", "secret", "finding", "regular", "own_folder", "network", "http", "config", "message"],
        "a transport knows the message in hand and nothing of batch or ledger"),
    module("auth", &["clock", "address", "secret", "finding", "regular", "network", "http", "durable", "config"],
        "signing in has nothing to do with what is sent"),
    module("dispatch", &["clock", "address", "secret", "finding", "config", "manifest", "letter", "plan",
        "message", "lifecycle", "ledger", "transport"],
        "the loop emits events and leaves sign-in, rendering and printing to others"),
    module("returns", &["clock", "address", "secret", "finding", "digest", "regular", "contain", "network", "http",
        "config", "lifecycle", "transport"],
        "what came back is read and judged; the ledger is written by mailing"),
    module("mailing", &["clock", "address", "secret", "finding", "digest", "figures", "dns", "durable", "regular", "config", "manifest",
        "letter", "plan", "message", "lifecycle", "ledger", "transport", "dispatch", "returns"],
        "the order of steps leaves sign-in, asking and printing to a front"),
    module("preview", &["clock", "address", "secret", "finding", "digest", "durable", "own_folder", "page", "config", "manifest", "letter",
        "plan", "message", "ledger"],
        "a preview can send nothing, because it cannot reach what sends"),
    module("report", &["clock", "address", "secret", "finding", "digest", "page", "config", "manifest", "letter",
        "plan", "message", "lifecycle", "ledger"],
        "a report can send nothing, because it cannot reach what sends"),
    module("proposal", &["address", "finding", "figures", "regular", "config", "manifest", "letter"],
        "a proposal is made of files, and writes none"),
    module("cli", &["clock", "address", "secret", "finding", "digest", "figures", "durable", "page", "config", "manifest",
        "letter", "plan", "message", "lifecycle", "ledger", "transport", "auth", "dispatch", "returns", "mailing",
        "preview", "report", "proposal"],
        "the command line may use every module"),
];

/// Where everything is put together: free to import anything.
const FREE: &[&str] = &["src/lib.rs", "src/main.rs"];

// ---------------------------------------------------------------- the checks

#[test]
fn modules_import_only_those_they_may() -> io::Result<()> {
    report(&check_all(imports)?);
    Ok(())
}

#[test]
fn every_module_in_lib_rs_has_a_rule() -> io::Result<()> {
    let lib = fs::read_to_string(root().join("src/lib.rs"))?;
    report(&modules_without_a_rule(&lib));
    Ok(())
}

/// A reader who meets a type's name finds one type: names are unique in the crate, or carry their
/// module's word.
#[test]
fn no_two_types_share_a_name() -> io::Result<()> {
    let seen = RefCell::new(HashMap::<String, String>::new());
    let found = check_all(|file, text| {
        types(file, text)
            .into_iter()
            .filter_map(|(name, line)| {
                let place = format!("{file}:{line}");
                let first = seen.borrow_mut().insert(name.clone(), place.clone())?;
                Some(format!(
                    "{place}: `{name}` is the name of a type in {first} too"
                ))
            })
            .collect()
    })?;
    report(&found);
    Ok(())
}

#[test]
fn the_rules_themselves_go_one_way() {
    for (place, module) in MODULES.iter().enumerate() {
        for may in module.may {
            let above = MODULES[..place].iter().any(|other| other.name == *may);
            assert!(
                above,
                "the table lets `{}` import `{may}`, which is not above it",
                module.name
            );
        }
    }
}

/// `crate::x` must name a module the file's own module may import.
fn imports(file: &str, text: &str) -> Vec<String> {
    if FREE.contains(&file) || is_test_file(file) {
        return Vec::new();
    }
    let modules = module_path(file);
    let own = modules.first().map_or("", String::as_str);
    let Some(rule) = MODULES.iter().find(|module| module.name == own) else {
        return vec![format!(
            "{file}:1: `{own}` is no module: add it to MODULES in tests/it/architecture/mod.rs, with what it may import"
        )];
    };
    let mut found = Vec::new();
    for path in paths(text) {
        let Some(other) = from_crate_root(&path.parts, modules.len()) else {
            continue;
        };
        if other == own || rule.may.contains(&other) {
            continue;
        }
        let (line, full) = (path.line, path.parts.join("::"));
        found.push(if MODULES.iter().any(|module| module.name == other) {
            let may = if rule.may.is_empty() {
                "no other module".to_owned()
            } else {
                rule.may.join(", ")
            };
            format!(
                "{file}:{line}: `{own}` may not import `{other}` ({full}): {}; it may import {may}",
                rule.why
            )
        } else {
            format!(
                "{file}:{line}: `{full}` names no module: import `{other}` from the module it lives in"
            )
        });
    }
    found
}

/// The types that a file declares outside its functions and its tests, each with its line.
fn types(file: &str, text: &str) -> Vec<(String, usize)> {
    if is_test_file(file) {
        return Vec::new();
    }
    let tokens = tokens(text);
    let (mut depth, mut found) = (0_i32, Vec::new());
    for pair in tokens.windows(2) {
        match pair[0].text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "struct" | "enum" | "trait" | "type" if depth == 0 => {
                found.push((pair[1].text.clone(), pair[1].line));
            }
            _ => {}
        }
    }
    found
}

/// Every `mod x;` of `src/lib.rs` must stand in the table.
fn modules_without_a_rule(lib: &str) -> Vec<String> {
    let tokens = tokens(lib);
    tokens
        .windows(3)
        .filter(|t| t[0].text == "mod" && (t[2].text == ";" || t[2].text == "{"))
        .filter(|t| MODULES.iter().all(|module| module.name != t[1].text))
        .map(|t| {
            let (line, name) = (t[1].line, &t[1].text);
            format!(
                "src/lib.rs:{line}: `{name}` has no rule: add it to MODULES in tests/it/architecture/mod.rs"
            )
        })
        .collect()
}

fn report(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

// --------------------------------------------------------------- the sources

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs `check` over every source file, given its name with forward slashes and its text.
fn check_all(check: impl Fn(&str, &str) -> Vec<String>) -> io::Result<Vec<String>> {
    let (mut files, mut folders) = (Vec::<PathBuf>::new(), vec![root().join("src")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(
        files.len() >= FREE.len(),
        "hardly any source found below {}",
        root().display()
    );
    let mut faults = Vec::new();
    for path in files {
        let below = path.strip_prefix(root()).unwrap_or(&path);
        let name = below.to_string_lossy().replace('\\', "/");
        faults.extend(check(&name, &fs::read_to_string(&path)?));
    }
    Ok(faults)
}

/// `src/manifest/csv.rs` is `manifest::csv`, `src/manifest/mod.rs` is `manifest`.
fn module_path(file: &str) -> Vec<String> {
    let inner = file.trim_start_matches("src/").trim_end_matches(".rs");
    inner
        .split('/')
        .filter(|part| *part != "mod")
        .map(str::to_owned)
        .collect()
}

/// A file that only `#[cfg(test)] mod tests;` can pull in.
fn is_test_file(file: &str) -> bool {
    file.ends_with("/tests.rs") || file.contains("/tests/")
}

/// The first name below the crate root, if the path leads there: by `crate::`, or by
/// as many `super::` as the file is deep. `super` inside an inline module goes less
/// far than it looks, so it counts only when it meets the name of a module.
fn from_crate_root(parts: &[String], depth: usize) -> Option<&str> {
    let first = parts.first()?;
    let next = |at: usize| parts.get(at).map_or("", String::as_str);
    if first == "crate" {
        return Some(next(1));
    }
    let start = usize::from(first == "self");
    let ups = parts[start..]
        .iter()
        .take_while(|part| *part == "super")
        .count();
    let name = next(start + ups);
    (ups >= depth && MODULES.iter().any(|module| module.name == name)).then_some(name)
}

// ------------------------------------------------- the checks, on small texts

#[test]
fn an_import_against_the_direction_is_found_with_file_and_line() {
    let found = imports(
        "src/letter/mod.rs",
        "use crate::manifest::Row;\nuse crate::dispatch::Event;\n",
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("src/letter/mod.rs:2: `letter` may not import `dispatch`"),
        "{found:?}"
    );
    assert!(found[0].contains("crate::dispatch::Event"), "{found:?}");
}

#[test]
fn a_leaf_may_import_no_module() {
    assert_eq!(
        imports("src/clock.rs", "fn f() { crate::config::load() }").len(),
        1
    );
    assert_eq!(imports("src/address.rs", "use std::fmt;").len(), 0);
}

#[test]
fn types_are_found_outside_functions_and_tests() {
    let text = "pub(super) struct A { b: u8 }\nfn f() { struct C; }\nmod tests { enum D {} }\ntype E = A;\n";
    let names = |file| {
        types(file, text)
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names("src/a.rs"), ["A", "E"]);
    assert!(names("src/a/tests.rs").is_empty());
}

#[test]
fn an_import_in_a_group_is_found() {
    let text = "use crate::{\n    finding::Finding,\n    transport::{self, smtp as wire},\n};\n";
    let found = imports("src/ledger/mod.rs", text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("src/ledger/mod.rs:3: `ledger` may not import `transport`"),
        "{found:?}"
    );
}

#[test]
fn super_that_leaves_the_module_is_found() {
    assert_eq!(imports("src/plan.rs", "use super::cli::Verb;").len(), 1);
    assert_eq!(
        imports("src/letter/pdf.rs", "use super::super::ledger::Ledger;").len(),
        1
    );
    assert_eq!(
        imports("src/letter/pdf.rs", "use super::ledger::Ledger;").len(),
        0
    );
}

#[test]
fn nobody_but_main_imports_cli() {
    for module in MODULES.iter().filter(|module| module.name != "cli") {
        let file = format!("src/{}/mod.rs", module.name);
        assert_eq!(
            imports(&file, "use crate::cli::console;").len(),
            1,
            "{file}"
        );
    }
    assert_eq!(imports("src/main.rs", "use crate::cli;").len(), 0);
}

#[test]
fn an_import_past_the_modules_is_found() {
    for text in [
        "use crate::Event;",
        "use crate::*;",
        "use crate::{self as whole};",
    ] {
        let found = imports("src/plan.rs", text);
        assert!(
            found.len() == 1 && found[0].contains("names no module"),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn the_own_module_and_the_allowed_ones_pass() {
    let text =
        "use crate::{clock::Clock, plan};\nuse crate::message::Envelope;\nuse super::Message;\n";
    assert_eq!(imports("src/message.rs", text), Vec::<String>::new());
}

#[test]
fn tests_inside_a_module_may_import_anything() {
    let text = "#[cfg(test)]\nmod tests {\n    use crate::cli::console;\n}\n";
    assert_eq!(imports("src/clock.rs", text), Vec::<String>::new());
    assert_eq!(
        imports("src/manifest/tests.rs", "use crate::cli;"),
        Vec::<String>::new()
    );
}

#[test]
fn a_module_without_a_rule_is_found() {
    let lib = "//! mod prose;\npub mod clock;\npub(crate) mod extra;\n#[cfg(test)]\nmod tests;\n";
    let found = modules_without_a_rule(lib);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("src/lib.rs:3: `extra`"), "{found:?}");
    assert_eq!(imports("src/extra.rs", "").len(), 1);
}
