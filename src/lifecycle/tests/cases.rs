//! Single histories that are worth a name.

use super::*;

const A: &str = "a@x.example";
const B: &str = "b@x.example";

/// A letter with these events, of which the last may be refused.
fn after(events: &[Event]) -> Result<LetterHistory, Illegal> {
    let mut letter = None;
    for (second, event) in (1..).zip(events) {
        letter = Some(LetterHistory::apply(letter, at(second), event)?);
    }
    Ok(letter.unwrap())
}

/// A letter to two addresses that a server took for the first.
fn sent() -> Vec<Event> {
    vec![
        planned(message("one", &[A, B])),
        claimed(1, "one@x.example"),
        Event::Settled(settling(1, accepted(&[B]))),
    ]
}

/// The same letter, opened again to the second.
fn opened() -> Vec<Event> {
    let whole = message("one", &[A, B]);
    [sent(), vec![reopened(false, whole, message("two", &[B]))]].concat()
}

fn with(mut events: Vec<Event>, more: &[Event]) -> Result<LetterHistory, Illegal> {
    events.extend(more.iter().cloned());
    after(&events)
}

fn delivered(message_id: &str, address: &str) -> Event {
    Event::Delivered(address_return(message_id, address, false))
}

fn bounced(message_id: &str, address: &str, hard: bool) -> Event {
    Event::Bounced(address_return(message_id, address, hard))
}

#[test]
fn a_letter_is_not_opened_again_to_whoever_has_it_unless_that_is_meant() {
    let whole = message("one", &[A, B]);
    let again = message("two", &[A, B]);
    let once = with(sent(), &[reopened(false, whole.clone(), again.clone())]);
    assert_eq!(once, Err(Illegal::HasIt));
    let letter = with(sent(), &[reopened(true, whole.clone(), again)]).unwrap();
    assert_eq!(letter.state, LetterState::Pending);
    let upper = message("two", &["A@X.EXAMPLE"]);
    let other_case = with(sent(), &[reopened(false, whole.clone(), upper)]);
    assert_eq!(other_case, Err(Illegal::HasIt));
    let nobody = with(
        sent(),
        &[reopened(true, whole.clone(), message("two", &[]))],
    );
    assert_eq!(nobody, Err(Illegal::Nobody));
    let same_id = with(sent(), &[reopened(true, whole.clone(), whole)]);
    assert_eq!(same_id, Err(Illegal::SameMessageId));
}

#[test]
fn a_letter_that_was_never_accepted_is_not_opened_again() {
    let whole = message("one", &[A]);
    let again = reopened(true, whole.clone(), message("two", &[A]));
    let events = [planned(whole), claimed(1, "one@x.example")];
    for more in [
        vec![],
        vec![events[1].clone(), Event::Settled(settling(1, rejected()))],
        vec![events[1].clone(), Event::CutOff {}],
    ] {
        let start = [vec![events[0].clone()], more].concat();
        assert!(with(start, std::slice::from_ref(&again)).is_err());
    }
}

#[test]
fn a_new_plan_leaves_what_a_person_opened_again_as_they_saw_it() {
    let other = message("other", &[A, B]);
    let letter = with(opened(), &[planned(other.clone())]).unwrap();
    assert_eq!(letter.sending().unwrap().message, message("two", &[B]));
    assert_eq!(letter.planned, Some(other));
}

#[test]
fn opening_again_replaces_what_nobody_was_handed_and_nothing_else() {
    let again = reopened(false, message("one", &[A, B]), message("three", &[B]));
    let letter = with(opened(), std::slice::from_ref(&again)).unwrap();
    let ids = |letter: &LetterHistory| -> Vec<String> {
        let sendings = letter.sendings.iter();
        sendings
            .map(|sending| sending.message.message_id.clone())
            .collect()
    };
    assert_eq!(ids(&letter), ["one@x.example", "three@x.example"]);
    let tried = [
        claimed(2, "two@x.example"),
        Event::Settled(settling(2, not_taken())),
        again,
    ];
    let letter = with(opened(), &tried).unwrap();
    assert_eq!(
        ids(&letter),
        ["one@x.example", "two@x.example", "three@x.example"]
    );
}

#[test]
fn a_letter_in_doubt_is_not_closed() {
    let events = [claimed(2, "two@x.example"), Event::CutOff {}, closed()];
    assert!(with(opened(), &events).is_err());
    assert_eq!(
        with(opened(), &events[2..]).unwrap(),
        after(&sent()).unwrap()
    );
}

