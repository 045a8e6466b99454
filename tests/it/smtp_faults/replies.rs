//! Replies that are not as the book has them: the code alone says what they are.

use super::assert_states;
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, assert_each_once};

fn forms(code: u16) -> Vec<Vec<u8>> {
    [
        &b"\r\n"[..],
        b"\n",
        b" \r\n",
        b" angenommen f\xfcr sp\xe4ter\r\n",
        b"\tfine\r\n",
        &[b" ", &[b'x'; 3_000][..], b"\r\n"].concat(),
    ]
    .iter()
    .map(|rest| [code.to_string().as_bytes(), rest].concat())
    .collect()
}

#[test]
fn a_250_of_any_form_is_a_250_and_each_letter_goes_out_once() {
    for form in forms(250) {
        let server = SmtpServer::start();
        let batch = TestBatch::new(3);
        batch.use_impatient_smtp(server.port());
        let bytes = form.clone();
        server.script(move |event| match event.step {
            Step::Ehlo | Step::MailFrom(_) | Step::Rcpt(_) | Step::FinalDot | Step::Reset => {
                Action::Bytes(250, bytes.clone())
            }
            _ => Action::Go,
        });
        batch.send(&[]).expect(0);
        assert_each_once(&server, 3);
    }
}

#[test]
fn a_refusal_of_any_form_is_a_refusal() {
    for form in forms(550) {
        let server = SmtpServer::start();
        let batch = TestBatch::new(3);
        batch.use_smtp(server.port(), "");
        let bytes = form.clone();
        server.script(move |event| match event.step {
            Step::FinalDot if event.message == 2 => Action::Bytes(550, bytes.clone()),
            _ => Action::Go,
        });
        batch.send(&[]).expect(4).says("S002: rejected: 550");
        assert_states(&batch, &["S001", "S003"], "rejected", &["S002"]);
    }
}

#[test]
fn a_server_that_does_not_know_ehlo_is_greeted_with_helo() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_smtp(server.port(), "");
    let asked = std::sync::atomic::AtomicBool::new(false);
    server.script(move |event| match event.step {
        Step::Ehlo if !asked.swap(true, std::sync::atomic::Ordering::SeqCst) => {
            Action::reply(502, "5.5.1 Not implemented")
        }
        _ => Action::Go,
    });
    batch.send(&[]).expect(0);
    assert_each_once(&server, 2);
}

#[test]
fn a_sign_in_offered_in_the_old_form_and_in_small_letters_is_taken() {
    for offer in ["AUTH=LOGIN PLAIN", "auth plain", "Auth Login"] {
        let server = SmtpServer::builder()
            .auth("ann@study.example", "secret")
            .start();
        let batch = TestBatch::new(2);
        batch.use_smtp(server.port(), "");
        batch.secrets(&format!(
            "[smtp]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\ntimeout = \"5s\"\nusername = \"ann@study.example\"\npassword = \"secret\"\n",
            server.port()
        ));
        let reply = format!("250-mail.example\r\n250 {offer}\r\n").into_bytes();
        server.script(move |event| match event.step {
            Step::Ehlo => Action::Bytes(250, reply.clone()),
            _ => Action::Go,
        });
        batch.send(&[]).expect(0);
        assert_each_once(&server, 2);
    }
}

/// Every further letter would meet the same.
#[test]
fn a_used_up_quota_stops_the_run_and_leaves_the_letters_pending() {
    for (code, text) in [
        (
            554,
            "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
        ),
        (454, "4.7.0 Daily message quota exceeded"),
        (454, "Throttling failure: Daily message quota exceeded."),
        (
            550,
            "5.7.233 Your message wasn't sent, the tenant is over its limit",
        ),
        (550, "5.4.5 Daily user sending limit exceeded"),
    ] {
        let server = SmtpServer::start();
        let batch = TestBatch::new(4);
        batch.use_smtp(server.port(), "");
        server.script(move |event| match event.step {
            Step::FinalDot if event.message > 1 => Action::reply(code, text),
            _ => Action::Go,
        });
        let ran = batch
            .send(&[])
            .expect(5)
            .says(&code.to_string())
            .says("used up");
        assert_states(&batch, &["S001"], "pending", &["S002", "S003", "S004"]);
        assert_eq!(server.received().len(), 1, "{ran:?}");
    }
}
