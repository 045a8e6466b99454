//! The script of the fake sign-in server.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

/// What a request is addressed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OauthEndpoint {
    Authorize,
    Token,
    DeviceCode,
    AdminConsent,
    OpenidConfiguration,
    /// Any other address; it is not found.
    Other,
}

/// A request as the script sees it.
#[derive(Clone, Debug)]
pub struct OauthEvent {
    pub endpoint: OauthEndpoint,
    /// At `Token`: the grant type, in full.
    pub grant_type: Option<String>,
    /// Query and form, decoded.
    pub fields: BTreeMap<String, String>,
    /// Number of the request among all, from 1.
    pub request: usize,
    /// Number of the request among those with this endpoint and grant type, from 1.
    pub turn: usize,
}

impl OauthEvent {
    /// Whether this asks for tokens with a grant type, such as `refresh_token`.
    pub fn is_grant(&self, grant_type: &str) -> bool {
        self.grant_type.as_deref() == Some(grant_type)
    }

    /// A field, empty when it was not sent.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// A request as it was received, with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthRequest {
    pub endpoint: OauthEndpoint,
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The first part of the path.
    pub tenant: String,
    /// At `Token`: the grant type, in full.
    pub grant_type: Option<String>,
    /// Query and form, decoded.
    pub fields: BTreeMap<String, String>,
    /// By name in small letters.
    pub headers: BTreeMap<String, String>,
    /// Number of the connection, from 1.
    pub session: u64,
    /// The status of the answer; none when there was none (yet).
    pub status: Option<u16>,
}

impl OauthRequest {
    /// A field, empty when it was not sent.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// What the server does with a request. Nothing is handed out or used up unless it says so.
pub enum OauthAction {
    /// What Microsoft does.
    Go,
    /// Refuse as Microsoft does: JSON at `Token` and `DeviceCode`, a page elsewhere. `code` is the
    /// AADSTS number; the codes that Microsoft gives a `suberror` have it.
    Error {
        status: u16,
        error: String,
        code: u32,
        description: String,
    },
    /// This answer.
    Raw {
        status: u16,
        content_type: String,
        body: Vec<u8>,
    },
    /// Close the connection.
    Cut,
    /// Do what Microsoft does, but close the connection in place of the answer.
    GoThenCut,
    /// Run the hook, then do the action.
    CallThen(Arc<dyn Fn() + Send + Sync>, Box<OauthAction>),
    /// At `Token` with a device code: nobody has signed in yet.
    Pending,
    /// At `Token` with a device code: poll less often from now on.
    SlowDown,
    /// At `Authorize` and `AdminConsent`: redirect with these parameters in place of the normal
    /// ones; an empty value leaves one out, and `error` replaces the code.
    Redirect(Vec<(String, String)>),
    /// At `Token` and `DeviceCode`: hand out with these members in the JSON in place of the normal
    /// ones; null leaves one out.
    Amend(Vec<(String, Value)>),
    /// At `Token`: hand out with these claims in the `id_token` in place of the normal ones; null
    /// leaves one out.
    Claims(Vec<(String, Value)>),
}

impl OauthAction {
    /// See [`OauthAction::Error`]; status 400.
    pub fn error(error: &str, code: u32, description: &str) -> Self {
        Self::Error {
            status: 400,
            error: error.into(),
            code,
            description: description.into(),
        }
    }

    /// See [`OauthAction::Raw`].
    pub fn raw(status: u16, content_type: &str, body: &str) -> Self {
        Self::Raw {
            status,
            content_type: content_type.into(),
            body: body.into(),
        }
    }

    /// See [`OauthAction::Redirect`].
    pub fn redirect(parameters: &[(&str, &str)]) -> Self {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Self::Redirect(parameters.iter().map(owned).collect())
    }

    /// See [`OauthAction::Amend`].
    pub fn amend(name: &str, value: impl Into<Value>) -> Self {
        Self::Amend(vec![(name.into(), value.into())])
    }

    /// See [`OauthAction::Claims`].
    pub fn claim(name: &str, value: impl Into<Value>) -> Self {
        Self::Claims(vec![(name.into(), value.into())])
    }

    /// At `Authorize`: the user pressed Cancel.
    pub fn cancelled() -> Self {
        Self::redirect(&[
            ("error", "access_denied"),
            (
                "error_description",
                "AADSTS65004: User declined to consent to access the app.",
            ),
        ])
    }

    /// At `Token` with a device code: the user pressed Cancel.
    pub fn declined() -> Self {
        let text = "User declined to consent to access the app.";
        Self::error("authorization_declined", 65004, text)
    }

    /// At `Token` with a device code: nobody signed in in time.
    pub fn device_expired() -> Self {
        let text = "The code you entered has expired.";
        Self::error("expired_token", 70019, text)
    }
}
