use std::sync::Condvar;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::channel;

use super::*;

/// Where letters in flight wait for each other.
struct Meeting {
    size: usize,
    arrived: Mutex<usize>,
    changed: Condvar,
}

impl Meeting {
    fn of(size: usize) -> Self {
        Self {
            size,
            arrived: Mutex::new(0),
            changed: Condvar::new(),
        }
    }

    /// Waits until the group of this letter is complete, and says whether it came to that.
    fn join(&self) -> bool {
        let mut arrived = self.arrived.lock().unwrap();
        *arrived += 1;
        let complete = arrived.div_ceil(self.size) * self.size;
        self.changed.notify_all();
        let waited = self
            .changed
            .wait_timeout_while(arrived, PATIENCE, |arrived| *arrived < complete)
            .unwrap();
        !waited.1.timed_out()
    }
}

#[test]
fn three_connections_send_every_letter_once_and_three_at_a_time() {
    let mut case = Case::new(12);
    case.config.connections = count(3);
    let meeting = Meeting::of(3);
    let in_flight = AtomicUsize::new(0);
    let most = Arc::new(AtomicUsize::new(0));
    let measured = Arc::clone(&most);
    let run = case.run(move |_| {
        measured.fetch_max(
            1 + in_flight.fetch_add(1, Ordering::SeqCst),
            Ordering::SeqCst,
        );
        let met = meeting.join();
        in_flight.fetch_sub(1, Ordering::SeqCst);
        if met { taken() } else { rejected() }
    });
    let ids: HashSet<_> = run.ids().into_iter().collect();
    assert_eq!((run.calls.len(), ids.len()), (12, 12));
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert_eq!(case.counts().accepted, 12);
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
}

#[test]
fn what_is_in_flight_when_the_run_stops_is_settled() {
    let mut case = Case::new(5);
    case.config.connections = count(2);
    let meeting = Meeting::of(2);
    let (heard, stopping) = channel();
    let stopping = Mutex::new(stopping);
    let run = case.run_heard(
        move |call| {
            meeting.join();
            if call.id == "s1" {
                return Err(SendError::Unauthorised(said("535")));
            }
            let _ = stopping.lock().unwrap().recv_timeout(PATIENCE);
            taken()
        },
        |event| {
            if *event == (DispatchEvent::Stopping { in_flight: 1 }) {
                heard.send(()).unwrap();
            }
        },
    );
    assert_eq!(run.calls.len(), 2);
    assert!(
        run.events
            .contains(&DispatchEvent::Stopping { in_flight: 1 })
    );
    assert_eq!(run.ending(), &Ending::Unauthorised(said("535")));
    assert_eq!(case.letter("s1").state, LetterState::Pending);
    assert_eq!(case.letter("s2").state, LetterState::Accepted);
}

#[test]
fn of_two_throttles_at_once_the_longer_wait_is_kept() {
    let mut case = Case::new(4);
    case.config.connections = count(2);
    case.clock.held.store(true, Ordering::SeqCst);
    let meeting = Meeting::of(2);
    let (heard, first_answer) = channel();
    let first_answer = Mutex::new(first_answer);
    let clock = Arc::clone(&case.clock);
    let run = case.run_heard(
        move |call| {
            if call.number > 2 {
                return taken();
            }
            meeting.join();
            if call.id == "s1" {
                return throttled(Some(10 * MINUTE));
            }
            let _ = first_answer.lock().unwrap().recv_timeout(PATIENCE);
            throttled(Some(SECOND))
        },
        |event| match event {
            DispatchEvent::Retry { id, .. } if id == "s1" => heard.send(()).unwrap(),
            DispatchEvent::Retry { .. } => clock.held.store(false, Ordering::SeqCst),
            _ => {}
        },
    );
    assert_eq!(run.calls.len(), 6);
    assert!(
        run.calls[2..].iter().all(|call| call.at >= 10 * MINUTE),
        "{:?}",
        run.times()
    );
}

#[test]
fn a_server_that_asks_for_patience_gets_letters_one_at_a_time() {
    let mut case = Case::new(20);
    case.config.connections = count(4);
    case.config.messages_per_minute = NonZeroU32::new(1_000);
    case.config.backoff = 4 * SECOND;
    let meeting = Meeting::of(4);
    let (heard, asked) = channel();
    let asked = Mutex::new(asked);
    let run = case.run_heard(
        move |call| {
            if call.number > 4 {
                return taken();
            }
            meeting.join();
            if call.id == "s1" {
                return throttled(Some(MINUTE));
            }
            // The others are on their way until the request for patience has been heard.
            let _ = asked.lock().unwrap().recv_timeout(PATIENCE);
            taken()
        },
        |event| {
            if matches!(event, DispatchEvent::Retry { .. }) {
                (0..3).for_each(|_| heard.send(()).unwrap());
            }
        },
    );
    let after = &run.times()[4..];
    assert!(after[0] >= MINUTE, "{after:?}");
    // Three of the ten letters that win speed back were taken while it was asked for.
    for pair in after[..7].windows(2) {
        assert!(pair[1] >= pair[0] + 4 * SECOND, "{after:?}");
    }
    assert_eq!(case.counts().accepted, 20);
}

#[test]
fn answers_that_tell_of_one_outage_count_as_one() {
    let mut case = Case::new(6);
    (case.config.connections, case.config.attempts) = (count(3), count(3));
    case.clock.held.store(true, Ordering::SeqCst);
    let meeting = Meeting::of(3);
    let clock = Arc::clone(&case.clock);
    let mut answers = 0;
    let run = case.run_heard(
        move |call| {
            if call.number > 3 {
                return taken();
            }
            meeting.join();
            outage()
        },
        |event| {
            if matches!(
                event,
                DispatchEvent::Retry { .. } | DispatchEvent::LeftPending { .. }
            ) {
                answers += 1;
                clock.held.store(answers < 3, Ordering::SeqCst);
            }
        },
    );
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
    assert_eq!(case.counts().accepted, 6);
}
