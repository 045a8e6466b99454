//! Access tokens from another program, for instance the Azure CLI.

use std::io::Read;
use std::process::{Command, Stdio};

use super::grant::payload;
use super::{AuthError, Resource};
use crate::finding::quote_up_to;
use crate::secret::Secret;

/// Runs `token_command` and takes what it prints for a token. `{resource}` in an argument stands for
/// the address of the resource, which is in the environment as `POSTROOM_RESOURCE` too.
pub(super) fn token(command: &[String], resource: Resource) -> Result<Secret, AuthError> {
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| AuthError::Command("it is empty".into()))?;
    let address = match resource {
        Resource::Graph => "https://graph.microsoft.com",
        Resource::Outlook => "https://outlook.office.com",
    };
    let cannot = |error: std::io::Error| {
        AuthError::Command(format!("{}: {error}", quote_up_to(80, program)))
    };
    let mut child = Command::new(program)
        .args(
            arguments
                .iter()
                .map(|argument| argument.replace("{resource}", address)),
        )
        .env("POSTROOM_RESOURCE", address)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    let mut printed = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout
            .take(64 << 10)
            .read_to_end(&mut printed)
            .map_err(cannot)?;
    }
    let status = child.wait().map_err(cannot)?;
    if !status.success() {
        return Err(AuthError::Command(format!(
            "{}: {status}",
            quote_up_to(80, program)
        )));
    }
    // What it printed is not shown: it may be a token with something around it.
    let text = String::from_utf8(printed).unwrap_or_default();
    let token = text.trim().trim_matches('"');
    if token.is_empty() || token.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(AuthError::Command(
            "it printed something that is not a token".into(),
        ));
    }
    Ok(Secret::new(token.to_owned()))
}

/// The scopes that a token names, where it can be read at all. They tell what to offer, never what is
/// allowed: to its client a token is opaque (Microsoft, "Access tokens in the identity platform").
pub(super) fn scopes(token: &Secret) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Scopes {
        scp: String,
    }
    payload::<Scopes>(token.expose())
        .map(|scopes| scopes.scp.split_whitespace().map(str::to_owned).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scopes_of_a_token_are_read_where_it_names_them() {
        // {"scp":"Mail.Send User.Read"}
        let named = "e30.eyJzY3AiOiJNYWlsLlNlbmQgVXNlci5SZWFkIn0.c2ln";
        assert_eq!(
            scopes(&Secret::new(named.into())),
            ["Mail.Send", "User.Read"]
        );
        for opaque in ["", "opaque", "a.b.c", "e30.e30.e30"] {
            assert!(scopes(&Secret::new(opaque.into())).is_empty(), "{opaque}");
        }
    }
}
