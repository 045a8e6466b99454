//! Letters that are sent again, on purpose: to addresses that do not have them, or to all.

mod copies;
mod mailbox;

use std::fs;

use serde_json::{Value, json};

use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, parse_mail, report};

/// What is said of the address that the server does not know.
const REFUSED: &str = "refused for g…@school2.example: 550 5.1.1 No such user";
const BECAUSE: [&str; 2] = ["--because", "the office moved"];

/// Two schools, of which the second has an address that its server refuses.
fn partly_refused() -> (SmtpServer, TestBatch) {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_smtp(server.port(), "");
    batch.replace("list.csv", "teacher2@", "gone@school2.example teacher2@");
    server.script(|event| match &event.step {
        Step::Rcpt(to) if to.starts_with("gone@") => Action::reply(550, "5.1.1 No such user"),
        _ => Action::Go,
    });
    batch.send(&[]).expect(4).says("resend --bounced");
    (server, batch)
}

fn resend(batch: &TestBatch, arguments: &[&str]) -> crate::support::Ran {
    batch.run("resend", &[arguments, &BECAUSE, &["--yes"]].concat())
}

/// The same with the address corrected, and a resend to it that the server had no time for.
fn opened_and_not_sent() -> (SmtpServer, TestBatch) {
    let (server, batch) = partly_refused();
    batch.replace("list.csv", "gone@", "office@");
    batch.replace(
        "batch.toml",
        "backoff = \"10ms\"",
        "backoff = \"1ms\"\nattempts = 1",
    );
    server.script(|event| match event.step {
        Step::MailFrom(_) => Action::reply(421, "4.3.2 Going down"),
        _ => Action::Go,
    });
    resend(&batch, &["--only", "S002"]).expect(5);
    server.script(|_| Action::Go);
    (server, batch)
}

/// A letter as `status --json` tells it.
fn letter(batch: &TestBatch, id: &str) -> Value {
    let status = batch.run("status", &["--json"]).json();
    let letters = status["letters"].as_array().unwrap();
    let found = letters.iter().find(|letter| letter["id"] == id);
    found.unwrap().clone()
}

/// The state of each address, in order.
fn addresses(letter: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let addresses = letter["addresses"].as_array().unwrap().iter();
    addresses
        .map(|address| (text(&address["address"]), text(&address["state"])))
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(one, other)| ((*one).to_owned(), (*other).to_owned()))
        .collect()
}

#[test]
fn a_refused_address_is_written_to_alone_once_it_is_corrected() {
    let (server, batch) = partly_refused();
    let before = letter(&batch, "S002");
    assert_eq!(
        addresses(&before),
        pairs(&[
            ("gone@school2.example", "refused"),
            ("teacher2@school2.example", "accepted")
        ])
    );
    assert_eq!(before["addresses"][0]["code"], "550");
    batch.replace("list.csv", "gone@", "office@");
    // What went out is not touched by the change, and `send` says who waits for a word.
    batch
        .send(&[])
        .expect(4)
        .says("S002")
        .says("postroom resend --only S002 --because TEXT");
    assert_eq!(server.received().len(), 2);
    resend(&batch, &["--only", "S002"]).expect(0);
    let received = server.received();
    assert_eq!(received.len(), 3);
    assert_eq!(received[2].rcpt_to, ["office@school2.example"]);
    let mail = parse_mail(&received[2].data);
    assert_eq!(mail.to, ["office@school2.example"]);
    let after = letter(&batch, "S002");
    assert_eq!(after["state"], "accepted");
    assert_eq!(after["look_into"], false);
    assert_eq!(after["refused"], json!([]));
    let sendings = after["sendings"].as_array().unwrap();
    assert_eq!(sendings.len(), 2);
    assert_eq!(sendings[0]["reason"], Value::Null);
    assert_eq!(sendings[1]["reason"], "the office moved");
    assert_eq!(sendings[1]["to"], json!(["office@school2.example"]));
    assert_ne!(sendings[0]["message_id"], sendings[1]["message_id"]);
    assert_eq!(sendings[1]["message_id"], mail.message_id.as_str());
    assert_eq!(
        addresses(&after),
        pairs(&[
            ("gone@school2.example", "refused"),
            ("teacher2@school2.example", "accepted"),
            ("office@school2.example", "accepted")
        ])
    );
    // Nothing is open any more.
    batch.send(&[]).expect(0);
    assert_eq!(server.received().len(), 3);
    batch.assert_log_is_whole();
}

