//! What an access token says of itself, where it can be read at all.
//!
//! To its client a token is opaque (Microsoft, "Access tokens in the identity platform"): what is read here
//! says what to offer, never what is allowed. That shows by trying.

use serde::Deserialize;

use super::grant::payload;
use crate::secret::Secret;

/// What an access token says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TokenClaims {
    /// What it allows: scopes of a person, or roles of an app.
    pub scopes: Vec<String>,
    /// Whether it is an app's, without a person.
    pub is_app: bool,
}

/// Claims of the identity platform (Microsoft, "Access token claims reference").
#[derive(Deserialize)]
struct WrittenClaims {
    scp: Option<String>,
    roles: Option<Vec<String>>,
    idtyp: Option<String>,
}

impl TokenClaims {
    /// Reads a token; one that cannot be read says nothing.
    pub(super) fn of(token: &Secret) -> Self {
        let Some(claims) = payload::<WrittenClaims>(token.expose()) else {
            return Self::default();
        };
        let is_app = claims.idtyp.as_deref() == Some("app")
            || (claims.scp.is_none() && claims.roles.is_some());
        let scopes = claims.scp.unwrap_or_default();
        let scopes = scopes.split_whitespace().map(str::to_owned);
        let roles = claims.roles.unwrap_or_default();
        // The roles of a person are those of the app's own making.
        let roles = roles.into_iter().filter(|_| is_app);
        Self {
            scopes: scopes.chain(roles).collect(),
            is_app,
        }
    }
}

/// The scopes of a token: those that its answer names, else those that it names itself; none where neither
/// says. An answer may repeat `.default`, which stands for whatever was granted, or leave the scopes out
/// (RFC 6749 section 5.1).
pub(super) fn scopes(answered: &[String], claims: &TokenClaims) -> Vec<String> {
    const OF_THE_SIGN_IN: [&str; 4] = ["offline_access", "openid", "profile", "email"];
    let is_of_the_resource = |scope: &&String| {
        let name = scope.rsplit('/').next().unwrap_or_default();
        name != ".default" && !OF_THE_SIGN_IN.contains(&name)
    };
    let named: Vec<String> = answered
        .iter()
        .filter(is_of_the_resource)
        .cloned()
        .collect();
    if named.is_empty() {
        claims.scopes.clone()
    } else {
        named
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn claims(json: &str) -> TokenClaims {
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(json));
        TokenClaims::of(&Secret::new(token))
    }

    #[test]
    fn a_token_is_read_where_it_can_be() {
        let person = claims(r#"{"scp":"Mail.Send User.Read","roles":["Reader"]}"#);
        assert_eq!(person.scopes, ["Mail.Send", "User.Read"]);
        assert!(!person.is_app);
        let app = claims(r#"{"roles":["Mail.Send"]}"#);
        assert_eq!((app.scopes, app.is_app), (vec!["Mail.Send".into()], true));
        // With RBAC for Applications the token names no role at all.
        let role_based = claims(r#"{"idtyp":"app"}"#);
        assert_eq!((role_based.scopes, role_based.is_app), (Vec::new(), true));
        for opaque in ["", "opaque", "a.b.c", "e30.e30.e30", "e30.bm8.e30"] {
            let read = TokenClaims::of(&Secret::new(opaque.into()));
            assert_eq!(read, TokenClaims::default(), "{opaque}");
        }
    }

    #[test]
    fn an_answer_that_names_no_scope_leaves_it_to_the_token() {
        let claims = claims(r#"{"scp":"Mail.Send.Shared"}"#);
        let of = |words: &str| {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            scopes(&words, &claims)
        };
        for unsaid in [
            "",
            "https://graph.microsoft.com/.default",
            "openid profile offline_access https://graph.microsoft.com/.default",
        ] {
            assert_eq!(of(unsaid), ["Mail.Send.Shared"], "{unsaid}");
        }
        let said =
            "openid https://graph.microsoft.com/Mail.Send https://graph.microsoft.com/.default";
        assert_eq!(of(said), ["https://graph.microsoft.com/Mail.Send"]);
        assert!(scopes(&[], &TokenClaims::default()).is_empty());
    }
}
