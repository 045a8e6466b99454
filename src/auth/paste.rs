//! Sign-in in any browser: the person pastes the address of the blank page at its end.

use super::{AuthError, Grant, Identity, Person};
use crate::clock::Clock;
use crate::config::NATIVE_CLIENT;

pub(super) fn sign_in(
    identity: &Identity,
    person: &dyn Person,
    clock: &dyn Clock,
) -> Result<Grant, AuthError> {
    let redirect = identity.redirect_uri().unwrap_or(NATIVE_CLIENT);
    let begun = identity.begin(redirect)?;
    person.show(&format!(
        "Open this page in a browser and sign in as {}:\n\n{}\n\n\
         At the end the page is blank. Copy its whole address, paste it here and press Enter twice.\n\
         What you paste is not shown.",
        identity.registration().username,
        begun.url
    ));
    let pasted = person.paste()?;
    identity.redeem(begun, &query_of(&pasted), clock.now())
}

/// The query of what was pasted: a whole address or the query alone, however it was wrapped.
fn query_of(pasted: &str) -> String {
    let joined: String = pasted.split_whitespace().collect();
    let joined = joined.trim_matches(|c| matches!(c, '"' | '\'' | '<' | '>'));
    let query = joined.split_once('?').map_or(joined, |(_, query)| query);
    query.split('#').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_addresses_queries_and_wrapped_lines_are_understood() {
        for pasted in [
            "https://login.example/nativeclient?code=abc&state=s",
            "code=abc&state=s",
            "?code=abc&state=s",
            "  https://login.example/native\nclient?code=a\r\nbc&sta te=s \n",
            "<https://login.example/nativeclient?code=abc&state=s#>",
        ] {
            assert_eq!(query_of(pasted), "code=abc&state=s", "{pasted}");
        }
    }
}
