//! An engine that is led through the inputs of a tape, to know what it remembers at any place of it.

use std::collections::BTreeMap;

use stoop_engine::{Input, Missed, Origin, Pipeline, Receipt, Scope, State};
use stoop_model::Decision;
use stoop_tape::{
    Origin as TapeOrigin, Record, StateError, StateReader, TapeConfig, TapeConfigError, event_type,
    read_event,
};

use crate::{Config, ConfigError, Counters, RuleSetError};

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
    /// An input on it that is no frame cannot be read.
    #[error("not an input of the engine")]
    Command(#[source] serde_json::Error),
    /// It holds an input that cannot be given to the engine again.
    #[error("an event of type {0:?} cannot be followed: what came after it would be decided differently")]
    Unknown(String),
}

/// An engine that is led through the inputs of a tape, fused and without a clock.
///
/// A state on the tape is an input: from there on the engine goes on from it, with the configuration before it. So
/// tapes of several runs can be followed one after the other. Strategies are not on a tape.
#[derive(Default)]
pub struct Follower {
    config: Option<TapeConfig>,
    state: StateReader,
    /// Something about a configuration or a state has come since the engine was made.
    has_head: bool,
    pipeline: Option<Pipeline>,
    decisions: Vec<Decision>,
    /// Of engines before this one.
    counters: Counters,
    /// Every configuration an engine was made with, once.
    configs: Vec<TapeConfig>,
    /// Their `[series]`.
    series: BTreeMap<String, String>,
    /// Takes the place of every configuration on the tapes.
    given: Option<Config>,
    /// Takes the place of the first state on the tapes.
    begun_with: Option<State>,
}

impl Follower {
    /// Asks what other rules would have decided on the same inputs. Of what the tapes remember, their first state gives
    /// the tweets of the window; decisions in it are those of other rules and are left out, as are all later states.
    pub fn with_config(config: Config) -> Self {
        Self { given: Some(config), has_head: true, ..Self::default() }
    }

    /// Begins with this state rather than the first on the tapes.
    #[must_use]
    pub fn begin_with(mut self, state: State) -> Self {
        self.begun_with = Some(state);
        self
    }

    /// An engine is at work.
    pub fn has_begun(&self) -> bool {
        self.pipeline.is_some() || self.has_head && (self.config.is_some() || self.given.is_some())
    }

    /// What the stages have done, in all engines so far.
    pub fn counters(&self) -> Counters {
        let mut counters = self.counters;
        counters.window_tweets = 0;
        if let Some(pipeline) = &self.pipeline {
            counters.intake += *pipeline.intake.counters();
            counters.merge += pipeline.merge.counters();
            counters.signal += pipeline.signal.counters();
            counters.window_tweets = pipeline.merge.len();
        }
        counters
    }

    /// Leads the engine on by one record.
    pub fn follow(&mut self, record: &Record<'_>) -> Result<(), FollowError> {
        self.decisions.clear();
        match *record {
            Record::Frame { origin, recv_ns, bytes, .. } => {
                let origin = match origin {
                    TapeOrigin::Endpoint { number, .. } => Origin::Endpoint(*number),
                    TapeOrigin::History => Origin::History,
                };
                let (pipeline, decisions) = self.engine(recv_ns)?;
                pipeline.handle(&Input::Frame { origin, bytes, receipt: Receipt::At(recv_ns) }, decisions);
                Ok(())
            }
            Record::Event { at_ns, json } => self.event(at_ns, json),
            Record::Decision { .. } | Record::Unknown { .. } => Ok(()),
        }
    }

    /// Lets deadlines up to `at_ns` fire, Unix ns.
    pub fn tick(&mut self, at_ns: i64) -> Result<(), FollowError> {
        self.decisions.clear();
        let (pipeline, decisions) = self.engine(at_ns)?;
        pipeline.handle(&Input::tick(at_ns), decisions);
        Ok(())
    }

    /// What the last call has led to.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// What has been missed since the last call. Take it behind each record: a configuration or a state on the tape
    /// makes a new engine, and what has not been taken of the old one goes with it.
    pub fn take_missed(&mut self) -> Vec<Missed> {
        self.pipeline.as_mut().map(|pipeline| pipeline.signal.take_missed()).unwrap_or_default()
    }

    /// The configuration that is in force; none before the first.
    pub fn config(&self) -> Option<&TapeConfig> {
        self.config.as_ref()
    }

    /// The configurations that were in force so far, without a key, each once.
    pub fn configs(&self) -> &[TapeConfig] {
        &self.configs
    }

    /// `[series]` of all configurations that were in force so far; of one key the last counts.
    pub fn series(&self) -> &BTreeMap<String, String> {
        &self.series
    }

    /// What the engine remembers now, at `at_ns` at the earliest.
    pub fn state(&mut self, at_ns: i64) -> Result<State, FollowError> {
        let (pipeline, _) = self.engine(at_ns)?;
        Ok(pipeline.save(Scope::All))
    }

    fn event(&mut self, at_ns: i64, json: &[u8]) -> Result<(), FollowError> {
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
            Some("gap" | "external") => {
                let input = read_event(json, at_ns).map_err(FollowError::Command)?;
                let (pipeline, decisions) = self.engine(at_ns)?;
                if let Some(input) = input {
                    pipeline.handle(&input, decisions);
                }
            }
            // Time has passed up to there: a file ends, or the run did.
            Some("clock") => self.tick(at_ns)?,
            Some(kind @ "generation") => return Err(FollowError::Unknown(kind.to_owned())),
            // Of the connection, the clock and the recorder; times of inputs say all that the engine knows of them.
            Some(_) | None => {}
        }
        Ok(())
    }

    /// A state as it counts for this follower: of a run with other rules only what came counts, not what was decided.
    fn of_others(&self, mut state: State) -> State {
        if self.given.is_some() {
            state.tweets.clear();
            state.head.decisions = 0;
        }
        state
    }

    /// The engine that the last configuration and state make; the state is needed no more then.
    fn engine(&mut self, start_ns: i64) -> Result<(&mut Pipeline, &mut Vec<Decision>), FollowError> {
        if std::mem::take(&mut self.has_head) {
            if self.given.is_some() && self.pipeline.is_some() {
                self.state = StateReader::default();
                return self.engine(start_ns);
            }
            let config = match &self.given {
                Some(config) => config.clone(),
                None => Config::from_tape(self.config.as_ref().ok_or(FollowError::NoConfig)?)?,
            };
            self.series.extend(config.series.iter().cloned());
            let text = config.to_tape();
            if !self.configs.contains(&text) {
                self.configs.push(text);
            }
            let mut bounds = config.bounds;
            bounds.has_copies = config.endpoints.len() > 1;
            let reader = std::mem::take(&mut self.state);
            let state = match reader.announced() {
                Some(_) => Some(reader.finish().ok_or(FollowError::HalfState)?),
                // A new configuration alone: what was known stays.
                None => self.pipeline.as_mut().map(|pipeline| pipeline.save(Scope::All)),
            };
            let state = self.begun_with.take().or(state.map(|state| self.of_others(state)));
            self.counters = self.counters();
            let begin_ns = if state.is_some() { 0 } else { start_ns };
            let mut pipeline = Pipeline::new(config.rules()?, bounds, begin_ns);
            if let Some(state) = state {
                pipeline.handle(&Input::restored(state.into()), &mut self.decisions);
            }
            self.pipeline = Some(pipeline);
        }
        let pipeline = self.pipeline.as_mut().ok_or(FollowError::NoConfig)?;
        Ok((pipeline, &mut self.decisions))
    }
}
