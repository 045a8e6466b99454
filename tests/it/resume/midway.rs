//! Files that change while letters go out: a letter that is no longer the one that was checked is
//! not sent.

use std::fs;
use std::path::PathBuf;

use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{Ran, TestBatch, assert_is_letter_of, report, school_of};

const SCHOOLS: usize = 12;

/// Sends twelve letters, and changes something in the batch's folder while the first one is on the
/// wire: the last ones are not made yet.
fn run(change: impl Fn(PathBuf) + Send + Sync + Clone + 'static) -> (TestBatch, SmtpServer, Ran) {
    let server = SmtpServer::start();
    let batch = TestBatch::new(SCHOOLS);
    batch.use_smtp(server.port(), "");
    let folder = batch.folder().to_owned();
    server.script(move |event| {
        if event.message == 1 && event.step == Step::Data {
            let (change, folder) = (change.clone(), folder.clone());
            Action::call(move || change(folder.clone()), Action::Go)
        } else {
            Action::Go
        }
    });
    let ran = batch.run("send", &["--yes"]);
    (batch, server, ran)
}

/// Every letter that arrived is its school's own, and none came twice.
#[track_caller]
fn arrived(server: &SmtpServer) -> Vec<usize> {
    let mut schools = Vec::new();
    for received in server.received() {
        let school = school_of(&received.data);
        assert_is_letter_of(school, &received.data);
        assert!(!schools.contains(&school), "school {school} got two");
        schools.push(school);
    }
    schools.sort_unstable();
    schools
}

#[track_caller]
fn assert_stopped_before_the_last(batch: &TestBatch, server: &SmtpServer, ran: Ran) {
    ran.expect(5)
        .says("S012")
        .says("stopped: a letter changed after it was checked")
        .says("next: look at `postroom check`, then `postroom send` goes on");
    let schools = arrived(server);
    assert!(!schools.contains(&SCHOOLS), "{schools:?}");
    assert!(batch.in_state("pending").contains(&"S012".to_owned()));
    assert_eq!(batch.in_state("accepted").len(), schools.len());
}

#[test]
fn a_report_that_vanishes_stops_the_run_before_its_letter() {
    let (batch, server, ran) = run(|folder| {
        fs::remove_file(folder.join("reports/S012.pdf")).unwrap();
    });
    assert_stopped_before_the_last(&batch, &server, ran);
    batch.write("reports/S012.pdf", report(SCHOOLS));
    batch.run("send", &["--yes"]).expect(0);
    assert_eq!(arrived(&server), (1..=SCHOOLS).collect::<Vec<_>>());
}

#[test]
fn a_report_that_becomes_that_of_another_school_stops_the_run_before_its_letter() {
    let (batch, server, ran) = run(|folder| {
        fs::write(folder.join("reports/S012.pdf"), report(1)).unwrap();
    });
    assert_stopped_before_the_last(&batch, &server, ran);
    batch.run("send", &["--yes"]).expect(3);
    assert!(!arrived(&server).contains(&SCHOOLS));
}

#[test]
fn a_template_and_a_list_that_change_midway_change_no_letter_of_the_run() {
    let (batch, server, ran) = run(|folder| {
        fs::write(folder.join("letter.html"), "<p>Something else</p>").unwrap();
        fs::write(folder.join("list.csv"), "ID,School,Email\n").unwrap();
    });
    ran.expect(0);
    assert_eq!(arrived(&server).len(), SCHOOLS);
    for received in server.received() {
        let body = String::from_utf8_lossy(&received.data).into_owned();
        assert!(!body.contains("Something else"));
    }
    assert!(!batch.path("outbox").exists());
}
