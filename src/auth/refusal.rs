//! The identity platform's error codes in plain words.
//!
//! Source: Microsoft, "Microsoft Entra authentication and authorization error codes". Programs are
//! asked to branch on `error`, not on these numbers: they choose words here and nothing else.

use serde::Deserialize;

use super::AuthError;
use crate::finding::quote_up_to;

/// What happened and who can mend it, for the codes that people meet.
const KNOWN: &[(&[u32], &str, &str)] = &[
    (
        &[50_072, 50_074, 50_076, 50_078, 50_079],
        "a second factor is needed, or must be set up first",
        "run `postroom login --flow browser` and finish what the page asks for",
    ),
    (
        &[65_001],
        "nobody has agreed yet that this app may send mail",
        "run `postroom login --consent-url`, open the link and accept, or send the admin link to IT",
    ),
    (
        &[65_004],
        "the permissions were declined on the sign-in page",
        "run `postroom login` again and accept them",
    ),
    (
        &[90_094, 90_095],
        "an administrator must approve this app",
        "send IT the admin link of `postroom login --consent-url`",
    ),
    (
        &[7_000_218],
        "the app registration is not a public client",
        "in the Azure portal, under Authentication, set \"Allow public client flows\" to Yes, or fill in client_secret",
    ),
    (
        &[700_025],
        "the app registration is a public client and accepts no secret",
        "leave client_secret in the secrets file empty",
    ),
    (
        &[7_000_215, 7_000_222],
        "the client secret is wrong or has expired",
        "make a new one in the Azure portal under Certificates & secrets and put its value into client_secret",
    ),
    (
        &[700_011, 700_016],
        "the app is not known in this tenant",
        "compare client_id and tenant_id with the app registration's overview in the Azure portal",
    ),
    (
        &[50_011],
        "the redirect address is not registered",
        "in the Azure portal, under Authentication, add http://localhost and the nativeclient address to \"Mobile and desktop applications\"",
    ),
    (
        &[90_002, 90_038],
        "the tenant was not found, or is in another of Microsoft's clouds",
        "compare tenant_id with the Azure portal; for a national cloud set `cloud`",
    ),
    (
        &[50_020, 50_034, 50_105],
        "the account is not in the tenant, not known, or not assigned to the app",
        "sign in with the account that username names, or ask IT to assign it to the app",
    ),
    (
        &[70_008, 70_043, 50_089, 50_173, 700_082],
        "the sign-in has expired or was revoked",
        "run `postroom login` again",
    ),
    (
        &[54_005, 70_019],
        "the code was used already or has expired",
        "run `postroom login` again",
    ),
    (
        &[53_000, 53_001, 53_003, 530_032, 50_131, 50_005, 530_033],
        "a Conditional Access policy does not allow this sign-in",
        "sign in with `postroom login --flow browser` on a managed device, or ask IT",
    ),
    (&[50_057], "the account is disabled", "ask IT to enable it"),
    (
        &[50_055],
        "the password has expired",
        "change it, then run `postroom login`",
    ),
    (
        &[50_053],
        "the account is locked",
        "wait, or ask IT to unlock it",
    ),
    (
        &[50_126],
        "the user name or password is wrong",
        "run `postroom login` again",
    ),
    (
        &[650_057, 70_011, 28_002, 28_000, 700_022],
        "the scope is mistyped, or not among the registration's permissions",
        "compare `scope` and `graph_scopes` with API permissions in the Azure portal, or leave them empty",
    ),
    (
        &[50_196],
        "the same request came too often",
        "wait some minutes",
    ),
    (
        &[501_481],
        "the sign-in was finished by another program than the one that began it",
        "run `postroom login` again",
    ),
];

/// What the platform says of a refusal beyond RFC 6749 (Microsoft, "Microsoft Entra authentication and
/// authorization error codes", "Handling error codes in your application").
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Particulars {
    /// Its numbers for what went wrong, the first of which names it.
    error_codes: Vec<u32>,
    /// The ids that its support asks for.
    correlation_id: Option<String>,
    trace_id: Option<String>,
}

impl Particulars {
    /// Those of a refused request, which are fields of the answer.
    pub(super) fn of_answer(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// Those that came to the redirect address. RFC 6749 section 4.1.2.1 has a code and a description
    /// there and no other place, so the platform writes number and ids into the description, as
    /// `AADSTS65001: …`, `Trace ID: …` and `Correlation ID: …`.
    pub(super) fn of_description(description: &str) -> Self {
        let id = |name: &str| {
            let (_, rest) = description.split_once(name)?;
            Some(id(rest.trim_start()))
        };
        Self {
            error_codes: code_of(description).into_iter().collect(),
            correlation_id: id("Correlation ID:"),
            trace_id: id("Trace ID:"),
        }
    }
}

/// What of a text is the id of a request.
fn id(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_ascii_hexdigit() || *c == '-')
        .collect()
}

