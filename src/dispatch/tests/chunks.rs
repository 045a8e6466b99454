use super::*;

fn checkpoints(run: &Outcome) -> Vec<(u64, u64)> {
    run.events
        .iter()
        .filter_map(|event| match event {
            DispatchEvent::Checkpoint { counts } => Some((counts.accepted, counts.pending)),
            _ => None,
        })
        .collect()
}

fn chunks_of(chunk: u32, pause: Duration, schools: usize) -> Case {
    let mut case = Case::new(schools);
    (case.config.chunk, case.config.pause) = (count(chunk), pause);
    case
}

#[test]
fn a_pause_follows_every_chunk() {
    let case = chunks_of(3, 30 * SECOND, 7);
    let run = case.run(|_| taken());
    let times: Vec<_> = run.times().iter().map(Duration::as_secs).collect();
    assert_eq!(times, [0, 0, 0, 30, 30, 30, 60]);
    assert!(run.events.contains(&DispatchEvent::Waiting {
        reason: WaitReason::Pause,
        wait: 30 * SECOND,
    }));
}

#[test]
fn a_checkpoint_tells_the_figures_of_every_chunk_that_ends() {
    for pause in [Duration::ZERO, 30 * SECOND] {
        let case = chunks_of(3, pause, 8);
        let run = case.run(|_| taken());
        assert_eq!(checkpoints(&run), [(3, 5), (6, 2)]);
    }
}

#[test]
fn no_pause_follows_the_last_letter() {
    let case = chunks_of(3, 30 * SECOND, 6);
    let run = case.run(|_| taken());
    assert_eq!(checkpoints(&run), [(3, 3), (6, 0)]);
    assert_eq!(case.clock.elapsed(), 30 * SECOND);
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
}

#[test]
fn a_pause_begins_with_the_last_answer_of_its_chunk() {
    let case = chunks_of(2, 30 * SECOND, 3);
    let clock = Arc::clone(&case.clock);
    let run = case.run(move |_| {
        clock.manual.advance(5 * SECOND);
        taken()
    });
    let times: Vec<_> = run.times().iter().map(Duration::as_secs).collect();
    assert_eq!(times, [0, 5, 40]);
}
