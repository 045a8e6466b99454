//! Requests checked against Microsoft's own schema, where `POSTROOM_EWS_SCHEMA` names it (a file that
//! includes all of MS-OXWS*) and xmllint is installed.

use std::fs;
use std::process::Command;

/// Fails the test when one of these elements, as they stood in `soap:Body`, is not valid. False when
/// there is nothing to check with.
#[track_caller]
pub fn assert_valid<'a>(operations: impl IntoIterator<Item = &'a str>) -> bool {
    let Some(schema) = std::env::var_os("POSTROOM_EWS_SCHEMA") else {
        return false;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (number, operation) in operations.into_iter().enumerate() {
        let file = folder.path().join(format!("{number}.xml"));
        fs::write(&file, operation).unwrap();
        files.push(file);
    }
    if files.is_empty() {
        return false;
    }
    let mut xmllint = Command::new("xmllint");
    xmllint.args(["--nonet", "--noout", "--huge", "--schema"]);
    let Ok(output) = xmllint.arg(schema).args(&files).output() else {
        return false;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    true
}
