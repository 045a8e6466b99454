//! `[smtp] preset`: limits that the batch file need not write.

use crate::support::TestBatch;
use crate::support::smtp::SmtpServer;

fn batch(server: &SmtpServer, preset: &str, schools: usize) -> TestBatch {
    let batch = TestBatch::new(schools);
    batch.use_smtp(server.port(), "");
    let written = std::fs::read_to_string(batch.folder().join("batch.toml")).unwrap();
    let without: Vec<&str> = written
        .lines()
        .filter(|line| !line.starts_with("messages_per_minute"))
        .collect();
    batch.write("batch.toml", without.join("\n"));
    batch.secrets(&format!(
        "[smtp]\npreset = \"{preset}\"\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n",
        server.port()
    ));
    batch
}

#[test]
fn a_relay_has_no_pace_and_a_service_keeps_letters_small() {
    let server = SmtpServer::start();
    let relay = batch(&server, "relay", 60);
    relay.send(&[]).expect(0);
    assert_eq!(server.received().len(), 60);
    let acs = batch(&server, "acs", 1);
    let mut report = b"%PDF-1.4\n".to_vec();
    report.resize(9_000_000, b'x');
    acs.write("reports/S001.pdf", report);
    acs.run("check", &[]).expect(3).says("10.0 MB");
}

#[test]
fn an_unknown_service_is_named_with_those_that_are_known() {
    let server = SmtpServer::start();
    let batch = batch(&server, "gmail", 1);
    batch
        .send(&[])
        .expect(2)
        .says("smtp.preset")
        .says("\"postmark\"");
}
