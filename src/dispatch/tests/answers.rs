use super::*;
use crate::address::Address;
use crate::lifecycle::Reply;
use crate::transport::Code;

#[test]
fn an_accepted_letter_is_recorded_with_receipt_and_moment() {
    let case = Case::new(1);
    let clock = Arc::clone(&case.clock);
    let run = case.run(move |_| {
        clock.manual.advance(SECOND);
        taken()
    });
    let letter = case.letter("s1");
    assert_eq!(letter.state, LetterState::Accepted);
    assert_eq!(sending(&letter).receipt.as_deref(), Some("250 queued"));
    assert_eq!(
        sending(&letter).accepted_at,
        Some(run.calls[0].wall + SECOND)
    );
    assert_eq!((letter.letter.attempts(), letter.letter.error), (1, None));
    let event = DispatchEvent::Accepted {
        id: "s1".into(),
        receipt: "250 queued".into(),
        refused: Vec::new(),
    };
    assert_eq!(run.events, [event]);
}

#[test]
fn a_rejected_letter_is_recorded_with_the_words_and_not_sent_again() {
    let case = Case::new(1);
    let run = case.run(|_| rejected());
    let letter = case.letter("s1");
    assert_eq!(letter.state, LetterState::Rejected);
    let reply = Reply {
        code: "550".into(),
        text: "the words of the server".into(),
    };
    assert_eq!(letter.letter.error, Some(reply));
    let event = DispatchEvent::Rejected {
        id: "s1".into(),
        answer: said("550"),
    };
    assert_eq!(run.events, [event]);
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
    assert!(case.run(|_| taken()).calls.is_empty());
}

#[test]
fn a_letter_that_may_have_gone_out_is_in_doubt_and_not_tried_again() {
    let case = Case::new(2);
    let run = case.run(|call| if call.id == "s1" { in_doubt() } else { taken() });
    assert_eq!(run.ids(), ["s1", "s2"]);
    assert_eq!(case.letter("s1").state, LetterState::InDoubt);
    assert_eq!(case.letter("s2").state, LetterState::Accepted);
    assert!(run.events.contains(&DispatchEvent::InDoubt {
        id: "s1".into(),
        answer: said("cut"),
    }));
}

#[test]
fn an_address_refused_of_a_letter_taken_is_recorded_whole_and_reported_masked() {
    let case = Case::new(1);
    let run = case.run(|_| {
        let head = Address::parse("head1@school.example").unwrap();
        Ok(Receipt {
            text: "250 queued".into(),
            not_taken_for: NotTakenFor {
                refused: vec![(head, Answer::new(Code::Smtp(550), "no such person"))],
                ..NotTakenFor::default()
            },
            wait: None,
        })
    });
    let letter = case.letter("s1");
    assert_eq!(letter.state, LetterState::Accepted);
    let open = letter.letter.open_addresses();
    assert_eq!(open, ["head1@school.example"]);
    let refusal = Reply {
        code: "550".into(),
        text: "no such person".into(),
    };
    let fate = sending(&letter).known_fate(open[0]).unwrap();
    assert_eq!(fate.refusal.as_ref(), Some(&refusal));
    match &run.events[..] {
        [DispatchEvent::Accepted { refused, .. }] => {
            assert_eq!(refused[0].1, Answer::new(Code::Smtp(550), "no such person"));
            assert!(!refused[0].0.contains("head1"), "{}", refused[0].0);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_letter_is_handed_over_under_the_message_id_in_the_ledger() {
    let case = Case::new(3);
    let run = case.run(|_| taken());
    for call in &run.calls {
        let letter = case.letter(&call.id);
        assert_eq!(call.message_id, sending(&letter).message.message_id);
    }
}

#[test]
fn a_letter_that_is_taken_later_keeps_no_error() {
    let case = Case::new(1);
    case.run(|call| {
        if call.attempt < 3 {
            transient()
        } else {
            taken()
        }
    });
    let letter = case.letter("s1");
    assert_eq!(letter.state, LetterState::Accepted);
    assert_eq!((letter.letter.attempts(), letter.letter.error), (3, None));
}
