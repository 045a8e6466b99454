//! Tokens of an app itself, without a person: the client credentials grant (RFC 6749 section 4.4).
//!
//! The app proves itself by its secret, or by a JSON web token that it signs with the key of its certificate
//! (RFC 7523; Microsoft, "Microsoft identity platform application authentication certificate
//! credentials").

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
};
use oauth2::{
    AuthType, Client, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, Scope,
    StandardRevocableToken, TokenUrl,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::crypto::ring::sign;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::SigningKey;
use tokio_rustls::rustls::{SignatureAlgorithm, SignatureScheme};

use super::grant::{Grant, TokenAnswer};
use super::identity::{caller, refused};
use super::{AuthError, Resource, http};
use crate::config::{AppCredential, AppRegistration, Cloud, SignInSettings};
use crate::http::Http;
use crate::regular;
use crate::secret::Secret;

/// How long a signed statement is good for.
const GOOD_FOR: Duration = Duration::from_mins(10);
/// The most that a file with a certificate and its key has.
const LARGEST_FILE: u64 = 1 << 20;

type AppOauth = Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// An app that signs in by itself.
pub(super) struct App {
    client_id: String,
    token_url: String,
    scopes: [(Resource, Vec<String>); 2],
    certificate: Option<Certificate>,
    oauth: AppOauth,
    http: Http,
}

/// The key that an app signs with, and the fingerprint of its certificate.
struct Certificate {
    fingerprint: String,
    key: Arc<dyn SigningKey>,
}

/// How a statement is signed, and by which certificate (RFC 7515 section 4.1).
#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(rename = "x5t#S256")]
    fingerprint: &'a str,
}

/// What an app says of itself (RFC 7523 section 3).
#[derive(Serialize)]
struct Statement<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: &'a str,
    nbf: i64,
    exp: i64,
}

impl App {
    /// Gets ready to ask. Nothing is asked yet.
    pub(super) fn new(settings: &SignInSettings, app: AppRegistration) -> Result<Self, AuthError> {
        let cloud = Cloud::of(settings)?;
        let authority = cloud.authority(settings)?;
        let base = authority.as_str().trim_end_matches('/');
        let token_url = format!("{base}/{}/oauth2/v2.0/token", app.tenant_id);
        let bad = |error: oauth2::url::ParseError| {
            AuthError::setting("authority", error.to_string(), "correct it")
        };
        let mut oauth = Client::new(ClientId::new(app.client_id.clone()))
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(TokenUrl::new(token_url.clone()).map_err(bad)?);
        let certificate = match app.credential {
            AppCredential::Secret(secret) => {
                oauth = oauth.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
                None
            }
            AppCredential::Certificate(file) => Some(Certificate::read(&file)?),
        };
        Ok(Self {
            client_id: app.client_id,
            token_url,
            scopes: Resource::ALL.map(|resource| (resource, cloud.scopes(resource, settings))),
            certificate,
            oauth,
            http: http::client().map_err(AuthError::Unreachable)?,
        })
    }

    /// Asks for an access token for one resource.
    pub(super) fn token(&self, resource: Resource, now: Timestamp) -> Result<Grant, AuthError> {
        let scopes = self.scopes.iter().filter(|(other, _)| *other == resource);
        let scopes = scopes.flat_map(|(_, scopes)| scopes.clone());
        let mut request = self
            .oauth
            .exchange_client_credentials()
            .add_scopes(scopes.map(Scope::new));
        if let Some(certificate) = &self.certificate {
            let statement = certificate.sign(&self.client_id, &self.token_url, now)?;
            request = request
                .add_extra_param(
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                )
                .add_extra_param("client_assertion", statement.expose().to_owned());
        }
        let particulars = RefCell::default();
        let answer = request
            .request(&caller(&self.http, &particulars))
            .map_err(|error| refused(error, &particulars.borrow()))?;
        Ok(Grant::of(&answer))
    }
}

impl Certificate {
    /// Reads a PEM file that holds a certificate and its private key.
    fn read(file: &std::path::Path) -> Result<Self, AuthError> {
        use std::io::Read;
        let cannot = |text: String| {
            AuthError::setting(
                "certificate",
                text,
                "name a PEM file with the certificate and its RSA key, which nobody else may read",
            )
        };
        let mut pem = Vec::new();
        let opened = regular::open(file).map_err(|error| cannot(error.to_string()))?;
        let metadata = opened
            .metadata()
            .map_err(|error| cannot(error.to_string()))?;
        if !regular::is_of_user(&metadata) {
            return Err(cannot("the file is another user's".into()));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            if metadata.permissions().mode() & 0o077 != 0 {
                return Err(cannot("the file may be read by others".into()));
            }
        }
        opened
            .take(LARGEST_FILE)
            .read_to_end(&mut pem)
            .map_err(|error| cannot(error.to_string()))?;
        // What it holds is shown to nobody.
        let certificate = CertificateDer::from_pem_slice(&pem)
            .map_err(|_| cannot("the file holds no certificate".into()))?;
        let key = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|_| cannot("the file holds no private key".into()))?;
        let key = sign::any_supported_type(&key)
            .ok()
            .filter(|key| key.algorithm() == SignatureAlgorithm::RSA)
            .ok_or_else(|| cannot("its private key is no RSA key that can be used".into()))?;
        Ok(Self {
            fingerprint: base64url(&Sha256::digest(&certificate)),
            key,
        })
    }

    fn sign(&self, client_id: &str, audience: &str, now: Timestamp) -> Result<Secret, AuthError> {
        let header = Header {
            alg: "PS256",
            typ: "JWT",
            fingerprint: &self.fingerprint,
        };
        let name = CsrfToken::new_random();
        let good_for = i64::try_from(GOOD_FOR.as_secs()).unwrap_or_default();
        let statement = Statement {
            aud: audience,
            iss: client_id,
            sub: client_id,
            jti: name.secret(),
            nbf: now.as_second(),
            exp: now.as_second() + good_for,
        };
        let unusable = || {
            AuthError::setting(
                "certificate",
                "nothing can be signed with its key",
                "name a PEM file with the certificate and its RSA key",
            )
        };
        let header = serde_json::to_vec(&header).map_err(|_| unusable())?;
        let statement = serde_json::to_vec(&statement).map_err(|_| unusable())?;
        let text = format!("{}.{}", base64url(&header), base64url(&statement));
        // RSASSA-PSS with SHA-256 and a salt as long as the digest, which is what TLS 1.3 calls so (RFC 8446
        // section 4.2.3) and what PS256 is (RFC 7518 section 3.5).
        let signature = self
            .key
            .choose_scheme(&[SignatureScheme::RSA_PSS_SHA256])
            .and_then(|signer| signer.sign(text.as_bytes()).ok())
            .ok_or_else(unusable)?;
        Ok(Secret::new(format!("{text}.{}", base64url(&signature))))
    }
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
