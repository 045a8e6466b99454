//! One event of every kind. The chain is an exhaustive match, so that a kind that is added has to be
//! put into it, and with that into every test that goes through them.

use super::*;

/// All of them: each kind, and each way in which a kind ends that matters to what follows.
pub(super) fn every_event() -> Vec<Event> {
    std::iter::successors(Some(first()), next).collect()
}

/// The kind, and what else tells two samples apart.
pub(super) fn name(event: &Event) -> String {
    let detail = match event {
        Event::Settled(settling) | Event::LookedUp(settling) => match settling.ended {
            SettledAs::Accepted(Accepted { rest: None, .. }) => "accepted",
            SettledAs::Accepted(_) => "accepted in part",
            SettledAs::Rejected(_) => "rejected",
            SettledAs::Refused(_) => "refused",
            SettledAs::InDoubt(_) => "in doubt",
            SettledAs::NotTaken(_) => "not taken",
        },
        Event::Resolved(word) if word.accepted => "accepted",
        Event::Resolved(_) => "unsent",
        _ => return event.kind().to_owned(),
    };
    format!("{}: {detail}", event.kind())
}

fn first() -> Event {
    Event::Created { batch: "b".into() }
}

fn run_begun(place: Option<&str>) -> RunBegun {
    RunBegun {
        program: "0.1.0".into(),
        command: "send".into(),
        transport: "smtp relay.example:25".into(),
        pid: 4711,
        host: "office".into(),
        place: place.map(str::to_owned),
    }
}

fn upgraded() -> Event {
    Event::Upgraded(Box::new(Upgraded {
        batch: "b".into(),
        from: 3,
        flaw: None,
        plan: Some("p".into()),
        sources: None,
        runs: vec![LegacyRun {
            number: 1,
            begun: run_begun(None),
            began_at: at(1),
            ended_at: Some(at(2)),
            ending: Some("done".into()),
        }],
        waits: vec![LegacyWait {
            run: Some(1),
            at: at(1),
            milliseconds: 30_000,
        }],
    }))
}

/// A letter that was accepted, with one address refused and one bounced, and opened again.
pub(super) fn carried_letter() -> LetterHistory {
    let whole = message("one", &["a@x.example", "b@x.example", "c@x.example"]);
    let again = message("two", &["a@x.example"]);
    let mut letter = None;
    for event in [
        planned(whole.clone()),
        claimed(1, "one@x.example"),
        Event::Settled(settling(1, accepted(&["a@x.example"]))),
        Event::Bounced(address_return("one@x.example", "b@x.example", true)),
        reopened(true, whole, again),
    ] {
        letter = Some(LetterHistory::apply(letter, at(5), &event).unwrap());
    }
    letter.unwrap()
}

fn carried_over() -> Event {
    let claiming = Claiming {
        attempt: 1,
        trace: "trace-1".into(),
        message_id: "one@x.example".into(),
        bytes: 5000,
        addresses: 3,
    };
    let attempt = Attempt::of(&claiming, 1, Some(1), at(1));
    let settled = Event::Settled(settling(1, rejected()));
    Event::CarriedOver(Box::new(CarriedOver {
        position: Some(3),
        letter: carried_letter(),
        attempts: vec![attempt.apply(at(2), &settled).unwrap()],
    }))
}

fn next(event: &Event) -> Option<Event> {
    let of = |hard| address_return("one@x.example", "a@x.example", hard);
    let answer = ("one@x.example".to_owned(), "mail 2".to_owned());
    let next = match event {
        Event::Created { .. } => upgraded(),
        Event::Upgraded(_) => carried_over(),
        Event::CarriedOver(_) => Event::RunBegun(run_begun(Some("/batch/b.state.db"))),
        Event::RunBegun(_) => Event::RunEnded {
            ending: "done".into(),
        },
        Event::RunEnded { .. } => Event::Throttled {
            milliseconds: 30_000,
        },
        Event::Throttled { .. } => Event::PlanAdopted(PlanAdopted {
            plan: "p".into(),
            destination: Some("smtp relay.example:587, starttls".into()),
            letters: 3,
            sources: digest("sources"),
            names: None,
        }),
        Event::PlanAdopted(_) => Event::SourcesChanged {
            sources: digest("sources"),
        },
        Event::SourcesChanged { .. } => Event::RehearsalCleared {},
        Event::RehearsalCleared {} => planned(message("one", &["a@x.example"])),
        Event::Planned(_) => Event::Withdrawn {},
        Event::Withdrawn {} => claimed(1, "one@x.example"),
        Event::Claimed(_) => Event::Noted {
            attempt: 1,
            text: "draft 7".into(),
        },
        Event::Noted { .. } => narrowed(1, &["b@x.example"], &["a@x.example"]),
        Event::Narrowed(_) => Event::Settled(settling(1, accepted(&["b@x.example"]))),
        Event::Settled(settled) => match settled.ended {
            SettledAs::Accepted(Accepted { rest: None, .. }) => Event::Settled(settling(
                1,
                accepted_but_for(message("rest", &["a@x.example"])),
            )),
            SettledAs::Accepted(_) => Event::Settled(settling(1, rejected())),
            SettledAs::Rejected(_) => Event::Settled(settling(1, refused_again())),
            SettledAs::Refused(_) => Event::Settled(settling(1, in_doubt())),
            SettledAs::InDoubt(_) => Event::Settled(settling(1, not_taken())),
            SettledAs::NotTaken(_) => Event::CutOff {},
        },
        Event::CutOff {} => Event::LookedUp(settling(1, accepted(&[]))),
        Event::LookedUp(settled) => match settled.ended {
            SettledAs::Accepted(_) => Event::LookedUp(settling(1, rejected())),
            SettledAs::Rejected(_) => Event::LookedUp(settling(1, refused_again())),
            SettledAs::Refused(_) => Event::LookedUp(settling(1, in_doubt())),
            SettledAs::InDoubt(_) => Event::LookedUp(settling(1, not_taken())),
            SettledAs::NotTaken(_) => resolved(true),
        },
        Event::Resolved(word) if word.accepted => resolved(false),
        Event::Resolved(_) => Event::RetryRejected {},
        Event::RetryRejected {} => reopened(
            false,
            message("one", &["a@x.example", "b@x.example"]),
            message("two", &["b@x.example"]),
        ),
        Event::Reopened(_) => closed(),
        Event::Closed { .. } => Event::Bounced(of(true)),
        Event::Bounced(_) => Event::Delayed(of(false)),
        Event::Delayed(_) => Event::Relayed(of(false)),
        Event::Relayed(_) => Event::Delivered(of(false)),
        Event::Delivered(_) => Event::AutomaticAnswer {
            message_id: answer.0,
            evidence: answer.1,
        },
        Event::AutomaticAnswer { .. } => Event::Answer {
            message_id: answer.0,
            evidence: answer.1,
        },
        Event::Answer { .. } => Event::Read {
            message_id: answer.0,
            reader: Some("a@x.example".into()),
            evidence: answer.1,
        },
        Event::Read { .. } => Event::Suspected(of(true)),
        Event::Suspected(_) => Event::Unclear {
            message_id: answer.0,
            why: "a server gave up at another address".into(),
            evidence: answer.1,
        },
        Event::Unclear { .. } => Event::Reviewed {
            by: "ann on office".into(),
            because: "asked the school".into(),
        },
        Event::Reviewed { .. } => {
            correction("one@x.example", "a@x.example", AddressOutcome::Delivered)
        }
        Event::Correction { .. } => return None,
    };
    Some(next)
}
