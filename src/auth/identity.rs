//! The questions that are asked of the identity platform.

use std::cell::RefCell;
use std::fmt;

use jiff::Timestamp;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
};
use oauth2::url::Url;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    DeviceAuthorizationUrl, EndpointNotSet, EndpointSet, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardDeviceAuthorizationResponse,
    StandardErrorResponse, StandardRevocableToken, TokenUrl,
};

use super::grant::{Grant, TokenAnswer};
use super::http;
use super::refusal::{self, Particulars};
use super::{AuthError, Resource};
use crate::clock::{Clock, Signal};
use crate::config::{Cloud, Registration, SignInSettings};
use crate::http::{Http, HttpError};
use crate::secret::{Redaction, Secret};

/// What every sign-in asks for beside a resource: who it is, and a refresh token.
const OPENID: [&str; 3] = ["openid", "profile", "offline_access"];

type Oauth = Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The identity platform of one tenant, asked in the name of one app.
#[derive(Debug)]
pub(crate) struct Identity {
    registration: Registration,
    authority: Url,
    scopes: [(Resource, Vec<String>); 2],
    redirect_uri: Option<String>,
    oauth: Oauth,
    http: Http,
}

/// A sign-in that was begun: the page to open, and what its answer must match.
pub(super) struct SignInAttempt {
    pub url: Url,
    pub redirect: String,
    state: CsrfToken,
    nonce: String,
    verifier: PkceCodeVerifier,
}

/// What tells the answer to one sign-in from that to another.
#[derive(Clone)]
pub(super) struct SignInState(String);

impl SignInState {
    /// Whether an answer is to this sign-in.
    pub(super) fn is_of(&self, query: &str) -> bool {
        let mut parts = oauth2::url::form_urlencoded::parse(query.as_bytes());
        parts.any(|(key, value)| key == "state" && *value == *self.0)
    }
}

impl SignInAttempt {
    pub(super) fn state(&self) -> SignInState {
        SignInState(self.state.secret().clone())
    }
}