#[test]
fn the_status_in_full_has_each_message_and_each_address() {
    let (_server, batch) = partly_refused();
    batch.replace("list.csv", "gone@", "office@");
    resend(&batch, &["--only", "S002"]).expect(0);
    let short = batch.run("status", &["--only", "S002"]).expect(0).stdout;
    assert!(!short.contains("office@"), "{short}");
    assert_eq!(short.lines().count(), 4, "{short}");
    let long = batch.run("status", &["-v", "--only", "S002"]).expect(0);
    let lines: Vec<&str> = long.stdout.lines().skip(4).collect();
    let sendings = letter(&batch, "S002")["sendings"].clone();
    let id = |place: usize| sendings[place]["message_id"].as_str().unwrap().to_owned();
    assert!(lines[0].ends_with(&format!(
        "UTC  to gone@school2.example, teacher2@school2.example  {}",
        id(0)
    )));
    assert!(lines[1].ends_with(&format!(
        "UTC  to office@school2.example  {}  because the office moved",
        id(1)
    )));
    let lines: Vec<&str> = lines.into_iter().map(str::trim).collect();
    assert_eq!(
        lines[2..],
        [
            "refused   gone@school2.example: 550 5.1.1 No such user",
            "accepted  teacher2@school2.example",
            "accepted  office@school2.example",
        ]
    );
}

#[test]
fn a_refused_address_that_the_list_drops_leaves_the_letter_complete() {
    let (server, batch) = partly_refused();
    batch.replace("list.csv", "gone@school2.example ", "");
    batch.send(&[]).expect(0);
    assert_eq!(server.received().len(), 2);
    // Everybody in the list has it: there is nothing to say of it any more.
    let checked = batch.run("check", &["--json"]).expect(0).json();
    assert_eq!(checked["changes"], json!([]), "{checked}");
    let status = batch.run("status", &[]).expect(0).stdout;
    assert!(!status.contains("next"), "{status}");
    batch.assert_log_is_whole();
}

/// Whether a list differs from what went out does not depend on how often it was read since.
#[test]
fn the_list_is_held_against_what_went_out() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    batch.send(&["--limit", "2"]).expect(0);
    let changes = || {
        let checked = batch.run("check", &["--json"]).expect(0).json();
        let changes = checked["changes"].as_array().unwrap().clone();
        let change = |change: &Value| (change["id"].clone(), change["parts"].clone());
        changes.iter().map(change).collect::<Vec<_>>()
    };
    assert_eq!(changes(), []);
    batch.replace("list.csv", "teacher1@", "head1@");
    let expected = [(json!("S001"), json!(["addresses"]))];
    assert_eq!(changes(), expected);
    batch
        .send(&[])
        .expect(0)
        .says("postroom resend --only S001 --because TEXT");
    assert_eq!(changes(), expected);
    let status = batch.run("status", &[]).expect(0).stdout;
    assert!(
        status.contains("next, changed since: 1 letter has changed"),
        "{status}"
    );
    batch.replace("list.csv", "head1@", "teacher1@");
    assert_eq!(changes(), []);
    batch.send(&[]).expect(0);
    let status = batch.run("status", &[]).expect(0).stdout;
    assert!(!status.contains("next"), "{status}");
    assert_eq!(server.received().len(), 3);
    batch.assert_log_is_whole();
}

/// A school whose address was refused and that left the list keeps nobody else from being written to.
#[test]
fn a_letter_that_left_the_list_keeps_no_other_from_being_sent_again() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    batch.replace("list.csv", "teacher2@", "gone@school2.example teacher2@");
    batch.replace("list.csv", "teacher3@", "gone@school3.example teacher3@");
    server.script(|event| match &event.step {
        Step::Rcpt(to) if to.starts_with("gone@") => Action::reply(550, "5.1.1 No such user"),
        _ => Action::Go,
    });
    batch.send(&[]).expect(4);
    batch.replace(
        "list.csv",
        "S002,School 2,gone@school2.example teacher2@school2.example\n",
        "",
    );
    batch.replace("list.csv", "gone@school3", "office@school3");
    // That the list no longer has the other is for the next `send` to take.
    resend(&batch, &["--bounced"]).expect(4);
    let received = server.received();
    assert_eq!(received.len(), 4);
    assert_eq!(received[3].rcpt_to, ["office@school3.example"]);
    batch.send(&[]).expect(0);
    batch.assert_log_is_whole();
}

/// The list is corrected for a resend that is cut off, and put back: the plan is the one of before, and the letter
/// is not.
#[test]
fn a_list_that_is_put_back_after_a_resend_stops_no_run() {
    let (server, batch) = opened_and_not_sent();
    batch.replace("list.csv", "office@", "gone@");
    batch.send(&[]).expect(3).says("--accept-changes");
    batch
        .send(&["--accept-changes"])
        .expect(4)
        .says("not sent again, for the letter changed after the resend was confirmed: S002");
    assert_eq!(server.received().len(), 2);
    resend(&batch, &["--bounced"]).expect(0);
    assert_eq!(server.received()[2].rcpt_to, ["gone@school2.example"]);
    batch.assert_log_is_whole();
}

