//! Reports from the field: what people met, made anew in small, and what a user expects of each.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Ran, copy_folder, program};

/// What the checks of a case must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// A fault: nothing is sent.
    Fault,
    /// A warning or a fault, never silence.
    Finding,
    /// No fault.
    NoFault,
    /// No warning, and every report is confirmed.
    Clean,
}

const CASES: [(&str, Expected); 27] = [
    ("k2_must_year_only", Expected::Finding),
    ("q01_wrong_possessive", Expected::Fault),
    ("z01_swapped_all_possessive", Expected::Fault),
    ("p07_possessive_own", Expected::Clean),
    ("p08_possessive_other", Expected::Fault),
    ("u06_footnote_mark_after_name", Expected::Clean),
    ("u07_footnote_mark_after_other", Expected::Fault),
    ("z10_same_name_swapped", Expected::Finding),
    ("p06_tight_other", Expected::Fault),
    ("p10_form_own", Expected::Clean),
    ("p11_form_other", Expected::Finding),
    ("p13_comment_other", Expected::Finding),
    ("r19_stamp_annotation_name", Expected::NoFault),
    ("p14_title_other", Expected::Finding),
    ("p16_embedded_other", Expected::Finding),
    ("p20_hidden_layer_only", Expected::Finding),
    ("p21_white", Expected::Finding),
    ("p23_name_in_picture", Expected::NoFault),
    ("p24_wrapped_cell_rowwise", Expected::NoFault),
    ("q12_wrong_and_amp", Expected::Finding),
    ("r11_form_INDIRECT_filter_other", Expected::Finding),
    ("r13_abbrev_filter_Fl", Expected::NoFault),
    ("r21_img_0000000000_5", Expected::NoFault),
    ("r22_page2_content_offset_0000000500", Expected::Finding),
    ("u05_words_placed_right_to_left", Expected::NoFault),
    ("k4_id_with_letter_prefix", Expected::Finding),
    ("f14_leadjunk", Expected::NoFault),
];

/// Checks a case in a folder of its own.
fn check(name: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let case = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/cases")
        .join(name);
    copy_folder(&case, folder.path());
    let checked = program()
        .arg("check")
        .arg(folder.path())
        .arg("--json")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran::of(checked)
}

fn findings(checked: &Ran) -> Vec<Value> {
    checked.json()["findings"].as_array().unwrap().clone()
}

#[test]
fn each_case_comes_to_what_a_user_expects() {
    let mut wrong = Vec::new();
    for (name, expected) in CASES {
        let checked = check(name);
        let findings = findings(&checked);
        let worth_a_look = findings
            .iter()
            .any(|finding| finding["severity"] != "notice");
        let attachments = checked.json()["letters"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|letter| {
                letter["attachments"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default()
            })
            .collect::<Vec<_>>();
        let are_confirmed = !attachments.is_empty()
            && attachments
                .iter()
                .all(|attachment| attachment["verdict"] == "confirmed");
        let holds = match expected {
            Expected::Fault => checked.code == Some(3),
            Expected::Finding => worth_a_look,
            Expected::NoFault => checked.code == Some(0),
            Expected::Clean => checked.code == Some(0) && !worth_a_look && are_confirmed,
        };
        if !holds {
            wrong.push(format!(
                "{name}: {expected:?}, but {:?} {findings:#?}",
                checked.code
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_name_composed_in_another_way_is_named() {
    let checked = check("f07_nfd");
    let findings = findings(&checked);
    assert_eq!(checked.code, Some(3), "{findings:#?}");
    let hint = |finding: &Value| {
        let next_step = finding["next_step"].as_str().unwrap_or_default();
        next_step.contains("written in another way")
    };
    assert!(findings.iter().any(hint), "{findings:#?}");
}
