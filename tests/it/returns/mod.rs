//! Mail that came back, through the front door: what it enters into the record, and what it does not.

#[cfg(target_os = "linux")]
mod exim;
#[cfg(target_os = "linux")]
mod imap;
mod mailbox;
mod mails;
#[cfg(target_os = "linux")]
mod postfix;
mod receipts;

use std::fs;
use std::path::Path;

use std::time::Instant;

use serde_json::Value;

use self::mails::{Report, answer, automatic};
use crate::large::{measured, peak_memory_of};
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{Ran, TestBatch, lock, wait};

/// A batch whose letters a server has accepted.
pub struct Sent {
    pub batch: TestBatch,
    pub server: SmtpServer,
}

impl Sent {
    fn new(schools: usize) -> Self {
        let server = SmtpServer::start();
        let batch = TestBatch::new(schools);
        batch.use_smtp(server.port(), "");
        batch.send(&[]).expect(0);
        Self { batch, server }
    }

    /// The Message-ID of a letter's last message.
    fn message_id(&self, id: &str) -> String {
        self.letter(id)["message_id"].as_str().unwrap().to_owned()
    }

    fn letter(&self, id: &str) -> Value {
        let status = self.batch.run("status", &["--json"]).json();
        let letters = status["letters"].as_array().unwrap();
        letters
            .iter()
            .find(|letter| letter["id"] == id)
            .unwrap()
            .clone()
    }

    /// The record of a letter's first address.
    fn address(&self, id: &str) -> Value {
        self.letter(id)["addresses"][0].clone()
    }

    fn counts(&self) -> Value {
        self.batch.run("status", &["--json"]).json()["counts"].clone()
    }

    /// Puts mail into a folder and reads it.
    fn read(&self, mails: &[String], arguments: &[&str]) -> Ran {
        let folder = self.batch.path("inbox");
        fs::create_dir_all(&folder).unwrap();
        for (number, mail) in mails.iter().enumerate() {
            fs::write(
                folder.join(format!("{number}.eml")),
                mail.replace('\n', "\r\n"),
            )
            .unwrap();
        }
        self.batch
            .run("returns", &[&["--from", "inbox"], arguments].concat())
    }

    /// How many events the log has.
    fn events(&self) -> u64 {
        let check = self.batch.run("report", &["--verify", "--json"]).json();
        check["events"].as_u64().unwrap()
    }
}

