//! What the identity platform granted, and to whom.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use oauth2::basic::BasicTokenType;
use oauth2::url::Url;
use oauth2::{ExtraTokenFields, StandardTokenResponse, TokenResponse};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::AuthError;
use crate::config::Registration;
use crate::finding::quote;
use crate::secret::Secret;

/// Seconds by which clocks may differ.
const SKEW: i64 = 300;

/// A token answer with the field of OpenID Connect.
pub(super) type TokenAnswer = StandardTokenResponse<IdTokenField, BasicTokenType>;

/// The field of OpenID Connect in a token answer.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct IdTokenField {
    id_token: Option<String>,
}

impl ExtraTokenFields for IdTokenField {}

impl fmt::Debug for IdTokenField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdTokenField")
    }
}

/// What the identity platform granted.
#[derive(Debug)]
pub(crate) struct Grant {
    /// The access token, for the resource that was asked for.
    pub access: Secret,
    /// The refresh token, good for every resource.
    pub refresh: Option<Secret>,
    /// What the access token allows.
    pub scopes: Vec<String>,
    /// How long it is good for.
    pub expires_in: Duration,
    claims: Option<Claims>,
}

/// What an id token says. It came straight from the token endpoint, whose TLS vouches for it
/// (OpenID Connect Core 1.0 section 3.1.3.7).
#[derive(Debug, Deserialize)]
struct Claims {
    aud: Option<String>,
    iss: Option<String>,
    tid: Option<String>,
    exp: Option<i64>,
    preferred_username: Option<String>,
    upn: Option<String>,
    nonce: Option<String>,
}

impl Grant {
    /// The nonce that the id token carries.
    pub(super) fn nonce(&self) -> Option<&str> {
        self.claims
            .as_ref()
            .and_then(|claims| claims.nonce.as_deref())
    }

    /// Refuses a grant that is for another app, that another service or tenant gave, that has expired,
    /// or that another account gave.
    pub(super) fn check(
        &self,
        registration: &Registration,
        authority: &Url,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        let claims = self
            .claims
            .as_ref()
            .ok_or(AuthError::Mismatch("it does not say who signed in"))?;
        if claims.aud.as_deref() != Some(registration.client_id.as_str()) {
            return Err(AuthError::Mismatch("it is for another app"));
        }
        let tenant = claims
            .tid
            .as_deref()
            .ok_or(AuthError::Mismatch("it does not say of which tenant it is"))?;
        // A tenant may be named by a domain, which no token carries.
        let wanted = registration.tenant_id.as_str();
        if is_tenant_id(wanted) && !tenant.eq_ignore_ascii_case(wanted) {
            return Err(AuthError::Mismatch("it is of another tenant"));
        }
        let base = authority.as_str().trim_end_matches('/');
        if claims.iss.as_deref() != Some(format!("{base}/{tenant}/v2.0").as_str()) {
            return Err(AuthError::Mismatch("another service issued it"));
        }
        if claims
            .exp
            .is_none_or(|until| until + SKEW < now.as_second())
        {
            return Err(AuthError::Mismatch(
                "it has expired by the clock of this machine",
            ));
        }
        let wanted = &registration.username;
        let names = [&claims.preferred_username, &claims.upn];
        let mut given = names.into_iter().flatten();
        if given
            .clone()
            .any(|name| name.eq_ignore_ascii_case(wanted.as_str()))
        {
            return Ok(());
        }
        Err(AuthError::WrongAccount {
            found: quote(given.next().map_or("another account", String::as_str)),
            wanted: wanted.clone(),
        })
    }

    /// What an answer grants.
    pub(super) fn of(answer: &TokenAnswer) -> Self {
        Self {
            access: Secret::new(answer.access_token().secret().clone()),
            refresh: answer
                .refresh_token()
                .map(|token| Secret::new(token.secret().clone())),
            scopes: answer
                .scopes()
                .map(|scopes| scopes.iter().map(|scope| scope.to_string()).collect())
                .unwrap_or_default(),
            // Microsoft always says how long; half an hour is less than it ever gives.
            expires_in: answer.expires_in().unwrap_or(Duration::from_mins(30)),
            claims: answer.extra_fields().id_token.as_deref().and_then(payload),
        }
    }
}

/// Whether a tenant is named by its id, a UUID.
fn is_tenant_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The middle part of a JSON web token (RFC 7519 section 3).
pub(super) fn payload<T: DeserializeOwned>(token: &str) -> Option<T> {
    let payload = token.split('.').nth(1)?;
    let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&json).ok()
}
