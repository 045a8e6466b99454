//! What Microsoft does at each endpoint.

use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Response, write_form};
use super::refusal::{Refusal, check_granted, missing, mixed_default, refuse};
use super::scopes::{Asked, DEFAULT, Scopes};
use super::script::{OauthEndpoint, OauthRequest};
use super::tokens::{self, Code, Device, SignIn};
use super::{Hub, lock};

pub(super) const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// How the script bends a normal answer.
#[derive(Default)]
pub(super) struct Twist {
    pub pending: bool,
    pub slow_down: bool,
    pub redirect: Vec<(String, String)>,
    pub members: Vec<(String, Value)>,
    pub claims: Vec<(String, Value)>,
}

/// The answer to a request, with all it brings about.
pub(super) fn answer(hub: &Hub, request: &OauthRequest, number: usize, twist: &Twist) -> Response {
    let desk = Desk {
        hub,
        request,
        number,
        twist,
    };
    let answered = desk.answer();
    answered.unwrap_or_else(|refusal| refusal.answer(request, number))
}

/// A request on its way to the answer.
pub(super) struct Desk<'a> {
    pub hub: &'a Hub,
    pub request: &'a OauthRequest,
    pub number: usize,
    pub twist: &'a Twist,
}

impl Desk<'_> {
    fn answer(&self) -> Result<Response, Refusal> {
        let request = self.request;
        let posted = match request.endpoint {
            OauthEndpoint::Other => return Ok(Response::page(404, "Not found")),
            OauthEndpoint::Token | OauthEndpoint::DeviceCode => true,
            _ => false,
        };
        let wanted = if posted { "POST" } else { "GET" };
        if request.method != wanted {
            self.violation(&format!("{} in place of {wanted}", request.method));
            let text = format!(
                "The endpoint only accepts {wanted} requests. Received a {} request.",
                request.method
            );
            return Err(refuse("invalid_request", 900_561, text));
        }
        let form = "application/x-www-form-urlencoded";
        let kind = request.headers.get("content-type");
        if posted && !kind.is_some_and(|kind| kind.starts_with(form)) {
            self.violation("body that is not a form");
            return Err(missing("grant_type"));
        }
        self.check_tenant()?;
        match request.endpoint {
            OauthEndpoint::Authorize => self.authorize(),
            OauthEndpoint::Token => self.token(),
            OauthEndpoint::DeviceCode => self.device_code(),
            OauthEndpoint::AdminConsent => self.admin_consent(),
            _ => Ok(self.configuration()),
        }
    }

    fn check_tenant(&self) -> Result<(), Refusal> {
        let tenant = &self.request.tenant;
        if *tenant == self.hub.offer.tenant {
            return Ok(());
        }
        let client = &self.hub.offer.client;
        Err(match tenant.as_str() {
            "common" | "organizations" | "consumers" => refuse(
                "invalid_request",
                50_194,
                format!(
                    "Application '{client}' is not configured as a multi-tenant application. \
                     Usage of the /{tenant} endpoint is not supported for such apps."
                ),
            ),
            _ => refuse(
                "invalid_request",
                90_002,
                format!(
                    "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
                ),
            ),
        })
    }

    pub fn check_client(&self, id: Option<&str>) -> Result<(), Refusal> {
        let id = id.ok_or_else(|| missing("client_id"))?;
        if id == self.hub.offer.client {
            return Ok(());
        }
        let tenant = &self.hub.offer.tenant;
        let text = format!(
            "Application with identifier '{id}' was not found in the directory '{tenant}'."
        );
        Err(refuse("unauthorized_client", 700_016, text))
    }

    /// The redirect URI, if it is registered.
    fn redirect_uri(&self) -> Result<&str, Refusal> {
        let uri = self.need("redirect_uri")?;
        let registered = self.hub.offer.redirects.iter();
        if registered
            .map(|other| without_port(other))
            .any(|other| other == without_port(uri))
        {
            return Ok(uri);
        }
        self.violation("unknown redirect URI");
        let client = &self.hub.offer.client;
        let text = format!(
            "The redirect URI '{uri}' specified in the request does not match the redirect URIs \
             configured for the application '{client}'."
        );
        Err(refuse("invalid_request", 50_011, text))
    }

    fn authorize(&self) -> Result<Response, Refusal> {
        self.check_client(self.field("client_id"))?;
        let uri = self.redirect_uri()?;
        if self.need("response_type")? != "code" {
            self.violation("response_type is not code");
            let text = "'response_type' is not supported for the application.";
            return Err(refuse("unsupported_response_type", 700_054, text));
        }
        let scopes = self.scopes(self.need("scope")?);
        if self.field("response_mode") != Some("query") {
            self.violation("response_mode is not query");
        }
        self.check_fresh("state");
        if scopes.has("openid") {
            self.check_fresh("nonce");
        }
        match (
            self.field("code_challenge"),
            self.field("code_challenge_method"),
        ) {
            (None, _) => self.violation("no PKCE: no code_challenge"),
            (Some(challenge), Some("S256")) if challenge.len() == 43 => {
                self.check_fresh("code_challenge");
            }
            _ => self.violation("no PKCE: code_challenge is not of S256"),
        }
        if self.field("login_hint") != Some(&self.hub.offer.account) {
            self.violation("login_hint is not the account");
        }
        let mut state = lock(&self.hub.state);
        let default = |asked: &Asked| asked.names.iter().any(|name| name == DEFAULT);
        if scopes.asked.len() > 1 && scopes.asked.iter().any(default) {
            return Err(mixed_default());
        }
        for asked in &scopes.asked {
            check_granted(&state.vault, asked).map_err(|refusal| match refusal.code {
                65_001 => Refusal {
                    status: 200,
                    ..refuse("access_denied", 90_094, "Need admin approval.")
                },
                _ => refusal,
            })?;
        }
        let mut parameters = Vec::new();
        if !self.twist.redirect.iter().any(|(name, _)| name == "error") {
            let code = Code {
                sign_in: SignIn {
                    account: state.vault.account.clone(),
                    scopes,
                    nonce: self.field("nonce").map(str::to_owned),
                },
                redirect_uri: uri.into(),
                challenge: self.field("code_challenge").map(str::to_owned),
                used: false,
            };
            parameters.push(("code".to_owned(), state.vault.new_code(code)));
            let session = format!("00000000-7777-4888-8999-{:012}", self.number);
            parameters.push(("session_state".to_owned(), session));
        }
        drop(state);
        Ok(self.redirect(uri, parameters))
    }

    fn admin_consent(&self) -> Result<Response, Refusal> {
        self.check_client(self.field("client_id"))?;
        let uri = self.redirect_uri()?;
        let scope = self.need("scope")?;
        let parameters = [
            ("admin_consent", "True"),
            ("tenant", &self.hub.offer.tenant),
            ("scope", scope),
        ];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(self.redirect(uri, parameters.to_vec()))
    }

    fn redirect(&self, uri: &str, mut parameters: Vec<(String, String)>) -> Response {
        if let Some(state) = self.field("state") {
            parameters.push(("state".into(), state.into()));
        }
        for (name, value) in &self.twist.redirect {
            parameters.retain(|(other, _)| other != name);
            if !value.is_empty() {
                parameters.push((name.clone(), value.clone()));
            }
        }
        let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
        let slash = if rest.contains('/') { "" } else { "/" };
        let mark = if uri.contains('?') { '&' } else { '?' };
        Response::redirect(format!("{uri}{slash}{mark}{}", write_form(&parameters)))
    }

    fn device_code(&self) -> Result<Response, Refusal> {
        self.check_client(self.field("client_id"))?;
        let scope = self.need("scope")?;
        let scopes = self.scopes(scope);
        let asked = self.one_resource(&scopes, scope)?;
        let offer = &self.hub.offer;
        let mut state = lock(&self.hub.state);
        check_granted(&state.vault, asked)?;
        let device = Device {
            sign_in: SignIn {
                account: state.vault.account.clone(),
                scopes: scopes.clone(),
                nonce: None,
            },
            interval: Duration::from_secs(offer.device_interval),
            last_poll: None,
            used: false,
        };
        let (device_code, user_code) = state.vault.new_device(device);
        drop(state);
        let page = "https://microsoft.com/devicelogin";
        let mut body = json!({
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": page,
            "expires_in": offer.device_expires_in,
            "interval": offer.device_interval,
            "message": format!(
                "To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."
            ),
        });
        tokens::change(&mut body, &self.twist.members);
        Ok(Response::json(200, &body))
    }

    fn configuration(&self) -> Response {
        let tenant = format!("{}/{}", self.hub.authority, self.hub.offer.tenant);
        Response::json(
            200,
            &json!({
                "issuer": format!("{tenant}/v2.0"),
                "authorization_endpoint": format!("{tenant}/oauth2/v2.0/authorize"),
                "token_endpoint": format!("{tenant}/oauth2/v2.0/token"),
                "device_authorization_endpoint": format!("{tenant}/oauth2/v2.0/devicecode"),
                "jwks_uri": format!("{tenant}/discovery/v2.0/keys"),
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
            }),
        )
    }

    pub fn scopes(&self, text: &str) -> Scopes {
        Scopes::parse(text)
    }

    /// What is asked of the only resource in a scope.
    pub fn one_resource<'s>(&self, scopes: &'s Scopes, text: &str) -> Result<&'s Asked, Refusal> {
        match scopes.asked.as_slice() {
            [asked] => Ok(asked),
            [] => {
                self.violation("scope without a resource");
                let text = format!(
                    "The provided value for the input parameter 'scope' is not valid. The scope '{text}' names no resource."
                );
                Err(refuse("invalid_scope", 70_011, text))
            }
            _ => {
                self.violation("two resources in one scope");
                let text = format!(
                    "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope {text} is not valid."
                );
                Err(refuse("invalid_request", 28_000, text))
            }
        }
    }

    /// Notes a field that is missing, easily guessed, or used before.
    fn check_fresh(&self, name: &str) {
        let value = self.field(name).unwrap_or_default();
        if value.is_empty() {
            self.violation(&format!("no {name}"));
        } else if value.len() < 16 {
            self.violation(&format!("{name} is easily guessed"));
        } else if !lock(&self.hub.state).vault.is_fresh(value) {
            self.violation(&format!("{name} was used before"));
        }
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        let value = self.request.fields.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    pub fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.field(name).ok_or_else(|| missing(name))
    }

    pub fn describe(&self, what: &str) -> String {
        let endpoint = self.request.endpoint;
        format!("request {} ({endpoint:?}): {what}", self.number)
    }

    pub fn violation(&self, what: &str) {
        self.hub.violation(self.describe(what));
    }
}

/// A redirect URI as it is compared: on loopback without its port.
fn without_port(uri: &str) -> String {
    let uri = uri.strip_suffix('/').unwrap_or(uri);
    for host in ["http://localhost", "http://127.0.0.1"] {
        if let Some(port) = uri
            .strip_prefix(host)
            .and_then(|rest| rest.strip_prefix(':'))
        {
            let path = port.trim_start_matches(|digit: char| digit.is_ascii_digit());
            return format!("{host}{path}");
        }
    }
    uri.into()
}