impl Identity {
    /// Gets ready to ask. Nothing is asked yet.
    ///
    /// # Errors
    /// When a key of the secrets file is missing or cannot be used.
    pub(crate) fn new(
        settings: &SignInSettings,
        registration: Registration,
    ) -> Result<Self, AuthError> {
        let cloud = Cloud::of(settings)?;
        let authority = cloud.authority(settings)?;
        let endpoint = |name: &str| {
            let base = authority.as_str().trim_end_matches('/');
            format!("{base}/{}/oauth2/v2.0/{name}", registration.tenant_id)
        };
        let bad = |error: oauth2::url::ParseError| {
            AuthError::setting("authority", error.to_string(), "correct it")
        };
        let mut oauth = Client::new(ClientId::new(registration.client_id.clone()))
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::new(endpoint("authorize")).map_err(bad)?)
            .set_token_uri(TokenUrl::new(endpoint("token")).map_err(bad)?)
            .set_device_authorization_url(
                DeviceAuthorizationUrl::new(endpoint("devicecode")).map_err(bad)?,
            );
        if let Some(secret) = &settings.client_secret {
            oauth = oauth.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
        }
        Ok(Self {
            scopes: Resource::ALL.map(|resource| (resource, cloud.scopes(resource, settings))),
            redirect_uri: settings.redirect_uri.clone(),
            http: http::client().map_err(AuthError::Unreachable)?,
            registration,
            authority,
            oauth,
        })
    }

    /// The app registration and account.
    #[must_use]
    pub(crate) fn registration(&self) -> &Registration {
        &self.registration
    }

    /// The redirect address of the secrets file.
    #[must_use]
    pub(crate) fn redirect_uri(&self) -> Option<&str> {
        self.redirect_uri.as_deref()
    }

    /// The links by which a user, and an administrator for all, agree that the app may send mail.
    #[must_use]
    pub(crate) fn consent_urls(&self) -> (String, String) {
        let redirect = self
            .redirect_uri
            .as_deref()
            .unwrap_or(crate::config::NATIVE_CLIENT);
        let base = self.authority.as_str().trim_end_matches('/');
        let tenant = &self.registration.tenant_id;
        let link = |path: &str, scope: &str, further: &[(&str, &str)]| {
            let parameters = [
                ("client_id", self.registration.client_id.as_str()),
                ("redirect_uri", redirect),
                ("scope", scope),
            ];
            Url::parse_with_params(
                &format!("{base}/{tenant}/{path}"),
                parameters.iter().chain(further),
            )
            .map_or_else(|_| base.to_owned(), String::from)
        };
        (
            link(
                "oauth2/v2.0/authorize",
                // `.default` stands for one resource, and the user's page takes one such scope.
                &self.sign_in_scope(),
                &[
                    ("response_type", "code"),
                    ("response_mode", "query"),
                    ("prompt", "consent"),
                    ("login_hint", self.registration.username.as_str()),
                ],
            ),
            link(
                "v2.0/adminconsent",
                &self.scopes[0].1.join(" "),
                &[("state", "postroom")],
            ),
        )
    }

    /// Begins a sign-in in a browser, with PKCE, state and nonce.
    pub(super) fn begin(&self, redirect: &str) -> Result<SignInAttempt, AuthError> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = CsrfToken::new_random().into_secret();
        let oauth = self.with_redirect(redirect)?;
        let (url, state) = oauth
            .authorize_url(CsrfToken::new_random)
            .add_scopes(self.sign_in_scopes())
            .set_pkce_challenge(challenge)
            .add_extra_param("response_mode", "query")
            .add_extra_param("nonce", nonce.clone())
            .add_extra_param("prompt", "select_account")
            .add_extra_param("login_hint", self.registration.username.as_str())
            .url();
        Ok(SignInAttempt {
            url,
            redirect: redirect.to_owned(),
            state,
            nonce,
            verifier,
        })
    }

    /// Takes the answer that came back to the redirect address and redeems its code. The sign-in of
    /// anybody but the account that the secrets file names is refused.
    pub(super) fn redeem(
        &self,
        begun: SignInAttempt,
        query: &str,
        now: Timestamp,
    ) -> Result<Grant, AuthError> {
        let mut code = None;
        let (mut state, mut error, mut description) = (None, None, String::new());
        for (key, value) in oauth2::url::form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "code" => code = Some(value.into_owned()),
                "state" => state = Some(value.into_owned()),
                "error" => error = Some(value.into_owned()),
                "error_description" => description = value.into_owned(),
                _ => {}
            }
        }
        if state.as_deref() != Some(begun.state.secret().as_str()) {
            return Err(AuthError::Mismatch("its state is another"));
        }
        if let Some(error) = error {
            let particulars = Particulars::of_description(&description);
            return Err(refusal::refused(&error, &description, &particulars));
        }
        let code = code.ok_or(AuthError::Mismatch("it has no code"))?;
        let particulars = RefCell::default();
        let answer = self
            .with_redirect(&begun.redirect)?
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(begun.verifier)
            .add_extra_param("scope", self.sign_in_scope())
            .request(&self.caller(&particulars))
            .map_err(|error| refused(error, &particulars.borrow()))?;
        let grant = Grant::of(&answer);
        if grant.nonce() != Some(begun.nonce.as_str()) {
            return Err(AuthError::Mismatch("its nonce is another"));
        }
        grant.check(&self.registration, &self.authority, now)?;
        Ok(grant)
    }

    /// Asks for a short code to be typed on another device.
    pub(super) fn device_code(&self) -> Result<StandardDeviceAuthorizationResponse, AuthError> {
        let particulars = RefCell::default();
        self.oauth
            .exchange_device_code()
            .add_scopes(self.sign_in_scopes())
            .request(&self.caller(&particulars))
            .map_err(|error| refused(error, &particulars.borrow()))
    }

    /// Waits until the short code was used, by the account that the secrets file names.
    pub(super) fn device_grant(
        &self,
        code: &StandardDeviceAuthorizationResponse,
        clock: &dyn Clock,
    ) -> Result<Grant, AuthError> {
        let never = Signal::default();
        let particulars = RefCell::default();
        let answer = self
            .oauth
            .exchange_device_access_token(code)
            .request(
                &self.caller(&particulars),
                |wait| clock.wait(&never, Some(wait)),
                None,
            )
            .map_err(|error| refused(error, &particulars.borrow()))?;
        let grant = Grant::of(&answer);
        grant.check(&self.registration, &self.authority, clock.now())?;
        Ok(grant)
    }

    /// Asks for an access token for one resource. Only what was granted already is asked for, and
    /// one resource at a time: the platform refuses two.
    ///
    /// # Errors
    /// When the refresh token is no longer good or the platform cannot be reached.
    pub(crate) fn refresh(&self, token: &Secret, resource: Resource) -> Result<Grant, AuthError> {
        let scopes = self.scopes.iter().filter(|(other, _)| *other == resource);
        let scopes = scopes.flat_map(|(_, scopes)| scopes.clone());
        let particulars = RefCell::default();
        let answer = self
            .oauth
            .exchange_refresh_token(&RefreshToken::new(token.expose().to_owned()))
            .add_scopes(scopes.chain(["offline_access".to_owned()]).map(Scope::new))
            .request(&self.caller(&particulars))
            .map_err(|error| refused(error, &particulars.borrow()))?;
        Ok(Grant::of(&answer))
    }

    /// What a sign-in asks for.
    fn sign_in_scopes(&self) -> impl Iterator<Item = Scope> {
        let first = self.scopes[0].1.iter().cloned();
        OPENID
            .into_iter()
            .map(str::to_owned)
            .chain(first)
            .map(Scope::new)
    }

    /// The same in one text.
    fn sign_in_scope(&self) -> String {
        let scopes: Vec<String> = self
            .sign_in_scopes()
            .map(|scope| scope.to_string())
            .collect();
        scopes.join(" ")
    }

    fn with_redirect(&self, redirect: &str) -> Result<Oauth, AuthError> {
        let url = RedirectUrl::new(redirect.to_owned()).map_err(|error| {
            AuthError::setting(
                "redirect_uri",
                error.to_string(),
                "leave it out, or copy it from the Azure portal",
            )
        })?;
        Ok(self.oauth.clone().set_redirect_uri(url))
    }

    fn caller(
        &self,
        particulars: &RefCell<Particulars>,
    ) -> impl Fn(oauth2::HttpRequest) -> Result<oauth2::HttpResponse, HttpError> {
        caller(&self.http, particulars)
    }
}

