use super::*;

fn word(accepted: bool) -> PersonalWord {
    PersonalWord {
        accepted,
        by: "ann on office".into(),
        because: Some("it is in the Sent folder".into()),
    }
}

#[test]
fn resolving_takes_all_or_none() {
    let case = Case::new();
    let mut ledger = case.ledger();
    let pending = ledger.pending(None, 2).unwrap();
    ledger
        .commit(&[], &[claim(pending[0].seq, 1), claim(pending[1].seq, 1)])
        .unwrap();
    drop(ledger);
    let mut ledger = open(&case.path()).unwrap();
    let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let refusal = ledger
        .resolve(&ids(&["a", "c"]), &word(true), at(3))
        .unwrap_err()
        .to_string();
    assert!(refusal.contains("c is pending"), "{refusal}");
    assert_eq!(ledger.counts().unwrap().in_doubt, 2);
    ledger.resolve(&ids(&["a"]), &word(true), at(3)).unwrap();
    ledger.resolve(&ids(&["b"]), &word(false), at(3)).unwrap();
    assert_eq!(states(&ledger)[0].1, LetterState::Accepted);
    assert_eq!(states(&ledger)[1].1, LetterState::Pending);
}

#[test]
fn a_letter_in_doubt_that_left_the_manifest_is_not_pending_when_it_is_resolved_as_unsent() {
    let case = Case::new();
    let mut ledger = case.ledger();
    let first = ledger.pending(None, 1).unwrap()[0].seq;
    ledger.commit(&[], &[claim(first, 1)]).unwrap();
    drop(ledger);
    let mut ledger = open(&case.path()).unwrap();
    ledger
        .adopt(
            "plan2",
            "smtp relay.example:587, starttls",
            &SOURCES,
            ["b", "c"].map(|id| planned(id, 1)).into_iter(),
        )
        .unwrap();
    ledger
        .resolve(&["a".to_owned()], &word(false), at(3))
        .unwrap();
    assert_eq!(ledger.counts().unwrap().total(), 2);
    assert_eq!(ledger.pending(None, 9).unwrap().len(), 2);
}
