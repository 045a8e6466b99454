//! What the fake sign-in server has handed out, and to whom.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::Builder;
use super::http::{base64url, percent_decode};
use super::scopes::Scopes;

/// Fields that no address may carry.
const SECRET_FIELDS: [&str; 7] = [
    "access_token=",
    "refresh_token=",
    "client_secret=",
    "client_assertion=",
    "code_verifier=",
    "device_code=",
    "password=",
];

/// Who signed in, for what.
#[derive(Clone)]
pub(super) struct SignIn {
    pub account: String,
    pub scopes: Scopes,
    pub nonce: Option<String>,
}

pub(super) struct Code {
    pub sign_in: SignIn,
    pub redirect_uri: String,
    pub challenge: Option<String>,
    pub used: bool,
}

pub(super) struct Device {
    pub sign_in: SignIn,
    pub interval: Duration,
    pub last_poll: Option<Instant>,
    pub used: bool,
}

pub(super) struct Refresh {
    pub sign_in: SignIn,
    pub revoked: bool,
}

struct Access {
    account: String,
    resource: String,
    scopes: Vec<String>,
    valid: bool,
}

/// Everything handed out.
pub(super) struct Vault {
    pub account: String,
    pub grants: Vec<(String, Vec<String>)>,
    pub codes: HashMap<String, Code>,
    pub devices: HashMap<String, Device>,
    pub refresh: HashMap<String, Refresh>,
    access: HashMap<String, Access>,
    once: HashSet<String>,
    secrets: Vec<String>,
    claims: Option<Value>,
}

impl Vault {
    pub fn new(offer: &Builder) -> Self {
        Self {
            account: offer.account.clone(),
            grants: offer.grants.clone(),
            codes: HashMap::new(),
            devices: HashMap::new(),
            refresh: HashMap::new(),
            access: HashMap::new(),
            once: HashSet::new(),
            secrets: offer.secret.iter().cloned().collect(),
            claims: offer.claims.clone(),
        }
    }

    pub fn secrets(&self) -> Vec<String> {
        self.secrets.clone()
    }

    pub fn keep_secret(&mut self, secret: &str) {
        if !self.secrets.iter().any(|other| other == secret) {
            self.secrets.push(secret.into());
        }
    }

    /// Whether the address of a request carries what belongs into its body or headers.
    pub fn shows_secret(&self, target: &str) -> bool {
        let target = percent_decode(target).unwrap_or_else(|| target.into());
        SECRET_FIELDS.iter().any(|field| target.contains(field))
            || self.secrets.iter().any(|secret| target.contains(secret))
    }

    /// Whether a value that must be fresh is.
    pub fn is_fresh(&mut self, value: &str) -> bool {
        self.once.insert(value.into())
    }

    pub fn granted(&self, resource: &str) -> Option<&[String]> {
        let mut grants = self.grants.iter();
        let (_, scopes) = grants.find(|(other, _)| other == resource)?;
        Some(scopes)
            .filter(|scopes| !scopes.is_empty())
            .map(Vec::as_slice)
    }

    pub fn new_code(&mut self, code: Code) -> String {
        let text = format!("1.code-{}_*", self.codes.len() + 1);
        self.codes.insert(text.clone(), code);
        self.keep_secret(&text);
        text
    }

    pub fn new_device(&mut self, device: Device) -> (String, String) {
        let number = self.devices.len() + 1;
        let text = format!("device-{number}");
        self.devices.insert(text.clone(), device);
        self.keep_secret(&text);
        (text, format!("FAKE{number:05}"))
    }

    pub fn new_refresh(&mut self, sign_in: SignIn) -> String {
        let text = format!("refresh-{}", self.refresh.len() + 1);
        let refresh = Refresh {
            sign_in,
            revoked: false,
        };
        self.refresh.insert(text.clone(), refresh);
        self.keep_secret(&text);
        text
    }

    /// A refresh token of the account, as if it had signed in.
    pub fn sign_in(&mut self, scopes: Scopes) -> String {
        self.new_refresh(SignIn {
            account: self.account.clone(),
            scopes,
            nonce: None,
        })
    }

    pub fn new_access(&mut self, account: &str, resource: &str) -> String {
        let text = format!("access-{}-{resource}", self.access.len() + 1);
        let text = match &self.claims {
            None => text,
            Some(claims) => {
                let part = |text: &str| base64url(text.as_bytes());
                format!(
                    "{}.{}.{}",
                    part("{}"),
                    part(&claims.to_string()),
                    part(&text)
                )
            }
        };
        let access = Access {
            account: account.into(),
            resource: resource.into(),
            scopes: self.granted(resource).unwrap_or_default().to_vec(),
            valid: true,
        };
        self.access.insert(text.clone(), access);
        self.keep_secret(&text);
        text
    }

    pub fn revoke_refresh_tokens(&mut self) {
        for refresh in self.refresh.values_mut() {
            refresh.revoked = true;
        }
    }

    pub fn expire_access_tokens(&mut self) {
        for access in self.access.values_mut() {
            access.valid = false;
        }
    }

    pub fn is_valid_access(&self, token: &str, resource: &str) -> bool {
        let access = self.access.get(token);
        access.is_some_and(|access| access.valid && access.resource == resource)
    }

    pub fn scopes_of(&self, token: &str) -> Vec<String> {
        let access = self.access.get(token);
        access.map_or_else(Vec::new, |access| access.scopes.clone())
    }

    pub fn account_of(&self, token: &str) -> Option<String> {
        Some(self.access.get(token)?.account.clone())
    }
}

/// A well-formed `id_token` that nobody signed.
pub(super) fn id_token(
    offer: &Builder,
    authority: &str,
    sign_in: &SignIn,
    changes: &[(String, Value)],
) -> String {
    let account = &sign_in.account;
    let now = now();
    let mut claims = json!({
        "aud": offer.client,
        "iss": format!("{authority}/{}/v2.0", offer.tenant),
        "iat": now,
        "nbf": now,
        "exp": now + 3900,
        "name": account.split('@').next(),
        "oid": object_id(account),
        "preferred_username": account,
        "sub": object_id(&format!("{account} at {}", offer.client)),
        "tid": offer.tenant,
        "ver": "2.0",
    });
    if let Some(nonce) = &sign_in.nonce {
        claims["nonce"] = json!(nonce);
    }
    change(&mut claims, changes);
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": "fake"});
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    let signature = base64url(b"signed by nobody");
    format!("{}.{}.{signature}", part(&header), part(&claims))
}

/// Replaces members of an object; null takes one away.
pub(super) fn change(object: &mut Value, changes: &[(String, Value)]) {
    let mut none = Map::new();
    let members = object.as_object_mut().unwrap_or(&mut none);
    for (name, value) in changes {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
}

/// An id that is always the same for an account.
fn object_id(account: &str) -> String {
    let digest = Sha256::digest(account.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let (a, b, c, d, e) = (
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..32],
    );
    format!("{a}-{b}-{c}-{d}-{e}")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program under test holds the lifetime of an id_token against the real time"
)]
fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program under test leaves real time between its polls"
)]
pub(super) fn instant() -> Instant {
    Instant::now()
}
