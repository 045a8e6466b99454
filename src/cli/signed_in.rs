//! The sign-in, as the transports ask for it.

use std::sync::{Arc, OnceLock};

use crate::auth::{AccessToken, AuthError, Resource, Tokens};
use crate::clock::Clock;
use crate::config::SignInSettings;
use crate::secret::Secret;
use crate::transport::{Bearer, NoToken, Token};

/// Looks for the sign-in when a transport first needs it: most batches need none.
pub(super) struct SignedIn {
    settings: SignInSettings,
    clock: Arc<dyn Clock>,
    tokens: OnceLock<Result<Tokens, NoToken>>,
}

impl SignedIn {
    pub(super) fn bearer(settings: &SignInSettings, clock: &Arc<dyn Clock>) -> Arc<dyn Bearer> {
        Arc::new(Self {
            settings: settings.clone(),
            clock: Arc::clone(clock),
            tokens: OnceLock::new(),
        })
    }
}

impl SignedIn {
    fn access(&self, resource: Resource, refused: Option<&str>) -> Result<AccessToken, NoToken> {
        let begun = || {
            Tokens::new(&self.settings, Arc::clone(&self.clock)).map_err(|error| no_token(&error))
        };
        let tokens = self.tokens.get_or_init(begun);
        let token = tokens
            .as_ref()
            .map_err(Clone::clone)?
            .access(resource, refused);
        token.map_err(|error| no_token(&error))
    }
}

fn no_token(error: &AuthError) -> NoToken {
    let reason = NoToken::new(error);
    match error {
        AuthError::Unreachable(_) => reason.unreachable(),
        _ => reason,
    }
}

impl Bearer for SignedIn {
    fn for_graph(&self, refused: Option<&str>) -> Result<Token, NoToken> {
        let token = self.access(Resource::Graph, refused)?;
        // Scopes are named with the address of their resource or without.
        let name = |scope: &String| scope.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Token {
            scopes: token.scopes.iter().map(name).collect(),
            is_app: token.is_app,
            secret: token.secret,
        })
    }

    fn for_outlook(&self, refused: Option<&str>) -> Result<Secret, NoToken> {
        self.access(Resource::Outlook, refused)
            .map(|token| token.secret)
    }
}
