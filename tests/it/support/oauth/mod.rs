//! A fake of Microsoft's sign-in service on loopback: it hands out tokens, notes every breach
//! of the protocol, and fails on demand. And a browser small enough to sign in with it.

mod browser;
mod builder;
mod flows;
mod grants;
mod refusal;
mod scopes;
mod script;
mod session;
mod tokens;

use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};

use super::connections::{Connected, Connections};
use super::{http, lock};
pub use browser::{BrowseResult, browse, get};
pub use builder::Builder;
use builder::set_grant;
pub use script::{OauthAction, OauthEndpoint, OauthEvent, OauthRequest};
use tokens::Vault;

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
            }),
            offer: self,
        });
        let serving = Arc::clone(&hub);
        let connections = Connections::accept("sign-in", listener, move |event| match event {
            Connected::Begun(link) => session::serve(&serving, link),
            Connected::Trouble(text) => serving.violation(text),
        });
        OauthServer { hub, connections }
    }
}

/// The running server; dropping it closes every connection.
pub struct OauthServer {
    hub: Arc<Hub>,
    connections: Connections,
}

impl OauthServer {
    /// A server to be configured first.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.connections.address().port()
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

    /// Signs the account in without a browser: a refresh token for these scopes.
    pub fn hand_out_refresh(&self, scope: &str) -> String {
        let scopes = scopes::Scopes::parse(scope);
        lock(&self.hub.state).vault.sign_in(scopes)
    }

    /// An access token of the account for a resource, with all that is granted there.
    pub fn hand_out_access(&self, resource: &str) -> String {
        let vault = &mut lock(&self.hub.state).vault;
        vault.new_access(&vault.account.clone(), resource)
    }

    /// What an access token allows: what was granted when it was handed out.
    pub fn scopes_of(&self, token: &str) -> Vec<String> {
        lock(&self.hub.state).vault.scopes_of(token)
    }

    /// Whose access token this is.
    pub fn account_of(&self, token: &str) -> Option<String> {
        lock(&self.hub.state).vault.account_of(token)
    }
}

struct State {
    vault: Vault,
    requests: Vec<OauthRequest>,
    /// Requests so far by endpoint and grant type.
    turns: HashMap<(OauthEndpoint, Option<String>), usize>,
    violations: Vec<String>,
}

/// What all sessions share.
struct Hub {
    offer: Builder,
    authority: String,
    script: Mutex<Option<Script>>,
    state: Mutex<State>,
}

impl Hub {
    fn violation(&self, text: String) {
        lock(&self.state).violations.push(text);
    }
}
