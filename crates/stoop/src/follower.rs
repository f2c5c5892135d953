//! An engine that is led through the inputs of a tape, to know what it remembers at any place of it.

use stoop_engine::{NoProbe, Pipeline, Receipt, Scope, State};
use stoop_model::Decision;
use stoop_tape::{Origin, Record, StateError, StateReader, TapeConfig, TapeConfigError, event_type};

use crate::{Config, ConfigError, RuleSetError};

/// Why a tape cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// A configuration on it is none.
    #[error(transparent)]
    ConfigEvent(#[from] TapeConfigError),
    /// A configuration on it cannot be used by this version.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its rules cannot.
    #[error(transparent)]
    Rules(#[from] RuleSetError),
    /// It begins with frames: nobody knows what rules there were.
    #[error("there is no configuration before the first frame")]
    NoConfig,
    /// A part of a state on it is none.
    #[error(transparent)]
    State(#[from] StateError),
    /// Parts of a state are missing.
    #[error("the state before a frame is not whole")]
    HalfState,
    /// It holds an input that cannot be given to the engine again.
    #[error("an event of type {0:?} cannot be followed: what came after it would be decided differently")]
    Unknown(String),
}

/// An engine that is led through the inputs of a tape, fused and without a clock.
///
/// A state on the tape is an input: from there on the engine goes on from it, with the configuration before it. So tapes
/// of several runs can be followed one after the other. Strategies are not on a tape.
#[derive(Default)]
pub struct Follower {
    config: Option<TapeConfig>,
    state: StateReader,
    /// Something about a configuration or a state has come since the engine was made.
    has_head: bool,
    pipeline: Option<Pipeline>,
    decisions: Vec<Decision>,
}

impl Follower {
    /// Leads the engine on by one record.
    pub fn follow(&mut self, record: &Record<'_>) -> Result<(), FollowError> {
        self.decisions.clear();
        match *record {
            Record::Frame { origin, recv_ns, bytes, .. } => {
                // What a row of history repeats, merge drops; so it may pass for one of any endpoint.
                let number = match origin {
                    Origin::Endpoint { number, .. } => *number,
                    Origin::History => 0,
                };
                let (pipeline, decisions) = self.engine(recv_ns)?;
                pipeline.frame_from(number, bytes, Receipt::At(recv_ns), &mut NoProbe, decisions);
                Ok(())
            }
            Record::Event { json, .. } => self.event(json),
            Record::Decision { .. } | Record::Unknown { .. } => Ok(()),
        }
    }

    /// Lets deadlines up to `at_ns` fire, Unix ns.
    pub fn tick(&mut self, at_ns: i64) -> Result<(), FollowError> {
        self.decisions.clear();
        let (pipeline, decisions) = self.engine(at_ns)?;
        pipeline.tick(at_ns, decisions);
        Ok(())
    }

    /// What the last call has led to.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The configuration that is in force; none before the first.
    pub fn config(&self) -> Option<&TapeConfig> {
        self.config.as_ref()
    }

    /// What the engine remembers now, at `at_ns` at the earliest.
    pub fn state(&mut self, at_ns: i64) -> Result<State, FollowError> {
        let (pipeline, _) = self.engine(at_ns)?;
        Ok(pipeline.save(Scope::All))
    }

    fn event(&mut self, json: &[u8]) -> Result<(), FollowError> {
        let kind = event_type(json);
        match kind.as_deref() {
            Some("config") => {
                self.config = Some(TapeConfig::from_event(json)?);
                self.has_head = true;
            }
            Some("state") => {
                self.state.event(json)?;
                self.has_head = true;
            }
            Some(kind @ ("external" | "generation")) => return Err(FollowError::Unknown(kind.to_owned())),
            // Of the connection, the clock and the recorder; times of inputs say all that the engine knows of them.
            Some(_) | None => {}
        }
        Ok(())
    }

    /// The engine that the last configuration and state make; the state is needed no more then.
    fn engine(&mut self, start_ns: i64) -> Result<(&mut Pipeline, &mut Vec<Decision>), FollowError> {
        if std::mem::take(&mut self.has_head) {
            let config = Config::from_tape(self.config.as_ref().ok_or(FollowError::NoConfig)?)?;
            let mut bounds = config.bounds;
            bounds.has_copies = config.endpoints.len() > 1;
            let reader = std::mem::take(&mut self.state);
            let state = match reader.announced() {
                Some(_) => Some(reader.finish().ok_or(FollowError::HalfState)?),
                // A new configuration alone: what was known stays.
                None => self.pipeline.as_mut().map(|pipeline| pipeline.save(Scope::All)),
            };
            let begin_ns = if state.is_some() { 0 } else { start_ns };
            let mut pipeline = Pipeline::new(config.rules()?, bounds, begin_ns);
            if let Some(state) = &state {
                pipeline.restore(state);
            }
            self.pipeline = Some(pipeline);
        }
        let pipeline = self.pipeline.as_mut().ok_or(FollowError::NoConfig)?;
        Ok((pipeline, &mut self.decisions))
    }
}
