//! Opens that rules would have made if the post had not come late.

use std::sync::Arc;

use stoop_model::{Asset, Platform, PostField, RuleLabel, TweetId};

use super::Signal;
use super::held::{TweetLog, place};
use super::life::Target;
use crate::merge::View;

/// Missed signals that wait to be read; more are only counted.
pub const MISSED: usize = 1024;
/// A decision that a rule would have opened if the feed had brought the post: history brought it, and the rule lacks
/// `allow_late`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The rule.
    pub rule: Arc<RuleLabel>,
    /// Platform of the tweet.
    pub platform: Platform,
    /// The tweet.
    pub tweet_id: TweetId,
    /// Its author's handle without `@`, in lower case.
    pub author: Option<String>,
    /// Its link.
    pub link: Option<String>,
    /// The asset of the decision that was missed.
    pub asset: Option<Asset>,
    /// Creation of the post, Unix ms.
    pub created_ms: Option<i64>,
    /// When it was found, Unix ns: input time.
    pub decided_ns: i64,
}

/// Missed signals: those still to be reported, and those already known, so that none is reported twice.
#[derive(Default)]
pub(super) struct MissedLog {
    waiting: Vec<Missed>,
    known: TweetLog,
}

impl Signal {
    /// Removes and returns the missed signals since the last call, at most [`MISSED`].
    pub fn take_missed(&mut self) -> Vec<Missed> {
        std::mem::take(&mut self.missed.waiting)
    }

    /// Some missed signal has not been read yet.
    pub fn has_missed(&self) -> bool {
        !self.missed.waiting.is_empty()
    }

    /// Writes down what a rule would have opened.
    pub(super) fn miss(
        &mut self,
        rule: usize,
        view: &View,
        decided_ns: i64,
        assets: impl Iterator<Item = Option<Asset>>,
    ) {
        let Some(of) = self.set.rules.get(rule) else { return };
        for asset in assets {
            self.counters.missed += 1;
            self.missed.known.learn(place(rule, view), asset.clone());
            if self.missed.waiting.len() < MISSED {
                self.missed.waiting.push(Missed {
                    rule: Arc::clone(&of.label),
                    platform: view.platform.clone().unwrap_or_default(),
                    tweet_id: view.tweet_id.clone(),
                    author: self.evaluation.reading.handle().map(str::to_owned),
                    link: view.post().field(PostField::Link).map(str::to_owned),
                    asset,
                    created_ms: view.created_ms(),
                    decided_ns,
                });
            }
        }
    }

    /// Candidates of the view that the rule is known to have missed on this tweet: a ticker that has been named since
    /// is the same signal.
    pub(super) fn missed_before(&self, rule: usize, view: &View) -> Vec<Target> {
        let mut targets = self.known_targets(&self.missed.known, rule, view);
        if targets.contains(&Target::Null) {
            // It would have become the first asset that passes.
            targets.extend(self.evaluation.found.passing.first().map(|index| Target::Candidate(*index)));
        }
        targets
    }
}
