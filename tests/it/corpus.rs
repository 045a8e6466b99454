//! What the fuzz targets start from, and what they found, tried without them.

#[path = "../../fuzz/properties.rs"]
mod properties;

use std::fs;
use std::path::Path;

#[track_caller]
fn replay(target: &str, holds: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 10, "{} inputs in {target}", files.len());
    for file in files {
        let bytes = fs::read(&file).unwrap();
        let held = std::panic::catch_unwind(|| holds(&bytes));
        assert!(held.is_ok(), "{} breaks a property", file.display());
    }
}

#[test]
fn addresses() {
    replay("address", properties::address);
}

#[test]
fn batch_and_secrets_files() {
    replay("config", properties::config);
}

#[test]
fn answers_of_exchange_web_services() {
    replay("ews", properties::ews);
}

#[test]
fn answers_of_microsoft_graph() {
    replay("graph", properties::graph);
}

#[test]
fn lists_in_csv() {
    replay("manifest_csv", properties::manifest_csv);
}

#[test]
fn lists_in_xlsx() {
    replay("manifest_xlsx", properties::manifest_xlsx);
}

#[test]
fn mail_that_came_back() {
    replay("returned_mail", properties::returned_mail);
}

#[test]
fn pdfs() {
    replay("pdf", properties::pdf);
}

#[test]
fn replies_of_mail_servers() {
    replay("smtp", properties::smtp);
}

#[test]
fn templates() {
    replay("template", properties::template);
}