/// What was sent stays in the record when the list no longer has the recipient.
#[test]
fn a_letter_that_was_opened_again_and_withdrawn_is_still_accepted() {
    for more in [
        vec![Event::Withdrawn {}],
        vec![
            claimed(2, "two@x.example"),
            Event::Settled(settling(2, rejected())),
            Event::Withdrawn {},
        ],
        vec![
            claimed(2, "two@x.example"),
            Event::CutOff {},
            Event::Withdrawn {},
            resolved(false),
        ],
    ] {
        let letter = with(opened(), &more).unwrap();
        assert_eq!(letter.state, LetterState::Accepted);
        assert!(!letter.is_listed);
        let letter = with(
            opened(),
            &[more, vec![planned(message("one", &[A, B]))]].concat(),
        );
        assert_eq!(letter.unwrap().state, LetterState::Accepted);
    }
}

/// A look-up that finds nothing must not send again what a mailbox already has.
#[test]
fn mail_that_came_back_settles_a_doubt() {
    let doubt = |more: Event| {
        let events = [
            planned(message("one", &[A])),
            claimed(1, "one@x.example"),
            Event::CutOff {},
            more,
        ];
        after(&events).unwrap()
    };
    let answer = |message_id: &str| Event::AutomaticAnswer {
        message_id: message_id.into(),
        evidence: "mail 1".into(),
    };
    for more in [
        delivered("one@x.example", A),
        bounced("one@x.example", A, true),
        answer("one@x.example"),
        correction("one@x.example", A, AddressOutcome::Delivered),
    ] {
        let letter = doubt(more);
        assert_eq!(letter.state, LetterState::Accepted);
        assert_eq!(letter.error, None);
        let absent = Event::LookedUp(settling(1, not_taken()));
        assert!(LetterHistory::apply(Some(letter), at(9), &absent).is_err());
    }
    let unknown = correction("one@x.example", A, AddressOutcome::Unknown);
    assert_eq!(doubt(unknown).state, LetterState::InDoubt);
    // It is the message in doubt that it has to be about.
    let in_doubt = [claimed(2, "two@x.example"), Event::CutOff {}];
    let letter = with(
        opened(),
        &[in_doubt.to_vec(), vec![answer("one@x.example")]].concat(),
    );
    assert_eq!(letter.unwrap().state, LetterState::InDoubt);
}

/// A person was wrong about a message, or a server was, and the list wants another one meanwhile.
#[test]
fn what_went_out_after_all_is_not_sent_in_another_form() {
    let start = [
        planned(message("one", &[A])),
        claimed(1, "one@x.example"),
        Event::CutOff {},
        planned(message("other", &[A, B])),
        resolved(false),
    ];
    let pending = after(&start).unwrap();
    assert_eq!(
        pending.sending().unwrap().message,
        message("other", &[A, B])
    );
    let letter = with(start.to_vec(), &[delivered("one@x.example", A)]).unwrap();
    assert_eq!(letter.state, LetterState::Accepted);
    assert!(letter.has_it(A));
    assert_eq!(letter.changes().new_addresses, [B]);
}

#[test]
fn a_message_that_was_never_handed_over_has_no_answers() {
    let start = planned(message("one", &[A]));
    for event in [
        delivered("one@x.example", A),
        Event::Answer {
            message_id: "one@x.example".into(),
            evidence: "mail 1".into(),
        },
    ] {
        let refused = after(&[start.clone(), event.clone()]);
        let kind = event.kind();
        assert_eq!(refused, Err(Illegal::NoSending { event: kind }));
    }
    let refused = with(opened(), &[delivered("two@x.example", B)]);
    assert_eq!(refused, Err(Illegal::NoSending { event: "delivered" }));
    let refused = with(sent(), &[delivered("one@x.example", "c@x.example")]);
    assert_eq!(refused, Err(Illegal::NoAddress { event: "delivered" }));
}

/// Mail that came back before the doubt was settled said nothing of who has it.
#[test]
fn an_address_is_accepted_with_its_message_though_something_was_said_of_it_before() {
    let events = [
        planned(message("one", &[A, B])),
        claimed(1, "one@x.example"),
        Event::Delayed(address_return("one@x.example", A, false)),
        Event::Settled(settling(1, accepted(&[]))),
    ];
    let letter = after(&events).unwrap();
    assert!(letter.has_it(A));
    assert!(letter.open_addresses().is_empty());
}

