//! The record's page.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use postroom::{
    Accepted, Addresses, AdoptedLetter, BatchIdentity, Claim, Holder, Ledger, LedgerKind,
    PersonalWord, PlannedMessage, Refusal, Reply, SentAttachment, SettledAs, Settlement,
};

use serde_json::json;

use crate::pages::{assert_quiet, browser, picture};
use crate::support::chromium::{Chromium, file_url};
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, id};

/// What a school must not be able to call itself.
const MARKUP: &str = "<img src=x onerror=alert(1)><script>document.title='taken'</script>\"&'";

fn name(number: usize) -> String {
    match number {
        2 => MARKUP.to_owned(),
        3 => "École Élémentaire de l’Étang".to_owned(),
        number => format!("School {number}"),
    }
}

fn open(batch: &TestBatch, command: &str, start: Timestamp) -> Ledger {
    let identity = BatchIdentity {
        batch: "Test reports".into(),
        kind: LedgerKind::Mail,
    };
    let holder = Holder {
        command: command.into(),
        transport: "smtp relay.example:587".into(),
        pid: 4711,
        host: "office".into(),
        started: start,
    };
    Ledger::open(&batch.path("batch.state.db"), &identity, &holder).unwrap()
}

/// A batch of so many schools that was sent on two days: a wait was asked for, letter 4 was rejected,
/// letter 5 was in doubt and settled by hand, letter 6 was refused for one address, and letter 7 is
/// in doubt.
fn recorded(schools: usize) -> TestBatch {
    let batch = TestBatch::new(0);
    batch.use_smtp(9, "");
    let quoted = |text: String| format!("\"{}\"", text.replace('"', "\"\""));
    let list: String = (1..=schools)
        .map(|n| {
            format!(
                "{},{},teacher{n}@school{n}.example leader@centre.example\n",
                id(n),
                quoted(name(n))
            )
        })
        .collect();
    batch.write("list.csv", format!("ID,School,Email\n{list}"));
    let monday: Timestamp = "2026-01-12T09:00:00Z".parse().unwrap();
    let tuesday: Timestamp = "2026-01-13T14:30:00Z".parse().unwrap();
    let mut ledger = open(&batch, "send", monday);
    let records = (1..=schools).map(|n| AdoptedLetter {
        id: id(n),
        message: PlannedMessage {
            message_id: format!("{n}.abcdef@study.example"),
            digest: [n as u8; 32],
            addresses: Addresses {
                to: vec![format!("teacher{n}@school{n}.example")],
                cc: vec!["leader@centre.example".into()],
                bcc: Vec::new(),
            },
            attachments: vec![SentAttachment {
                name: "report.pdf".into(),
                sha256: std::array::from_fn(|at| n.to_be_bytes()[6 + at % 2]),
                bytes: 200_000 + n as u64,
                locked: false,
            }],
            parts: None,
        },
    });
    let plan = "3cfb59a6b04d".repeat(5);
    ledger
        .adopt(&plan, "smtp relay.example:587, starttls", &[7; 32], records)
        .unwrap();
    let half = schools / 2;
    send(&mut ledger, monday, half);
    ledger
        .end_run(
            monday + Duration::from_secs(3 * half as u64 + 60),
            "interrupted\n  next: go on",
        )
        .1
        .unwrap();
    let word = PersonalWord {
        accepted: true,
        by: "ann on office".into(),
        because: Some("the head says <b>it came</b>".into()),
    };
    let said_at = tuesday - Duration::from_secs(3_600);
    let mut ledger = open(&batch, "resolve", said_at);
    ledger.resolve(&[id(5)], &word, said_at).unwrap();
    ledger.end_run(said_at, "resolved").1.unwrap();
    let mut ledger = open(&batch, "send", tuesday);
    send(&mut ledger, tuesday, half - 2);
    batch
}

