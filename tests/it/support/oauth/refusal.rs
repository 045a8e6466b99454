//! What the fake sign-in server says when it says no.

use serde_json::json;

use super::http::Response;
use super::scopes::{Asked, DEFAULT};
use super::script::{OauthEndpoint, OauthRequest};
use super::tokens::Vault;

/// A no in Microsoft's words.
pub(super) struct Refusal {
    pub status: u16,
    pub error: String,
    pub code: u32,
    pub text: String,
}

pub(super) fn refuse(error: &str, code: u32, text: impl Into<String>) -> Refusal {
    Refusal {
        status: if error == "invalid_client" { 401 } else { 400 },
        error: error.into(),
        code,
        text: text.into(),
    }
}

pub(super) fn missing(field: &str) -> Refusal {
    let text = format!("The request body must contain the following parameter: '{field}'.");
    refuse("invalid_request", 900_144, text)
}

fn suberror(code: u32) -> Option<&'static str> {
    match code {
        50_055 => Some("user_password_expired"),
        50_072 | 50_074 | 50_076 | 50_078 | 50_079 => Some("basic_action"),
        50_173 | 70_008 | 70_043 | 700_082 => Some("bad_token"),
        53_000..=53_003 => Some("message_only"),
        65_001 => Some("consent_required"),
        _ => None,
    }
}

impl Refusal {
    /// JSON for a program, a page for a browser.
    pub fn answer(&self, request: &OauthRequest, number: usize) -> Response {
        let Self {
            status,
            error,
            code,
            text,
        } = self;
        let time = "2026-01-02 03:04:05Z";
        let trace = format!("00000000-1111-4222-8333-{number:012}");
        let correlation = request.headers.get("client-request-id").cloned();
        let correlation =
            correlation.unwrap_or_else(|| format!("00000000-4444-4555-8666-{number:012}"));
        let text = format!(
            "AADSTS{code}: {text}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {time}"
        );
        if !matches!(
            request.endpoint,
            OauthEndpoint::Token | OauthEndpoint::DeviceCode
        ) {
            return Response::page(*status, &text);
        }
        let mut body = json!({
            "error": error,
            "error_description": text,
            "error_codes": [code],
            "timestamp": time,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        });
        if let Some(suberror) = suberror(*code) {
            body["suberror"] = json!(suberror);
        }
        Response::json(*status, &body)
    }
}

pub(super) fn mixed_default() -> Refusal {
    let text = "The provided value for the input parameter 'scope' is not valid. .default scope can't be combined with resource-specific scopes.";
    refuse("invalid_scope", 70_011, text)
}

/// Refuses scopes that were never granted at their resource.
pub(super) fn check_granted(vault: &Vault, asked: &Asked) -> Result<(), Refusal> {
    let default = asked.names.iter().any(|name| name == DEFAULT);
    if default && asked.names.iter().any(|name| name != DEFAULT) {
        return Err(mixed_default());
    }
    let Some(granted) = vault.granted(&asked.resource) else {
        return Err(match asked.resource.as_str() {
            "graph" | "outlook" => not_consented(),
            other => refuse(
                "invalid_resource",
                500_011,
                format!("The resource principal named '{other}' was not found in the tenant."),
            ),
        });
    };
    let known = |name: &String| granted.iter().any(|scope| scope.eq_ignore_ascii_case(name));
    if default || asked.names.iter().all(known) {
        return Ok(());
    }
    Err(not_consented())
}

fn not_consented() -> Refusal {
    let text = "The user or administrator has not consented to use the application. Send an interactive authorization request for this user and resource.";
    refuse("invalid_grant", 65_001, text)
}
