//! A fake of Microsoft's sign-in service on loopback: it hands out tokens, notes every breach
//! of the protocol, and fails on demand. And a browser small enough to sign in with it.

#[path = "oauth_browser.rs"]
mod browser;
#[path = "oauth_builder.rs"]
mod builder;
#[path = "oauth_flows.rs"]
mod flows;
#[path = "oauth_grants.rs"]
mod grants;
#[path = "oauth_http.rs"]
mod http;
#[path = "oauth_refusal.rs"]
mod refusal;
#[path = "oauth_scopes.rs"]
mod scopes;
#[path = "oauth_script.rs"]
mod script;
#[path = "oauth_session.rs"]
mod session;
#[path = "oauth_tokens.rs"]
mod tokens;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use browser::{BrowseResult, browse, get};
pub use builder::Builder;
use builder::set_grant;
pub use script::{OauthAction, OauthEndpoint, OauthEvent, OauthRequest};
use tokens::Vault;

/// Longest that dropping a server waits for sessions stuck in a hook of the test.
const STOP_LIMIT: Duration = Duration::from_secs(5);

type Script = Arc<dyn Fn(&OauthEvent) -> OauthAction + Send + Sync>;

impl Builder {
    /// Starts the server on a free port of 127.0.0.1.
    pub fn start(self) -> OauthServer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind to loopback");
        let address = listener.local_addr().expect("bound address");
        let hub = Arc::new(Hub {
            authority: format!("http://{address}"),
            script: Mutex::default(),
            state: Mutex::new(State {
                vault: Vault::new(&self),
                requests: Vec::new(),
                turns: HashMap::new(),
                violations: Vec::new(),
                live: HashMap::new(),
                threads: Vec::new(),
                connections: 0,
                stopped: false,
            }),
            changed: Condvar::new(),
            offer: self,
        });
        let accepting = Arc::clone(&hub);
        let acceptor = thread::spawn(move || accepting.accept_all(&listener));
        OauthServer {
            hub,
            address,
            acceptor: Some(acceptor),
        }
    }
}

/// The running server; dropping it closes every connection.
pub struct OauthServer {
    hub: Arc<Hub>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

impl OauthServer {
    /// A server with a public client, one account, and sending granted at both resources.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// A server to be configured first.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What stands for `https://login.microsoftonline.com`.
    pub fn authority(&self) -> String {
        self.hub.authority.clone()
    }

    pub fn client(&self) -> String {
        self.hub.offer.client.clone()
    }

    pub fn tenant(&self) -> String {
        self.hub.offer.tenant.clone()
    }

    /// Decides from now on what happens at each request, in place of any earlier script.
    pub fn script(&self, script: impl Fn(&OauthEvent) -> OauthAction + Send + Sync + 'static) {
        *lock(&self.hub.script) = Some(Arc::new(script));
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<OauthRequest> {
        lock(&self.hub.state).requests.clone()
    }

    /// Breaches of the protocol by the client, misuse of the script, and panics of sessions.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.hub.state).violations.clone()
    }

    /// Waits until `count` requests arrived; false when that takes too long.
    pub fn wait_for(&self, count: usize, timeout: Duration) -> bool {
        self.hub
            .wait(timeout, |state| state.requests.len() >= count)
    }

    /// Every secret handed out or proven so far: codes, tokens, device codes, PKCE verifiers and
    /// the client secret. None of them belongs into any output.
    pub fn secrets(&self) -> Vec<String> {
        lock(&self.hub.state).vault.secrets()
    }

    /// Revokes all refresh tokens handed out so far, as a change of password does.
    pub fn revoke_refresh_tokens(&self) {
        lock(&self.hub.state).vault.revoke_refresh_tokens();
    }

    /// Refuses all access tokens handed out so far. Else they stay valid: their lifetime is
    /// only a claim.
    pub fn expire_access_tokens(&self) {
        lock(&self.hub.state).vault.expire_access_tokens();
    }

    /// Lets all codes and device codes handed out so far expire.
    pub fn expire_codes(&self) {
        lock(&self.hub.state).vault.expire_codes();
    }

