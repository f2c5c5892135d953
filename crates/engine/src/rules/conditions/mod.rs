//! The conditions of a rule: one table of them, and a file for each.
//!
//! A new condition is a file beside this one with its [`Check`], an entry in the table below with the field it has in
//! a rule, and a line in the parser that reads this field.

mod all;
mod any;
mod any_of;
mod assets;
pub(super) mod authors;
pub(super) mod cooldown;
pub(super) mod enabled;
pub(super) mod kinds;
pub(super) mod late;
pub(super) mod max_age;
pub(super) mod min_followers;
mod none;
pub(super) mod platforms;
mod table;
pub(super) mod tradable;
mod tweet;
pub(super) mod verified;

use std::sync::Arc;

use stoop_model::{Asset, Op, Platform, RuleLabel, TweetKind};

pub use authors::Authors;
pub(crate) use cooldown::Cooling;
pub use cooldown::{Cooldown, CooldownBy};
pub(crate) use tweet::is_there;

use super::found::Found;
use super::reading::Reading;
use super::rule::{AssetFilter, Branch, Fire, Market, Terms};
use super::set::RuleSet;
use crate::merge::View;

table::conditions! {
    /// A rule of the user: the fields of its conditions, and its effect when they are met.
    #[derive(Clone, Debug)]
    pub struct Rule {
        /// Its label in decisions.
        pub label: Arc<RuleLabel>,
        /// Operations that may open.
        pub on: Vec<Op>,
        /// Markets to decide on whatever assets there are.
        pub emit: Vec<Market>,
        /// A coin that the text writes counts whether the vendor names it or not.
        pub keeps_unnamed: bool,
        /// When it decides.
        pub fire: Fire,
        /// Latest moment to enter, from the open, ns.
        pub ttl_ns: i64,
        /// The label of the one decision that opens if more assets pass than `assets.max`: the same, with side alert.
        pub(crate) alert: Arc<RuleLabel>,
    }

    // The table: each condition, its check, and its field in a rule. Conditions are tested and explained in this order,
    // so that the first one that fails is the one reported; those of one stage stand together.

    /// The content has not come, or the tweet was deleted.
    Tweet => tweet::Tweet,
    /// `enabled`.
    Enabled => enabled::Enabled {
        /// It may open.
        is_enabled: bool
    },
    /// `authors`.
    Authors => Authors {
        /// Whose posts; none: everyone's.
        authors: Option<Authors>
    },
    /// `platforms`.
    Platforms => platforms::Platforms {
        /// From where; none: all.
        platforms: Option<Vec<Platform>>
    },
    /// `kinds`.
    Kinds => kinds::Kinds {
        /// Which sorts of post.
        kinds: Vec<TweetKind>
    },
    /// `min_followers`.
    MinFollowers => min_followers::MinFollowers {
        /// Least number of followers.
        min_followers: Option<u64>
    },
    /// `verified`.
    Verified => verified::Verified {
        /// Kinds of verification, one of which the author must have.
        verified: Option<Vec<String>>
    },
    /// `any`.
    Any => any::AnyTerm {
        /// Terms: of `any`, of `all` and of `none`.
        terms: Terms
    },
    /// `all`.
    All => all::AllTerms,
    /// `none`.
    None => none::NoTerm,
    /// `any_of`.
    AnyOf => any_of::AnyOf {
        /// Branches, one of which must hold.
        any_of: Vec<Branch>
    },
    /// `assets`.
    Assets => assets::Assets {
        /// Assets, one of which must be there.
        assets: Option<AssetFilter>
    },
    /// `allow_late`.
    Late => late::Late {
        /// It opens on posts that history brought after an outage.
        allow_late: bool
    },
    /// `max_age`.
    MaxAge => max_age::MaxAge {
        /// Greatest age of a post at its open, ns.
        max_age_ns: Option<i64>
    },
    /// `tradable`.
    Tradable => tradable::Tradable {
        /// The universe must list the asset of an open, at one of these venues; none: it need not. An empty list is any
        /// venue.
        tradable: Option<Vec<String>>
    },
    /// `cooldown`.
    Cooldown => Cooldown {
        /// How long nothing opens after an open; none: not at all.
        cooldown: Option<Cooldown>
    },
}

/// When a condition is tested, and what becomes of a rule that does not meet it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Before any rule is looked at.
    Tweet,
    /// Before the view is looked at: if not met, nothing opens, and open decisions are led on.
    Rule,
    /// As long as a decision stands: if not met, nothing opens, and open decisions are cancelled.
    View,
    /// With the assets of the view: what becomes of a decision whose asset has gone depends on the reason.
    Assets,
    /// At an open: a late post opens nothing and is noted as missed.
    Late,
    /// At an open: a post that is too old is counted as stale.
    Age,
    /// At an open, for each of its assets by itself.
    Asset,
}

/// A condition: what its file supplies.
///
/// `holds` runs for every rule on every view, so it allocates nothing; `why` runs for explanations only.
pub(crate) trait Check {
    /// Its keys in a rule; the first names it.
    const KEYS: &'static [&'static str];
    /// When it is tested.
    const STAGE: Stage;

    /// It is met.
    fn holds(facts: &mut Facts<'_>) -> bool;

    /// After it was not: the values compared.
    fn why(facts: &mut Facts<'_>) -> String;

    /// It does not hold back an open on this asset; for conditions of [`Stage::Asset`].
    fn admits(_facts: &Facts<'_>, _asset: Option<&Asset>) -> bool {
        true
    }

    /// What it adds to the text that a rule's hash is over, `;key=value`, and only where it is set: a condition that is
    /// newer than a rule must not change the rule's hash.
    fn hashed(_rule: &Rule) -> Option<String> {
        None
    }
}

/// All that a condition may look at.
pub(crate) struct Facts<'a> {
    pub(crate) set: &'a RuleSet,
    /// Index of the rule.
    pub(crate) index: usize,
    pub(crate) rule: &'a Rule,
    pub(crate) view: &'a View,
    /// The parts of the view that were read so far.
    pub(crate) reading: &'a mut Reading,
    /// The findings of the rule so far.
    pub(crate) found: &'a mut Found,
    /// Engine time, Unix ns.
    pub(crate) now_ns: i64,
    /// History brought the post, or the frame that causes the test.
    pub(crate) is_late: bool,
    /// Which cooldowns run.
    pub(crate) cooling: &'a dyn Cooling,
}

impl Facts<'_> {
    /// For a condition of [`Stage::Asset`]: some asset that would open is admitted. Only admitted ones go on to the
    /// next condition. If there are none, all stay, so that the explanation can name them.
    fn keep_admitted<C: Check>(&mut self) -> bool {
        let opens = std::mem::take(&mut self.found.opens);
        let (admitted, held_back): (Vec<_>, Vec<_>) =
            opens.into_iter().partition(|asset| C::admits(self, asset.as_ref()));
        let is_met = !admitted.is_empty();
        self.found.opens = if is_met { admitted } else { held_back };
        is_met
    }
}

/// Items in a row, for people.
pub(crate) fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
