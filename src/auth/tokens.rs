//! Access tokens for the transports: in memory, renewed in time, never by asking a person.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::app::App;
use super::claims::{TokenClaims, scopes};
use super::{AuthError, Grant, Identity, Kept, Resource, Store, command};
use crate::clock::Clock;
use crate::config::SignInSettings;
use crate::secret::Secret;

/// A token is renewed this long before it expires.
const EARLY: Duration = Duration::from_mins(5);

/// An access token and what it allows.
#[derive(Clone, Debug)]
pub(crate) struct AccessToken {
    /// The token.
    pub secret: Secret,
    /// Its scopes, or the roles of an app; none where neither its answer nor itself names them.
    pub scopes: Vec<String>,
    /// Whether it is an app's, without a person.
    pub is_app: bool,
    /// How long it is still good for; not known of a token that another program gave.
    pub expires_in: Option<Duration>,
}

impl AccessToken {
    fn of(grant: Grant) -> Self {
        let claims = TokenClaims::of(&grant.access);
        Self {
            scopes: scopes(&grant.scopes, &claims),
            is_app: claims.is_app,
            secret: grant.access,
            expires_in: Some(grant.expires_in),
        }
    }
}

/// Gives out access tokens, one renewal at a time however many ask.
pub(crate) struct Tokens {
    source: Source,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<Resource, Known>>,
}

enum Source {
    Command(Vec<String>),
    App(Box<App>),
    SignIn(Box<(Identity, Store)>),
}

struct Known {
    token: AccessToken,
    renew_at: Option<Duration>,
}

impl Tokens {
    /// The source that the secrets file names: `token_command`, else the sign-in that is kept.
    ///
    /// # Errors
    /// When a key of the secrets file is missing or cannot be used.
    pub(crate) fn new(settings: &SignInSettings, clock: Arc<dyn Clock>) -> Result<Self, AuthError> {
        let source = if let Some(command) = &settings.token_command {
            Source::Command(command.clone())
        } else if settings.is_app()? {
            Source::App(Box::new(App::new(settings, settings.app()?)?))
        } else {
            let registration = settings.registration()?;
            let store = Store::new(settings, registration.clone())?;
            Source::SignIn(Box::new((Identity::new(settings, registration)?, store)))
        };
        Ok(Self {
            source,
            clock,
            known: Mutex::new(HashMap::new()),
        })
    }

    /// An access token for a resource. `refused` is one that the server did not take: it is never
    /// given again.
    ///
    /// # Errors
    /// When nobody is signed in, or the sign-in is no longer good.
    pub(crate) fn access(
        &self,
        resource: Resource,
        refused: Option<&str>,
    ) -> Result<AccessToken, AuthError> {
        let mut known = self.lock();
        let now = self.clock.elapsed();
        if let Some(Known { token, renew_at }) = known.get(&resource) {
            let in_time = renew_at.is_none_or(|at| now < at);
            if in_time && refused != Some(token.secret.expose()) {
                return Ok(token.clone());
            }
        }
        let token = self.renew(resource)?;
        let renew_at = token
            .expires_in
            .map(|good_for| now + good_for.saturating_sub(EARLY));
        known.insert(
            resource,
            Known {
                token: token.clone(),
                renew_at,
            },
        );
        Ok(token)
    }

    fn renew(&self, resource: Resource) -> Result<AccessToken, AuthError> {
        match &self.source {
            Source::Command(command) => {
                let secret = command::token(command, resource)?;
                let claims = TokenClaims::of(&secret);
                Ok(AccessToken {
                    is_app: claims.is_app,
                    scopes: claims.scopes,
                    secret,
                    expires_in: None,
                })
            }
            Source::App(app) => {
                let grant = app.token(resource, self.clock.now())?;
                Ok(AccessToken {
                    is_app: true,
                    ..AccessToken::of(grant)
                })
            }
            Source::SignIn(sign_in) => {
                let (identity, store) = &**sign_in;
                let _lock = store.lock();
                // Read each time: another run may have renewed the sign-in meanwhile.
                let Some(Kept { refresh }) = store.load()? else {
                    return Err(AuthError::SignedOut(
                        identity.registration().username.clone(),
                    ));
                };
                let grant = identity.refresh(&refresh, resource)?;
                if let Some(newer) = &grant.refresh {
                    // Kept before the access token is used, so that a crash loses neither.
                    store.save(newer)?;
                }
                Ok(AccessToken::of(grant))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Resource, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
