use super::*;
use crate::ledger::Claim;

/// Two letters, of which the first is in doubt.
fn one_in_doubt() -> Case {
    let mut case = Case::new(2);
    case.limit = Some(1);
    case.run(|_| in_doubt());
    case.limit = None;
    case
}

#[test]
fn a_letter_in_doubt_that_is_found_is_accepted_and_not_sent() {
    let mut case = one_in_doubt();
    case.look_up = Ok(LookUp::Found(Receipt {
        text: "in Sent Items".into(),
        ..Receipt::default()
    }));
    let run = case.run(|_| taken());
    assert_eq!(run.ids(), ["s2"]);
    let letter = case.letter("s1");
    assert_eq!(letter.state, LetterState::Accepted);
    assert_eq!(sending(&letter).receipt.as_deref(), Some("in Sent Items"));
    assert_eq!(
        run.events[0],
        DispatchEvent::FoundAccepted { id: "s1".into() }
    );
}

#[test]
fn a_letter_in_doubt_that_certainly_did_not_go_out_is_sent_in_this_run() {
    let mut case = one_in_doubt();
    case.look_up = Ok(LookUp::Absent);
    let run = case.run(|_| taken());
    assert_eq!(run.ids(), ["s1", "s2"]);
    assert_eq!(
        run.events[0],
        DispatchEvent::FoundUnsent { id: "s1".into() }
    );
    assert_eq!(case.counts().accepted, 2);
}

#[test]
fn a_letter_in_doubt_that_cannot_be_looked_up_stays_so_and_is_not_sent() {
    for answer in [
        Ok(LookUp::Unknown),
        Err(SendError::Unauthorised(said("401"))),
    ] {
        let mut case = one_in_doubt();
        case.look_up = answer;
        let run = case.run(|_| taken());
        assert_eq!(run.looked_up.len(), 1);
        assert_eq!(run.ids(), ["s2"]);
        assert_eq!(run.ending(), &Ending::Finished { left: 0 });
        assert_eq!(case.letter("s1").state, LetterState::InDoubt);
    }
}

#[test]
fn a_letter_in_doubt_is_not_looked_up_where_it_was_not_given_to() {
    let mut case = one_in_doubt();
    case.transport = "smtp another.example:25";
    case.look_up = Ok(LookUp::Absent);
    let run = case.run(|_| taken());
    assert!(run.looked_up.is_empty());
    assert_eq!(run.ids(), ["s2"]);
    assert_eq!(case.letter("s1").state, LetterState::InDoubt);
}

#[test]
fn a_letter_is_looked_up_by_the_message_id_that_it_was_handed_over_with() {
    let mut case = Case::new(2);
    case.limit = Some(1);
    let first = case.run(|_| in_doubt());
    let second = case.run(|_| taken());
    let handed_over = &first.calls[0];
    assert_eq!(
        second.looked_up,
        [(handed_over.id.clone(), handed_over.message_id.clone())]
    );
}

#[test]
fn a_letter_whose_run_was_cut_off_is_looked_up_and_not_simply_sent() {
    let case = Case::new(2);
    let mut ledger = case.ledger();
    let claim = Claim {
        seq: ledger.pending(None, 1).unwrap()[0].seq,
        bytes: 100,
        addresses: 2,
        at: case.clock.now(),
        trace: String::new(),
    };
    ledger.commit(&[], &[claim]).unwrap();
    drop(ledger);
    let run = case.run(|_| taken());
    assert_eq!(run.looked_up[0].0, "s1");
    assert_eq!(run.ids(), ["s2"]);
    assert_eq!(case.letter("s1").state, LetterState::InDoubt);
}

#[test]
fn a_server_that_asks_for_patience_at_a_look_up_gets_it() {
    let mut case = one_in_doubt();
    case.look_up = Err(SendError::Throttled {
        wait: Some(MINUTE),
        answer: said("429"),
    });
    let run = case.run(|_| taken());
    assert_eq!(run.times(), [MINUTE]);
    assert_eq!(case.letter("s1").state, LetterState::InDoubt);
}
