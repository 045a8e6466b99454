//! Copies of a batch that lie where no other state file is seen: the mailbox knows their letters.

use std::collections::HashSet;
use std::fs;

use crate::support::ews::{EwsAction, EwsKind};
use crate::support::ews_desk::EwsDesk;
use crate::support::exchange::{Exchange, Stored};
use crate::support::graph::{GraphAction, GraphKind, unavailable};
use crate::support::graph_desk::{ALL_SCOPES, GraphDesk, PERSON, SHARED};
use crate::support::oauth::OauthServer;
use crate::support::{Ran, TestBatch, copy_folder};

const KNOWN: &str = "with the same reports went out already";
const ITSELF: &str = "the letter of S001 went out already";

/// A batch that is sent out of a mailbox, whichever way.
trait Office {
    fn batch(&self) -> &TestBatch;
    fn exchange(&self) -> &Exchange;
    /// Cuts off the request that sends the first letter of the next run, and everything that would
    /// look it up.
    fn cut_off_first(&self);
    /// Lets everything pass again.
    fn pass(&self);
    /// Answers every search with an error that passes.
    fn fail_searches(&self);
    fn assert_proper(&self);
}

impl Office for GraphDesk {
    fn batch(&self) -> &TestBatch {
        &self.desk.batch
    }

    fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    fn cut_off_first(&self) {
        let kinds = [GraphKind::SendMail, GraphKind::SendDraft];
        let before: usize = kinds
            .map(|kind| self.graph.requests_of(kind).len())
            .iter()
            .sum();
        self.graph.script(move |event| match event.kind {
            GraphKind::Find | GraphKind::GetMessage => GraphAction::CutBefore,
            kind if kinds.contains(&kind) && event.turn == before + 1 => GraphAction::CutBefore,
            _ => GraphAction::Proceed,
        });
    }

    fn pass(&self) {
        self.graph.script(|_| GraphAction::Proceed);
    }

    fn fail_searches(&self) {
        self.graph.script(|event| match event.kind {
            GraphKind::Find => GraphAction::Answer(unavailable("1")),
            _ => GraphAction::Proceed,
        });
    }

    fn assert_proper(&self) {
        self.assert_proper();
    }
}

impl Office for EwsDesk {
    fn batch(&self) -> &TestBatch {
        &self.desk.batch
    }

    fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    fn cut_off_first(&self) {
        let before = self.ews.count(EwsKind::SendItem);
        self.ews.script(move |event| match event.kind {
            EwsKind::FindItem | EwsKind::GetItem => EwsAction::CutBefore,
            EwsKind::SendItem if event.turn == before + 1 => EwsAction::CutBefore,
            _ => EwsAction::Proceed,
        });
    }

    fn pass(&self) {
        self.ews.script(|_| EwsAction::Proceed);
    }

    fn fail_searches(&self) {
        self.ews.script(|event| match event.kind {
            EwsKind::FindItem => EwsAction::CutBefore,
            _ => EwsAction::Proceed,
        });
    }

    fn assert_proper(&self) {
        self.assert_proper();
    }
}

/// What lets a run look letters up, and makes no drafts.
const READING: [&str; 4] = [
    "Mail.Send",
    "Mail.Send.Shared",
    "Mail.Read.Shared",
    "User.Read",
];

/// Runs a test over Graph, with drafts and without, and over Exchange Web Services.
fn everywhere(schools: usize, test: &dyn Fn(&dyn Office)) {
    for scopes in [&ALL_SCOPES[..], &READING[..]] {
        let desk = GraphDesk::at(OauthServer::builder().grant("graph", scopes), schools);
        desk.configure("patience = \"0s\"");
        test(&desk);
        Office::assert_proper(&desk);
    }
    let desk = EwsDesk::new(schools);
    desk.configure("patience = \"0s\"");
    test(&desk);
    Office::assert_proper(&desk);
}

/// The batch in another folder, without its state file.
fn copy_of(office: &dyn Office) -> TestBatch {
    let copy = TestBatch::new(0);
    fs::remove_dir(copy.path("reports")).unwrap();
    copy_folder(office.batch().folder(), copy.folder());
    copy
}

/// The same under another name.
fn renamed(office: &dyn Office) -> TestBatch {
    let copy = copy_of(office);
    copy.replace("batch.toml", "Test reports", "Second reports");
    copy
}

fn outgoing(office: &dyn Office) -> Vec<Stored> {
    office.exchange().mailbox(SHARED).outgoing()
}