fn send(ledger: &mut Ledger, start: Timestamp, most: usize) {
    let mut now = start;
    for (index, pending) in ledger.pending(None, most).unwrap().into_iter().enumerate() {
        let number = pending.position + 1;
        now += Duration::from_secs(2);
        let claim = Claim {
            seq: pending.seq,
            bytes: 270_000,
            addresses: 2,
            at: now,
            trace: format!("trace-{number}"),
        };
        let claimed = ledger.commit(&[], &[claim]).unwrap()[0];
        now += Duration::from_secs(1);
        let answer = |code: &str, text: &str| Reply {
            code: code.into(),
            text: text.into(),
        };
        let ended = match number {
            4 => SettledAs::Rejected(answer("550", "5.1.1 <no such user>")),
            5 | 7 => SettledAs::InDoubt(answer(
                "no answer",
                "no answer came after the message was sent",
            )),
            _ => SettledAs::Accepted(Accepted {
                receipt: format!("250 2.0.0 queued as {number}"),
                refused: (number == 6)
                    .then(|| Refusal {
                        address: "leader@centre.example".into(),
                        code: "550".into(),
                        answer: "no such mailbox".into(),
                    })
                    .into_iter()
                    .collect(),
                rest: None,
            }),
        };
        let at = now;
        if index == most / 2 {
            let wait = Duration::from_secs(most as u64);
            ledger.throttled(at, wait);
            now += wait;
        }
        let settlement = Settlement {
            claim: claimed,
            ended,
            at,
            request_ids: Vec::new(),
        };
        ledger.commit(&[settlement], &[]).unwrap();
    }
}

fn page(batch: &TestBatch) -> PathBuf {
    batch.run("report", &["--format", "html"]).expect(0);
    batch.path("batch.report.html")
}

