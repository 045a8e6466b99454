//! Mail servers whose replies do not end.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::bombs::check_online;
use crate::support::TestBatch;

/// A server that says this, and then the other without end, each time it is asked.
fn endless(first: &'static [u8], then: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut stream = stream;
                if !first.is_empty() {
                    stream.write_all(first).unwrap();
                    let mut asked = [0; 512];
                    let _ = stream.read(&mut asked);
                }
                let much = then.repeat(64 << 10);
                while stream.write_all(&much).is_ok() {}
            });
        }
    });
    port
}

#[test]
fn a_reply_without_end_is_given_up_on() {
    for (first, then) in [
        (&b""[..], &b"220 x"[..]),
        (b"", b"220-x\r\n"),
        (b"220 mail.example\r\n", b"250-x"),
        (b"220 mail.example\r\n", b"250-x\r\n"),
    ] {
        for security in ["none", "starttls"] {
            let batch = TestBatch::new(1);
            batch.use_smtp(endless(first, then), "attempts = 1");
            batch.replace(".secrets.toml", "\"none\"", &format!("{security:?}"));
            batch.replace(".secrets.toml", "\"5s\"", "\"30s\"");
            check_online(&batch).expect(5).says("does not end");
        }
    }
}