    /// Signs in another account from now on, whatever `login_hint` says.
    pub fn sign_in_other_account(&self, name: &str) {
        lock(&self.hub.state).vault.account = name.into();
    }

    /// Changes what the registration is granted at a resource; see [`Builder::grant`].
    pub fn set_grant(&self, resource: &str, scopes: &[&str]) {
        set_grant(&mut lock(&self.hub.state).vault.grants, resource, scopes);
    }

    /// Whether a resource would take this access token.
    pub fn is_valid_access(&self, token: &str, resource: &str) -> bool {
        lock(&self.hub.state).vault.is_valid_access(token, resource)
    }

    /// Whose access token this is.
    pub fn account_of(&self, token: &str) -> Option<String> {
        lock(&self.hub.state).vault.account_of(token)
    }
}

impl Drop for OauthServer {
    fn drop(&mut self) {
        {
            let mut state = lock(&self.hub.state);
            state.stopped = true;
            for socket in state.live.values() {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
        self.hub.changed.notify_all();
        let woken = TcpStream::connect_timeout(&self.address, STOP_LIMIT).is_ok();
        if let Some(acceptor) = self.acceptor.take().filter(|_| woken) {
            let _ = acceptor.join();
        }
        if self.hub.wait(STOP_LIMIT, |state| state.live.is_empty()) {
            let threads = std::mem::take(&mut lock(&self.hub.state).threads);
            for thread in threads {
                let _ = thread.join();
            }
        } else {
            eprintln!("fake sign-in server: a session is stuck in a hook of the test");
        }
    }
}

struct State {
    vault: Vault,
    requests: Vec<OauthRequest>,
    /// Requests so far by endpoint and grant type.
    turns: HashMap<(OauthEndpoint, Option<String>), usize>,
    violations: Vec<String>,
    live: HashMap<u64, TcpStream>,
    threads: Vec<JoinHandle<()>>,
    connections: u64,
    stopped: bool,
}

/// What all sessions share.
struct Hub {
    offer: Builder,
    authority: String,
    script: Mutex<Option<Script>>,
    state: Mutex<State>,
    changed: Condvar,
}

/// A lock that outlives the panic of another session.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    fn accept_all(self: &Arc<Self>, listener: &TcpListener) {
        loop {
            let accepted = listener.accept();
            if lock(&self.state).stopped {
                return;
            }
            if let Err(error) = accepted.and_then(|(socket, _)| self.begin(socket)) {
                self.violation(format!("server: cannot serve a connection: {error}"));
                self.wait(Duration::from_millis(10), |state| state.stopped);
            }
        }
    }

    fn begin(self: &Arc<Self>, socket: TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let kept = socket.try_clone()?;
        let id = {
            let mut state = lock(&self.state);
            state.connections += 1;
            let id = state.connections;
            state.live.insert(id, kept);
            if state.stopped {
                let _ = socket.shutdown(Shutdown::Both);
            }
            id
        };
        let hub = Arc::clone(self);
        let session = move || {
            let run = catch_unwind(AssertUnwindSafe(|| session::serve(&hub, id, &socket)));
            if let Err(panic) = run {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                hub.violation(format!("session {id} panicked: {}", text.unwrap_or("?")));
            }
            let _ = socket.shutdown(Shutdown::Both);
            hub.forget(id);
        };
        let spawned = thread::Builder::new()
            .name(format!("oauth-{id}"))
            .spawn(session);
        let spawned = spawned.inspect_err(|_| self.forget(id))?;
        lock(&self.state).threads.push(spawned);
        Ok(())
    }

    fn violation(&self, text: String) {
        lock(&self.state).violations.push(text);
    }

    fn forget(&self, id: u64) {
        lock(&self.state).live.remove(&id);
        self.changed.notify_all();
    }

    fn wait(&self, timeout: Duration, done: impl Fn(&State) -> bool) -> bool {
        let waited = self
            .changed
            .wait_timeout_while(lock(&self.state), timeout, |s| !done(s));
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        done(&state)
    }
}
