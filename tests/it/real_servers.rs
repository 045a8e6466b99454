//! Sending to mail servers that others wrote, and reading every message back; and from a folder that
//! comes over the network.
//!
//! Where a server is not installed its tests say so and pass, unless `POSTROOM_REAL_SERVERS` is 1.

use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use crate::support::postfix::Postfix;
use crate::support::servers::{self, RealServer};
use crate::support::{TestBatch, assert_is_letter_of, school_of, wait};

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
    wait::until_others("60 messages", || server.messages().len() >= SCHOOLS);
    let mut schools = Vec::new();
    for message in server.messages() {
        let number = school_of(&message);
        assert_is_letter_of(number, &message);
        let address = format!("teacher{number}@school{number}.example");
        let bare = format!("<{address}>");
        // smtp-sink offers delivery reports, aiosmtpd does not.
        let asking = format!("{bare} NOTIFY=FAILURE,DELAY ORCPT=rfc822;{address}");
        let envelope = envelope(&message);
        assert!(envelope == [bare] || envelope == [asking], "{envelope:?}");
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

#[cfg(target_os = "linux")]
mod over_sftp {
    use std::fs;
    use std::path::Path;

    use crate::support::sshfs::{self, Sshfs};
    use crate::support::{Ran, TestBatch, program};

    fn send(folder: &Path, arguments: &[&str]) -> Ran {
        let mut command = program();
        command.arg("send").arg(folder).arg("--yes").args(arguments);
        Ran::of(command.output().unwrap())
    }

    /// As two machines have it that reach one folder over the network, and a third whose disk it is.
    #[test]
    fn a_state_file_that_sshfs_brings_is_refused_on_each_machine_but_its_own() {
        let batch = TestBatch::new(2);
        let Some(one) = sshfs::or_skip(Sshfs::mount(batch.folder())) else {
            return;
        };
        let other = Sshfs::mount(batch.folder()).unwrap();
        let refused = |machine: &Sshfs| {
            let ran = send(&machine.path(), &[]).expect(3);
            ran.says("is on a file system that machines share (fuse.sshfs)")
                .says("nothing was sent");
        };
        refused(&one);
        refused(&other);
        assert!(!batch.path("outbox").exists());

        // List, reports and outbox may lie there.
        let local = tempfile::tempdir().unwrap();
        let state = local.path().join("state.db");
        send(&one.path(), &["--state", state.to_str().unwrap()]).expect(0);
        assert_eq!(fs::read_dir(batch.path("outbox")).unwrap().count(), 2);
        // The machine whose disk it is may keep a state file there, and sees what the other one sent.
        batch.send(&[]).expect(3).says("went out already");
        fs::remove_dir_all(batch.path("outbox")).unwrap();
        batch.send(&[]).expect(0);
        assert_eq!(batch.in_state("accepted").len(), 2);
        refused(&other);
    }
}

/// A relay of one's own: it takes every letter while its next hop is down, keeps them over a stop of
/// the run, and passes each on once. With `POSTROOM_REAL_SERVERS` it is 10,000 letters, else 300. What it
/// took and how long is printed.
#[test]
#[cfg(target_os = "linux")]
fn postfix_relays_every_letter_once_while_its_next_hop_comes_and_goes() {
    if !servers::is_root_or_skip() {
        return;
    }
    let schools = if servers::insists() { 10_000 } else { 300 };
    let next = wait::free_port();
    let Some(postfix) = servers::or_skip(Postfix::relay(next)) else {
        return;
    };
    let batch = one_for_all(schools);
    let file = std::fs::read_to_string(batch.path("batch.toml")).unwrap();
    let dispatch = "[dispatch]\ntransport = \"smtp\"\nconnections = 4\nmessages_per_minute = 10000000\n\
                    recipients_per_day = 10000000\n";
    batch.write("batch.toml", format!("{file}{dispatch}"));
    batch.secrets(&format!(
        "[smtp]\npreset = \"relay\"\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n",
        postfix.port
    ));
    // The next hop is down, and nothing is lost for it.
    let begun = Instant::now();
    batch.send(&[]).expect(0);
    let took = begun.elapsed().as_secs_f64();
    // It moves them between its folders while they are counted; what comes out below is exact.
    wait::until_others("all letters in the queue", || postfix.queued() >= schools);
    let Some(sink) = servers::or_skip(RealServer::smtp_sink_at(next)) else {
        return;
    };
    let begun = Instant::now();
    postfix.flush();
    let limit = Duration::from_secs(240);
    while sink.count() < schools && begun.elapsed() < limit {
        std::thread::sleep(Duration::from_millis(100));
    }
    wait::until_others("an idle relay", || postfix.is_idle());
    let relayed = begun.elapsed().as_secs_f64();
    let mut ids: Vec<String> = sink
        .messages()
        .iter()
        .map(|mail| message_id(mail))
        .collect();
    assert_eq!(ids.len(), schools);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), schools, "a letter came twice");
    let count = schools as f64;
    eprintln!(
        "{schools} letters: {:.0} a second into the relay (with the checks), {:.0} a second on to the next hop",
        count / took,
        count / relayed
    );
    batch.send(&[]).expect(0);
    assert_eq!(sink.count(), schools);
}

/// So many schools, and one small file for everyone.
#[cfg(target_os = "linux")]
fn one_for_all(schools: usize) -> TestBatch {
    let batch = TestBatch::new(0);
    let mut list = String::from("ID,School,Email\n");
    for number in 1..=schools {
        list.push_str(&format!(
            "S{number:06},School {number},head@school{number}.example\n"
        ));
    }
    batch.write("list.csv", list);
    batch.write("guide.pdf", "%PDF-1.4 the same for everyone\n");
    batch.write("letter.txt", "Dear {{ name }}\n");
    let file = std::fs::read_to_string(batch.path("batch.toml")).unwrap();
    let start = file.find("[[attachment]]").unwrap();
    let letter = file[..start].replace("html =", "text = \"letter.txt\"\nhtml =");
    batch.write(
        "batch.toml",
        format!("{letter}[[attachment]]\npath = \"guide.pdf\"\nshared = true\n\n"),
    );
    batch
}

#[cfg(target_os = "linux")]
fn message_id(mail: &[u8]) -> String {
    let text = String::from_utf8_lossy(mail);
    let mut lines = text.lines();
    lines
        .find(|line| line.starts_with("Message-ID:"))
        .unwrap()
        .to_owned()
}
