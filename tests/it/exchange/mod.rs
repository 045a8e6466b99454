//! The fake Exchange does what Graph is documented to do, sees what breaks the rules, and fails as it
//! is shown: else the tests that lean on it would prove nothing.

mod access;
mod drafts;
mod faults;
mod finding;
mod limits;
mod rules;
mod sending;
mod uploads;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use reqwest::Method;
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::exchange::Exchange;
use crate::support::graph::GraphServer;
use crate::support::graph_desk::{ALL_SCOPES, PERSON, SHARED};
use crate::support::http;
use crate::support::oauth::OauthServer;

/// The extended property by which letters are found.
const TAG: &str = "String {00000000-1234-4567-89ab-0123456789ab} Name Letter";

/// A client with a token, at a Graph with a shared mailbox and a person's own.
struct Rig {
    graph: GraphServer,
    exchange: Exchange,
    oauth: Arc<OauthServer>,
    http: Client,
    token: String,
    calls: AtomicUsize,
}

/// An answer, read to its end.
#[derive(Debug)]
struct Got {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: String,
}

impl Rig {
    fn new() -> Self {
        Self::granted(&ALL_SCOPES)
    }

    fn granted(scopes: &[&str]) -> Self {
        let oauth = Arc::new(OauthServer::builder().grant("graph", scopes).start());
        let exchange = Exchange::new(&[SHARED, PERSON]);
        let graph = GraphServer::start(&exchange, &oauth);
        Self {
            token: oauth.hand_out_access("graph"),
            graph,
            exchange,
            oauth,
            http: client(),
            calls: AtomicUsize::new(1),
        }
    }

    /// A request as the rules want it.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        self.http
            .request(method, format!("{}/v1.0{path}", self.graph.url()))
            .bearer_auth(&self.token)
            .header("client-request-id", client_request_id(number))
            .header("Prefer", "IdType=\"ImmutableId\"")
    }

    fn get(&self, path: &str) -> Got {
        Got::of(self.request(Method::GET, path))
    }

    fn delete(&self, path: &str) -> Got {
        Got::of(self.request(Method::DELETE, path))
    }

    fn post(&self, path: &str, body: &Value) -> Got {
        Got::of(with_json(self.request(Method::POST, path), body))
    }

    fn try_post(&self, path: &str, body: &Value) -> reqwest::Result<Response> {
        with_json(self.request(Method::POST, path), body).send()
    }

    fn send_mail(&self, body: &Value) -> Got {
        self.post(&format!("/users/{SHARED}/sendMail"), body)
    }

    /// A new draft in the shared mailbox, and its path.
    fn draft(&self, subject: &str) -> (String, String) {
        let got = self.post(&format!("/users/{SHARED}/messages"), &message(subject));
        assert_eq!(got.status, 201, "{got:?}");
        let id = got.json()["id"].as_str().unwrap().to_owned();
        let path = format!("/users/{SHARED}/messages/{}", id.replace('=', "%3D"));
        (id, path)
    }

    /// Fails the test unless exactly one breach was noted, and this one.
    #[track_caller]
    fn assert_breach(&self, part: &str) {
        let violations = self.graph.violations();
        assert!(
            violations.len() == 1 && violations[0].contains(part),
            "{part:?}: {violations:#?}"
        );
    }
}

impl Got {
    fn of(request: RequestBuilder) -> Self {
        let answer = request.send().unwrap();
        Self {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().unwrap(),
        }
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Fails the test unless this is Graph's error.
    #[track_caller]
    fn refuses(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.json()["error"]["code"], code, "{self:?}");
    }
}

fn with_json(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request
        .header("Content-Type", "application/json")
        .body(body.to_string())
}

/// One client for all tests: each that is made reads all certificates of the system.
fn client() -> Client {
    static CLIENT: LazyLock<Client> = LazyLock::new(|| http::client().build().unwrap());
    CLIENT.clone()
}

/// A value of a query, with everything encoded that may have to be.
fn encoded(text: &str) -> String {
    let letters = text.bytes().map(|byte| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    letters.collect()
}

fn client_request_id(number: usize) -> String {
    format!("00000000-9999-4aaa-8bbb-{number:012}")
}

fn recipient(address: &str) -> Value {
    json!({"emailAddress": {"address": address}})
}

/// A letter with a report, a Message-ID and a tag that are its subject.
fn message(subject: &str) -> Value {
    json!({
        "subject": subject,
        "from": recipient(SHARED),
        "toRecipients": [recipient("head@school1.example")],
        "replyTo": [recipient("team@study.example")],
        "body": {"contentType": "html", "content": "<p>Dear School</p>"},
        "attachments": [{
            "@odata.type": "#microsoft.graph.fileAttachment",
            "name": "report.pdf",
            "contentType": "application/pdf",
            "contentBytes": "JVBERi0xLjQ=",
        }],
        "internetMessageId": format!("<{subject}@study.example>"),
        "singleValueExtendedProperties": [{"id": TAG, "value": subject}],
    })
}

fn mail(subject: &str) -> Value {
    json!({"message": message(subject)})
}