/// A refusal in plain words.
pub(super) fn refused(error: &str, description: &str, particulars: &Particulars) -> AuthError {
    let code = particulars.error_codes.first().copied();
    let known = code.and_then(|code| {
        let entry = KNOWN.iter().find(|(codes, ..)| codes.contains(&code))?;
        Some((code, entry))
    });
    let (what, next_step) = match (known, error) {
        (Some((_, (_, what, next_step))), _) => (*what, *next_step),
        (None, "access_denied" | "authorization_declined") => (
            "the sign-in was declined",
            "run `postroom login` again and accept it",
        ),
        (None, "expired_token" | "bad_verification_code") => {
            ("the code has expired", "run `postroom login` again")
        }
        (
            None,
            "invalid_grant" | "interaction_required" | "login_required" | "consent_required",
        ) => (
            "the sign-in is no longer good",
            "run `postroom login` again",
        ),
        (None, "temporarily_unavailable" | "server_error") => (
            "the sign-in service is not available now",
            "try again in some minutes",
        ),
        _ => (
            "the sign-in service refused",
            "ask IT, and show them the line above",
        ),
    };
    AuthError::Refused {
        what,
        detail: detail(error, description, known.map(|(code, _)| code), particulars),
        next_step,
    }
}

/// The number of `AADSTS65001: …`.
fn code_of(description: &str) -> Option<u32> {
    let digits = description.split("AADSTS").nth(1)?;
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// Code and ids; for what is not in the table Microsoft's own words too.
fn detail(error: &str, description: &str, known: Option<u32>, particulars: &Particulars) -> String {
    let mut parts = vec![quote_up_to(60, error)];
    let words = description.lines().next().unwrap_or_default();
    match known {
        Some(code) => parts.push(format!("AADSTS{code}")),
        None if words.is_empty() => {}
        None => parts.push(quote_up_to(300, words)),
    }
    for (name, value) in [
        ("Correlation ID:", &particulars.correlation_id),
        ("Trace ID:", &particulars.trace_id),
    ] {
        // They stand on lines of their own behind the words, or in the same one.
        if let Some(value) = value
            && (known.is_some() || !words.contains(name))
        {
            parts.push(format!("{name} {}", id(value)));
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::NextStep;

    #[test]
    fn known_codes_say_what_happened_and_what_to_do() {
        let description = "AADSTS65001: The user or administrator has not consented.\r\nTrace ID: 11-aa\r\nCorrelation ID: 22-bb\r\nTimestamp: 2026";
        let particulars = Particulars::of_description(description);
        let refusal = refused("invalid_grant", description, &particulars);
        let text = refusal.to_string();
        assert!(text.starts_with("nobody has agreed yet"), "{text}");
        assert!(
            text.contains("invalid_grant, AADSTS65001, Correlation ID: 22-bb, Trace ID: 11-aa"),
            "{text}"
        );
        assert!(
            refusal
                .next_step()
                .starts_with("run `postroom login --consent-url`"),
            "{refusal:?}"
        );
    }

    #[test]
    fn unknown_codes_show_the_platforms_own_words() {
        let description = "AADSTS999999: Something new.\r\nCorrelation ID: 22-bb";
        let particulars = Particulars::of_description(description);
        let text = refused("invalid_request", description, &particulars).to_string();
        assert!(text.contains("AADSTS999999: Something new."), "{text}");
        assert!(text.contains("Correlation ID: 22-bb"), "{text}");
    }

    #[test]
    fn the_fields_of_an_answer_count_and_not_its_words() {
        let particulars = Particulars::of_answer(
            br#"{"error":"x","error_codes":[65004,1],"correlation_id":"22-bb\u001b[31m","trace_id":"11-aa"}"#,
        );
        let refusal = refused("invalid_grant", "AADSTS65001: Other words.", &particulars);
        let text = refusal.to_string();
        assert!(text.starts_with("the permissions were declined"), "{text}");
        assert!(
            text.ends_with("invalid_grant, AADSTS65004, Correlation ID: 22-bb, Trace ID: 11-aa"),
            "{text}"
        );
        // Another service than Microsoft's has none of these fields.
        let particulars = Particulars::of_answer(b"<html>");
        let text = refused("invalid_grant", "Words.", &particulars).to_string();
        assert_eq!(
            text,
            "the sign-in is no longer good\n  invalid_grant, Words."
        );
    }

    #[test]
    fn no_code_stands_in_the_table_twice() {
        let mut codes: Vec<_> = KNOWN.iter().flat_map(|(codes, ..)| *codes).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }
}
