//! The record of a bounced address, from the bounce to the corrected address: what the page says, and the
//! pictures of it in the manual. They are made anew with
//! `POSTROOM_MANUAL=$PWD/docs/pictures cargo nextest run -E 'test(pages::bounced)'`.

use std::path::{Path, PathBuf};

use base64::Engine;
use serde_json::json;

use super::{assert_quiet, browser};
use crate::support::TestBatch;
use crate::support::chromium::{Chromium, file_url};
use crate::support::smtp::SmtpServer;

/// A report that comes back about one address.
fn report(about: &str, address: &str, (action, code): (&str, &str), line: &str) -> String {
    format!(
        "Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@mx.study.example>\r\n\
         To: reports@study.example\r\nSubject: Undelivered Mail Returned to Sender\r\n\
         Message-ID: <{code}.{address}>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nA report of the mail system.\r\n\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.study.example\r\n\r\n\
         Original-Recipient: rfc822;{address}\r\nFinal-Recipient: rfc822;{address}\r\n\
         Action: {action}\r\nStatus: {code}\r\nDiagnostic-Code: smtp; {line}\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{about}>\r\n\r\n--b--\r\n"
    )
}

/// Reads a report about the last message of a letter.
fn comes_back(batch: &TestBatch, id: &str, address: &str, action: (&str, &str), line: &str) {
    let status = batch.run("status", &["--json"]).json();
    let letters = status["letters"].as_array().unwrap();
    let letter = letters.iter().find(|letter| letter["id"] == id).unwrap();
    let about = letter["message_id"].as_str().unwrap();
    batch.write("back.eml", report(about, address, action, line));
    batch.run("returns", &["--from", "back.eml"]);
}

fn page(batch: &TestBatch) -> PathBuf {
    batch.run("report", &["--format", "html"]).expect(0);
    batch.path("batch.report.html")
}

/// Keeps a picture of one element for the manual, where that is wanted.
fn keep(browser: &mut Chromium, selector: &str, name: &str) {
    let Some(folder) = std::env::var_os("POSTROOM_MANUAL") else {
        return;
    };
    // So high that nothing scrolls: a bar would take room that the picture gives back.
    browser.call(
        "Emulation.setDeviceMetricsOverride",
        json!({"width": 860, "height": 3_000, "deviceScaleFactor": 1, "mobile": false}),
    );
    // A resize reaches the page before its next frame.
    browser.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    let place = browser.eval(&format!(
        "(() => {{ const box = document.querySelector('{selector}').getBoundingClientRect(); \
         return [box.x + scrollX, box.y + scrollY, box.width, box.height]; }})()"
    ));
    let clip = json!({
        "x": place[0], "y": place[1], "width": place[2], "height": place[3], "scale": 1,
    });
    let picture = browser.call(
        "Page.captureScreenshot",
        json!({"format": "png", "clip": clip}),
    );
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(picture["data"].as_str().unwrap())
        .unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(Path::new(&folder).join(name), bytes).unwrap();
}

#[test]
fn the_record_shows_a_bounce_what_to_do_and_what_became_of_the_corrected_address() {
    let Some(mut browser) = browser() else {
        return;
    };
    let server = SmtpServer::start();
    let batch = TestBatch::new(4);
    batch.use_smtp(server.port(), "");
    batch.send(&[]).expect(0);
    let gone = "550 5.1.1 <teacher2@school2.example>: Recipient address rejected: User unknown";
    comes_back(
        &batch,
        "S002",
        "teacher2@school2.example",
        ("failed", "5.1.1"),
        gone,
    );
    let slow = "connect to mx.school3.example: Connection timed out";
    comes_back(
        &batch,
        "S003",
        "teacher3@school3.example",
        ("delayed", "4.4.1"),
        slow,
    );
    let record = page(&batch);
    browser.look(860, false);
    browser.open(&file_url(&record));
    let look = browser.text("document.getElementById('look').innerText");
    for part in [
        "teacher2@school2.example",
        "there is no such address",
        "resend",
    ] {
        assert!(look.contains(part), "{part:?} is not in {look}");
    }
    keep(
        &mut browser,
        "main section:nth-of-type(2)",
        "bounce-to-look-into.png",
    );
    browser.open(&format!("{}#q=S002&row=S002", file_url(&record)));
    let details = browser.text("document.querySelector('#rows .all').innerText");
    for part in ["bounced", "User unknown"] {
        assert!(details.contains(part), "{part:?} is not in {details}");
    }
    keep(&mut browser, "#table", "bounce-of-a-letter.png");

    batch.replace("list.csv", "teacher2@", "office@");
    let because = [
        "--bounced",
        "--because",
        "the school gave a new address",
        "--yes",
    ];
    batch.run("resend", &because).expect(0);
    comes_back(
        &batch,
        "S002",
        "office@school2.example",
        ("delivered", "2.0.0"),
        "250 2.0.0 ok",
    );
    let record = page(&batch);
    browser.open(&format!("{}#q=S002&row=S002", file_url(&record)));
    let details = browser.text("document.querySelector('#rows .all').innerText");
    for part in [
        "Sent 2 times",
        "because: the school gave a new address",
        "office@school2.example",
        "delivered",
    ] {
        assert!(details.contains(part), "{part:?} is not in {details}");
    }
    assert!(!details.contains("Next:"), "{details}");
    let look = browser.text("document.getElementById('look').innerText");
    assert!(!look.contains("teacher2@school2.example"), "{look}");
    assert_quiet(&mut browser, &record);
    keep(&mut browser, "#table", "corrected-address.png");
}
