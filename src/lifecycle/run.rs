//! A run of the program on a state file.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::RunBegun;
use super::{Event, Illegal};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It is at work, or it was cut off and no later run has begun.
    Active,
    /// It has said how it ended.
    Ended,
    /// It ended without a word.
    CutOff,
}

impl RunState {
    /// The word in tables and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Ended => "ended",
            Self::CutOff => "cut_off",
        }
    }

    /// The state with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Ended, Self::CutOff]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Who began it, and with what.
    pub begun: RunBegun,
    /// When.
    pub began_at: Timestamp,
    /// Where it stands.
    pub state: RunState,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How.
    pub ending: Option<String>,
}

impl Run {
    /// A run that begins.
    ///
    /// # Errors
    /// When the event is another one.
    pub fn begin(at: Timestamp, event: &Event) -> Result<Self, Illegal> {
        match event {
            Event::RunBegun(begun) => Ok(Self {
                begun: begun.clone(),
                began_at: at,
                state: RunState::Active,
                ended_at: None,
                ending: None,
            }),
            other => Err(Illegal::NoRun {
                event: other.kind(),
            }),
        }
    }

    /// What the run becomes by an event: the beginning of the next one cuts it off.
    ///
    /// # Errors
    /// When the event cannot follow.
    pub fn apply(mut self, at: Timestamp, event: &Event) -> Result<Self, Illegal> {
        match (self.state, event) {
            (RunState::Active, Event::RunEnded { ending }) => {
                self.state = RunState::Ended;
                self.ended_at = Some(at);
                self.ending = Some(ending.clone());
                Ok(self)
            }
            (RunState::Active, Event::RunBegun(_)) => {
                self.state = RunState::CutOff;
                Ok(self)
            }
            (RunState::Ended | RunState::CutOff, Event::RunBegun(_)) => Ok(self),
            (state, other) => Err(Illegal::Step {
                state: state.word(),
                event: other.kind(),
            }),
        }
    }
}