/// No two messages that left have the same name, and each is marked with its own.
#[track_caller]
fn assert_names_of_their_own(office: &dyn Office) {
    let letters = outgoing(office);
    let ids: HashSet<&str> = letters
        .iter()
        .map(|letter| letter.internet_message_id.as_str())
        .collect();
    assert_eq!(ids.len(), letters.len(), "{letters:#?}");
    for letter in &letters {
        let mark = format!("<{}>", letter.tag.as_deref().unwrap());
        assert_eq!(mark, letter.internet_message_id);
    }
}

/// Refused as often as it is tried, and nothing leaves.
#[track_caller]
fn is_refused(office: &dyn Office, copy: &TestBatch, arguments: &[&str], words: &[&str]) -> Ran {
    let before = outgoing(office).len();
    copy.send(arguments).expect(3);
    let mut ran = copy.send(arguments).expect(3).says("nothing was sent");
    for part in words {
        ran = ran.says(part);
    }
    assert_eq!(outgoing(office).len(), before);
    ran.says("--again")
}

#[test]
fn a_copy_under_another_name_is_known_by_its_recipients_and_reports() {
    everywhere(4, &|office| {
        office.batch().send(&["--limit", "2"]).expect(0);
        let copy = renamed(office);
        let ran = is_refused(
            office,
            &copy,
            &[],
            &[
                &format!("2 letters {KNOWN}"),
                "S001: found in the mailbox, sent ",
                "S002: found in the mailbox, sent ",
            ],
        );
        assert!(!ran.stderr.contains("S003"), "{ran:?}");
        // Who has none may have one, and that is no word for the others.
        copy.send(&["--only", "S003"]).expect(0);
        assert_eq!(outgoing(office).len(), 3);
        is_refused(office, &copy, &[], &[&format!("2 letters {KNOWN}")]);
        copy.send(&["--again"]).expect(0);
        assert_eq!(outgoing(office).len(), 6);
        assert_names_of_their_own(office);
        copy.send(&[]).expect(0);
        copy.assert_log_is_whole();
    });
}

#[test]
fn a_copy_with_another_text_is_known_by_its_recipients_and_reports() {
    everywhere(2, &|office| {
        office.batch().send(&[]).expect(0);
        let copy = copy_of(office);
        copy.replace("letter.html", "your report", "here is your report");
        is_refused(office, &copy, &[], &[&format!("2 letters {KNOWN}")]);
        copy.send(&["--again"]).expect(0);
        assert_eq!(outgoing(office).len(), 4);
        assert_names_of_their_own(office);
    });
}

#[test]
fn other_reports_or_other_recipients_are_another_mailing() {
    everywhere(2, &|office| {
        office.batch().send(&[]).expect(0);
        let copy = renamed(office);
        for number in 1..=2 {
            copy.write(
                &format!("reports/S00{number}.pdf"),
                crate::support::report(number + 70),
            );
        }
        let ran = copy.send(&[]).expect(0);
        assert!(!ran.stderr.contains(KNOWN), "{ran:?}");
        assert_eq!(outgoing(office).len(), 4);
    });
}

/// What a letter is found by is in the message itself, beside what it is found by as this message.
#[test]
fn the_mark_of_recipient_and_reports_goes_with_the_letter_alone() {
    everywhere(2, &|office| {
        let rehearsal = ["--redirect-to", PERSON];
        office.batch().send(&rehearsal).expect(0);
        office.batch().send(&[]).expect(0);
        let marks: Vec<Vec<String>> = outgoing(office)
            .iter()
            .map(|letter| {
                letter
                    .properties
                    .iter()
                    .map(|(_, value)| value.clone())
                    .collect()
            })
            .collect();
        assert_eq!(marks.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 2, 2]);
        assert_ne!(marks[2][1], marks[3][1]);
    });
}

/// A rehearsal went to nobody, and letters in a folder did not go at all.
#[test]
fn rehearsals_and_the_outbox_are_not_concerned() {
    everywhere(2, &|office| {
        let rehearsal = ["--redirect-to", PERSON];
        office.batch().send(&rehearsal).expect(0);
        let ran = office.batch().send(&[]).expect(0);
        assert!(!ran.stderr.contains(KNOWN), "{ran:?}");
        assert_eq!(outgoing(office).len(), 4);
        let copy = renamed(office);
        copy.send(&rehearsal).expect(0);
        copy.send(&["--transport", "outbox"]).expect(0);
        assert_eq!(outgoing(office).len(), 6);
        is_refused(office, &copy, &[], &[&format!("2 letters {KNOWN}")]);
    });
}

#[test]
fn a_mailbox_that_cannot_be_asked_is_reported_and_stops_nobody() {
    everywhere(2, &|office| {
        office.batch().send(&[]).expect(0);
        let copy = renamed(office);
        office.fail_searches();
        copy.send(&["--limit", "1"])
            .expect(0)
            .says("it is not known whether letters of this batch went out before");
        assert_eq!(outgoing(office).len(), 3);
    });
}

