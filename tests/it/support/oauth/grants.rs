//! What Microsoft does when it is asked for tokens.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::flows::{DEVICE_GRANT, Desk};
use super::http::{Response, base64url, decode_base64, percent_decode};
use super::lock;
use super::refusal::{Refusal, check_granted, missing, refuse};
use super::scopes::{Asked, DEFAULT, Scopes, answered_scope};
use super::tokens::{self, SignIn, Vault, id_token, instant};

/// How much earlier than its interval a poll may seem to come.
const EARLY: Duration = Duration::from_millis(50);
/// What `slow_down` adds to the interval (RFC 8628).
const SLOWER: Duration = Duration::from_secs(5);

impl Desk<'_> {
    pub(super) fn token(&self) -> Result<Response, Refusal> {
        self.check_credentials()?;
        match self.need("grant_type")? {
            "authorization_code" => self.code_grant(),
            "refresh_token" => self.refresh_grant(),
            "client_credentials" => self.app_grant(),
            DEVICE_GRANT => self.device_grant(),
            other => {
                let text = format!("The app requested an unsupported grant type '{other}'.");
                Err(refuse("unsupported_grant_type", 70_003, text))
            }
        }
    }

    fn check_credentials(&self) -> Result<(), Refusal> {
        let basic = self.basic();
        let (id, secret) = match &basic {
            Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
            None => (self.field("client_id"), self.field("client_secret")),
        };
        self.check_client(id)?;
        let assertion = self.field("client_assertion");
        if let (Some(assertion), Some((key, fingerprint))) =
            (assertion, &self.hub.offer.certificate)
        {
            return self.check_assertion(assertion, key, fingerprint);
        }
        let Some(wanted) = &self.hub.offer.secret else {
            if secret.or(assertion).is_none() {
                return Ok(());
            }
            self.violation("client_secret from a public client");
            let text = "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.";
            return Err(refuse("invalid_client", 700_025, text));
        };
        match secret {
            Some(secret) if secret == wanted => Ok(()),
            Some(_) => {
                let text = "Invalid client secret provided.";
                Err(refuse("invalid_client", 7_000_215, text))
            }
            None => {
                let text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
                Err(refuse("invalid_client", 7_000_218, text))
            }
        }
    }

    /// A statement of the app, signed (RFC 7523).
    fn check_assertion(
        &self,
        assertion: &str,
        key: &[u8],
        fingerprint: &str,
    ) -> Result<(), Refusal> {
        let refused = |text: &str| refuse("invalid_client", 700_027, text.to_owned());
        let mut parts = assertion.split('.');
        let mut part = || parts.next().unwrap_or_default();
        let (header, claims, signature) = (part(), part(), part());
        let json = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
            serde_json::from_slice::<Value>(&bytes).unwrap_or_default()
        };
        let signed = format!("{header}.{claims}");
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        let key = ring::signature::UnparsedPublicKey::new(
            &ring::signature::RSA_PSS_2048_8192_SHA256,
            key,
        );
        if key.verify(signed.as_bytes(), &signature).is_err() {
            return Err(refused(
                "The key was not found, or the signature is another.",
            ));
        }
        let (header, claims) = (json(header), json(claims));
        let audience = format!(
            "{}/{}/oauth2/v2.0/token",
            self.hub.authority, self.hub.offer.tenant
        );
        let client = self.hub.offer.client.as_str();
        let is_good = header["x5t#S256"] == fingerprint
            && header["alg"] == "PS256"
            && claims["aud"] == audience.as_str()
            && claims["iss"] == client
            && claims["sub"] == client
            && claims["exp"].is_i64()
            && self.field("client_assertion_type")
                == Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        if is_good {
            Ok(())
        } else {
            Err(refused("Client assertion is not within its valid form."))
        }
    }

    /// An app without a person, which acts in the mailbox that letters come from here. Its answer names
    /// no scope.
    fn app_grant(&self) -> Result<Response, Refusal> {
        if self.hub.offer.secret.is_none() && self.hub.offer.certificate.is_none() {
            let text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
            return Err(refuse("invalid_client", 7_000_218, text));
        }
        let scope = self.need("scope")?;
        let scopes = self.scopes(scope);
        let asked = self.one_resource(&scopes, scope)?.clone();
        if asked.names != [DEFAULT] {
            let text = "The provided value for scope is not valid: client credential flows must have a scope value with /.default suffixed to the resource identifier.";
            return Err(refuse("invalid_scope", 1_002_012, text));
        }
        let sign_in = SignIn {
            account: "reports@study.example".into(),
            scopes: Scopes::default(),
            nonce: None,
        };
        let mut state = lock(&self.hub.state);
        let mut body = json!({
            "token_type": "Bearer",
            "expires_in": self.hub.offer.expires_in,
            "access_token": state.vault.new_access(&sign_in.account, &asked.resource),
        });
        tokens::change(&mut body, &self.twist.members);
        Ok(Response::json(200, &body))
    }

    /// Id and secret of the client, if they are in the header of the request.
    fn basic(&self) -> Option<(String, String)> {
        let header = self.request.headers.get("authorization")?;
        let text = decode_base64(header.strip_prefix("Basic ")?)?;
        let text = String::from_utf8(text).ok()?;
        let (id, secret) = text.split_once(':')?;
        Some((percent_decode(id)?, percent_decode(secret)?))
    }

    fn code_grant(&self) -> Result<Response, Refusal> {
        let text = self.need("code")?;
        let uri = self.need("redirect_uri")?;
        let scope = self.field("scope").ok_or_else(|| {
            let text = "Provided value for the input parameter scope cannot be empty when requesting an access token using the provided authorization code.";
            refuse("invalid_request", 28_003, text)
        })?;
        let scopes = self.scopes(scope);
        let asked = self.one_resource(&scopes, scope)?;
        let verifier = self.field("code_verifier");
        let mut state = lock(&self.hub.state);
        let vault = &mut state.vault;
        if let Some(verifier) = verifier {
            vault.keep_secret(verifier);
        }
        let code = vault.codes.get(text).ok_or_else(|| {
            let text = "The provided value for the 'code' parameter is not valid.";
            refuse("invalid_grant", 70_000, text)
        })?;
        let fault = if code.used {
            let text = "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.";
            Some(("code redeemed twice", refuse("invalid_grant", 54_005, text)))
        } else if code.redirect_uri != uri {
            let text = format!(
                "The reply address '{uri}' does not match the reply address '{}' provided when requesting Authorization code.",
                code.redirect_uri
            );
            let fault = "redirect_uri differs from that of the code";
            Some((fault, refuse("invalid_client", 500_112, text)))
        } else {
            code.challenge.as_ref().and_then(|challenge| {
                let fault = match verifier {
                    None => "no PKCE: no code_verifier",
                    Some(text) if base64url(&Sha256::digest(text)) != *challenge => {
                        "code_verifier is not that of the code_challenge"
                    }
                    Some(text) if !is_verifier(text) => "code_verifier is malformed",
                    Some(_) => return None,
                };
                let text = "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
                Some((fault, refuse("invalid_grant", 501_481, text)))
            })
        };
        if let Some((fault, refusal)) = fault {
            drop(state);
            if !fault.is_empty() {
                self.violation(fault);
            }
            return Err(refusal);
        }
        check_granted(vault, asked)?;
        let mut sign_in = code.sign_in.clone();
        let offline = sign_in.scopes.has("offline_access") || scopes.has("offline_access");
        sign_in.scopes.oidc.extend(scopes.oidc.iter().cloned());
        sign_in.scopes.oidc.sort();
        sign_in.scopes.oidc.dedup();
        if let Some(code) = vault.codes.get_mut(text) {
            code.used = true;
        }
        Ok(self.issue(vault, sign_in, asked, offline))
    }

    fn refresh_grant(&self) -> Result<Response, Refusal> {
        let text = self.need("refresh_token")?;
        let scopes = self.field("scope").map(|scope| (scope, self.scopes(scope)));
        if let Some((scope, scopes)) = &scopes {
            self.one_resource(scopes, scope)?;
        }
        let mut state = lock(&self.hub.state);
        let vault = &mut state.vault;
        let refresh = vault.refresh.get(text).ok_or_else(|| {
            let text = "Invalid request. Request is malformed or invalid.";
            refuse("invalid_grant", 9_002_313, text)
        })?;
        if refresh.revoked {
            let text = "The provided grant has expired due to it being revoked, a fresh auth token is needed.";
            return Err(refuse("invalid_grant", 50_173, text));
        }
        let mut sign_in = refresh.sign_in.clone();
        sign_in.nonce = None;
        if let Some((_, scopes)) = scopes {
            sign_in.scopes = scopes;
        }
        let Some(asked) = sign_in.scopes.asked.first().cloned() else {
            return Err(missing("scope"));
        };
        if let Err(refusal) = check_granted(vault, &asked) {
            drop(state);
            if refusal.code == 65_001 {
                self.violation("refresh asks for scopes never granted");
            }
            return Err(refusal);
        }
        if self.hub.offer.revoke_on_rotation
            && let Some(refresh) = vault.refresh.get_mut(text)
        {
            refresh.revoked = true;
        }
        Ok(self.issue(vault, sign_in, &asked, true))
    }

    fn device_grant(&self) -> Result<Response, Refusal> {
        let text = self.need("device_code")?;
        let mut state = lock(&self.hub.state);
        let account = state.vault.account.clone();
        let device = state.vault.devices.get_mut(text);
        let device = device.filter(|device| !device.used).ok_or_else(|| {
            let text = "The provided device code is not valid.";
            refuse("bad_verification_code", 70_018, text)
        })?;
        let now = instant();
        let early = device
            .last_poll
            .is_some_and(|last| now.duration_since(last) + EARLY < device.interval);
        device.last_poll = Some(now);
        if self.twist.slow_down {
            device.interval += SLOWER;
        }
        device.used = !self.twist.pending;
        let sign_in = SignIn {
            account,
            ..device.sign_in.clone()
        };
        if early {
            state
                .violations
                .push(self.describe("polled earlier than the interval allows"));
        }
        if self.twist.slow_down {
            let text = "The client polls too often.";
            return Err(refuse("slow_down", 70_016, text));
        }
        if self.twist.pending {
            let text = "OAuth 2.0 device flow error. Authorization is pending. Continue polling.";
            return Err(refuse("authorization_pending", 70_016, text));
        }
        let offline = sign_in.scopes.has("offline_access");
        let Some(asked) = sign_in.scopes.asked.first().cloned() else {
            return Err(missing("scope"));
        };
        Ok(self.issue(&mut state.vault, sign_in, &asked, offline))
    }

    /// Hands out tokens for one resource.
    fn issue(&self, vault: &mut Vault, sign_in: SignIn, asked: &Asked, offline: bool) -> Response {
        let offer = &self.hub.offer;
        let granted = vault.granted(&asked.resource).unwrap_or_default();
        let oidc = &sign_in.scopes.oidc;
        let mut body = json!({
            "token_type": "Bearer",
            "scope": answered_scope(oidc, asked, granted, offer.short_scopes),
            "expires_in": offer.expires_in,
            "ext_expires_in": offer.expires_in,
            "access_token": vault.new_access(&sign_in.account, &asked.resource),
        });
        if sign_in.scopes.has("openid") {
            let token = id_token(offer, &self.hub.authority, &sign_in, &self.twist.claims);
            vault.keep_secret(&token);
            body["id_token"] = json!(token);
        }
        if offline {
            let scopes = Scopes {
                asked: vec![asked.clone()],
                ..sign_in.scopes.clone()
            };
            body["refresh_token"] = json!(vault.new_refresh(SignIn { scopes, ..sign_in }));
        }
        tokens::change(&mut body, &self.twist.members);
        Response::json(200, &body)
    }
}

/// Whether a PKCE verifier has the length and the letters of RFC 7636.
fn is_verifier(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}