#[test]
fn a_person_may_say_that_a_refused_address_has_it() {
    let letter = after(&sent()).unwrap();
    assert_eq!(letter.open_addresses(), [B]);
    let says = correction("one@x.example", B, AddressOutcome::Delivered);
    let letter = with(sent(), std::slice::from_ref(&says)).unwrap();
    assert!(letter.open_addresses().is_empty());
    // What was opened again for its sake is over.
    let letter = with(opened(), std::slice::from_ref(&says)).unwrap();
    assert_eq!(letter.state, LetterState::Accepted);
    assert_eq!(letter.sendings.len(), 1);
}

#[test]
fn the_heavier_return_stays() {
    let outcome = |events: &[Event]| {
        let letter = with(sent(), events).unwrap();
        let fate = letter.sendings[0].fate(A).unwrap();
        let returned = fate.returned.unwrap();
        (returned.outcome, returned.hard)
    };
    let id = "one@x.example";
    let (hard, soft) = (bounced(id, A, true), bounced(id, A, false));
    let both = [hard.clone(), soft.clone()];
    assert_eq!(outcome(&both), (AddressOutcome::Bounced, true));
    assert_eq!(
        outcome(&[soft, hard.clone()]),
        (AddressOutcome::Bounced, true)
    );
    let later = [hard.clone(), delivered(id, A)];
    assert_eq!(outcome(&later), (AddressOutcome::Bounced, true));
    let corrected = [hard, correction(id, A, AddressOutcome::Delivered)];
    assert_eq!(outcome(&corrected), (AddressOutcome::Delivered, false));
}

/// A refusal is tried again on purpose only, unless the list had dropped the recipient meanwhile.
#[test]
fn a_rejected_letter_waits_for_a_person() {
    let start = vec![
        planned(message("one", &[A])),
        claimed(1, "one@x.example"),
        Event::Settled(settling(1, rejected())),
    ];
    let other = planned(message("other", &[B]));
    let letter = with(start.clone(), std::slice::from_ref(&other)).unwrap();
    assert_eq!(letter.state, LetterState::Rejected);
    let letter = with(start.clone(), &[other, Event::RetryRejected {}]).unwrap();
    assert_eq!(letter.state, LetterState::Pending);
    assert_eq!(letter.sendings[0].state, SendingState::Rejected);
    assert_eq!(letter.sending().unwrap().message, message("other", &[B]));
    let again = [Event::Withdrawn {}, planned(message("one", &[A]))];
    let letter = with(start, &again).unwrap();
    assert_eq!(letter.state, LetterState::Pending);
    assert_eq!(letter.sending().unwrap().state, SendingState::Ready);
}

/// A bounce of what a server refused does not say that anybody else took it.
#[test]
fn a_bounce_leaves_a_rejected_letter_as_it_is() {
    let start = vec![
        planned(message("one", &[A])),
        claimed(1, "one@x.example"),
        Event::Settled(settling(1, rejected())),
    ];
    let letter = with(start.clone(), &[bounced("one@x.example", A, true)]).unwrap();
    assert_eq!(letter.state, LetterState::Rejected);
    let letter = LetterHistory::apply(Some(letter), at(9), &Event::RetryRejected {}).unwrap();
    assert_eq!(letter.state, LetterState::Pending);
    let letter = with(start, &[delivered("one@x.example", A)]).unwrap();
    assert_eq!(letter.state, LetterState::Accepted);
}

/// A bounce that comes late is about the message that it names, and where two tries of a letter
/// had one Message-ID, about the later.
#[test]
fn a_return_is_about_the_last_try_of_its_message() {
    let try_of = |attempt: i64, name: &str| {
        [
            planned(message(name, &[A])),
            claimed(attempt, &format!("{name}@x.example")),
            Event::Settled(settling(attempt, not_taken())),
        ]
    };
    let mut events = [try_of(1, "one"), try_of(2, "other"), try_of(3, "one")].concat();
    events.pop();
    events.push(Event::Settled(settling(3, accepted(&[]))));
    let letter = with(events, &[bounced("one@x.example", A, true)]).unwrap();
    assert!(!letter.has_it(A));
    assert_eq!(letter.open_addresses(), [A]);
}

#[test]
fn one_message_id_is_not_two_messages() {
    let start = [
        planned(message("one", &[A])),
        claimed(1, "one@x.example"),
        Event::CutOff {},
    ];
    let forged = PlannedMessage {
        digest: digest("another"),
        ..message("one", &[B])
    };
    let refused = with(start.to_vec(), &[planned(forged)]);
    assert_eq!(refused, Err(Illegal::SameMessageId));
}
