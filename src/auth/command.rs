//! Access tokens from another program, for instance the Azure CLI.

use std::io::Read;
use std::process::{Command, Stdio};

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
