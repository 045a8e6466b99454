//! Who may do what at the fake Graph.

use super::super::exchange::{State, same};
use super::call::Call;
use super::http::Response;
use super::route::{GraphKind, Whose};
use super::script::graph_error;

/// Who calls, and in which mailbox.
pub(super) struct Caller {
    pub person: String,
    pub mailbox: String,
}

impl Caller {
    pub fn is_at_home(&self) -> bool {
        same(&self.person, &self.mailbox)
    }
}

impl Call<'_> {
    /// Whom the token belongs to, good or not.
    pub fn person(&self) -> Option<String> {
        self.hub.oauth.account_of(self.bearer()?)
    }

    fn bearer(&self) -> Option<&str> {
        self.message
            .header("Authorization")?
            .strip_prefix("Bearer ")
    }

    /// Checks token, scope, mailbox and the right to open it, in this order.
    pub fn admit(&self) -> Result<Caller, Response> {
        let oauth = &self.hub.oauth;
        let bearer = self.bearer().ok_or_else(|| {
            self.violation("no bearer");
            unauthorised("Access token is empty.")
        })?;
        let is_valid = oauth.is_valid_access(bearer, "graph");
        let person = self.person().filter(|_| is_valid);
        let person = person.ok_or_else(|| unauthorised("Access token validation failure."))?;
        let mailbox = match &self.route.whose {
            Whose::Me => person.clone(),
            Whose::Of(address) => address.clone(),
        };
        let caller = Caller { person, mailbox };
        let wanted = scopes(self.route.kind, caller.is_at_home());
        let granted = oauth.scopes_of(bearer);
        let has = |scope: &String| granted.iter().any(|other| short(other) == scope);
        if !wanted.is_empty() && !wanted.iter().any(has) {
            return Err(access_denied());
        }
        let has_no_mailbox = [GraphKind::Me, GraphKind::ListTraces, GraphKind::TraceDetail];
        if !has_no_mailbox.contains(&self.route.kind) {
            self.admit_to_mailbox(&caller)?;
        }
        Ok(caller)
    }

    fn admit_to_mailbox(&self, caller: &Caller) -> Result<(), Response> {
        let state = self.hub.exchange.lock();
        let (person, mailbox) = (&caller.person, &caller.mailbox);
        if !state.has_mailbox(mailbox) {
            return Err(match self.route.whose {
                Whose::Of(_) => {
                    let text = format!("The requested user '{mailbox}' is invalid.");
                    graph_error(404, "ErrorInvalidUser", &text)
                }
                Whose::Me => {
                    let text =
                        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.";
                    graph_error(404, "MailboxNotEnabledForRESTAPI", text)
                }
            });
        }
        if state.may_open(person, mailbox) {
            return Ok(());
        }
        Err(access_denied())
    }

    /// The address that a message goes out as. Every message must say it.
    pub fn sender(
        &self,
        state: &State,
        caller: &Caller,
        from: Option<&str>,
    ) -> Result<String, Response> {
        let from = from.unwrap_or_else(|| {
            self.violation("no from: it goes out as the signed-in user");
            &caller.person
        });
        if state.may_send_as(&caller.person, from) {
            return Ok(from.to_owned());
        }
        Err(graph_error(
            403,
            "ErrorSendAsDenied",
            "The user account which was used to submit this request does not have the right to \
             send mail on behalf of the specified sending account. Cannot submit message.",
        ))
    }
}

/// The scopes of which a request needs one.
fn scopes(kind: GraphKind, at_home: bool) -> Vec<String> {
    let names: &[&str] = match kind {
        GraphKind::SendMail | GraphKind::SendDraft => &["Mail.Send"],
        GraphKind::CreateDraft
        | GraphKind::Attach
        | GraphKind::CreateUploadSession
        | GraphKind::DeleteMessage => &["Mail.ReadWrite"],
        GraphKind::GetMessage
        | GraphKind::GetMime
        | GraphKind::ListAttachments
        | GraphKind::Find
        | GraphKind::Folder => &["Mail.Read", "Mail.ReadWrite"],
        GraphKind::Me => return vec!["User.Read".into()],
        GraphKind::ListTraces | GraphKind::TraceDetail => {
            return vec!["ExchangeMessageTrace.Read.All".into()];
        }
        _ => &[],
    };
    let suffix = if at_home { "" } else { ".Shared" };
    names.iter().map(|name| format!("{name}{suffix}")).collect()
}

/// A scope without its resource.
fn short(scope: &str) -> &str {
    scope.rsplit('/').next().unwrap_or(scope)
}

pub(super) fn access_denied() -> Response {
    let text = "Access is denied. Check credentials and try again.";
    graph_error(403, "ErrorAccessDenied", text)
}

pub(super) fn unauthorised(text: &str) -> Response {
    graph_error(401, "InvalidAuthenticationToken", text).with(
        "WWW-Authenticate",
        "Bearer realm=\"\", error=\"invalid_token\"",
    )
}
