//! What the scopes of a token allow. They are read, never assumed.

use crate::transport::{Answer, Cause, SendError};

/// What can be done with the mailbox that letters go out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Abilities {
    /// Send.
    pub send: bool,
    /// Look for letters that may have gone out.
    pub read: bool,
    /// Make drafts there.
    pub drafts: bool,
    /// Whether the mailbox is the person's own.
    pub own: bool,
    /// Whether an app sends, without a person.
    pub is_app: bool,
    /// Whether the token says all that it allows. If not, what it does not name shows by trying.
    pub is_known: bool,
}

impl Abilities {
    /// The abilities that scopes give. Where they are not known, sending is tried, and so it is by an app:
    /// what a role in Exchange allows it for single mailboxes stands in no token (Microsoft, "Role Based
    /// Access Control for Applications in Exchange Online").
    pub(super) fn of(scopes: &[String], own: bool, is_app: bool) -> Self {
        let has = |name: &str| scopes.iter().any(|scope| scope.eq_ignore_ascii_case(name));
        let shared = |name: &str| has(&format!("{name}.Shared"));
        // A scope for shared mailboxes covers the person's own as well, and a role of an app covers all.
        let either = |name: &str| shared(name) || ((own || is_app) && has(name));
        let is_known = !scopes.is_empty() && !is_app;
        Self {
            send: !is_known || either("Mail.Send"),
            read: either("Mail.Read") || either("Mail.ReadWrite"),
            drafts: either("Mail.ReadWrite"),
            own,
            is_app,
            is_known,
        }
    }

    /// A scope by the name that fits the mailbox.
    pub(super) fn scope(self, name: &str) -> String {
        if self.own || self.is_app {
            name.to_owned()
        } else {
            format!("{name}.Shared")
        }
    }

    /// Refuses to begin without the right to send.
    pub(super) fn may_send(self) -> Result<(), SendError> {
        if self.send {
            return Ok(());
        }
        let scope = self.scope("Mail.Send");
        Err(SendError::Unauthorised(Answer::new(
            Cause::Scopes,
            &format!(
                "the sign-in does not allow {scope}: add the delegated permission {scope} to the app registration, then run `postroom login` again"
            ),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(scopes: &str, own: bool) -> Abilities {
        let scopes: Vec<String> = scopes.split_whitespace().map(str::to_owned).collect();
        Abilities::of(&scopes, own, false)
    }

    #[test]
    fn the_grant_of_the_study_sends_and_no_more() {
        let abilities = of("Mail.Send Mail.Send.Shared User.Read", false);
        assert!(abilities.send && !abilities.read && !abilities.drafts);
    }

    #[test]
    fn a_shared_mailbox_needs_the_shared_scopes() {
        let own_only = of("Mail.Send Mail.ReadWrite", false);
        assert!(!own_only.send && !own_only.read && !own_only.drafts);
        let shared = of("mail.send.shared Mail.ReadWrite.Shared", false);
        assert!(shared.send && shared.read && shared.drafts);
        assert!(of("Mail.Send Mail.Read", true).read);
    }

    #[test]
    fn an_app_may_more_than_its_token_names() {
        let of = |scopes: &[String]| Abilities::of(scopes, false, true);
        let roles = of(&["Mail.ReadWrite".into()]);
        assert!(roles.send && roles.read && roles.drafts && !roles.is_known);
        let by_a_role_in_exchange = of(&[]);
        assert!(by_a_role_in_exchange.send && !by_a_role_in_exchange.is_known);
    }

    #[test]
    fn a_token_that_does_not_name_its_scopes_may_send() {
        let unknown = of("", false);
        assert!(unknown.send && !unknown.read && !unknown.drafts);
        assert!(of("User.Read", false).may_send().is_err());
    }
}
