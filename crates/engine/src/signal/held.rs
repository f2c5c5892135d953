//! Opens that the universe or a cooldown holds back.

use std::collections::VecDeque;

use stoop_model::{Asset, HashMap, Platform, RefPrice, TweetId};

use super::Signal;
use super::life::Target;
use crate::merge::View;
use crate::rules::Condition;

/// Pairs of rule and tweet that a log remembers. The oldest is forgotten, and then counts again.
const TWEETS: usize = 4096;

/// Index of a rule, and a tweet.
pub(super) type Place = (usize, Platform, TweetId);

pub(super) fn place(rule: usize, view: &View) -> Place {
    (rule, view.platform.clone().unwrap_or_default(), view.tweet_id.clone())
}

/// Assets that did not open, by rule and tweet, so that none is counted or reported twice.
#[derive(Default)]
pub(super) struct TweetLog {
    known: HashMap<Place, Vec<Option<Asset>>>,
    order: VecDeque<Place>,
}

impl TweetLog {
    pub(super) fn learn(&mut self, place: Place, asset: Option<Asset>) {
        if let Some(assets) = self.known.get_mut(&place) {
            return assets.push(asset);
        }
        if self.order.len() >= TWEETS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.known.insert(place.clone(), vec![asset]);
        self.order.push_back(place);
    }

    /// The assets remembered for a rule and a tweet.
    pub(super) fn of(&self, place: &Place) -> &[Option<Asset>] {
        self.known.get(place).map_or(&[], Vec::as_slice)
    }
}

/// An asset on which a rule is about to open, with its price.
pub(super) type Fresh = (Option<Asset>, Option<RefPrice>);

impl Signal {
    /// Leaves only the assets that nothing holds back; counts the others, each once a tweet.
    ///
    /// Assets that open together do not hold each other back: a cooldown begins with the next input.
    pub(super) fn hold_back(&mut self, rule: usize, view: &View, now_ns: i64, fresh: &mut Vec<Fresh>) {
        let Some(of) = self.set.rules.get(rule) else { return };
        let (mut untradable, mut cooled) = (Vec::new(), Vec::new());
        let facts =
            self.evaluation.facts(&self.set, (rule, of), view, (now_ns, view.is_late()), &self.cooldowns);
        fresh.retain(|(asset, _)| {
            // The table has `tradable` before `cooldown`: an asset is counted under the first that holds it back.
            let against = Condition::first_against(&facts, asset.as_ref());
            if against == Some(Condition::Tradable) {
                untradable.push(asset.clone());
            } else if against == Some(Condition::Cooldown) {
                cooled.push(asset.clone());
            }
            against.is_none()
        });
        self.counters.untradable += self.count_once(rule, view, untradable);
        self.counters.cooled += self.count_once(rule, view, cooled);
    }

    /// How many of these have not been counted yet; they have been now.
    fn count_once(&mut self, rule: usize, view: &View, assets: Vec<Option<Asset>>) -> u64 {
        let mut count = 0;
        for asset in assets {
            let known = self.known_targets(&self.held, rule, view);
            // By what stands on the view and not by key: a ticker that has been named since is the same open.
            let mine = self.targets_on(&[asset.as_ref()], view);
            if !mine.iter().any(|target| known.contains(target)) {
                count += 1;
                self.held.learn(place(rule, view), asset);
            }
        }
        count
    }

    /// The targets on this view of the assets that a log remembers for its tweet and the rule.
    pub(super) fn known_targets(&self, log: &TweetLog, rule: usize, view: &View) -> Vec<Target> {
        let known: Vec<Option<&Asset>> = log.of(&place(rule, view)).iter().map(Option::as_ref).collect();
        if known.is_empty() { Vec::new() } else { self.targets_on(&known, view) }
    }
}
