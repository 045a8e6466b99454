//! A transport whose server's words hold no secret of ours. A server may repeat what it was sent, a
//! password or an access token included, and what it says is shown and kept.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use super::{
    Answer, AttemptRecord, Bearer, Doubt, Largest, LookUp, NoToken, NotTakenFor, Receipt,
    SendError, Survey, Token, Transport, TransportAttempt,
};
use crate::config::{EwsLogin, Secrets, SmtpLogin};
use crate::message::Message;
use crate::secret::{Redaction, Secret};

/// What must not be seen, as it becomes known.
#[derive(Clone, Debug, Default)]
pub(super) struct Hidden(Arc<Mutex<Redaction>>);

impl Hidden {
    /// The passwords of a secrets file, also in the forms in which they are sent: AUTH PLAIN (RFC 4616)
    /// and basic authentication (RFC 7617).
    pub(super) fn of(secrets: &Secrets) -> Self {
        let hidden = Self::default();
        let password = |account: &str, password: &Secret| {
            let password = password.expose();
            hidden.add(password);
            hidden.add(&format!("\0{account}\0{password}"));
            hidden.add(&format!("{account}:{password}"));
        };
        if let Ok(Some(smtp)) = secrets.smtp.get()
            && let Some(SmtpLogin::Password(account, secret)) = &smtp.login
        {
            password(account, secret);
        }
        if let Ok(ews) = secrets.ews.get()
            && let EwsLogin::Password(account, secret) = &ews.login
        {
            password(account, secret);
        }
        if let Some(secret) = &secrets.sign_in.client_secret {
            hidden.add(secret.expose());
        }
        hidden
    }

    fn add(&self, secret: &str) {
        let mut redaction = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        redaction.add(secret);
    }

    fn token(&self, secret: &Secret) {
        self.add(secret.expose());
        // XOAUTH2 puts it behind the account, in base64 (Microsoft, "Authenticate an IMAP, POP or SMTP
        // connection using OAuth"), so that its pieces stand at each of three places.
        for before in ["", "x", "xx"] {
            self.add(&format!("{before}{}", secret.expose()));
        }
    }

    fn text(&self, text: &mut String) {
        let redaction = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Cow::Owned(hidden) = redaction.hide(text) {
            *text = hidden;
        }
    }

    fn answer(&self, answer: &mut Answer) {
        self.text(&mut answer.text);
    }

    fn receipt(&self, mut receipt: Receipt) -> Receipt {
        self.text(&mut receipt.text);
        self.not_taken_for(&mut receipt.not_taken_for);
        receipt
    }

    fn not_taken_for(&self, addresses: &mut NotTakenFor) {
        let NotTakenFor {
            refused, deferred, ..
        } = addresses;
        for (_, answer) in refused.iter_mut().chain(deferred) {
            self.answer(answer);
        }
    }

    fn error(&self, mut error: SendError) -> SendError {
        match &mut error {
            SendError::Throttled { answer, .. }
            | SendError::Transient { answer, .. }
            | SendError::Rejected(answer)
            | SendError::InDoubt(answer)
            | SendError::Unauthorised(answer)
            | SendError::Unusable(answer) => self.answer(answer),
        }
        error
    }

    fn look_up(&self, found: LookUp) -> LookUp {
        match found {
            LookUp::Found(receipt) => LookUp::Found(self.receipt(receipt)),
            other @ (LookUp::Absent | LookUp::NotSeen | LookUp::Unknown) => other,
        }
    }

    fn survey(&self, mut survey: Survey) -> Survey {
        for (_, text) in &mut survey.facts {
            self.text(text);
        }
        for (text, _) in &mut survey.warnings {
            self.text(text);
        }
        survey
    }
}

/// Hands out the tokens of another, and takes note of what must be hidden.
pub(super) struct RedactedBearer {
    pub inner: Arc<dyn Bearer>,
    pub hidden: Hidden,
}

impl Bearer for RedactedBearer {
    fn for_graph(&self, refused: Option<&str>) -> Result<Token, NoToken> {
        let token = self.inner.for_graph(refused)?;
        self.hidden.token(&token.secret);
        Ok(token)
    }

    fn for_outlook(&self, refused: Option<&str>) -> Result<Secret, NoToken> {
        let token = self.inner.for_outlook(refused)?;
        self.hidden.token(&token);
        Ok(token)
    }
}

/// Another transport, whose answers hold no secret.
pub(super) struct Redacted {
    pub inner: Box<dyn Transport>,
    pub hidden: Hidden,
}

impl Transport for Redacted {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn takes_mime(&self) -> bool {
        self.inner.takes_mime()
    }

    fn send(
        &mut self,
        message: &Message,
        attempt: &mut TransportAttempt<'_>,
    ) -> Result<Receipt, SendError> {
        let mut keep = |mut record: AttemptRecord| {
            if let AttemptRecord::Narrowed(addresses) = &mut record {
                self.hidden.not_taken_for(addresses);
            }
            (attempt.keep)(record)
        };
        let mut hidden = TransportAttempt::new(attempt.trace, attempt.earlier.take(), &mut keep);
        hidden.replaced = std::mem::take(&mut attempt.replaced);
        let sent = self.inner.send(message, &mut hidden);
        let mut request_ids = hidden.request_ids;
        for id in &mut request_ids {
            self.hidden.text(id);
        }
        attempt.request_ids.extend(request_ids);
        match sent {
            Ok(receipt) => Ok(self.hidden.receipt(receipt)),
            Err(error) => Err(self.hidden.error(error)),
        }
    }

    fn look_up(&mut self, doubt: &Doubt<'_>) -> Result<LookUp, SendError> {
        match self.inner.look_up(doubt) {
            Ok(found) => Ok(self.hidden.look_up(found)),
            Err(error) => Err(self.hidden.error(error)),
        }
    }

    fn find_report(&mut self, report_mark: &str) -> Result<LookUp, SendError> {
        match self.inner.find_report(report_mark) {
            Ok(found) => Ok(self.hidden.look_up(found)),
            Err(error) => Err(self.hidden.error(error)),
        }
    }

    fn largest(&mut self) -> Result<Option<Largest>, SendError> {
        let largest = self.inner.largest();
        largest.map_err(|error| self.hidden.error(error))
    }

    fn survey(&mut self) -> Result<Survey, SendError> {
        match self.inner.survey() {
            Ok(survey) => Ok(self.hidden.survey(survey)),
            Err(error) => Err(self.hidden.error(error)),
        }
    }

    fn seen(&mut self, message_id: &str) -> Result<Option<Survey>, SendError> {
        match self.inner.seen(message_id) {
            Ok(seen) => Ok(seen.map(|survey| self.hidden.survey(survey))),
            Err(error) => Err(self.hidden.error(error)),
        }
    }
}
