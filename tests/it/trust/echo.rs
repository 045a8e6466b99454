//! A server that repeats the password or token that it was sent, and what is kept and shown of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{Ran, TestBatch};

const USER: &str = "reports@study.example";
const PASSWORD: &str = "correct-horse-battery";
const TOKEN: &str = "eyJ0eXAiOiJKV1QifQ.c29tZWJvZHktc2lnbmVkLWluLWhlcmU.c2lnbmF0dXJl";

/// Neither secret stands in what was shown, in the state file or in the record, also not in part.
#[track_caller]
fn assert_hidden(batch: &TestBatch, ran: &Ran) {
    let mut all = ran.output();
    for (verb, arguments) in [
        ("status", &["--json"][..]),
        ("report", &["--format", "json", "--output", "-"]),
    ] {
        all += &batch.run(verb, arguments).output();
    }
    for beside in ["batch.state.db", "batch.state.db-wal"] {
        let kept = std::fs::read(batch.path(beside)).unwrap_or_default();
        all += &String::from_utf8_lossy(&kept);
    }
    assert!(all.contains("[secret]"), "{all}");
    for secret in [PASSWORD, TOKEN] {
        for text in [secret.to_owned(), STANDARD.encode(secret)] {
            for part in [&text[..16], &text[text.len() - 18..text.len() - 2]] {
                assert!(!all.contains(part), "{part}: {all}");
            }
        }
    }
}

#[test]
fn a_mail_server_repeats_the_password_in_each_of_its_forms() {
    let plain = STANDARD.encode(format!("\0{USER}\0{PASSWORD}"));
    let words = format!(
        "5.1.1 {PASSWORD} and {plain} and {}",
        STANDARD.encode(PASSWORD)
    );
    for step in ["RCPT", "the final dot"] {
        let server = SmtpServer::builder()
            .starttls()
            .auth(USER, PASSWORD)
            .start();
        let reply = words.clone();
        server.script(move |event| match (&event.step, step) {
            (Step::Rcpt(_), "RCPT") | (Step::FinalDot, "the final dot") => {
                Action::reply(550, &reply)
            }
            _ => Action::Go,
        });
        let batch = TestBatch::new(1);
        batch.use_smtp(server.port(), "");
        batch.write("authority.pem", server.ca_pem());
        batch.secrets(&format!(
            "[smtp]\nhost = \"localhost\"\nport = {}\nca_file = '{}'\nusername = \"{USER}\"\npassword = \"{PASSWORD}\"\n",
            server.port(),
            batch.path("authority.pem").display()
        ));
        let ran = batch.send(&["--verbose"]).expect(4).says("550");
        assert_hidden(&batch, &ran);
    }
}

/// Answers each request with 400 and what stood in its head.
fn repeat(listener: &TcpListener, answers: usize) {
    for stream in listener.incoming().take(answers) {
        let Ok(mut stream) = stream else { return };
        let Ok(head) = head_of(&stream) else { continue };
        let secret = head
            .lines()
            .find_map(|line| {
                line.split_once(": ")
                    .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            })
            .map_or("none", |(_, value)| value);
        let body = format!(
            "{{\"error\":{{\"code\":\"ErrorInvalidRecipients\",\"message\":\"you sent {secret}\"}}}}"
        );
        let _ = write!(
            stream,
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nrequest-id: {secret}\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
    }
}

fn head_of(stream: &TcpStream) -> std::io::Result<String> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
        head += &line;
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    Ok(head)
}

#[test]
fn a_service_repeats_the_token() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // The first request tries whether the mailbox may be read, which the token does not say.
    let server = thread::spawn(move || repeat(&listener, 2));
    let batch = TestBatch::new(1);
    batch.configure("[dispatch]\ntransport = \"graph\"\nattempts = 1\nbackoff = \"1ms\"");
    batch.write("token.sh", format!("echo {TOKEN}"));
    batch.secrets(&format!(
        "send_emails_as = \"reports@study.example\"\nusername = \"ann@study.example\"\n\
         timeout = \"2s\"\ngraph_url = \"{url}\"\ntoken_command = [\"sh\", \"{}\"]\n",
        batch.path("token.sh").display()
    ));
    let secrets = batch.path(".secrets.toml");
    let ran = batch
        .send(&["--verbose", "--secrets", secrets.to_str().unwrap()])
        .says("400");
    server.join().unwrap();
    assert_hidden(&batch, &ran);
}