#[test]
fn without_the_right_to_read_the_mailbox_nobody_knows() {
    let desk = GraphDesk::new(2);
    desk.desk.batch.send(&[]).expect(0);
    let ran = renamed(&desk).send(&[]).expect(0);
    assert!(!ran.stderr.contains(KNOWN), "{ran:?}");
    assert_eq!(outgoing(&desk).len(), 4);
}

/// The copy has the name of the first batch, so that its letters would have the same Message-IDs. The
/// plan is in its state file under these before somebody says that it is meant.
#[test]
fn what_goes_once_more_is_settled_by_its_own_message() {
    everywhere(2, &|office| {
        office.batch().send(&[]).expect(0);
        let copy = copy_of(office);
        is_refused(office, &copy, &[], &[ITSELF]);
        office.cut_off_first();
        copy.send(&["--again"]).expect(4).says("S001: in doubt");
        assert_eq!(outgoing(office).len(), 3);
        office.pass();
        copy.send(&[]).expect(0);
        let letters = outgoing(office);
        assert_eq!(letters.len(), 4);
        assert_names_of_their_own(office);
        let reports: HashSet<&str> = letters
            .iter()
            .map(|letter| letter.properties[1].1.as_str())
            .collect();
        assert_eq!(reports.len(), 2);
        copy.assert_log_is_whole();
    });
}

/// A later run that takes another plan over does not give the names of the first batch back.
#[test]
fn a_copy_keeps_names_of_its_own_whatever_changes() {
    everywhere(3, &|office| {
        office.batch().send(&[]).expect(0);
        let copy = copy_of(office);
        copy.send(&["--again", "--limit", "1"]).expect(0);
        copy.replace(
            "list.csv",
            "S003,School 3,teacher3@school3.example\n",
            "S004,School 4,teacher4@school4.example\nS003,School 3,teacher3@school3.example\n",
        );
        copy.write("reports/S004.pdf", crate::support::report(4));
        copy.send(&["--accept-changes"]).expect(0);
        assert_eq!(outgoing(office).len(), 7);
        assert_names_of_their_own(office);
        let again = [
            "--only",
            "S001",
            "--all-addresses",
            "--because",
            "x",
            "--yes",
        ];
        office.batch().run("resend", &again).expect(0);
        copy.run("resend", &again).expect(0);
        assert_eq!(outgoing(office).len(), 9);
        assert_names_of_their_own(office);
        copy.assert_log_is_whole();
    });
}

/// A state file that is copied midway, whose first place is not seen from here.
#[test]
fn a_copied_state_file_is_asked_about_until_a_letter_went_out_by_it() {
    everywhere(3, &|office| {
        let batch = office.batch();
        batch.send(&["--limit", "1"]).expect(0);
        let copy = copy_of(office);
        for name in ["batch.state.db", "batch.state.db.lock"] {
            fs::copy(batch.path(name), copy.path(name)).unwrap();
        }
        batch.send(&[]).expect(0);
        fs::remove_file(batch.path("batch.state.db")).unwrap();
        is_refused(office, &copy, &[], &["the letter of S002 went out already"]);
        copy.send(&["--again"]).expect(0);
        assert_eq!(outgoing(office).len(), 5);
        assert_names_of_their_own(office);
        copy.assert_log_is_whole();
    });
}

/// On a terminal it is said before the question, and the answer decides.
#[cfg(target_os = "linux")]
#[test]
fn a_person_who_is_asked_sees_what_the_mailbox_has() {
    use std::io::{Read, Write};

    use crate::support::victim::Victim;

    everywhere(2, &|office| {
        office.batch().send(&[]).expect(0);
        let copy = renamed(office);
        for (answer, code, left) in [("no", 130, 2), ("yes", 0, 4)] {
            let victim = Victim::default();
            let mut terminal = fs::File::from(victim.run_in_terminal(&copy.command("send", &[])));
            terminal
                .write_all(format!("{answer}\n").as_bytes())
                .unwrap();
            let (mut said, mut piece) = (Vec::new(), [0; 4096]);
            // Reading fails when the program has gone and with it the terminal's other side.
            while let Ok(read @ 1..) = terminal.read(&mut piece) {
                said.extend_from_slice(&piece[..read]);
            }
            let said = String::from_utf8_lossy(&said);
            assert_eq!(victim.wait().code(), Some(code), "{said}");
            let known = said.find(&format!("2 letters {KNOWN}"));
            let asked = said.find("Type yes to go on");
            assert!(known.is_some() && known < asked, "{said}");
            assert!(said.contains("S001: found in the mailbox, sent "), "{said}");
            assert_eq!(outgoing(office).len(), left);
        }
    });
}
