//! User code in place of conditions: the questions it is asked, and its answers.

use std::fmt;

use stoop_model::{Asset, Trigger, TweetKind};

use super::asset::emitted;
use super::conditions::Rule;
use super::found::Found;
use super::reading::Reading;
use super::set::RuleSet;
use crate::input::Message;
use crate::merge::View;

/// A condition written in code, after the conditions of its rule.
///
/// The engine asks it wherever it would test the rule ([`Self::judge`]), and leads what it accepts through the same
/// life as a rule's decisions. If it refuses later what it accepted before, the decision is cancelled with `no_match`.
///
/// A strategy may keep whatever state it likes. Its answers must follow only from what the engine shows it, in that
/// order: no clock except [`Case::now_ns`], no random number without a fixed seed, no hash map whose order depends on
/// one, no file, no socket. Then a replay decides as the live run did. It may ask others (say, a model over a channel)
/// as long as it does not wait; answers come back as a [`Message`].
///
/// It runs on the engine's thread, so every frame after it waits for it. If it panics, it is switched off: it is not
/// asked again, and what it has opened stands, lapses, and is cancelled only by a deletion.
pub trait Strategy: Send {
    /// Its rule as TOML: everything that may stand in a `[[rule]]`, without that header. `name` is the only key it
    /// needs. Read once, at the start.
    fn rule(&self) -> String;

    /// Judges a tweet that meets the rule's conditions on the post itself. Those on assets, lateness, age, `tradable`
    /// and `cooldown` are tested after it.
    ///
    /// Asked for every frame that could open a decision, or whose tweet has one: with `two_phase` every content,
    /// update and meta, with `content` the first content, with `enriched` from the enrichment on; also when `wait` is
    /// over, and when a [`Message`] names the tweet.
    fn judge(&mut self, case: &Case<'_>) -> Judgement;

    /// Reads a message of the host, at `now_ns`. If it names a tweet that is remembered, [`Self::judge`] follows.
    fn message(&mut self, message: &Message, now_ns: i64) {
        let _ = (message, now_ns);
    }
}

/// The answer of a strategy about a tweet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing is decided on it, and what was is cancelled.
    Refuse,
    /// All that the rule lets through.
    Take,
    /// Nothing new. What stands stays, and is confirmed, revised or cancelled as the engine sees fit.
    Keep,
    /// Of [`Case::assets`] only those at these places. Places beyond are passed over; none at all is a refusal.
    Only(Vec<usize>),
}

/// A tweet at a moment, as a strategy is shown it.
pub struct Case<'a> {
    /// All that is known of it.
    pub view: &'a View,
    /// The cause of the question.
    pub trigger: Trigger,
    /// Engine time, Unix ns.
    pub now_ns: i64,
    /// It is the first content of this tweet: asked for once a tweet.
    pub is_first_content: bool,
    /// The author's handle without `@`, in lower case.
    pub author: Option<&'a str>,
    /// The kind of post.
    pub kind: &'a TweetKind,
    pub(crate) rule: &'a Rule,
    pub(crate) set: &'a RuleSet,
    pub(crate) reading: &'a Reading,
    pub(crate) found: &'a Found,
}

impl Case<'_> {
    /// The assets the rule lets through, in the order decisions would open: of `assets` those that are there, of `emit`
    /// all. None for a rule that asks for none.
    pub fn assets(&self) -> Vec<Asset> {
        let reader = self.reading.candidates.with(self.view, &self.set.aliases);
        let list = self.reading.candidates.list();
        let named = self.found.passing.iter().filter(|_| self.rule.emit.is_empty());
        let named = named.filter_map(|index| list.get(*index)).map(|candidate| reader.asset(candidate));
        let emits = self.found.emitting.iter().filter_map(|index| self.rule.emit.get(*index));
        named.chain(emits.map(emitted)).collect()
    }

    /// The vendor's enrichment has come.
    pub fn is_enriched(&self) -> bool {
        self.view.enriched_ns.is_some()
    }
}

impl fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("tweet_id", &self.view.tweet_id)
            .field("trigger", &self.trigger)
            .field("now_ns", &self.now_ns)
            .finish_non_exhaustive()
    }
}