/// The ids of the rows that are shown.
fn rows(browser: &mut Chromium) -> Vec<String> {
    let rows =
        browser.eval("[...document.querySelectorAll('#rows .open')].map((row) => row.textContent)");
    let rows = rows.as_array().unwrap();
    rows.iter()
        .map(|row| row.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_page_shows_totals_timeline_and_what_to_look_into_and_asks_for_nothing() {
    let Some(mut browser) = browser() else {
        return;
    };
    let batch = recorded(60);
    let page = page(&batch);
    browser.open(&file_url(&page));
    let totals = browser.text("document.getElementById('totals').innerText.replace(/\\s+/g, ' ')");
    assert_eq!(
        totals,
        "56 accepted our server took it; it says nothing of delivery 2 not sent 1 rejected 1 in doubt 1 accepted, but some addresses do not have it"
    );
    let look = browser.text("document.getElementById('look').innerText");
    for part in [
        "550: 5.1.1 <no such user>",
        "postroom resolve S007",
        "550 no such mailbox",
        "postroom resend --only S006 --because …",
    ] {
        assert!(look.contains(part), "{part:?} is not in {look}");
    }
    let shown = browser.text("document.querySelector('#timeline svg').getAttribute('aria-label')");
    assert!(
        shown.contains("56 letters accepted between 2026-01-12 09:00:03"),
        "{shown}"
    );
    assert!(
        shown.contains("the server asked to wait 2 times"),
        "{shown}"
    );
    assert_eq!(
        browser.eval("document.querySelectorAll('#timeline rect.wait').length"),
        2
    );
    assert_eq!(
        browser.eval("document.querySelectorAll('#timeline rect.run').length"),
        3
    );
    // The last run has not said how it ended, and none has begun since.
    assert_eq!(
        browser.eval("[...document.querySelectorAll('#timeline rect.run')].map((run) => run.getAttribute('class'))"),
        json!(["run ended", "run ended", "run active"])
    );
    let legend = browser.text("document.querySelector('.legend').innerText");
    assert!(legend.contains("under way, or cut off"), "{legend}");
    let log = browser.text("document.getElementById('log').innerText");
    assert!(log.contains("The log was whole"), "{log}");
    assert_quiet(&mut browser, &page);
    picture(&mut browser, "record");
}

/// Three schools over SMTP: the second has an address that was refused, corrected in the list and
/// written to again, the third has another address in the list since, and the first has one that is
/// refused and open.
fn resent() -> (SmtpServer, TestBatch) {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    batch.replace("list.csv", "teacher1@", "closed@school1.example teacher1@");
    batch.replace("list.csv", "teacher2@", "gone@school2.example teacher2@");
    server.script(|event| match &event.step {
        Step::Rcpt(to) if to.starts_with("gone@") || to.starts_with("closed@") => {
            Action::reply(550, "5.1.1 No such user")
        }
        _ => Action::Go,
    });
    batch.send(&[]).expect(4);
    batch.replace("list.csv", "gone@", "office@");
    let because = ["--only", "S002", "--because", "the office <b>moved</b>"];
    batch
        .run("resend", &[&because[..], &["--yes"]].concat())
        .expect(4);
    batch.replace("list.csv", "teacher3@", "head@");
    (server, batch)
}

#[test]
fn each_message_and_each_address_of_a_letter_is_shown_and_what_changed_since() {
    let Some(mut browser) = browser() else {
        return;
    };
    let (_server, batch) = resent();
    let page = page(&batch);
    browser.open(&format!("{}#row=S002", file_url(&page)));
    let details = browser.text("document.querySelector('#rows .all').innerText");
    for part in [
        "Sent 2 times",
        "to gone@school2.example, teacher2@school2.example",
        "to office@school2.example",
        "because: the office <b>moved</b>",
        "refused gone@school2.example: 550 5.1.1 No such user",
        "✓ accepted teacher2@school2.example",
        "✓ accepted office@school2.example",
    ] {
        assert!(details.contains(part), "{part:?} is not in {details}");
    }
    assert_eq!(details.matches("Message-ID ").count(), 2, "{details}");
    picture(&mut browser, "resent");
    // The list says otherwise since.
    browser.open(&format!("{}#state=changed&row=S003", file_url(&page)));
    assert_eq!(rows(&mut browser), ["S003"]);
    let row = browser.text("document.querySelector('#rows').innerText");
    for part in [
        "changed since",
        "teacher3@school3.example",
        "new in the list: head@school3.example",
        "no longer in the list: teacher3@school3.example",
    ] {
        assert!(row.contains(part), "{part:?} is not in {row}");
    }
    let look = browser.text("document.getElementById('look').innerText");
    for part in [
        "closed@school1.example: 550 5.1.1 No such user",
        "postroom resend --only S001 --because …",
    ] {
        assert!(look.contains(part), "{part:?} is not in {look}");
    }
    assert!(!look.contains("S002"), "{look}");
    assert_quiet(&mut browser, &page);
}

#[test]
fn nothing_runs_out_of_a_narrow_screen() {
    let Some(mut browser) = browser() else {
        return;
    };
    let (_server, resent) = resent();
    for (batch, row, name) in [
        (resent, "S002", "narrow-resent"),
        (recorded(60), "S002", "narrow"),
    ] {
        let page = page(&batch);
        browser.look(390, false);
        browser.open(&format!("{}#row={row}", file_url(&page)));
        browser.eval("document.querySelector('details').open = true");
        let wide = browser.eval(
            "[...document.querySelectorAll('body *')].filter((element) => \
               !element.closest('.hidden, .skip, thead, svg') && \
               element.getBoundingClientRect().right > 390.5).map((element) => element.outerHTML.slice(0, 80))",
        );
        assert_eq!(wide, json!([]));
        assert_eq!(browser.eval("document.documentElement.scrollWidth"), 390);
        picture(&mut browser, name);
    }
}

#[test]
fn markup_in_names_answers_and_reasons_stays_text() {
    let Some(mut browser) = browser() else {
        return;
    };
    let batch = recorded(20);
    let page = page(&batch);
    browser.open(&format!("{}#row=S002", file_url(&page)));
    assert_eq!(browser.text("document.title"), "Record: Test reports");
    let name = browser.text("document.querySelector('#rows .is-open .name').textContent");
    assert_eq!(name, MARKUP);
    assert_eq!(
        browser.eval("document.querySelectorAll('img, main b b, main script').length"),
        0
    );
    browser.open(&format!("{}#row=S005", file_url(&page)));
    let details = browser.text("document.querySelector('#rows .all').innerText");
    assert!(
        details.contains(
            "as accepted by ann on office, 2026-01-13 13:30:00 UTC: the head says <b>it came</b>"
        ),
        "{details}"
    );
    assert_quiet(&mut browser, &page);
}

#[test]
fn letters_are_found_by_keys_alone() {
    let Some(mut browser) = browser() else {
        return;
    };
    let batch = recorded(20);
    let page = page(&batch);
    browser.open(&file_url(&page));
    browser.press("/");
    browser.write("ecole etang");
    assert_eq!(rows(&mut browser), ["S003"]);
    assert_eq!(
        browser.text("document.getElementById('found').textContent"),
        "1 of 20 letters"
    );
    browser.press("ArrowDown");
    browser.press("Enter");
    let details = browser.text("document.querySelector('#rows .all').innerText");
    assert!(details.contains("3.abcdef@study.example"), "{details}");
    assert_eq!(browser.text("location.hash"), "#q=ecole+etang&row=S003");
    picture(&mut browser, "found");
    browser.press("Escape");
    assert_eq!(rows(&mut browser).len(), 20);
    assert_eq!(browser.text("document.activeElement.id"), "query");
    // A slash is typed where text is typed.
    browser.press("/");
    assert_eq!(browser.text("document.getElementById('query').value"), "/");
    browser.press("Escape");
    browser.press("ArrowDown");
    browser.press("ArrowDown");
    browser.press("ArrowDown");
    browser.press("ArrowUp");
    assert_eq!(browser.text("document.activeElement.textContent"), "S002");
    assert_quiet(&mut browser, &page);
}

#[test]
fn a_state_is_chosen_and_kept_in_the_address() {
    let Some(mut browser) = browser() else {
        return;
    };
    let batch = recorded(20);
    let page = page(&batch);
    browser.open(&format!("{}#state=look", file_url(&page)));
    assert_eq!(rows(&mut browser), ["S004", "S006", "S007"]);
    browser.eval("document.querySelector('#look .link').click()");
    assert_eq!(browser.text("location.hash"), "#row=S007");
    assert_eq!(browser.text("document.activeElement.textContent"), "S007");
    assert_quiet(&mut browser, &page);
}

#[test]
fn ten_thousand_letters_open_at_once_a_page_at_a_time() {
    let Some(mut browser) = browser() else {
        return;
    };
    let batch = recorded_quickly(10_000);
    let page = page(&batch);
    browser.open(&file_url(&page));
    let took = browser.eval("performance.timing.loadEventEnd - performance.timing.navigationStart");
    eprintln!("10,000 letters opened in {took} ms");
    assert_eq!(rows(&mut browser).len(), 100);
    assert_eq!(
        browser.text("document.getElementById('page').textContent"),
        "1–100 of 10,000"
    );
    browser.eval("document.getElementById('later').click()");
    assert_eq!(rows(&mut browser)[0], id(101));
    browser.open(&format!("{}#row=S9999", file_url(&page)));
    assert_eq!(
        browser.text("document.getElementById('page').textContent"),
        "9,901–10,000 of 10,000"
    );
    browser.press("/");
    browser.write("school 1234 teacher1234@");
    assert_eq!(rows(&mut browser), ["S1234"]);
    assert_quiet(&mut browser, &page);
}

/// A large batch, all accepted, in few commits.
fn recorded_quickly(schools: usize) -> TestBatch {
    let batch = TestBatch::new(0);
    batch.use_smtp(9, "");
    let list: String = (1..=schools)
        .map(|n| format!("{},School {n},teacher{n}@school{n}.example\n", id(n)))
        .collect();
    batch.write("list.csv", format!("ID,School,Email\n{list}"));
    let start: Timestamp = "2026-01-12T09:00:00Z".parse().unwrap();
    let mut ledger = open(&batch, "send", start);
    let records = (1..=schools).map(|n| AdoptedLetter {
        id: id(n),
        message: PlannedMessage {
            message_id: format!("{n}.abcdef@study.example"),
            digest: [1; 32],
            addresses: Addresses {
                to: vec![format!("teacher{n}@school{n}.example")],
                ..Addresses::default()
            },
            attachments: vec![SentAttachment {
                name: "report.pdf".into(),
                sha256: [0xab; 32],
                bytes: 200_000,
                locked: false,
            }],
            parts: None,
        },
    });
    ledger
        .adopt(
            "plan",
            "smtp relay.example:587, starttls",
            &[7; 32],
            records,
        )
        .unwrap();
    let at = |number: usize| start + Duration::from_secs(2 * number as u64);
    let pending = ledger.pending(None, schools).unwrap();
    let claims: Vec<_> = pending
        .iter()
        .map(|pending| Claim {
            seq: pending.seq,
            bytes: 270_000,
            addresses: 1,
            at: at(pending.position),
            trace: "trace".into(),
        })
        .collect();
    let claimed = ledger.commit(&[], &claims).unwrap();
    let settlements: Vec<_> = claimed
        .into_iter()
        .enumerate()
        .map(|(number, claim)| Settlement {
            claim,
            ended: SettledAs::Accepted(Accepted {
                receipt: "250 2.0.0 queued".into(),
                refused: Vec::new(),
                rest: None,
            }),
            at: at(number + 1),
            request_ids: Vec::new(),
        })
        .collect();
    ledger.commit(&settlements, &[]).unwrap();
    ledger.end_run(at(schools), "finished").1.unwrap();
    batch
}