#[test]
fn every_letter_with_an_open_address_can_be_chosen_at_once() {
    let (server, batch) = partly_refused();
    server.script(|_| Action::Go);
    resend(&batch, &["--bounced"]).expect(0);
    assert_eq!(server.received()[2].rcpt_to, ["gone@school2.example"]);
    resend(&batch, &["--bounced"])
        .expect(2)
        .says("no address was refused and none bounced");
    assert_eq!(server.received().len(), 3);
}

#[test]
fn an_address_that_is_still_refused_leaves_the_letter_accepted_and_open() {
    let (server, batch) = partly_refused();
    batch
        .run("check", &[])
        .expect(0)
        .says("1 letter went out, but not to an address that refused it or that it bounced at");
    let ran = resend(&batch, &["--bounced"])
        .expect(4)
        .says("S002: rejected")
        .says("`postroom resend --bounced");
    assert!(ran.stdout.contains(REFUSED), "{ran:?}");
    // The other address has the letter, whatever this one says.
    assert_eq!(batch.in_state("accepted"), ["S001", "S002"]);
    let found = letter(&batch, "S002");
    assert_eq!(found["look_into"], true);
    assert_eq!(found["error"], Value::Null);
    assert_eq!(found["sendings"][1]["state"], "rejected");
    assert_eq!(
        addresses(&found),
        pairs(&[
            ("gone@school2.example", "refused"),
            ("teacher2@school2.example", "accepted")
        ])
    );
    resend(&batch, &["--bounced"]).expect(4);
    assert_eq!(server.received().len(), 2);
    // Corrected in the list, it is written to; the run before that is not stopped by it.
    batch.replace("list.csv", "gone@", "office@");
    batch
        .send(&["--retry-rejected", "--accept-changes"])
        .expect(4)
        .says("the list now has other addresses: S002");
    let status = batch.run("status", &[]).expect(0).stdout;
    for part in [
        "nothing was sent to o…@school2.example yet",
        "`postroom resend --bounced",
    ] {
        assert!(status.contains(part), "{status}");
    }
    resend(&batch, &["--bounced"]).expect(0);
    assert_eq!(server.received()[2].rcpt_to, ["office@school2.example"]);
    batch.send(&[]).expect(0);
    batch.assert_log_is_whole();
}

/// An address that joined the list later and is refused: every address of the first message has the letter.
#[test]
fn a_new_address_that_is_refused_leaves_the_letter_open() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_smtp(server.port(), "");
    batch.send(&[]).expect(0);
    batch.replace("list.csv", "teacher2@", "gone@school2.example teacher2@");
    server.script(|event| match &event.step {
        Step::Rcpt(to) if to.starts_with("gone@") => Action::reply(550, "5.1.1 No such user"),
        _ => Action::Go,
    });
    let ran = resend(&batch, &["--only", "S002"]).expect(4);
    assert!(ran.stdout.contains(REFUSED), "{ran:?}");
    assert_eq!(batch.in_state("accepted"), ["S001", "S002"]);
    batch.send(&[]).expect(4);
    batch.replace("list.csv", "gone@school2.example ", "");
    batch.send(&[]).expect(0);
    assert_eq!(server.received().len(), 2);
    batch.assert_log_is_whole();
}

/// A run that is cut off between the word and the letter, and a list that is corrected once more before the
/// next: nobody has looked at what would go, so it does not, and nobody else waits for that.
#[test]
fn what_was_opened_and_is_another_letter_by_now_is_put_away() {
    let (server, batch) = opened_and_not_sent();
    batch.replace(
        "list.csv",
        "office@school2.example teacher2@school2.example\n",
        "head@school2.example teacher2@school2.example\nS003,School 3,teacher3@school3.example\n",
    );
    batch.write("reports/S003.pdf", report(3));
    batch
        .send(&["--accept-changes"])
        .expect(4)
        .says("not sent again, for the letter changed after the resend was confirmed: S002")
        .says("`postroom resend --only S002 --because TEXT`");
    let received = server.received();
    assert_eq!(received.len(), 3);
    assert_eq!(received[2].rcpt_to, ["teacher3@school3.example"]);
    resend(&batch, &["--only", "S002"]).expect(0);
    assert_eq!(server.received()[3].rcpt_to, ["head@school2.example"]);
    batch.send(&[]).expect(0);
    batch.assert_log_is_whole();
}

