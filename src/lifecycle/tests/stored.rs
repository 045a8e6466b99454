//! Events as the log keeps them. A change of these forms is a change of the file's format.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::samples::every_event;
use super::*;

#[test]
fn every_event_is_read_as_it_was_written() {
    for event in every_event() {
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(
            serde_json::from_str::<Event>(&text).unwrap(),
            event,
            "{text}"
        );
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["kind"], event.kind());
        assert!(value["body"].is_object(), "{text}");
    }
}

#[test]
fn the_stored_form_of_every_event() {
    let lines = every_event().into_iter().map(|event| {
        let text = serde_json::to_string(&event).unwrap();
        format!("{text}\n")
    });
    let stored: String = lines.collect();
    assert_snapshot!(stored);
}

/// Every object of an event, with a field more that no program wrote so far.
fn with_a_field_more(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Object(fields) => {
            let mut more = fields.clone();
            more.insert("later".into(), json!(1));
            all.push(Value::Object(more));
            for (key, inner) in fields {
                for changed in with_a_field_more(inner) {
                    let mut fields = fields.clone();
                    fields.insert(key.clone(), changed);
                    all.push(Value::Object(fields));
                }
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                for changed in with_a_field_more(inner) {
                    let mut items = items.clone();
                    items[index] = changed;
                    all.push(Value::Array(items));
                }
            }
        }
        _ => {}
    }
    all
}

/// What a newer program adds must not be passed over in silence.
#[test]
fn what_is_not_known_is_an_error() {
    for event in every_event() {
        let value = serde_json::to_value(&event).unwrap();
        for more in with_a_field_more(&value) {
            let read = serde_json::from_value::<Event>(more.clone());
            assert!(read.is_err(), "{more}");
        }
    }
    for unknown in [
        json!({"kind": "opened", "body": {}}),
        json!({"kind": "Withdrawn", "body": {}}),
        json!({"body": {}}),
        json!({"kind": "claimed"}),
        json!({"kind": "settled", "body": {"attempt": 1, "ended": {"outcome": "lost"}}}),
        json!({"kind": "settled", "body": {"attempt": 1, "ended": {"receipt": "ok"}}}),
    ] {
        assert!(
            serde_json::from_value::<Event>(unknown.clone()).is_err(),
            "{unknown}"
        );
    }
}
