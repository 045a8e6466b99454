use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;

/// Somebody looks into the file with another program, which takes the lock for a moment.
#[test]
fn a_lock_of_another_program_is_waited_for() {
    let case = Case::new();
    let mut ledger = case.ledger();
    let seq = ledger.pending(None, 1).unwrap()[0].seq;
    let (locked, is_locked) = channel();
    let (tried, has_tried) = channel::<()>();
    let path = case.path();
    let other = thread::spawn(move || {
        let db = Connection::open(path).unwrap();
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        locked.send(()).unwrap();
        // Who does not wait has failed by then; who does is let in.
        let _ = has_tried.recv_timeout(Duration::from_millis(200));
        db.execute_batch("ROLLBACK").unwrap();
    });
    is_locked.recv().unwrap();
    let committed = ledger.commit(&[], &[claim(seq, 1)]);
    drop(tried);
    other.join().unwrap();
    assert_eq!(committed.unwrap().len(), 1);
}

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
            let answer = Reply::default();
            let ended = match step {
                0 => accepted(),
                1 => SettledAs::Rejected(answer),
                2 => SettledAs::InDoubt(answer),
                3 => SettledAs::NotTaken(answer),
                _ => { went_out[letter] = true; continue; }
            };
            went_out[letter] = step != 3;
            ledger.commit(&[settlement(claimed, ended, 2)], &[]).unwrap();
        }
        prop_assert_eq!(ledger.counts().unwrap().total(), 3);
        prop_assert_eq!(ledger.check_log(None).unwrap().flaw, None);
    }
}
