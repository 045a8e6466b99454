//! A fake Microsoft Graph on loopback, put over the fake Exchange: it checks the tokens of the fake
//! sign-in service, notes every request and every breach of the protocol, and fails on demand.

mod access;
mod call;
mod find;
mod log;
mod messages;
mod query;
mod route;
mod script;
mod session;
mod shape;
mod traces;
mod upload;

use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::connections::{Connected, Connections};
use super::exchange::{Exchange, Mailbox};
use super::oauth::OauthServer;
use super::{http, lock, wait};
pub use http::Response;
pub use log::{GraphRequest, most_within};
pub use route::GraphKind;
pub use script::{
    GraphAction, GraphEvent, GraphHead, HeadAction, empty, gateway_timeout, graph_error, html,
    huge, throttled, unavailable,
};
pub use shape::is_guid;
pub use traces::Traced;

type Script = Arc<dyn Fn(&GraphEvent) -> GraphAction + Send + Sync>;
type HeadScript = Arc<dyn Fn(&GraphHead) -> HeadAction + Send + Sync>;

/// The running server; dropping it closes every connection.
pub struct GraphServer {
    hub: Arc<Hub>,
    connections: Connections,
}

impl GraphServer {
    /// A server over these mailboxes, for the tokens of this sign-in service.
    pub fn start(exchange: &Exchange, oauth: &Arc<OauthServer>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind to loopback");
        let address = listener.local_addr().expect("bound address");
        let hub = Arc::new(Hub {
            url: format!("http://{address}"),
            exchange: exchange.clone(),
            oauth: Arc::clone(oauth),
            script: Mutex::default(),
            head_script: Mutex::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let serving = Arc::clone(&hub);
        let connections = Connections::accept("graph", listener, move |event| match event {
            Connected::Begun(link) => session::serve(&serving, link),
            Connected::Trouble(text) => serving.violation(text),
        });
        Self { hub, connections }
    }

    /// Makes a thin line of each further connection.
    pub fn narrow(&self) {
        self.connections.narrow();
    }

    /// What stands for `https://graph.microsoft.com`.
    pub fn url(&self) -> String {
        self.hub.url.clone()
    }

    /// A look at a mailbox behind this server.
    #[track_caller]
    pub fn mailbox(&self, address: &str) -> Mailbox {
        self.hub.exchange.mailbox(address)
    }

    /// Decides from now on what happens to each request that was read, in place of any earlier
    /// script.
    pub fn script(&self, script: impl Fn(&GraphEvent) -> GraphAction + Send + Sync + 'static) {
        *lock(&self.hub.script) = Some(Arc::new(script));
    }

    /// Decides from now on what happens to each request of which only the head was read.
    pub fn script_heads(&self, script: impl Fn(&GraphHead) -> HeadAction + Send + Sync + 'static) {
        *lock(&self.hub.head_script) = Some(Arc::new(script));
    }

    /// Does this once, to the first request of a kind, and lets all others proceed.
    pub fn once(&self, kind: GraphKind, action: impl Fn() -> GraphAction + Send + Sync + 'static) {
        let done = Mutex::new(false);
        self.script(move |event| {
            if event.kind == kind && !std::mem::replace(&mut *lock(&done), true) {
                action()
            } else {
                GraphAction::Proceed
            }
        });
    }

    /// Puts a message into the trace.
    pub fn trace(&self, traced: Traced) {
        lock(&self.hub.state).traces.push(traced);
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<GraphRequest> {
        lock(&self.hub.state).log.clone()
    }

    /// The requests of a kind.
    pub fn requests_of(&self, kind: GraphKind) -> Vec<GraphRequest> {
        let mut requests = self.requests();
        requests.retain(|request| request.kind == kind);
        requests
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

    /// Waits until `count` requests arrived; false when that takes too long.
    pub fn wait_for(&self, count: usize, timeout: Duration) -> bool {
        let waited = self
            .hub
            .changed
            .wait_timeout_while(lock(&self.hub.state), timeout, |state| {
                state.log.len() < count
            });
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.log.len() >= count
    }

    /// Waits until no request is in flight.
    #[track_caller]
    pub fn wait_idle(&self) {
        wait::until("the end of every request", || {
            lock(&self.hub.state).in_flight == 0
        });
    }

    /// Waits until every client has left; false when that takes too long.
    pub fn wait_until_left(&self, timeout: Duration) -> bool {
        self.connections.wait_idle(timeout)
    }

    /// The most requests that were in flight at once.
    pub fn max_in_flight(&self) -> usize {
        let requests = self.requests();
        let counts = requests.iter().map(|request| request.in_flight);
        counts.max().unwrap_or(0)
    }

    /// The most messages taken for sending within any time of this length.
    pub fn most_accepted_in(&self, window: Duration) -> usize {
        log::most_accepted(&self.requests(), window)
    }

    /// The most bytes uploaded within any time of this length, by request bodies.
    pub fn most_bytes_in(&self, window: Duration) -> usize {
        log::most_bytes(&self.requests(), window)
    }

    /// How many requests may be in flight at once: 4 unless set.
    pub fn set_concurrency(&self, most: usize) {
        lock(&self.hub.state).limits.concurrency = most;
    }

    /// The largest request body taken: 4,000,000 bytes unless set. Upload ranges have their own.
    pub fn set_request_cap(&self, bytes: usize) {
        lock(&self.hub.state).limits.request_bytes = bytes;
    }

    /// The size from which files need an upload session: 3,000,000 bytes unless set.
    pub fn set_small_file(&self, bytes: usize) {
        lock(&self.hub.state).limits.small_file = bytes;
    }

    /// Whether upload sessions are opened in mailboxes other than the signed-in user's.
    pub fn set_shared_uploads(&self, may: bool) {
        lock(&self.hub.state).limits.shared_uploads = may;
    }

    /// The addresses of all upload sessions so far. Who has one needs no token, so none of them
    /// belongs into any output.
    pub fn upload_urls(&self) -> Vec<String> {
        let state = lock(&self.hub.state);
        let uploads = state.uploads.iter();
        uploads.map(|upload| upload.url(&self.hub.url)).collect()
    }
}

/// What the server puts up with.
struct Limits {
    concurrency: usize,
    request_bytes: usize,
    small_file: usize,
    shared_uploads: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: 4,
            request_bytes: 4_000_000,
            small_file: 3_000_000,
            shared_uploads: true,
        }
    }
}

#[derive(Default)]
struct State {
    limits: Limits,
    log: Vec<GraphRequest>,
    violations: Vec<String>,
    in_flight: usize,
    /// Requests so far by kind, and by kind and letter.
    turns: HashMap<(GraphKind, String), usize>,
    uploads: Vec<upload::Upload>,
    traces: Vec<Traced>,
}

/// What all sessions share.
struct Hub {
    url: String,
    exchange: Exchange,
    oauth: Arc<OauthServer>,
    script: Mutex<Option<Script>>,
    head_script: Mutex<Option<HeadScript>>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Hub {
    fn violation(&self, text: String) {
        lock(&self.state).violations.push(text);
    }
}
