//! What the fake sign-in server knows from the start.

use serde_json::Value;

/// The registration, the tenant and the account; see [`super::OauthServer::builder`].
#[derive(Clone)]
pub struct Builder {
    pub(super) client: String,
    pub(super) secret: Option<String>,
    pub(super) tenant: String,
    pub(super) account: String,
    pub(super) grants: Vec<(String, Vec<String>)>,
    pub(super) redirects: Vec<String>,
    pub(super) expires_in: u64,
    pub(super) device_interval: u64,
    pub(super) device_expires_in: u64,
    pub(super) revoke_on_rotation: bool,
    pub(super) short_scopes: bool,
    pub(super) claims: Option<Value>,
    pub(super) certificate: Option<(Vec<u8>, String)>,
}

impl Builder {
    /// A public client with one account, and sending granted at both resources.
    pub(super) fn new() -> Self {
        Self {
            client: "00000000-aaaa-4bbb-8ccc-000000000001".into(),
            secret: None,
            tenant: "00000000-dddd-4eee-8fff-000000000002".into(),
            account: "ann@study.example".into(),
            grants: Vec::new(),
            redirects: vec![
                "http://localhost".into(),
                "https://login.microsoftonline.com/common/oauth2/nativeclient".into(),
            ],
            expires_in: 3599,
            device_interval: 1,
            device_expires_in: 900,
            revoke_on_rotation: false,
            short_scopes: false,
            claims: None,
            certificate: None,
        }
        .grant("graph", &["Mail.Send", "Mail.Send.Shared", "User.Read"])
        .grant("outlook", &["EWS.AccessAsUser.All", "SMTP.Send"])
    }

    /// Makes the registration confidential: `token` wants this secret.
    pub fn secret(mut self, secret: &str) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// What the registration is granted at a resource, in place of what it was granted before.
    /// `graph` and `outlook` stand for Microsoft's hosts of all clouds, other resources are named
    /// by `host:port`.
    pub fn grant(mut self, resource: &str, scopes: &[&str]) -> Self {
        set_grant(&mut self.grants, resource, scopes);
        self
    }

    /// The lifetime that access tokens claim, in seconds.
    pub fn expires_in(mut self, seconds: u64) -> Self {
        self.expires_in = seconds;
        self
    }

    /// Seconds to leave between two polls with a device code: 1 unless set.
    pub fn device_interval(mut self, seconds: u64) -> Self {
        self.device_interval = seconds;
        self
    }

    /// The lifetime that device codes claim, in seconds.
    pub fn device_expires_in(mut self, seconds: u64) -> Self {
        self.device_expires_in = seconds;
        self
    }

    /// Revokes a refresh token when it is used; Microsoft does not.
    pub fn revoke_on_rotation(mut self) -> Self {
        self.revoke_on_rotation = true;
        self
    }

    /// Makes access tokens that say this of themselves; without it they can be read by nobody.
    pub fn token_claims(mut self, claims: Value) -> Self {
        self.claims = Some(claims);
        self
    }

    /// The app proves itself by statements that the key of a certificate signed: the public key, and the
    /// certificate's fingerprint.
    pub fn certificate(mut self, public_key: &[u8], fingerprint: &str) -> Self {
        self.certificate = Some((public_key.to_vec(), fingerprint.to_owned()));
        self
    }

    /// Names granted scopes in answers without their resource, whatever was asked for.
    pub fn short_scopes(mut self) -> Self {
        self.short_scopes = true;
        self
    }
}

pub(super) fn set_grant(grants: &mut Vec<(String, Vec<String>)>, resource: &str, scopes: &[&str]) {
    grants.retain(|(other, _)| other != resource);
    let scopes = scopes.iter().map(ToString::to_string).collect();
    grants.push((resource.into(), scopes));
}
