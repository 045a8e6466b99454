//! Fake Exchange Web Services on loopback, put over the fake Exchange: they check who asks, note
//! every request and every breach of the protocol, and fail on demand.

mod answer;
mod call;
mod mail;
mod operations;
mod session;
pub mod xml;

use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;

use super::connections::{Connected, Connections};
use super::exchange::Exchange;
pub use super::graph::{GraphAction as EwsAction, HeadAction};
use super::oauth::OauthServer;
use super::{http, lock, smtp};
pub use answer::{blocked, fault, refusal, unavailable};
pub use call::EwsKind;

type Script = Arc<dyn Fn(&EwsEvent) -> EwsAction + Send + Sync>;
type HeadScript = Arc<dyn Fn(&str) -> HeadAction + Send + Sync>;

/// A request that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EwsEvent {
    /// Number of the request among all, from 1.
    pub request: usize,
    pub kind: EwsKind,
    /// Number of the request among those of its kind, from 1.
    pub turn: usize,
    /// The letter that it carries, names or looks for, by its mark.
    pub tag: Option<String>,
}

/// A request as it was received, with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EwsRequest {
    pub kind: EwsKind,
    pub headers: Vec<(String, String)>,
    /// The element inside `soap:Body`, as it was sent.
    pub operation: String,
    pub tag: Option<String>,
    /// The status of the answer; none when there was none.
    pub status: Option<u16>,
    pub request_id: String,
}

impl EwsRequest {
    /// The value of a header, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        Some(value)
    }
}

/// Who may ask.
enum Door {
    /// Whoever has a good token of this sign-in service.
    Token(Arc<OauthServer>),
    /// This person with this account and password.
    Password {
        person: String,
        account: String,
        password: String,
    },
}

/// The running server; dropping it closes every connection.
pub struct EwsServer {
    hub: Arc<Hub>,
    ca_pem: Option<String>,
    connections: Connections,
}

impl EwsServer {
    /// A server over these mailboxes, for the tokens of this sign-in service.
    pub fn start(exchange: &Exchange, oauth: &Arc<OauthServer>) -> Self {
        Self::at(exchange, Door::Token(Arc::clone(oauth)), None)
    }

    /// A server on premises: it takes a password over TLS, by the certificate of a private
    /// authority.
    pub fn on_premises(
        exchange: &Exchange,
        person: &str,
        account: &str,
        password: &str,
        has_expired: bool,
    ) -> Self {
        let door = Door::Password {
            person: person.into(),
            account: account.into(),
            password: password.into(),
        };
        Self::at(exchange, door, Some(has_expired))
    }

    fn at(exchange: &Exchange, door: Door, certified: Option<bool>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind to loopback");
        let address = listener.local_addr().expect("bound address");
        let (ca_pem, tls) = certified
            .map(|has_expired| smtp::identity(&["127.0.0.1".to_owned()], has_expired))
            .unzip();
        let scheme = if certified.is_some() { "https" } else { "http" };
        let hub = Arc::new(Hub {
            url: format!("{scheme}://{address}/EWS/Exchange.asmx"),
            exchange: exchange.clone(),
            door,
            tls,
            script: Mutex::default(),
            head_script: Mutex::default(),
            state: Mutex::default(),
        });
        let serving = Arc::clone(&hub);
        let connections = Connections::accept("ews", listener, move |event| match event {
            Connected::Begun(link) => session::serve(&serving, link),
            Connected::Trouble(text) => serving.violation(text),
        });
        Self {
            hub,
            ca_pem,
            connections,
        }
    }

    /// Makes a thin line of each further connection.
    pub fn narrow(&self) {
        self.connections.narrow();
    }

    /// What stands for `https://outlook.office365.com/EWS/Exchange.asmx`.
    pub fn url(&self) -> String {
        self.hub.url.clone()
    }

    /// The certificate of the private authority.
    pub fn ca_pem(&self) -> &str {
        self.ca_pem.as_deref().unwrap()
    }

    /// Decides from now on what happens to each request that was read, in place of any earlier
    /// script.
    pub fn script(&self, script: impl Fn(&EwsEvent) -> EwsAction + Send + Sync + 'static) {
        *lock(&self.hub.script) = Some(Arc::new(script));
    }

    /// Decides from now on what happens to each request of which only the head was read, by its
    /// SOAPAction. What ends there is no request in the log.
    pub fn script_heads(&self, script: impl Fn(&str) -> HeadAction + Send + Sync + 'static) {
        *lock(&self.hub.head_script) = Some(Arc::new(script));
    }

    /// Does this once, to the first request of a kind, and lets all others proceed.
    pub fn once(&self, kind: EwsKind, action: impl Fn() -> EwsAction + Send + Sync + 'static) {
        let done = Mutex::new(false);
        self.script(move |event| {
            if event.kind == kind && !std::mem::replace(&mut *lock(&done), true) {
                action()
            } else {
                EwsAction::Proceed
            }
        });
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<EwsRequest> {
        lock(&self.hub.state).log.clone()
    }

    /// How many requests of a kind there were.
    pub fn count(&self, kind: EwsKind) -> usize {
        let requests = self.requests();
        requests
            .iter()
            .filter(|request| request.kind == kind)
            .count()
    }

    /// Waits until every client has left; false when that takes too long.
    pub fn wait_until_left(&self, timeout: Duration) -> bool {
        self.connections.wait_idle(timeout)
    }

    /// Changes the state of all drafts, as a person does who opens and saves them.
    pub fn change_drafts(&self) {
        lock(&self.hub.state).changes += 1;
    }

    /// Breaches of the protocol by the client, and panics of sessions.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.hub.state).violations.clone()
    }

    /// Fails the test when there was a breach of the protocol.
    #[track_caller]
    pub fn assert_proper(&self) {
        let violations = self.violations();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

#[derive(Default)]
struct State {
    log: Vec<EwsRequest>,
    violations: Vec<String>,
    turns: HashMap<EwsKind, usize>,
    /// How often all drafts were changed.
    changes: usize,
}

/// What all sessions share.
struct Hub {
    url: String,
    exchange: Exchange,
    door: Door,
    tls: Option<Arc<ServerConfig>>,
    script: Mutex<Option<Script>>,
    head_script: Mutex<Option<HeadScript>>,
    state: Mutex<State>,
}

impl Hub {
    fn violation(&self, text: String) {
        lock(&self.state).violations.push(text);
    }
}
