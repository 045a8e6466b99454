//! Sending to mail servers that others wrote, and reading every message back.
//!
//! Where a server is not installed its tests say so and pass, unless `POSTROOM_REAL_SERVERS` is 1.

mod support;

use support::servers::{self, RealServer};
use support::{TestBatch, assert_is_letter_of, school_of, wait};

const SCHOOLS: usize = 60;

#[track_caller]
fn every_letter_arrives_once(server: Result<RealServer, String>, connections: usize) {
    let Some(server) = servers::or_skip(server) else {
        return;
    };
    let batch = TestBatch::new(SCHOOLS);
    batch.use_smtp(server.port, &format!("connections = {connections}"));
    let ran = batch.send(&[]).expect(0);
    assert!(ran.stdout.contains("60 accepted, 0 pending"), "{ran:?}");
    wait::until("60 messages", || server.messages().len() >= SCHOOLS);
    let mut schools = Vec::new();
    for message in server.messages() {
        let number = school_of(&message);
        assert_is_letter_of(number, &message);
        assert_eq!(
            envelope(&message),
            [format!("<teacher{number}@school{number}.example>")]
        );
        schools.push(number);
    }
    schools.sort_unstable();
    assert_eq!(schools, (1..=SCHOOLS).collect::<Vec<_>>());
    batch.send(&[]).expect(0);
    assert_eq!(server.messages().len(), SCHOOLS);
}

/// The recipients that the server noted in front of a message.
fn envelope(message: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(message)
        .lines()
        .filter_map(|line| line.strip_prefix("X-Rcpt-Args: "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn smtp_sink_gets_every_letter_over_one_connection() {
    every_letter_arrives_once(RealServer::smtp_sink(), 1);
}

#[test]
fn smtp_sink_gets_every_letter_over_four_connections() {
    every_letter_arrives_once(RealServer::smtp_sink(), 4);
}

#[test]
fn aiosmtpd_gets_every_letter_over_one_connection() {
    every_letter_arrives_once(RealServer::aiosmtpd(), 1);
}

#[test]
fn aiosmtpd_gets_every_letter_over_four_connections() {
    every_letter_arrives_once(RealServer::aiosmtpd(), 4);
}