#[test]
fn a_bounce_is_entered_and_the_corrected_address_alone_is_written_to() {
    let sent = Sent::new(2);
    let bounce = Report::failed("teacher2@school2.example").about(&sent.message_id("S002"));
    sent.read(&[bounce.mail()], &[])
        .expect(4)
        .shows("bounced    S002  t…@school2.example: there is no such address (5.1.1)")
        .says("resend --bounced");
    let address = sent.address("S002");
    assert_eq!(address["outcome"], "bounced");
    assert_eq!(address["hard"], true);
    assert_eq!(address["reason"], "no_such_address");
    assert_eq!(address["code"], "5.1.1");
    assert_eq!(address["evidence"]["kind"], "delivery_report");
    assert_eq!(address["evidence"]["sha256"].as_str().unwrap().len(), 64);
    // What our server said stays.
    assert_eq!(sent.letter("S002")["state"], "accepted");
    assert_eq!(address["state"], "accepted");
    assert_eq!(sent.address("S001")["outcome"], "unknown");
    assert_eq!(sent.counts()["bounced"], 1);

    sent.batch.replace("list.csv", "teacher2@", "office@");
    let resend = ["--bounced", "--because", "the school gave another", "--yes"];
    sent.batch.run("resend", &resend).expect(0);
    let received = sent.server.received();
    assert_eq!(received.len(), 3);
    assert_eq!(received[2].rcpt_to, ["office@school2.example"]);
    sent.read(&[bounce.mail()], &[])
        .expect(0)
        .shows("1 known before");

    // A late bounce of the first sending, by another server, is about that one.
    let late = Report::failed("teacher2@school2.example")
        .about(&bounce.about)
        .named("late@far.example");
    sent.read(&[late.mail()], &[]).expect(0);
    let letter = sent.letter("S002");
    let outcomes: Vec<_> = letter["addresses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|address| {
            (
                address["address"].as_str().unwrap(),
                address["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            ("teacher2@school2.example", "bounced"),
            ("office@school2.example", "unknown")
        ]
    );
    let delivered = Report::failed("office@school2.example")
        .action("delivered", "2.0.0")
        .about(&sent.message_id("S002"))
        .named("ok@far.example");
    sent.read(&[delivered.mail()], &[]).expect(0);
    assert_eq!(sent.counts()["delivered"], 1);
    sent.batch.assert_log_is_whole();
    sent.batch.run("report", &[]).expect(0);
    let csv = fs::read_to_string(sent.batch.path("batch.report.csv")).unwrap();
    assert!(csv.contains("office@school2.example delivered"), "{csv}");
}

#[test]
fn what_was_read_before_changes_nothing_wherever_it_lies() {
    let sent = Sent::new(1);
    let bounce = Report::failed("teacher1@school1.example").about(&sent.message_id("S001"));
    sent.read(&[bounce.mail(), bounce.mail()], &[])
        .expect(4)
        .shows("1 entered, 1 known before");
    let events = sent.events();
    let other = sent.batch.path("junk");
    fs::create_dir_all(other.join("cur")).unwrap();
    // A server that makes the message anew changes its bytes.
    fs::write(
        other.join("cur/1:2,S"),
        bounce
            .mail()
            .replace("Reporting-MTA: dns; mx", "Reporting-MTA: dns;mx"),
    )
    .unwrap();
    sent.batch
        .run("returns", &["--from", "junk", "--from", "inbox"])
        .expect(4)
        .shows("3 known before");
    assert_eq!(sent.events(), events);
    assert_eq!(fs::read_dir(other.join("cur")).unwrap().count(), 1);
}

#[test]
fn an_mbox_a_maildir_and_one_file_are_read_and_stay_as_they_are() {
    let sent = Sent::new(3);
    let mail = |number: usize| {
        Report::failed(&format!("teacher{number}@school{number}.example"))
            .about(&sent.message_id(&format!("S00{number}")))
            .named(&format!("{number}@mx.example"))
            .mail()
    };
    let mbox = format!(
        "From x Mon Nov  2 09:00:00 2026\n{}\n\nFrom y Mon Nov  2 09:01:00 2026\n{}\n>From here on it is quoted\n",
        mail(1),
        answer(&sent.message_id("S001"))
    );
    sent.batch.write("mbox", &mbox);
    fs::create_dir_all(sent.batch.path("Maildir/new")).unwrap();
    fs::create_dir_all(sent.batch.path("Maildir/cur")).unwrap();
    fs::create_dir_all(sent.batch.path("Maildir/tmp")).unwrap();
    sent.batch.write("Maildir/new/17.M1.host", mail(2));
    sent.batch.write("Maildir/tmp/17.M2.host", mail(3));
    sent.batch.write("one.eml", mail(3));
    let before = snapshot(&sent.batch.path("Maildir"));
    sent.batch.run("returns", &["--from", "mbox"]).expect(4);
    sent.batch.run("returns", &["--from", "Maildir"]).expect(4);
    assert_eq!(sent.counts()["bounced"], 2);
    let read = sent
        .batch
        .run("returns", &["--from", "one.eml", "--json"])
        .expect(4)
        .json();
    assert_eq!(read["messages"][0]["kind"], "delivery_report");
    assert_eq!(read["messages"][0]["letter"], "S003");
    assert_eq!(read["messages"][0]["addresses"][0]["outcome"], "bounced");
    assert!(
        read["messages"][0]["file"]
            .as_str()
            .unwrap()
            .contains("one.eml")
    );
    assert_eq!(read["counts"]["entered"], 1);
    assert_eq!(sent.counts()["bounced"], 3);
    assert_eq!(sent.letter("S001")["replies"], 1);
    assert_eq!(snapshot(&sent.batch.path("Maildir")), before);
    assert_eq!(fs::read_to_string(sent.batch.path("mbox")).unwrap(), mbox);
}

fn snapshot(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for sub in ["new", "cur", "tmp"] {
        for entry in fs::read_dir(folder.join(sub)).unwrap() {
            let entry = entry.unwrap();
            all.push(format!(
                "{sub}/{:?} {:?}",
                entry.file_name(),
                entry.metadata().unwrap().modified().unwrap()
            ));
        }
    }
    all.sort();
    all
}

#[test]
fn a_suspicion_is_shown_and_counts_only_when_a_person_confirms_it() {
    let sent = Sent::new(2);
    let weak = Report::failed("teacher1@school1.example")
        .about("replaced@exchange.example")
        .now();
    sent.read(&[weak.mail()], &[])
        .expect(4)
        .shows("suspected  S001")
        .says("--confirm ID");
    let address = sent.address("S001");
    assert_eq!(address["outcome"], "unknown");
    assert_eq!(address["suspected"]["why"], "no_such_address");
    assert_eq!(sent.counts()["bounced"], 0);
    assert_eq!(sent.counts()["to_look_at"], 1);
    sent.batch
        .run("returns", &["--confirm", "S002", "--because", "x"])
        .expect(2)
        .says("nothing to settle at S002");
    sent.batch
        .run(
            "returns",
            &["--confirm", "S001", "--because", "the school called"],
        )
        .expect(4);
    assert_eq!(sent.address("S001")["outcome"], "bounced");
    assert_eq!(sent.address("S001")["suspected"], Value::Null);
    assert_eq!(sent.counts()["to_look_at"], 0);
    sent.batch.assert_log_is_whole();
}

#[test]
fn a_suspicion_that_is_dismissed_is_gone() {
    let sent = Sent::new(1);
    let weak = Report::failed("teacher1@school1.example")
        .about("replaced@exchange.example")
        .now();
    sent.read(&[weak.mail()], &[]).expect(4);
    sent.batch
        .run(
            "returns",
            &["--dismiss", "S001", "--because", "it was another mail"],
        )
        .expect(0);
    assert_eq!(sent.address("S001")["outcome"], "unknown");
    sent.read(&[weak.mail()], &[]).expect(0);
}

#[test]
fn mail_is_entered_beside_a_run_and_the_run_goes_on() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    server.script(move |event| {
        if event.message == 3 && event.step == Step::Data {
            let _ = lock(&held).recv();
        }
        Action::Go
    });
    let run = batch.start("send", &["--yes"]);
    let sent = Sent { batch, server };
    wait::until("the second letter", || sent.server.received().len() == 2);
    wait::until("its answer", || sent.letter("S002")["state"] == "accepted");
    let bounce = |number: usize| {
        Report::failed(&format!("teacher{number}@school{number}.example"))
            .about(&sent.message_id(&format!("S00{number}")))
            .named(&format!("b{number}@mx.example"))
            .mail()
    };
    let mails = [bounce(1), bounce(3)];
    sent.read(&mails, &[])
        .expect(4)
        .shows("1 entered, 1 left until the run that is at work has ended");
    release.send(()).unwrap();
    let run = Ran::of(run.wait_with_output().unwrap()).expect(4);
    assert!(run.stdout.contains("3 accepted, 0 pending"), "{run:?}");
    sent.read(&mails, &[])
        .expect(4)
        .shows("1 entered, 1 known before");
    assert_eq!(sent.counts()["bounced"], 2);
    sent.batch.assert_log_is_whole();
}

