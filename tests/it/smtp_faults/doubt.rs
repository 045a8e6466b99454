//! What happens after the final dot without a clear answer: the letter is in doubt, and only a
//! person's word sends it again.

use super::always;
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, accepted_by, assert_each_once};

fn at_the_dot(step: &Step) -> bool {
    *step == Step::FinalDot
}

/// The second of three letters meets this, is in doubt, and is left alone by the next run.
#[track_caller]
fn is_in_doubt(
    at: fn(&Step) -> bool,
    action: fn() -> Action,
    taken: &[usize],
) -> (SmtpServer, TestBatch) {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_impatient_smtp(server.port());
    always(&server, &[2], at, action);
    let ran = batch
        .send(&[])
        .expect(4)
        .says("S002: in doubt")
        .says("resolve");
    assert!(
        ran.stdout
            .contains("2 accepted, 0 pending, 0 rejected, 1 in doubt"),
        "{ran:?}"
    );
    assert_eq!(batch.in_state("in_doubt"), ["S002"]);
    assert_eq!(accepted_by(&server), taken);
    // Neither the same command nor any other that sends touches it.
    for arguments in [&[][..], &["--retry-rejected"], &["--only", "S002"]] {
        batch.send(arguments).expect(4);
    }
    batch.run("resume", &["--yes"]).expect(4);
    assert_eq!(accepted_by(&server), taken);
    assert_eq!(batch.in_state("in_doubt"), ["S002"]);
    (server, batch)
}

#[test]
fn a_cut_after_the_final_dot_is_in_doubt_when_the_server_took_it() {
    is_in_doubt(at_the_dot, || Action::AcceptThenCut, &[1, 2, 3]);
}

#[test]
fn a_cut_after_the_final_dot_is_in_doubt_when_the_server_did_not_take_it() {
    is_in_doubt(at_the_dot, || Action::Cut, &[1, 3]);
}

#[test]
fn silence_after_the_final_dot_is_in_doubt_when_the_server_took_it() {
    is_in_doubt(at_the_dot, || Action::AcceptThenSilent, &[1, 2, 3]);
}

#[test]
fn silence_after_the_final_dot_is_in_doubt_when_the_server_did_not_take_it() {
    is_in_doubt(at_the_dot, || Action::Silent, &[1, 3]);
}

#[test]
fn noise_after_the_final_dot_is_in_doubt() {
    is_in_doubt(
        at_the_dot,
        || Action::Garbage(b"what?\r\n".to_vec()),
        &[1, 3],
    );
}

#[test]
fn bytes_that_are_no_text_after_the_final_dot_are_in_doubt() {
    is_in_doubt(
        at_the_dot,
        || Action::Garbage(b"\xff\xfe\x00\r\n".to_vec()),
        &[1, 3],
    );
}

#[test]
fn a_354_after_the_final_dot_is_in_doubt() {
    is_in_doubt(at_the_dot, || Action::reply(354, "Go on"), &[1, 3]);
}

/// A short letter is on its way whole before the first of it is read: nobody here can know whether
/// the server had the dot.
#[test]
fn a_cut_in_a_letter_that_is_wholly_on_its_way_is_in_doubt() {
    is_in_doubt(
        |step| matches!(step, Step::Body { .. }),
        || Action::Cut,
        &[1, 3],
    );
}

#[test]
fn resolved_as_accepted_it_is_never_sent_again() {
    let (server, batch) = is_in_doubt(at_the_dot, || Action::AcceptThenCut, &[1, 2, 3]);
    batch.run("resolve", &["S002", "--accepted"]).expect(0);
    let ran = batch.send(&[]).expect(0);
    assert!(ran.stdout.contains("3 accepted, 0 pending"), "{ran:?}");
    assert_each_once(&server, 3);
}

#[test]
fn resolved_as_unsent_it_is_sent_once() {
    let (server, batch) = is_in_doubt(at_the_dot, || Action::Cut, &[1, 3]);
    batch.run("resolve", &["S002", "--unsent"]).expect(0);
    assert_eq!(batch.in_state("pending"), ["S002"]);
    batch.send(&[]).expect(0);
    batch.send(&[]).expect(0);
    assert_eq!(accepted_by(&server), [1, 3, 2]);
}

#[test]
fn only_letters_in_doubt_can_be_resolved() {
    let (_server, batch) = is_in_doubt(at_the_dot, || Action::Cut, &[1, 3]);
    for (ids, words) in [
        (&["S002", "S001"][..], "S001 is accepted"),
        (&["S002", "S999"], "S999 is not in this batch"),
    ] {
        batch
            .run("resolve", &[ids, &["--unsent"]].concat())
            .expect(2)
            .says(words);
    }
    // All or none: the one in doubt is still in doubt.
    assert_eq!(batch.in_state("in_doubt"), ["S002"]);
}

/// Each doubt costs a person an enquiry: a server that makes one after the other is not given more.
#[test]
fn five_doubts_in_a_row_stop_the_run() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(8);
    batch.use_smtp(server.port(), "");
    server.script(|event| match event.step {
        Step::FinalDot => Action::AcceptThenCut,
        _ => Action::Go,
    });
    batch.send(&[]).expect(5).says("5 failures in a row");
    assert_eq!(batch.in_state("in_doubt").len(), 5);
    assert_eq!(batch.in_state("pending"), ["S006", "S007", "S008"]);
    assert_eq!(accepted_by(&server), [1, 2, 3, 4, 5]);
}
