//! Letters that go out, and where their copies lie.

use crate::ews::{assert_tidy, outgoing};
use crate::support::ews::{EwsAction, EwsKind};
use crate::support::ews_desk::EwsDesk;
use crate::support::graph_desk::{PERSON, SHARED};
use crate::support::oauth::OauthServer;
use crate::support::report;

#[test]
fn each_letter_goes_out_once_with_a_copy_in_the_shared_sent_items() {
    let desk = EwsDesk::new(3);
    desk.desk.send().expect(0);
    let sent = desk.exchange.mailbox(SHARED).sent();
    assert_eq!(outgoing(&desk), ["1", "2", "3"]);
    for (number, letter) in (1..).zip(&sent) {
        assert_eq!(letter.from.as_deref(), Some(SHARED));
        assert_eq!(
            letter.to,
            [format!("teacher{number}@school{number}.example")]
        );
        assert_eq!(*letter.attachments[0].bytes, report(number)[..]);
        assert_eq!(letter.attachments[0].name, "report.pdf");
        assert!(letter.html.as_ref().unwrap().contains("Dear"));
        let message_id = format!("<{}>", letter.tag.as_ref().unwrap());
        assert_eq!(letter.internet_message_id, message_id);
    }
    assert!(desk.exchange.mailbox(PERSON).sent().is_empty());
    assert_tidy(&desk);
    // Nothing is asked for that is not needed: each letter by its two marks and its Message-ID before
    // the first one goes out, and two requests to send each.
    assert_eq!(desk.ews.count(EwsKind::FindItem), 9);
    assert_eq!(desk.ews.requests().len(), 15);
    desk.desk.send().expect(0);
    assert_eq!(desk.ews.requests().len(), 15);
}

#[test]
fn what_looks_encoded_in_a_cell_is_read_as_it_stands() {
    let desk = EwsDesk::new(1);
    let name = "=?utf-8?q?Oak?=";
    desk.desk.batch.replace("list.csv", "School 1", name);
    desk.desk.send().expect(0);
    let sent = desk.exchange.mailbox(SHARED).sent();
    assert_eq!(sent[0].subject, format!("Report for {name}"));
}

#[test]
fn the_ids_of_the_requests_are_kept() {
    let desk = EwsDesk::new(1);
    desk.desk.send().expect(0);
    // Behind the three looks for a letter of a lost run or another batch.
    let requests = desk.ews.requests().split_off(3);
    let last = &requests[1];
    assert_eq!(last.kind, EwsKind::SendItem);
    let ran = desk.desk.run("status", &["--verbose"]);
    ran.expect(0);
    let trace = requests[0].header("client-request-id").unwrap();
    assert_eq!(last.header("client-request-id"), Some(trace));
    assert_eq!(last.header("return-client-request-id"), Some("true"));
    let ledger = std::fs::read(desk.desk.batch.path("batch.state.db")).unwrap();
    for id in [&*requests[0].request_id, &*last.request_id, trace] {
        let found = ledger.windows(id.len()).any(|part| part == id.as_bytes());
        assert!(found, "{id} is not in the ledger");
    }
}

#[test]
fn an_address_in_bcc_gets_the_letter_and_nobody_sees_it() {
    let desk = EwsDesk::new(1);
    let batch = &desk.desk.batch;
    batch.replace(
        "batch.toml",
        "to = [\"Email\"]",
        "to = [\"Email\"]\nbcc = [\"Watch\"]",
    );
    batch.write(
        "list.csv",
        "ID,School,Email,Watch\nS001,School 1,teacher1@school1.example,Team <team@study.example>\n",
    );
    desk.desk.send().expect(0);
    let sent = desk.exchange.mailbox(SHARED).sent();
    assert_eq!(sent[0].bcc, ["team@study.example"]);
    // The fake refuses a Bcc in the MIME, which recipients could see.
    assert_tidy(&desk);
}

