//! The message trace at the fake Graph.

use serde_json::{Value, json};

use super::call::{Answered, Call, not_found};
use super::http::Response;
use super::lock;

/// How many messages are shown at once, so that there are pages.
const PAGE: usize = 2;
/// The longest time of a question, in seconds.
const LONGEST: i64 = 10 * 24 * 3600;

/// A message of the trace at one of its addresses.
#[derive(Clone)]
pub struct Traced {
    pub sender: String,
    pub message_id: String,
    pub recipient: String,
    pub status: String,
    /// What is said of its end.
    pub detail: String,
}

impl Call<'_> {
    pub fn list_traces(&self) -> Answered {
        let text = self.route.parameter("$filter").unwrap_or_default();
        let parts: Vec<&str> = text.split(" and ").collect();
        let [sender, since, until] = parts[..] else {
            return Err(self.bad_query("sender and both bounds of the time are needed"));
        };
        let sender = sender
            .strip_prefix("senderAddress eq '")
            .and_then(|rest| rest.strip_suffix('\''));
        let moment = |part: &str, word: &str| {
            let at = part.strip_prefix(word)?;
            at.parse::<jiff::Timestamp>().ok()
        };
        let since = moment(since, "receivedDateTime ge ");
        let until = moment(until, "receivedDateTime le ");
        let (Some(sender), Some(since), Some(until)) = (sender, since, until) else {
            return Err(self.bad_query(&format!("$filter={text} is not known")));
        };
        let seconds = until.as_second() - since.as_second();
        if !(0..=LONGEST).contains(&seconds) {
            return Err(self.bad_query("the time is longer than ten days"));
        }
        let top: Option<usize> = self
            .route
            .parameter("$top")
            .and_then(|top| top.parse().ok());
        if !top.is_some_and(|top| (1..=5_000).contains(&top)) {
            return Err(self.bad_query("$top is no number from 1 to 5000"));
        }
        let skip = self.route.parameter("$skiptoken");
        let skip: usize = skip.and_then(|skip| skip.parse().ok()).unwrap_or(0);
        // All that is there was taken just now.
        let is_now = until > jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
        let state = lock(&self.hub.state);
        let all = state.traces.iter().enumerate();
        let found: Vec<Value> = all
            .filter(|(_, traced)| is_now && traced.sender.eq_ignore_ascii_case(sender))
            .map(|(number, traced)| {
                json!({
                    "id": format!("00000000-0000-4000-8000-{number:012}"),
                    "senderAddress": traced.sender,
                    "recipientAddress": traced.recipient,
                    "messageId": format!("<{}>", traced.message_id),
                    "receivedDateTime": until.to_string(),
                    "subject": "Report",
                    "status": traced.status,
                })
            })
            .collect();
        let mut answer = json!({ "value": found.iter().skip(skip).take(PAGE).collect::<Vec<_>>() });
        if found.len() > skip + PAGE {
            let host = self.message.header("Host").unwrap_or_default();
            answer["@odata.nextLink"] = json!(format!(
                "http://{host}{}?$filter={}&$top=5000&$skiptoken={}",
                self.route.path,
                text.replace(' ', "%20"),
                skip + PAGE
            ));
        }
        Ok(Response::json(200, &answer))
    }

    pub fn trace_detail(&self) -> Answered {
        let address = self
            .route
            .call
            .strip_prefix("getDetailsByRecipient(recipientAddress='")
            .and_then(|rest| rest.strip_suffix("')"))
            .ok_or_else(not_found)?;
        let number = self.route.id.rsplit('-').next().unwrap_or_default();
        let number: usize = number.parse().map_err(|_| not_found())?;
        let state = lock(&self.hub.state);
        let traced = state.traces.get(number).ok_or_else(not_found)?;
        if traced.recipient != address {
            return Err(not_found());
        }
        let event = |event: &str, description: &str| {
            json!({
                "id": self.route.id,
                "messageId": format!("<{}>", traced.message_id),
                "event": event,
                "description": description,
            })
        };
        let value = [
            event("Receive", "Message received by: X.prod.outlook.example"),
            event("Fail", &traced.detail),
        ];
        Ok(Response::json(200, &json!({ "value": value })))
    }
}
