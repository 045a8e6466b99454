//! A name server on loopback that answers for what it was given, and with "no such domain" else.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;

/// What is answered of a domain.
#[derive(Clone, Copy)]
pub enum Mx {
    /// A mail server.
    Server,
    /// That it takes no mail (RFC 7505).
    Null,
    /// No mail server.
    None,
}

/// Starts a name server that ends with the test program.
pub fn start(domains: &'static [(&'static str, Mx)]) -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut packet = [0; 1_500];
        while let Ok((length, peer)) = socket.recv_from(&mut packet) {
            let _ = socket.send_to(&reply(&packet[..length], domains), peer);
        }
    });
    address
}

/// The wire form (RFC 1035 section 4).
fn reply(question: &[u8], domains: &[(&str, Mx)]) -> Vec<u8> {
    let mut labels = Vec::new();
    let mut at = 12;
    while question[at] > 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..end]).to_lowercase());
        at = end;
    }
    let domain = labels.join(".");
    let found = domains.iter().find(|(name, _)| *name == domain);
    let code = if found.is_some() { 0 } else { 3 };
    let data: &[u8] = match found {
        Some((_, Mx::Server)) => b"\x00\x0a\x02mx\x07example\x00",
        Some((_, Mx::Null)) => b"\x00\x00\x00",
        Some((_, Mx::None)) | None => b"",
    };
    let mut reply = question[..2].to_vec();
    reply.extend([
        0x81,
        0x80 | code,
        0,
        1,
        0,
        u8::from(!data.is_empty()),
        0,
        0,
        0,
        0,
    ]);
    reply.extend(&question[12..at + 5]);
    if !data.is_empty() {
        reply.extend([0xc0, 12, 0, 15, 0, 1, 0, 0, 14, 16]);
        reply.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        reply.extend(data);
    }
    reply
}