#[test]
fn copies_may_lie_with_the_person_or_nowhere() {
    let own = EwsDesk::new(1);
    own.secrets("save_in = \"own\"\n");
    own.desk.send().expect(0);
    let mailbox = own.exchange.mailbox(PERSON);
    assert_eq!(mailbox.sent().len(), 1);
    assert_eq!(mailbox.sent()[0].from.as_deref(), Some(SHARED));
    assert!(own.exchange.mailbox(SHARED).sent().is_empty());
    own.assert_proper();

    let none = EwsDesk::new(2);
    none.secrets("save_in = \"none\"\n");
    none.desk.send().expect(0);
    assert_eq!(outgoing(&none), ["1", "2"]);
    assert!(none.exchange.mailbox(SHARED).sent().is_empty());
    assert_tidy(&none);
}

#[test]
fn graph_keeps_copies_and_says_so() {
    let desk = EwsDesk::new(1);
    desk.secrets("save_in = \"none\"\n");
    desk.desk
        .run("check", &["--transport", "graph"])
        .expect(3)
        .says("`save_in`")
        .says("next: ");
}

#[test]
fn a_server_on_premises_takes_a_password_over_tls_of_a_private_authority() {
    let desk = EwsDesk::on_premises(2);
    desk.desk.send().expect(0);
    assert_eq!(outgoing(&desk), ["1", "2"]);
    assert_tidy(&desk);
    // The sign-in was not needed.
    assert!(desk.desk.server.requests().is_empty());
}

#[test]
fn a_server_whose_authority_is_not_known_gets_nothing() {
    let desk = EwsDesk::on_premises(1);
    let secrets = std::fs::read_to_string(desk.desk.batch.path(".secrets.toml")).unwrap();
    let without = secrets
        .lines()
        .filter(|line| !line.starts_with("ews_ca_file"));
    let without: Vec<_> = without.collect();
    desk.desk.batch.secrets(&(without.join("\n") + "\n"));
    desk.desk.send().expect(5).says("ews_ca_file");
    assert!(desk.ews.requests().is_empty());
}

#[test]
fn a_server_with_the_certificate_of_another_name_gets_nothing() {
    let desk = EwsDesk::on_premises(1);
    desk.desk.change("https://127.0.0.1", "https://localhost");
    desk.desk.send().expect(5).says("certificate");
    assert!(desk.ews.requests().is_empty());
    assert_eq!(desk.desk.batch.in_state("pending").len(), 1);
}

#[test]
fn a_server_whose_certificate_has_expired_gets_nothing() {
    let desk = EwsDesk::certified(1, true);
    desk.desk.send().expect(5).says("certificate");
    assert!(desk.ews.requests().is_empty());
    assert_eq!(desk.desk.batch.in_state("pending").len(), 1);
}

#[test]
fn a_wrong_password_stops_the_run() {
    let desk = EwsDesk::on_premises(2);
    desk.desk.change("correct horse", "wrong horse");
    desk.desk.keep_secret("wrong horse");
    desk.desk.send().expect(6).says("ews_password");
    assert_eq!(desk.ews.requests().len(), 1);
    assert_eq!(desk.desk.batch.in_state("pending").len(), 2);
}

#[test]
fn a_token_that_is_refused_is_renewed_once() {
    let desk = EwsDesk::new(2);
    let server = std::sync::Arc::downgrade(&desk.desk.server);
    desk.ews.script(move |event| {
        if event.request == 2
            && let Some(server) = server.upgrade()
        {
            server.expire_access_tokens();
        }
        EwsAction::Proceed
    });
    desk.desk.send().expect(0);
    assert_eq!(outgoing(&desk), ["1", "2"]);
    let statuses: Vec<_> = desk.ews.requests().iter().map(|it| it.status).collect();
    assert_eq!(statuses.iter().filter(|it| **it == Some(401)).count(), 1);
    assert_tidy(&desk);
}

#[test]
fn a_sign_in_without_the_scope_is_reported_so() {
    let desk = EwsDesk::at(OauthServer::builder().grant("outlook", &["SMTP.Send"]), 1);
    desk.desk.send().expect(6).says("EWS.AccessAsUser.All");
    assert!(outgoing(&desk).is_empty());
}
