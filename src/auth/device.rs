//! Sign-in on any device, with a short code (RFC 8628).

use super::{AuthError, Grant, Identity, Person};
use crate::clock::Clock;

pub(super) fn sign_in(
    identity: &Identity,
    person: &dyn Person,
    clock: &dyn Clock,
) -> Result<Grant, AuthError> {
    let code = identity.device_code()?;
    person.show(&format!(
        "Open {} on any device, type the code {} and sign in as {}.",
        code.verification_uri().as_str(),
        code.user_code().secret(),
        identity.registration().username
    ));
    identity.device_grant(&code, clock)
}
