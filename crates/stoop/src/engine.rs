//! Starting an engine from a configuration.

use std::fmt;
use std::time::Duration;

use stoop_engine::Strategy;
use stoop_live::{Notice, Remote, Settings, Snapshot, StartError, TapeCheck, TapeSettings};
use stoop_model::Decision;

use crate::{Config, ConfigError, Key, RuleSetError, Summary};

const CLOSE_LEAST: Duration = Duration::from_millis(50);
const CLOSE_MOST: Duration = Duration::from_secs(1);

/// A running engine on a thread of its own. Dropping it stops it and waits for its end.
#[derive(Debug)]
pub struct Engine {
    live: stoop_live::Engine,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is neither a rule nor a strategy to run.
    #[error("there is no rule: without one nothing is ever decided")]
    NoRules,
    /// No key was given.
    #[error("there is no API key")]
    NoKey,
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The rules cannot be used.
    #[error(transparent)]
    Rules(#[from] RuleSetError),
    /// The engine did not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// What an engine is started from.
#[derive(Default)]
pub struct EngineBuilder {
    config: Config,
    key: Option<Key>,
    max_frames: Option<u64>,
    status_every: Option<Duration>,
    strategies: Vec<Box<dyn Strategy>>,
    may_decide_nothing: bool,
}

impl fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineBuilder")
            .field("config", &self.config)
            .field("key", &self.key)
            .field("max_frames", &self.max_frames)
            .field("status_every", &self.status_every)
            .field("strategies", &self.strategies.len())
            .field("may_decide_nothing", &self.may_decide_nothing)
            .finish()
    }
}

impl EngineBuilder {
    /// The configuration; without it everything is at its default and there is no rule.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The API key.
    #[must_use]
    pub fn key(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }

    /// Stop after this many frames.
    #[must_use]
    pub fn max_frames(mut self, frames: u64) -> Self {
        self.max_frames = Some(frames);
        self
    }

    /// Tell the counters that often, as a notice; at most every millisecond.
    #[must_use]
    pub fn status_every(mut self, every: Duration) -> Self {
        self.status_every = Some(every.max(Duration::from_millis(1)));
        self
    }

    /// User code beside the rules. Strategies are asked in the order they are given, after all rules.
    #[must_use]
    pub fn strategy(mut self, strategy: impl Strategy + 'static) -> Self {
        self.strategies.push(Box::new(strategy));
        self
    }

    /// Starts without rules too: what comes is recorded, and nothing decided.
    #[must_use]
    pub fn without_rules(mut self) -> Self {
        self.may_decide_nothing = true;
        self
    }

    /// Starts the engine: it dials at once and goes on until it is stopped or refused for good.
    pub fn start(self) -> Result<Engine, EngineError> {
        let has_strategies = !self.strategies.is_empty();
        let rules = self.config.rules_with(self.strategies)?;
        if rules.rules().is_empty() && !self.may_decide_nothing {
            return Err(EngineError::NoRules);
        }
        let config = self.config;
        let tape = config.tape.as_ref().map(|tape| TapeSettings {
            dir: tape.dir.clone(),
            config: config.to_tape(),
            max_bytes: tape.max_bytes,
            max_ns: i64::try_from(tape.max_time.as_nanos()).unwrap_or(i64::MAX),
            // Strategies are not on a tape: what they have decided cannot be decided again from it.
            check: (tape.parity && !has_strategies).then(|| TapeCheck::new(crate::tapes::check)),
        });
        let settings = Settings {
            endpoints: config.endpoints,
            api: Some(config.api),
            auth: config.auth,
            key: self.key.ok_or(EngineError::NoKey)?,
            feed: stoop_feed::Settings {
                // A server that does not answer a close must not hold up a stop.
                close_timeout: config.drain_timeout.clamp(CLOSE_LEAST, CLOSE_MOST),
                ..config.feed
            },
            backfill: config.backfill,
            seed: seed(),
            bounds: config.bounds,
            placement: config.placement.unwrap_or_default(),
            queue_capacity: config.queue_capacity,
            when_full: config.when_full,
            drain_timeout: config.drain_timeout,
            max_frames: self.max_frames,
            status_every: self.status_every,
            store: config.store,
            tape,
        };
        Ok(Engine { live: stoop_live::Engine::start(settings, rules)? })
    }
}

/// A seed for the jitter of reconnects, so that many clients do not come back at once. Reaches no decision.
fn seed() -> u64 {
    stoop_live::Clock::anchored().now_ns().unsigned_abs()
}

impl Engine {
    /// Begins to build one.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// The receiving end of the decision queue. It ends when the engine has, after everything queued was taken.
    ///
    /// Handed out once; clone it for more readers: a decision goes to one of them. When it and all its clones are
    /// dropped, the engine ends with [`End::ConsumerGone`](crate::End) when it has the next decision to hand over, which on
    /// a quiet feed may be much later: call [`Self::stop`]. A second call returns a receiver that has ended.
    ///
    /// [`receive`](crate::receive) takes from it without the time it takes the system to wake a thread.
    pub fn decisions(&self) -> crossbeam_channel::Receiver<Decision> {
        self.live.decisions()
    }

    /// Records that `decision` has just been taken, for the stage `queued→taken`.
    pub fn taken(&self, decision: &Decision) {
        self.live.taken(decision);
    }

    /// Tells that this decision and all before it have reached their output: a file, a broker, whatever cannot lose them
    /// any more. With `[store]` nothing is kept over a restart before it was told; without, this does nothing.
    ///
    /// After a crash the engine goes on from the last state that was written. What had been decided after that comes again
    /// if the server sends its frames again, with the same `id` and `revision`: drop what you have seen.
    pub fn acknowledge(&self, seq: u64) {
        self.live.acknowledge(seq);
    }

    /// What the engine tells besides decisions: the connection, gaps, results of account commands, the queue, strategies,
    /// and the counters as often as the builder was asked. Never waited for: what a host does not take is dropped.
    pub fn notices(&self) -> crossbeam_channel::Receiver<Notice> {
        self.live.notices()
    }

    /// A handle for other threads: stops the engine, tells its strategies.
    pub fn remote(&self) -> Remote {
        self.live.remote()
    }

    /// Asks the engine to stop; returns at once.
    pub fn stop(&self) {
        self.live.stop();
    }

    /// Counters and latencies as they are now; none once the engine has ended. Waits for the engine to come to it.
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.live.snapshot()
    }

    /// The engine has ended; [`Self::join`] returns at once.
    pub fn is_ended(&self) -> bool {
        self.live.is_ended()
    }

    /// Waits for the engine's end; returns counters, latencies and digest. Does not ask for the end.
    pub fn join(self) -> Summary {
        self.live.join()
    }

    /// Waits for the engine's end for at most `limit`; true if it has come. Does not ask for it.
    pub fn ends_within(&self, limit: Duration) -> bool {
        self.live.ends_within(limit)
    }
}
