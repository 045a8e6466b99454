//! The batch file and the command line.

use std::fs;

use crate::check::assert_nothing_written;
use crate::support::{Ran, TestBatch, program};

/// A batch whose file was changed in this way is refused as a mistake of the person who wrote it.
#[track_caller]
fn refused(from: &str, to: &str) -> Ran {
    let batch = TestBatch::new(1);
    let file = fs::read_to_string(batch.path("batch.toml")).unwrap();
    assert!(file.contains(from), "{from:?} is not in {file}");
    batch.write("batch.toml", file.replacen(from, to, 1));
    batch.run("send", &[]).expect(2);
    assert_nothing_written(&batch);
    batch.run("check", &[]).expect(2).says("next: ")
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let ran = refused("name = \"School\"", "name = \"School\"\nadress = \"Email\"");
    assert!(ran.stderr.contains("adress = \"Email\""), "{ran:?}");
    assert!(ran.stderr.contains("line 8"), "{ran:?}");
    assert!(ran.stderr.contains("unknown field `adress`"), "{ran:?}");
}

#[test]
fn an_unknown_table_is_refused() {
    refused("[manifest]", "[manifst]").says("unknown field `manifst`");
}

#[test]
fn a_missing_key_is_refused_by_its_name() {
    refused("id = \"ID\"\n", "").says("missing field `id`");
}

#[test]
fn a_slip_of_syntax_is_refused_with_its_line() {
    refused("id = \"ID\"", "id = \"ID").says("line 6");
}

#[test]
fn a_value_of_the_wrong_kind_is_refused() {
    refused("to = [\"Email\"]", "to = \"Email\"").says("line 8");
}

#[test]
fn an_unknown_transport_is_refused() {
    refused("[letter]", "[dispatch]\ntransport = \"pigeon\"\n[letter]")
        .says("unknown variant `pigeon`, expected one of `outbox`, `smtp`, `graph`, `ews`");
    TestBatch::new(1)
        .run("check", &["--transport", "pigeon"])
        .expect(2)
        .says("[possible values: outbox, smtp, graph, ews]");
}

#[test]
fn a_limit_of_zero_is_refused() {
    refused("[letter]", "[dispatch]\nchunk = 0\n[letter]")
        .says("chunk = 0")
        .says("this must be a whole number of at least 1");
    refused("[letter]", "[dispatch]\nconnections = 65\n[letter]")
        .says("this must be a whole number of at most 64");
}

#[test]
fn an_empty_name_is_refused() {
    refused("name = \"Test reports\"", "name = \" \"").says("`batch.name` is empty");
}

#[test]
fn a_sender_that_is_no_address_is_refused() {
    refused("Study <reports@study.example>", "Study Team").says("`letter.from` cannot be used");
}

#[test]
fn a_list_outside_the_folder_is_refused() {
    refused("\"list.csv\"", "\"../list.csv\"").says("`manifest.path` leaves the batch's folder");
}

#[test]
fn a_batch_without_a_sender_is_refused() {
    let batch = TestBatch::new(1);
    let file = fs::read_to_string(batch.path("batch.toml")).unwrap();
    batch.write(
        "batch.toml",
        file.replace("from = \"Study <reports@study.example>\"\n", ""),
    );
    batch
        .run("check", &[])
        .expect(3)
        .says("there is no sender\n  next: write [letter] from");
    assert_nothing_written(&batch);
}

#[test]
fn a_missing_batch_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("other.toml")] {
        for verb in ["check", "send", "resume", "status"] {
            let output = program().arg(verb).arg(&path).output().unwrap();
            Ran::of(output)
                .expect(2)
                .says("cannot read batch file")
                .says("next: name a batch.toml or its folder");
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_batch_is_found_by_its_file_its_folder_or_where_one_is() {
    let batch = TestBatch::new(1);
    for arguments in [
        vec![batch.folder().to_owned()],
        vec![batch.path("batch.toml")],
        vec![],
    ] {
        let output = program()
            .arg("check")
            .args(arguments)
            .current_dir(batch.folder())
            .output();
        Ran::of(output.unwrap()).expect(0);
    }
}

#[test]
fn every_verb_explains_itself() {
    for verb in ["init", "check", "send", "resume", "status", "resolve"] {
        let ran = Ran::of(program().args([verb, "--help"]).output().unwrap()).expect(0);
        assert!(
            ran.stdout.contains(&format!("Usage: postroom {verb}")),
            "{ran:?}"
        );
        assert_eq!(ran.stderr, "");
    }
    let all = Ran::of(program().arg("--help").output().unwrap()).expect(0);
    assert!(all.stdout.contains("Exit codes:"), "{all:?}");
}

#[test]
fn an_unknown_verb_is_refused() {
    Ran::of(program().arg("sned").output().unwrap())
        .expect(2)
        .says("send");
}
