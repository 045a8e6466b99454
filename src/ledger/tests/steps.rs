use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever is claimed, settled or cut off, no letter is lost and none is pending again after
    /// it may have gone out.
    #[test]
    fn no_step_loses_a_letter(steps in prop::collection::vec((0..3_usize, 0..6_u8), 1..25)) {
        let case = Case::new();
        let mut ledger = case.ledger();
        let mut went_out = [false; 3];
        for (letter, step) in steps {
            if step == 5 {
                drop(ledger);
                ledger = open(&case.path()).unwrap();
                continue;
            }
            let Some(pending) = ledger.pending(None, 3).unwrap().into_iter().find(|p| p.position == letter) else {
                continue;
            };
            prop_assert!(!went_out[letter], "a letter that may have gone out is pending again");
            let claimed = ledger.commit(&[], &[claim(pending.seq, 1)]).unwrap()[0];
            let answer = Answer::default();
            let outcome = match step {
                0 => accepted(),
                1 => Outcome::Rejected(answer),
                2 => Outcome::InDoubt(answer),
                3 => Outcome::NotTaken(answer),
                _ => { went_out[letter] = true; continue; }
            };
            went_out[letter] = step != 3;
            ledger.commit(&[Settlement { claim: claimed, outcome, at: at(2), request_ids: Vec::new() }], &[]).unwrap();
        }
        prop_assert_eq!(ledger.counts().unwrap().total(), 3);
        prop_assert_eq!(ledger.check_log(None).unwrap().flaw, None);
    }
}