#[test]
fn who_has_it_gets_it_again_only_when_all_addresses_are_asked_for() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_smtp(server.port(), "");
    batch.send(&[]).expect(0);
    resend(&batch, &["--only", "S001"])
        .expect(0)
        .says("every address has the letter already")
        .says("S001");
    assert_eq!(server.received().len(), 2);
    resend(&batch, &["--only", "S001", "--all-addresses"]).expect(0);
    resend(&batch, &["--only", "S001", "--all-addresses"]).expect(0);
    let received = server.received();
    assert_eq!(received.len(), 4);
    let ids: Vec<String> = [0, 2, 3]
        .map(|at| parse_mail(&received[at].data).message_id)
        .into();
    assert!(
        ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2],
        "{ids:?}"
    );
    assert_eq!(
        letter(&batch, "S001")["sendings"].as_array().unwrap().len(),
        3
    );
    batch.send(&[]).expect(0);
    assert_eq!(server.received().len(), 4);
    batch.assert_log_is_whole();
}

#[test]
fn only_what_went_out_can_be_sent_again() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    resend(&batch, &["--only", "S001"])
        .expect(2)
        .says("there is no state file");
    batch.send(&["--limit", "1"]).expect(0);
    for (id, words) in [
        ("S002", "S002 has not been sent yet"),
        ("S009", "S009 is not in this batch"),
    ] {
        resend(&batch, &["--only", id])
            .expect(2)
            .says(words)
            .says("nothing was sent");
    }
    batch
        .run("resend", &["--only", "S001", "--yes"])
        .expect(2)
        .says("--because");
    batch
        .run("resend", &["--only", "S001", "--because", "x"])
        .expect(2)
        .says("there is no terminal to ask on");
    assert_eq!(server.received().len(), 1);
}

#[test]
fn a_plan_that_was_looked_at_is_the_one_that_is_sent() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(1);
    batch.use_smtp(server.port(), "");
    batch.send(&[]).expect(0);
    let arguments = [
        "--only",
        "S001",
        "--all-addresses",
        "--because",
        "x",
        "--plan",
        "00000000",
    ];
    let ran = batch.run("resend", &arguments).expect(3);
    let now = ran.stderr.split("the plan is now ").nth(1).unwrap();
    let plan = now.split(',').next().unwrap().to_owned();
    let mut arguments = arguments;
    arguments[6] = &plan;
    batch.run("resend", &arguments).expect(0);
    assert_eq!(server.received().len(), 2);
}

/// A run that is cut off between the word and the letter: the next `send` goes on, to the addresses
/// that were agreed to and no others.
#[test]
fn what_was_opened_and_not_sent_goes_out_with_the_next_run_to_the_same_addresses() {
    let (server, batch) = opened_and_not_sent();
    assert_eq!(batch.in_state("pending"), ["S002"]);
    assert_eq!(server.received().len(), 2);
    batch.send(&["--accept-changes"]).expect(0);
    let received = server.received();
    assert_eq!(received.len(), 3);
    assert_eq!(received[2].rcpt_to, ["office@school2.example"]);
    batch.assert_log_is_whole();
}

#[test]
fn the_record_shows_whom_it_was_sent_to_whatever_the_list_says() {
    let (_server, batch) = partly_refused();
    batch.replace("list.csv", "teacher1@", "head1@");
    batch.run("report", &["--format", "csv"]).expect(0);
    let csv = fs::read_to_string(batch.path("batch.report.csv")).unwrap();
    let line = |id: &str| {
        csv.lines()
            .find(|line| line.starts_with(id))
            .unwrap()
            .to_owned()
    };
    assert!(csv.lines().next().unwrap().contains(
        "postroom_state,postroom_sent_to,postroom_changed,postroom_accepted_at,postroom_message_id"
    ));
    assert!(
        line("S001").contains(
            "head1@school1.example,accepted,teacher1@school1.example,new: head1@school1.example; no longer listed: teacher1@school1.example,"
        ),
        "{csv}"
    );
    assert!(
        line("S002").contains(",accepted,teacher2@school2.example,,"),
        "{csv}"
    );
}

#[test]
fn a_folder_keeps_both_messages_apart() {
    let batch = TestBatch::new(2);
    batch.run("send", &[]).expect(0);
    let first = fs::read(batch.path("outbox/S001.eml")).unwrap();
    batch
        .run(
            "resend",
            &["--only", "S001", "--all-addresses", "--because", "x"],
        )
        .expect(0);
    assert_eq!(fs::read(batch.path("outbox/S001.eml")).unwrap(), first);
    let second = fs::read(batch.path("outbox/S001(2).eml")).unwrap();
    assert_ne!(
        parse_mail(&first).message_id,
        parse_mail(&second).message_id
    );
    batch.run("send", &[]).expect(0);
    batch.assert_log_is_whole();
}
