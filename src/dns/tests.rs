use std::collections::HashMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;

/// A name server on loopback that answers these domains, and counts the questions.
fn server(answers: &[(&str, Answered)]) -> (SocketAddr, Arc<Mutex<HashMap<String, usize>>>) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    let answers: HashMap<String, Answered> = answers
        .iter()
        .map(|(domain, answer)| ((*domain).to_owned(), *answer))
        .collect();
    let asked: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let counts = Arc::clone(&asked);
    thread::spawn(move || {
        let mut packet = [0; 1_500];
        while let Ok((length, peer)) = socket.recv_from(&mut packet) {
            let question = &packet[..length];
            let domain = domain_of(question);
            *counts.lock().unwrap().entry(domain.clone()).or_default() += 1;
            let answer = answers.get(&domain).copied().unwrap_or(Answered::NxDomain);
            if let Some(reply) = answer.reply(question) {
                let _ = socket.send_to(&reply, peer);
            }
        }
    });
    (address, asked)
}

#[derive(Clone, Copy)]
enum Answered {
    Mx,
    NullMx,
    NoRecords,
    NxDomain,
    ServFail,
    Nothing,
}

impl Answered {
    /// The wire form (RFC 1035 section 4).
    fn reply(self, question: &[u8]) -> Option<Vec<u8>> {
        let code = match self {
            Self::Nothing => return None,
            Self::NxDomain => 3,
            Self::ServFail => 2,
            Self::Mx | Self::NullMx | Self::NoRecords => 0,
        };
        let data: Option<&[u8]> = match self {
            Self::Mx => Some(b"\x00\x0a\x02mx\x07example\x00"),
            Self::NullMx => Some(b"\x00\x00\x00"),
            _ => None,
        };
        let end = 12 + question[12..].iter().position(|byte| *byte == 0)? + 5;
        let mut reply = question[..2].to_vec();
        reply.extend([0x81, 0x80 | code]);
        reply.extend([0, 1, 0, u8::from(data.is_some()), 0, 0, 0, 0]);
        reply.extend(&question[12..end]);
        if let Some(data) = data {
            // A pointer to the question's name, MX, IN, an hour.
            reply.extend([0xc0, 12, 0, 15, 0, 1, 0, 0, 14, 16]);
            reply.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            reply.extend(data);
        }
        Some(reply)
    }
}

fn domain_of(question: &[u8]) -> String {
    let mut labels = Vec::new();
    let mut at = 12;
    while question[at] > 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..end]).to_lowercase());
        at = end;
    }
    labels.join(".")
}

#[test]
fn each_answer_has_its_meaning_and_each_domain_is_asked_once() {
    let cases = [
        ("takes.example", Answered::Mx, MailDomain::HasServers),
        ("none.example", Answered::NullMx, MailDomain::TakesNone),
        ("bare.example", Answered::NoRecords, MailDomain::NamesNone),
        ("gone.example", Answered::NxDomain, MailDomain::Missing),
        ("ill.example", Answered::ServFail, MailDomain::Unknown),
    ];
    let (address, asked) = server(&cases.map(|(domain, answer, _)| (domain, answer)));
    let domains = cases.map(|(domain, _, _)| domain.to_owned());
    let found = MailDomains::new(Some(address)).unwrap().ask(&domains);
    assert_eq!(found, cases.map(|(_, _, meaning)| meaning));
    let asked = asked.lock().unwrap();
    for domain in &domains[..4] {
        assert_eq!(asked[domain], 1, "{domain}");
    }
}

#[test]
fn who_does_not_answer_says_nothing() {
    let (address, _) = server(&[("silent.example", Answered::Nothing)]);
    let domains = MailDomains::new(Some(address)).unwrap();
    let found = domains.ask(&["silent.example".into(), "not a name".into()]);
    assert_eq!(found, [MailDomain::Unknown, MailDomain::Unknown]);
}