#[test]
fn answers_count_and_mark_nothing() {
    let sent = Sent::new(1);
    let id = sent.message_id("S001");
    sent.read(&[answer(&id), automatic(&id)], &[])
        .expect(0)
        .shows("2 entered");
    let letter = sent.letter("S001");
    assert_eq!(
        (&letter["replies"], &letter["auto_replies"]),
        (&Value::from(1), &Value::from(1))
    );
    assert_eq!(letter["addresses"][0]["outcome"], "unknown");
    assert_eq!(letter["look_into"], false);
}

#[test]
fn trouble_of_our_own_is_said_once_and_no_address_is_wrong() {
    let sent = Sent::new(2);
    let quota = |number: usize| {
        Report::failed(&format!("teacher{number}@school{number}.example"))
            .status(
                "5.2.2",
                "554 5.2.2 SubmissionQuotaExceededException; submission quota exceeded",
            )
            .about(&sent.message_id(&format!("S00{number}")))
            .named(&format!("q{number}@mx.example"))
            .mail()
    };
    sent.read(&[quota(1), quota(2)], &[])
        .expect(4)
        .says("blocked or over its limit at 2 addresses");
    let address = sent.address("S001");
    assert_eq!(
        (&address["reason"], &address["hard"]),
        (&Value::from("our_side"), &Value::from(false))
    );
}