/// Sends requests of the oauth2 crate, and keeps what an answer has that the crate does not read.
pub(super) fn caller(
    http: &Http,
    particulars: &RefCell<Particulars>,
) -> impl Fn(oauth2::HttpRequest) -> Result<oauth2::HttpResponse, HttpError> {
    |request| {
        let redaction = secrets_of(request.body());
        let answer = http::call(http, request)?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        // What it repeats of the request is shown to nobody.
        let answer = answer.map(|body| {
            let hidden = redaction.hide(&String::from_utf8_lossy(&body)).into_owned();
            hidden.into_bytes()
        });
        particulars.replace(Particulars::of_answer(answer.body()));
        Ok(answer)
    }
}

/// The secrets in the body of a token request (RFC 6749, RFC 7523, RFC 7636 section 4.5, RFC 8628 section 3.4).
fn secrets_of(body: &[u8]) -> Redaction {
    const SECRET: [&str; 6] = [
        "client_secret",
        "client_assertion",
        "refresh_token",
        "code",
        "code_verifier",
        "device_code",
    ];
    let mut redaction = Redaction::default();
    for (key, value) in oauth2::url::form_urlencoded::parse(body) {
        if SECRET.contains(&&*key) {
            redaction.add(&value);
        }
    }
    redaction
}

/// A failed request in plain words. What did not parse is not shown: it may hold a token.
pub(super) fn refused<T>(
    error: RequestTokenError<HttpError, StandardErrorResponse<T>>,
    particulars: &Particulars,
) -> AuthError
where
    T: oauth2::ErrorResponseType + fmt::Display + 'static,
{
    match error {
        RequestTokenError::ServerResponse(answer) => refusal::refused(
            &answer.error().to_string(),
            answer.error_description().map_or("", String::as_str),
            particulars,
        ),
        RequestTokenError::Request(error) => AuthError::Unreachable(error),
        RequestTokenError::Parse(..) => {
            AuthError::Nonsense("its answer is not what a sign-in service writes")
        }
        RequestTokenError::Other(_) => AuthError::Nonsense("its answer is empty or incomplete"),
    }
}