#[test]
fn a_message_trace_is_evidence_of_its_own_kind() {
    let sent = Sent::new(2);
    sent.batch.write(
        "trace.csv",
        format!(
            "origin_timestamp_utc,sender_address,recipient_status,message_subject,message_id\n\
             2026-11-02T10:00:00Z,r@s.example,teacher1@school1.example##Delivered,Report,<{}>\n\
             2026-11-02T10:00:00Z,r@s.example,teacher2@school2.example##Quarantined,Report,<{}>\n\
             2026-11-02T10:00:00Z,r@s.example,x@y.example##Failed,Other,<other@s.example>\n",
            sent.message_id("S001"),
            sent.message_id("S002")
        ),
    );
    sent.batch
        .run("returns", &["--trace", "trace.csv"])
        .expect(4)
        .shows("delivered  S001")
        .shows("bounced    S002");
    assert_eq!(sent.address("S001")["evidence"]["kind"], "message_trace");
    assert_eq!(sent.address("S002")["reason"], "sender_not_trusted");
    sent.batch
        .run("returns", &["--trace", "trace.csv"])
        .expect(4)
        .shows("2 known before");
}

#[test]
fn old_mail_is_left_out_when_that_is_asked_for() {
    let sent = Sent::new(1);
    let bounce = Report::failed("teacher1@school1.example").about(&sent.message_id("S001"));
    sent.read(&[bounce.mail()], &["--since", "2026-11-03"])
        .expect(0)
        .shows("1 written before --since");
    sent.read(&[bounce.mail()], &["--since", "2026-11-01"])
        .expect(4);
}

#[test]
fn what_cannot_be_read_is_said_and_left_out() {
    let sent = Sent::new(1);
    sent.batch
        .run("returns", &["--from", "nowhere"])
        .expect(2)
        .says("name an .eml file");
    sent.batch.run("returns", &[]).expect(2).says("--from");
    let bounce = Report::failed("teacher1@school1.example").about(&sent.message_id("S001"));
    let folder = sent.batch.path("inbox");
    fs::create_dir(&folder).unwrap();
    let huge = fs::File::create(folder.join("huge.eml")).unwrap();
    huge.set_len(65 * 1024 * 1024).unwrap();
    sent.read(&[bounce.mail()], &[])
        .expect(4)
        .says("huge.eml: it is larger than 64 MB");
    assert_eq!(sent.counts()["bounced"], 1);
}

#[test]
fn twenty_thousand_messages_of_others_take_seconds_and_say_nothing() {
    let sent = Sent::new(1);
    let folder = sent.batch.path("inbox");
    fs::create_dir(&folder).unwrap();
    let mut mbox = String::new();
    for number in 0..20_000 {
        mbox.push_str(&format!(
            "From x Mon Nov  2 09:00:00 2026\nFrom: a{number}@other.example\nTo: b@other.example\nSubject: Minutes {number}\n\
             Message-ID: <m{number}@other.example>\nDate: Mon, 2 Nov 2026 09:00:00 +0000\n\nText of message {number}.\n\n"
        ));
    }
    fs::write(folder.join("mbox"), mbox).unwrap();
    let bounce = Report::failed("teacher1@school1.example").about(&sent.message_id("S001"));
    sent.batch
        .write("inbox/0.eml", bounce.mail().replace('\n', "\r\n"));
    let says = "read 20,001 messages: 1 entered, 20,000 about no letter of this batch";
    let (program, is_measured) = measured();
    let from = sent.batch.path("inbox");
    let from = from.to_str().unwrap();
    let begun = Instant::now();
    let Some((ran, kilobytes)) =
        peak_memory_of(&program, &sent.batch, "returns", &["--from", from])
    else {
        sent.batch
            .run("returns", &["--from", "inbox"])
            .expect(4)
            .shows(says);
        return;
    };
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!("20,001 messages took {seconds:.2} s and {kilobytes} kB");
    ran.expect(4).shows(says);
    assert!(kilobytes < 64_000, "{kilobytes} kB");
    assert!(!is_measured || seconds < 5.0, "{seconds} s");
}
